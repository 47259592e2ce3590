/** The query parameters `filter`, `fields`, `split` and `key`, checked. */
import { FilterError } from '../filter/errors.ts';
import { Fields } from '../filter/fields.ts';
import { Filter } from '../filter/filter.ts';
import { MAX_KEY_PATHS } from '../filter/limits.ts';
import type { Path } from '../filter/path.ts';
import { parsePaths } from '../filter/path-list.ts';
import { Split } from '../filter/split.ts';
import { badRequest, Problem, type ProblemCode } from './problem.ts';
import type { Query } from './query.ts';

/** @throws Problem 400 `filter-invalid` with its `position` */
export function filterOf({ filter }: Query): Filter | undefined {
  return filter === undefined ? undefined : located('filter-invalid', () => Filter.parse(filter));
}

/** @throws Problem 400 `fields-invalid` with its `position` */
export function fieldsOf({ fields }: Query): Fields | undefined {
  return fields === undefined ? undefined : located('fields-invalid', () => Fields.parse(fields));
}

/** @throws Problem 400 */
export function splitOf({ split, key, slow }: Query): Split | undefined {
  if (split === undefined) {
    if (key === undefined || slow === 'conflate') return undefined;
    throw badRequest('"key" says by what to split or to conflate; it goes with "split" or "slow=conflate"');
  }
  return explained(() => Split.parse(split, key));
}

/** @throws Problem 400 */
export function keyOf({ key }: Query): Path[] | undefined {
  return key === undefined ? undefined : explained(() => parsePaths(key, MAX_KEY_PATHS));
}

function explained<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof FilterError)) throw cause;
    throw badRequest(`"${cause.code === 'bad-split' ? 'split' : 'key'}": ${cause.message}`);
  }
}

function located<T>(code: ProblemCode, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof FilterError)) throw cause;
    const { message, position } = cause;
    throw new Problem(400, code, `at ${position}: ${message}`, { cause, extra: { position } });
  }
}
