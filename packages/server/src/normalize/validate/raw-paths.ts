/** The members that name paths in the raw event, which are looked at when it arrives. */
import { DEFAULT_TIME_FIELDS } from '../../json/time.ts';
import { PolicyError } from '../../policy/policy-error.ts';
import { type Json, list, MAX_FIELDS, noConflict, object, onlyMembers, path } from '../../policy/values.ts';

const MAX_ID_FIELDS = 16;
/** As in `contracts/log.md`, for a policy without `idFrom`. */
const DEFAULT_ID_FIELDS = ['eventId', 'id'];

/** A member of the policy that changes the event. */
interface Change {
  where: string;
  kind: 'redact' | 'hash' | 'mask';
  paths: string[];
}

export function validateRawPaths(policy: Json): void {
  const idFrom = paths(policy.idFrom, 'idFrom', MAX_ID_FIELDS);
  if (policy.timeField !== undefined) path(policy.timeField, 'timeField');
  const changes: Change[] = [
    { where: 'redact', kind: 'redact', paths: paths(policy.redact, 'redact', MAX_FIELDS) },
    { where: 'hash', kind: 'hash', paths: paths(policy.hash, 'hash', MAX_FIELDS) },
    ...(policy.pii === undefined ? [] : changesOfMarked(object(policy.pii, 'pii'))),
  ];
  const before: string[] = [];
  for (const change of changes) {
    before.push(...change.paths);
    noConflict(before, change.where, 'a path is taken out, hashed or masked once, as a whole; keep one of them');
  }
  for (const change of changes) keepReadable(change, policy, idFrom);
}

function changesOfMarked(pii: Json): Change[] {
  const kinds = ['redact', 'hash', 'mask'] as const;
  onlyMembers(pii, 'pii', kinds);
  if (Object.keys(pii).length === 0) throw empty('pii');
  return kinds.map((kind) => ({ where: `pii.${kind}`, kind, paths: paths(pii[kind], `pii.${kind}`, MAX_FIELDS) }));
}

function keepReadable({ where, kind, paths: changed }: Change, policy: Json, idFrom: readonly string[]): void {
  const times = policy.timeField === undefined ? [] : [policy.timeField as string];
  if (kind === 'hash') {
    keepApart(changed, where, policy.timeField === undefined ? DEFAULT_TIME_FIELDS : times, 'timeField', overlap);
    // A hash names the event as well as what it is of, as long as it is of the very value.
    keepApart(changed, where, idFrom, 'idFrom', (a, b) => overlap(a, b) && a.length !== b.length);
    return;
  }
  keepApart(changed, where, times, 'timeField', overlap);
  // Events whose ids are taken out before they are read would be told apart by the rest, and some be lost as doubles;
  // ids that are masked, by what the mask leaves of them.
  keepApart(changed, where, policy.idFrom === undefined ? DEFAULT_ID_FIELDS : idFrom, 'idFrom', overlap);
}

function paths(value: unknown, where: string, limit: number): string[] {
  if (value === undefined) return [];
  const all = list(value, where, limit);
  if (all.length === 0) throw empty(where);
  all.forEach((item, index) => {
    path(item, `${where}[${index}]`);
  });
  return all as string[];
}

function empty(where: string): PolicyError {
  return new PolicyError('invalid-value', where, 'is empty', 'leave it out, or name the paths');
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
