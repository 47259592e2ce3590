/** Mapping policies: their type, and the one place where an untrusted value becomes one. See `contracts/http.md`. */
import { canonicalize } from '@tidemark/proof';
import type { JsonValue } from '../json/parse.ts';
import { buildTree, PathError, parsePath } from '../json/path.ts';
import { PolicyError } from './policy-error.ts';

/**
 * - `string`: text stays; numbers and booleans as JSON writes them, numbers beyond a double as they were written
 * - `number`: a number, or decimal text
 * - `integer`: a whole number within ±(2^53−1), or text of one
 * - `boolean`: `true`, `false`, 1, 0, and these as text in any case
 * - `iso8601`: RFC 3339 text → the same instant as `2026-03-01T12:00:00.000Z`
 * - `iso8601->epoch`: RFC 3339 text → seconds since 1970, kept to the millisecond
 * - `timestamp`: RFC 3339 text, or a count since 1970 in s, ms, µs or ns by its magnitude → text as of `iso8601`
 */
export type CoercionKind = (typeof COERCION_KINDS)[number];
const COERCION_KINDS = ['string', 'number', 'integer', 'boolean', 'iso8601', 'iso8601->epoch', 'timestamp'] as const;

/** Where a field of the payload comes from. A default stands in for a value that is missing or null. */
export type MapSource = string | { const: JsonValue } | { path: string; default?: JsonValue };

/** Inclusive. */
export interface Bounds {
  min?: number;
  max?: number;
}

/**
 * Fields are dotted paths (`json/path.ts`): into the payload, which `map` makes of the raw event, or which, without
 * a map or with an empty one, is the raw event.
 */
export interface MappingPolicy {
  map?: Record<string, MapSource>;
  required?: string[];
  coerce?: Record<string, CoercionKind>;
  /** The other spelling of `coerce`; one of the two. */
  coercion?: Record<string, CoercionKind>;
  constraints?: { bounds?: Record<string, Bounds> };
  /** Raw paths whose values together name the event. */
  idFrom?: string[];
  /** Raw path of the event's time. */
  timeField?: string;
  onIssue?: 'quarantine' | 'certify';
}

export const MAX_FIELDS = 1000;
const MAX_ID_FIELDS = 16;
/** Of the policy's canonical text, in characters. */
const MAX_POLICY_LENGTH = 262_144;

const MEMBERS = ['map', 'required', 'coerce', 'coercion', 'constraints', 'idFrom', 'timeField', 'onIssue'];
const MEMBERS_TO_COME = ['redact', 'hash'];
const CONSTRAINTS_TO_COME = ['enum', 'pattern', 'monotonicFields', 'monotonicKey', 'schema', 'compare'];

type Json = Record<string, unknown>;

/**
 * The value itself, once it is known to be a policy that can be applied as a whole.
 * @throws PolicyError
 */
export function parsePolicy(value: unknown): MappingPolicy {
  const policy = object(value, '');
  limitSize(policy);
  onlyMembers(policy, '', MEMBERS, MEMBERS_TO_COME);
  if (policy.coerce !== undefined && policy.coercion !== undefined) {
    throw new PolicyError(
      'conflict',
      'coercion',
      'stands beside coerce, of which it is a spelling',
      'keep one of them',
    );
  }
  const outputs = policy.map === undefined ? [] : mapping(object(policy.map, 'map'));
  const known = outputs.length === 0 ? undefined : new Set(outputs);
  for (const member of ['coerce', 'coercion']) {
    if (policy[member] !== undefined) coercions(object(policy[member], member), member, known);
  }
  if (policy.required !== undefined) fields(list(policy.required, 'required', MAX_FIELDS), 'required', known);
  if (policy.constraints !== undefined) constraints(object(policy.constraints, 'constraints'), known);
  if (policy.idFrom !== undefined) idFields(list(policy.idFrom, 'idFrom', MAX_ID_FIELDS));
  if (policy.timeField !== undefined) path(policy.timeField, 'timeField');
  if (policy.onIssue !== undefined) oneOf(policy.onIssue, ['quarantine', 'certify'], 'onIssue');
  return policy as MappingPolicy;
}

function limitSize(policy: Json): void {
  let text: string;
  try {
    text = canonicalize(policy);
  } catch (cause) {
    const problem = `is not plain JSON (${cause instanceof Error ? cause.message : String(cause)})`;
    throw new PolicyError('invalid-value', '', problem, 'write it as JSON', { cause });
  }
  if (text.length > MAX_POLICY_LENGTH) {
    throw new PolicyError('too-large', '', `longer than ${MAX_POLICY_LENGTH} characters`, 'split the source');
  }
}

function mapping(map: Json): string[] {
  const outputs = entries(map, 'map');
  const names = outputs.map(([field]) => field);
  noConflict(names, 'map');
  for (const [field, source] of outputs) {
    const where = `map.${field}`;
    if (typeof source === 'string') path(source, where);
    else mapSource(object(source, where, 'give a raw path, {"const": …} or {"path": …, "default": …}'), where);
  }
  return names;
}

