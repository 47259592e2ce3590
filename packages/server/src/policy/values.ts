/** What the parts of a policy, for mapping or for fusion, are checked with. Each throws a PolicyError that names the place. */
import { canonicalize } from '@tidemark/proof';
import { buildTree, PathError, parsePath } from '../json/path.ts';
import { PolicyError } from './policy-error.ts';

export type Json = Record<string, unknown>;

export const MAX_FIELDS = 1000;

/** Names of fields that a rule is about. */
export function knownFields(names: readonly unknown[], where: string, known: ReadonlySet<string> | undefined): void {
  for (const name of names) {
    path(name, where);
    if (known !== undefined && !known.has(name as string)) {
      const problem = `"${String(name)}" is not a field that map makes`;
      throw new PolicyError('unknown-field', where, problem, 'add it to map, or remove the rule');
    }
  }
}

export function path(value: unknown, where: string): string[] {
  if (typeof value !== 'string') throw new PolicyError('wrong-type', where, 'is not text', 'give a path as a.b.0.c');
  try {
    return parsePath(value);
  } catch (cause) {
    if (!(cause instanceof PathError)) throw cause;
    const remedy = 'write a path as a.b.0.c, with \\. for a dot in a name';
    throw new PolicyError('invalid-path', where, `"${value.slice(0, 64)}": ${cause.message}`, remedy, { cause });
  }
}

/** No path is, or leads into, another. */
export function noConflict(
  names: readonly string[],
  where: string,
  remedy = 'a field cannot both be a value and have members',
): void {
  const paths = names.map((name) => path(name, where));
  try {
    buildTree(paths);
  } catch (cause) {
    if (!(cause instanceof PathError)) throw cause;
    throw new PolicyError('conflict', where, cause.message, remedy, { cause });
  }
}

/** JSON.parse has already rounded them by the time a policy comes here. */
export function safeNumbers(value: unknown, where: string): void {
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw new PolicyError('invalid-value', where, 'is an integer beyond ±(2^53−1)', 'write it as text');
  }
  if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) safeNumbers(member, where);
  }
}

export function entries(value: Json, where: string, limit = MAX_FIELDS): [string, unknown][] {
  const all = Object.entries(value);
  if (all.length > limit) {
    throw new PolicyError('too-large', where, `has more than ${limit} fields`, 'remove some');
  }
  return all;
}

export function object(value: unknown, where: string, remedy = 'give {…}'): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw new PolicyError('wrong-type', where, 'is not an object', remedy);
}

export function list(value: unknown, where: string, limit: number): unknown[] {
  if (!Array.isArray(value)) throw new PolicyError('wrong-type', where, 'is not a list', 'give […]');
  if (value.length > limit) throw new PolicyError('too-large', where, `has more than ${limit} items`, 'remove some');
  return value;
}

export function number(value: unknown, where: string): number {
  if (typeof value === 'number') return value;
  throw new PolicyError('wrong-type', where, 'is not a number', 'give a number, without quotes');
}

/** @param limit of the policy's canonical text, in characters */
export function limitSize(policy: Json, limit: number, remedy: string): void {
  let text: string;
  try {
    text = canonicalize(policy);
  } catch (cause) {
    const problem = `is not plain JSON (${cause instanceof Error ? cause.message : String(cause)})`;
    throw new PolicyError('invalid-value', '', problem, 'write it as JSON', { cause });
  }
  if (text.length > limit) throw new PolicyError('too-large', '', `is longer than ${limit} characters`, remedy);
}

export function text(value: unknown, where: string): string {
  if (typeof value === 'string') return value;
  throw new PolicyError('wrong-type', where, 'is not text', 'give text, in quotes');
}

export function oneOf(value: unknown, choices: readonly string[], where: string): void {
  if (typeof value === 'string' && choices.includes(value)) return;
  throw new PolicyError('invalid-value', where, 'is not a value it can have', `give one of ${choices.join(', ')}`);
}

export function onlyMembers(value: Json, where: string, known: readonly string[]): void {
  for (const member of Object.keys(value)) {
    if (known.includes(member)) continue;
    const at = where === '' ? member : `${where}.${member}`;
    throw new PolicyError('unknown-member', at, 'is unknown', `known here are ${known.join(', ')}`);
  }
}
