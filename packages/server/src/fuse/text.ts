/** Values and names as reasons and issues show them: bounded, so that no event can make them large. */
import { canonicalize } from '@tidemark/proof';
import type { JsonValue } from '../json/parse.ts';
import { formatPath } from '../json/path.ts';
import { shortened } from '../json/shortened.ts';

const MAX_VALUE_SHOWN = 64;
const MAX_FIELD_SHOWN = 512;
const MAX_NAMES_SHOWN = 5;

/** A value in at most `MAX_VALUE_SHOWN` characters and an ellipsis; text without quotes. */
export function shown(value: JsonValue | undefined): string {
  if (value === undefined) return 'nothing';
  return shortened(typeof value === 'string' ? value : canonicalize(value), MAX_VALUE_SHOWN);
}

export function shownField(field: string): string {
  return shortened(field, MAX_FIELD_SHOWN);
}

/** @param path empty for the payload as a whole */
export function shownPath(path: readonly string[]): string {
  return path.length === 0 ? 'the payload' : shownField(formatPath(path));
}

/** `a`, `a and b`, `a, b and c`, `a, b, c, d and 3 more` */
export function listed(items: readonly string[], limit: number = MAX_NAMES_SHOWN): string {
  const kept = items.length <= limit ? [...items] : [...items.slice(0, limit - 1), `${items.length - limit + 1} more`];
  const last = kept.pop() ?? '';
  return kept.length === 0 ? last : `${kept.join(', ')} and ${last}`;
}
