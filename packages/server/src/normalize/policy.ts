/** Mapping policies: their type, and the one place where an untrusted value becomes one. See `contracts/http.md`. */
import type { JsonObject, JsonValue } from '../json/parse.ts';
import { knownFields, limitSize, list, MAX_FIELDS, object, oneOf, onlyMembers } from '../policy/values.ts';
import { type COMPARE_OPS, validateConstraints } from './validate/constraints.ts';
import { type COERCION_KINDS, type TIME_UNITS, validateCoercions, validateMap } from './validate/mapping.ts';
import { validateRawPaths } from './validate/raw-paths.ts';

/**
 * What is done to events that are about a person, which say so themselves: `pii` at their top, or `metadata.pii`, is
 * `true`. Raw paths.
 */
export interface PersonalData {
  redact?: string[];
  hash?: string[];
  /** Of texts, and of all texts within objects and lists: what names a person is replaced (`intake/masking.ts`). */
  mask?: string[];
}

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

export type TimeUnit = (typeof TIME_UNITS)[number];

/** As `timestamp`, but a count is in this unit whatever its magnitude. */
export interface CountedTime {
  kind: 'timestamp';
  unit: TimeUnit;
}

/**
 * Another unit of measure: value × factor + offset, in IEEE doubles, each step rounded to the nearest. The value is
 * any number or decimal text; for `integer` the result has to come out whole and within ±(2^53−1).
 */
export interface Scaled {
  kind: 'number' | 'integer';
  factor: number;
  /** 0 by default. */
  offset?: number;
}

export type Coercion = CoercionKind | CountedTime | Scaled;

/** Where a field of the payload comes from. A default stands in for a value that is missing or null. */
export type MapSource = string | { const: JsonValue } | { path: string; default?: JsonValue };

/** Inclusive. */
export interface Bounds {
  min?: number;
  max?: number;
}

export type CompareOp = (typeof COMPARE_OPS)[number];

/** Numbers compare as numbers, texts by UTF-16 code units; booleans are equal or not. Unlike kinds do not compare. */
export interface Comparison {
  left: string;
  op: CompareOp;
  right: string | { const: number | string | boolean };
}

export interface Constraints {
  bounds?: Record<string, Bounds>;
  /** The values that a field may have: of the same type, and the same. */
  enum?: Record<string, JsonValue[]>;
  /** RE2 expressions, of which some part of the field's text has to match. */
  pattern?: Record<string, string>;
  /** Relations that hold between fields, or a field and a constant, where both are there. */
  compare?: Comparison[];
  /** JSON Schema 2020-12 of the payload, within the bounds of `schema/shape.ts`. */
  schema?: JsonObject;
  /** Fields that may not fall from one event to the next, in the order of the stream's log. */
  monotonicFields?: string[];
  /** Fields whose values tell apart what is counted; without them, each source is one count. */
  monotonicKey?: string[];
}

/**
 * Fields are dotted paths (`json/path.ts`): into the payload, which `map` makes of the raw event, or which, without
 * a map or with an empty one, is the raw event.
 */
export interface MappingPolicy {
  map?: Record<string, MapSource>;
  required?: string[];
  coerce?: Record<string, Coercion>;
  /** The other spelling of `coerce`; one of the two. */
  coercion?: Record<string, Coercion>;
  constraints?: Constraints;
  /** Raw paths whose values together name the event. */
  idFrom?: string[];
  /** Raw path of the event's time. */
  timeField?: string;
  /** Raw paths that are taken out of the event before anything is hashed or stored. */
  redact?: string[];
  /** Raw paths whose values are replaced by a keyed hash before anything is hashed or stored. */
  hash?: string[];
  pii?: PersonalData;
  onIssue?: 'quarantine' | 'certify';
}

/** Of the policy's canonical text, in characters. */
const MAX_POLICY_LENGTH = 262_144;

const MEMBERS = [
  'map',
  'required',
  'coerce',
  'coercion',
  'constraints',
  'idFrom',
  'timeField',
  'redact',
  'hash',
  'pii',
  'onIssue',
];

/**
 * The value itself, once it is known to be a policy that can be applied as a whole.
 * @throws PolicyError
 */
export function parsePolicy(value: unknown): MappingPolicy {
  const policy = object(value, '');
  limitSize(policy, MAX_POLICY_LENGTH, 'split the source');
  onlyMembers(policy, '', MEMBERS);
  const outputs = policy.map === undefined ? [] : validateMap(object(policy.map, 'map'));
  const known = outputs.length === 0 ? undefined : new Set(outputs);
  validateCoercions(policy, known);
  if (policy.required !== undefined) knownFields(list(policy.required, 'required', MAX_FIELDS), 'required', known);
  if (policy.constraints !== undefined) validateConstraints(object(policy.constraints, 'constraints'), known);
  validateRawPaths(policy);
  if (policy.onIssue !== undefined) oneOf(policy.onIssue, ['quarantine', 'certify'], 'onIssue');
  return policy as MappingPolicy;
}