function mapSource(source: Json, where: string): void {
  onlyMembers(source, where, 'const' in source ? ['const'] : ['path', 'default'], []);
  if (!('const' in source)) path(source.path, `${where}.path`);
  for (const member of ['const', 'default']) {
    if (member in source) safeNumbers(source[member], `${where}.${member}`);
  }
}

function coercions(kinds: Json, member: string, known: Set<string> | undefined): void {
  const kindOf = entries(kinds, member);
  const names = kindOf.map(([field]) => field);
  fields(names, member, known);
  noConflict(names, member);
  for (const [field, kind] of kindOf) oneOf(kind, COERCION_KINDS, `${member}.${field}`);
}

function constraints(value: Json, known: Set<string> | undefined): void {
  onlyMembers(value, 'constraints', ['bounds'], CONSTRAINTS_TO_COME);
  if (value.bounds === undefined) return;
  const bounds = entries(object(value.bounds, 'constraints.bounds'), 'constraints.bounds');
  const names = bounds.map(([field]) => field);
  fields(names, 'constraints.bounds', known);
  for (const [field, item] of bounds) {
    const where = `constraints.bounds.${field}`;
    const { min, max } = limits(object(item, where, 'give {"min": …, "max": …}'), where);
    if (min === undefined && max === undefined) {
      throw new PolicyError('invalid-value', where, 'bounds nothing', 'give min, max or both');
    }
    if (min !== undefined && max !== undefined && min > max) {
      throw new PolicyError('conflict', where, `min ${min} is above max ${max}`, 'no value could pass; swap them');
    }
  }
}

function limits(bounds: Json, where: string): Bounds {
  onlyMembers(bounds, where, ['min', 'max'], []);
  for (const member of ['min', 'max']) {
    if (bounds[member] !== undefined && typeof bounds[member] !== 'number') {
      throw new PolicyError('wrong-type', `${where}.${member}`, 'is not a number', 'give a number, without quotes');
    }
  }
  return bounds;
}

function idFields(paths: unknown[]): void {
  if (paths.length === 0) {
    throw new PolicyError('invalid-value', 'idFrom', 'is empty', 'leave it out, or name the paths of the id');
  }
  paths.forEach((item, index) => {
    path(item, `idFrom[${index}]`);
  });
}

/** Names of fields that a rule is about. */
function fields(names: unknown[], where: string, known: Set<string> | undefined): void {
  for (const name of names) {
    path(name, where);
    if (known !== undefined && !known.has(name as string)) {
      const problem = `"${String(name)}" is not a field that map makes`;
      throw new PolicyError('unknown-field', where, problem, 'add it to map, or remove the rule');
    }
  }
}

function path(value: unknown, where: string): string[] {
  if (typeof value !== 'string') throw new PolicyError('wrong-type', where, 'is not text', 'give a path as a.b.0.c');
  try {
    return parsePath(value);
  } catch (cause) {
    if (!(cause instanceof PathError)) throw cause;
    const remedy = 'write a path as a.b.0.c, with \\. for a dot in a name';
    throw new PolicyError('invalid-path', where, `"${value.slice(0, 64)}": ${cause.message}`, remedy, { cause });
  }
}

function noConflict(names: string[], where: string): void {
  const paths = names.map((name) => path(name, where));
  try {
    buildTree(paths);
  } catch (cause) {
    if (!(cause instanceof PathError)) throw cause;
    throw new PolicyError('conflict', where, cause.message, 'a field cannot both be a value and have members', {
      cause,
    });
  }
}

/** JSON.parse has already rounded them by the time a policy comes here. */
function safeNumbers(value: unknown, where: string): void {
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw new PolicyError('invalid-value', where, 'is an integer beyond ±(2^53−1)', 'write it as text');
  }
  if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) safeNumbers(member, where);
  }
}

function entries(value: Json, where: string): [string, unknown][] {
  const all = Object.entries(value);
  if (all.length > MAX_FIELDS) {
    throw new PolicyError('too-large', where, `has more than ${MAX_FIELDS} fields`, 'remove some');
  }
  return all;
}

function object(value: unknown, where: string, remedy = 'give {…}'): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw new PolicyError('wrong-type', where, 'is not an object', remedy);
}

function list(value: unknown, where: string, limit: number): unknown[] {
  if (!Array.isArray(value)) throw new PolicyError('wrong-type', where, 'is not a list', 'give […]');
  if (value.length > limit) throw new PolicyError('too-large', where, `has more than ${limit} items`, 'remove some');
  return value;
}

function oneOf(value: unknown, choices: readonly string[], where: string): void {
  if (typeof value === 'string' && choices.includes(value)) return;
  throw new PolicyError('invalid-value', where, 'is not a value it can have', `give one of ${choices.join(', ')}`);
}

function onlyMembers(value: Json, where: string, known: readonly string[], toCome: readonly string[]): void {
  for (const member of Object.keys(value)) {
    if (known.includes(member)) continue;
    const at = where === '' ? member : `${where}.${member}`;
    if (toCome.includes(member)) throw new PolicyError('not-supported', at, 'is not supported yet', 'leave it out');
    throw new PolicyError('unknown-member', at, 'is unknown', `known here are ${known.join(', ')}`);
  }
}
