/** The values a template computes with: those of Go that `encoding/json` and our functions can bring up. */
import { toBytes } from './bytes.ts';
import { MAX_DEPTH, Refusal } from './errors.ts';
import type { GoTime } from './time.ts';

export type JsonData = null | boolean | number | string | readonly JsonData[] | { readonly [key: string]: JsonData };

/**
 * `undefined`: no value at all, such as a missing key. `null`: an `any` that holds nil, such as a null in a list.
 * A string has a character for each byte (`bytes.ts`); a number is a `float64`.
 */
export type Value = undefined | null | boolean | number | string | GoInt | GoTime | GoList | GoMap;

export interface GoList extends ReadonlyArray<Value> {}
export interface GoMap extends ReadonlyMap<string, Value> {}

export type IntType = 'int' | 'int64' | 'uint8' | 'time.Month' | 'time.Weekday';

/** An integer with its type. */
export class GoInt {
  readonly type: IntType;
  readonly value: bigint;

  constructor(type: IntType, value: bigint) {
    this.type = type;
    this.value = value;
  }
}

export function int(value: number): GoInt {
  return new GoInt('int', BigInt(value));
}

/**
 * Data as Go reads it from JSON. Maps are in the order of their keys' bytes, in which Go goes through them.
 * @throws Refusal `execution` for a number that is none in JSON, `limit`
 */
export function fromJson(data: JsonData, depth = 0): Value {
  if (depth > MAX_DEPTH) throw new Refusal('limit', `data nested deeper than ${MAX_DEPTH}`);
  if (typeof data === 'string') return toBytes(data);
  if (typeof data === 'number' && !Number.isFinite(data)) {
    throw new Refusal('execution', 'the data holds a number that no float64 can hold');
  }
  if (typeof data !== 'object' || data === null) return data;
  if (isArray(data)) return data.map((item) => fromJson(item, depth + 1));
  const entries = Object.entries(data).map(([key, value]) => [toBytes(key), fromJson(value, depth + 1)] as const);
  return new Map(entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** `Array.isArray`, which does not tell a read-only array from an object. */
function isArray(data: object): data is readonly JsonData[] {
  return Array.isArray(data);
}

export function isMap(value: Value): value is GoMap {
  return value instanceof Map;
}

export function isList(value: Value): value is GoList {
  return Array.isArray(value);
}

/** Its type as Go writes it; of nothing, what an `any` is. */
export function typeName(value: Value): string {
  if (value === undefined || value === null) return 'interface {}';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return 'float64';
  if (typeof value === 'string') return 'string';
  if (value instanceof GoInt) return value.type;
  if (isList(value)) return '[]interface {}';
  return isMap(value) ? 'map[string]interface {}' : 'time.Time';
}

/** What `if` goes by: not nothing, false, zero or empty. */
export function isTrue(value: Value): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value === 'object') {
    if (value instanceof GoInt) return value.value !== 0n;
    if (isList(value)) return value.length > 0;
    return isMap(value) ? value.size > 0 : true;
  }
  return typeof value === 'number' ? value !== 0 : Boolean(value);
}
