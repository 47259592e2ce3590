/** When two values say the same. */
import { isContainer, type JsonObject, type JsonValue } from '../json/parse.ts';
import { parsePath } from '../json/path.ts';

/** The tolerances of a policy as a tree over the payload. */
export interface Tolerance {
  /** How far apart two numbers here may be. */
  by: number | undefined;
  members: Map<string, Tolerance>;
}

export function toleranceTree(fields: Record<string, number> | undefined): Tolerance | undefined {
  if (fields === undefined) return undefined;
  const root: Tolerance = { by: undefined, members: new Map() };
  for (const [field, by] of Object.entries(fields)) {
    let node = root;
    for (const segment of parsePath(field)) {
      const next: Tolerance = node.members.get(segment) ?? { by: undefined, members: new Map() };
      node.members.set(segment, next);
      node = next;
    }
    node.by = by;
  }
  return root;
}

/**
 * Whether the RFC 8785 texts of two values are equal, but for numbers that are within their field's tolerance.
 * A member that only one of two objects has makes them differ.
 */
export function agree(a: JsonValue, b: JsonValue, tolerance: Tolerance | undefined): boolean {
  if (typeof a === 'number' && typeof b === 'number') return a === b || within(a, b, tolerance?.by ?? 0);
  if (!isContainer(a) || !isContainer(b)) return a === b;
  if (!Array.isArray(a) && !Array.isArray(b)) return objectsAgree(a, b, tolerance);
  if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
  return a.every((item, index) => agree(item, b[index] as JsonValue, tolerance?.members.get(String(index))));
}

export function equal(a: JsonValue, b: JsonValue): boolean {
  return agree(a, b, undefined);
}

/** Where two values first differ beyond the tolerance, by the order of names. `undefined`: has no such member. */
export interface Difference {
  path: string[];
  a: JsonValue | undefined;
  b: JsonValue | undefined;
}

/** Of two values that do not agree. */
export function firstDifference(a: JsonValue, b: JsonValue, tolerance: Tolerance | undefined): Difference {
  if (isObject(a) && isObject(b)) {
    for (const key of [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()) {
      const [inA, inB] = [own(a, key), own(b, key)];
      const below = tolerance?.members.get(key);
      if (inA === undefined || inB === undefined) return { path: [key], a: inA, b: inB };
      if (agree(inA, inB, below)) continue;
      const difference = firstDifference(inA, inB, below);
      return { ...difference, path: [key, ...difference.path] };
    }
  }
  return { path: [], a, b };
}

export function isObject(value: JsonValue): value is JsonObject {
  return isContainer(value) && !Array.isArray(value);
}

export function own(value: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

function objectsAgree(a: JsonObject, b: JsonObject, tolerance: Tolerance | undefined): boolean {
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => {
    const other = own(b, key);
    return other !== undefined && agree(a[key] as JsonValue, other, tolerance?.members.get(key));
  });
}

/**
 * Decimals are rounded when they become doubles, so that 0.8 − 0.7 is a little more than 0.1. The distance may be
 * longer than the tolerance by that rounding; a tolerance of 0 asks for the same number.
 */
function within(a: number, b: number, by: number): boolean {
  if (by === 0) return false;
  // Half a unit in the last place of a, b, the tolerance and the difference, which is about the tolerance.
  const rounding = (Math.abs(a) / 2 + Math.abs(b) / 2 + by) * Number.EPSILON;
  return Math.abs(a - b) <= by + rounding;
}
