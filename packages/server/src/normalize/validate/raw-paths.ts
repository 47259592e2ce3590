/** The members that name paths in the raw event, which are looked at when it arrives. */
import { DEFAULT_TIME_FIELDS } from '../../json/time.ts';
import { PolicyError } from '../../policy/policy-error.ts';
import { type Json, list, MAX_FIELDS, noConflict, path } from '../../policy/values.ts';

const MAX_ID_FIELDS = 16;
/** As in `contracts/log.md`, for a policy without `idFrom`. */
const DEFAULT_ID_FIELDS = ['eventId', 'id'];

export function validateRawPaths(policy: Json): void {
  const idFrom = paths(policy, 'idFrom', MAX_ID_FIELDS);
  if (policy.timeField !== undefined) path(policy.timeField, 'timeField');
  const redact = paths(policy, 'redact', MAX_FIELDS);
  const hash = paths(policy, 'hash', MAX_FIELDS);
  const remedy = 'a path is taken out or hashed once, as a whole; keep one of them';
  noConflict(redact, 'redact', remedy);
  noConflict([...redact, ...hash], 'hash', remedy);
  const times = policy.timeField === undefined ? [] : [policy.timeField as string];
  keepApart(redact, 'redact', times, 'timeField', overlap);
  keepApart(hash, 'hash', policy.timeField === undefined ? DEFAULT_TIME_FIELDS : times, 'timeField', overlap);
  // Events whose ids are taken out before they are read would be told apart by the rest, and some be lost as doubles.
  keepApart(redact, 'redact', policy.idFrom === undefined ? DEFAULT_ID_FIELDS : idFrom, 'idFrom', overlap);
  // A hash names the event as well as what it is of, as long as it is of the very value.
  keepApart(hash, 'hash', idFrom, 'idFrom', (a, b) => overlap(a, b) && a.length !== b.length);
}

function paths(policy: Json, member: string, limit: number): string[] {
  if (policy[member] === undefined) return [];
  const all = list(policy[member], member, limit);
  if (all.length === 0) {
    throw new PolicyError('invalid-value', member, 'is empty', 'leave it out, or name the paths');
  }
  all.forEach((item, index) => {
    path(item, `${member}[${index}]`);
  });
  return all as string[];
}

type Conflict = (a: readonly string[], b: readonly string[]) => boolean;

function keepApart(
  taken: readonly string[],
  where: string,
  needed: readonly string[],
  by: string,
  conflict: Conflict,
): void {
  for (const need of needed) {
    const wanted = path(need, by);
    const index = taken.findIndex((item) => conflict(path(item, where), wanted));
    if (index === -1) continue;
    const problem = `"${taken[index]}" is needed to read "${need}"`;
    throw new PolicyError('conflict', `${where}[${index}]`, problem, `leave it as it is, or name another ${by}`);
  }
}

/** One is the other, or leads into it. */
function overlap(a: readonly string[], b: readonly string[]): boolean {
  const length = Math.min(a.length, b.length);
  return a.slice(0, length).every((segment, index) => segment === b[index]);
}
