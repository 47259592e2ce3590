/** `eq`, `ne`, `lt`, `le`, `gt` and `ge`: only values of the same basic type have an order, integers of any type one. */
import { Refusal } from './errors.ts';
import { GoTime } from './time.ts';
import { GoInt, isList, isMap, typeName, type Value } from './values.ts';

type Basic = 'bool' | 'int' | 'float' | 'string' | undefined;

/** Whether the first is equal to any of the others, up to the first that is. */
export function equalsAny(first: Value, others: readonly Value[]): boolean {
  if (others.length === 0) throw new Refusal('execution', 'missing argument for comparison');
  return others.some((other) => equal(first, other));
}

export function less(a: Value, b: Value): boolean {
  const basic = basicOf(a);
  if (basic === undefined || basicOf(b) === undefined) throw notComparable();
  if (basic !== basicOf(b)) throw incompatible(a, b);
  if (typeof a === 'number' && typeof b === 'number') return a < b;
  if (typeof a === 'string' && typeof b === 'string') return a < b;
  if (a instanceof GoInt && b instanceof GoInt) return a.value < b.value;
  throw notComparable();
}

function equal(a: Value, b: Value): boolean {
  const [nothingA, nothingB] = [a === undefined || a === null, b === undefined || b === null];
  if (nothingA || nothingB) return nothingA && nothingB;
  if (basicOf(a) !== basicOf(b)) throw incompatible(a, b);
  if (a instanceof GoInt && b instanceof GoInt) return a.value === b.value;
  if (isList(a) || isList(b) || isMap(a) || isMap(b)) {
    throw new Refusal('execution', `non-comparable types: ${typeName(a)} and ${typeName(b)}`);
  }
  // Go compares what a time.Time is made of, the monotonic clock and the zone among it.
  if (a instanceof GoTime) throw new Refusal('unsupported', 'times are compared with .Equal, .Before and .After');
  return a === b;
}

function basicOf(value: Value): Basic {
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return 'float';
  if (typeof value === 'string') return 'string';
  return value instanceof GoInt ? 'int' : undefined;
}

function incompatible(a: Value, b: Value): Refusal {
  return new Refusal('execution', `incompatible types for comparison: ${typeName(a)} and ${typeName(b)}`);
}

function notComparable(): Refusal {
  return new Refusal('execution', 'invalid type for comparison');
}
