/** `len`, `index` and `slice`, and what `range` goes through. */
import { Refusal } from './errors.ts';
import { GoInt, int, isList, isMap, typeName, type Value } from './values.ts';

export function length(item: Value): GoInt {
  if (typeof item === 'string' || isList(item)) return int(item.length);
  if (isMap(item)) return int(item.size);
  throw new Refusal('execution', `len of ${item === undefined || item === null ? 'nil' : `type ${typeName(item)}`}`);
}

/** @returns null for a key that is not there */
export function indexed(item: Value, indexes: readonly Value[]): Value {
  let found = item;
  if (found === undefined || found === null) throw new Refusal('execution', 'index of untyped nil');
  for (const index of indexes) {
    if (found === undefined || found === null) throw new Refusal('execution', 'index of nil pointer');
    if (isMap(found)) found = found.get(mapKey(index)) ?? null;
    else if (isList(found)) found = found[position(index, found.length - 1)];
    else if (typeof found === 'string') {
      found = new GoInt('uint8', BigInt(found.charCodeAt(position(index, found.length - 1))));
    } else throw new Refusal('execution', `can't index item of type ${typeName(found)}`);
  }
  return found;
}

/** `slice x 1 2` is `x[1:2]` in Go; of a list Go may reach behind its end, where nothing is: that is refused here. */
export function sliced(item: Value, indexes: readonly Value[]): Value {
  if (typeof item !== 'string' && !isList(item)) {
    throw new Refusal('execution', `can't slice ${item === undefined || item === null ? 'nil' : typeName(item)}`);
  }
  if (indexes.length > 3) throw new Refusal('execution', `too many slice indexes: ${indexes.length}`);
  if (indexes.length === 3 && typeof item === 'string') {
    throw new Refusal('execution', 'cannot 3-index slice a string');
  }
  const beyond = isList(item) ? 'unsupported' : 'execution';
  const [from = 0, to = item.length, cap = to] = indexes.map((index) => position(index, item.length, beyond));
  if (from > to || to > cap) throw new Refusal('execution', `invalid slice index: ${from}:${to}:${cap}`);
  return item.slice(from, to);
}

function mapKey(index: Value): string {
  if (typeof index === 'string') return index;
  const what = index === undefined || index === null ? 'value is nil' : `value has type ${typeName(index)}`;
  throw new Refusal('execution', `${what}; should be string`);
}

function position(index: Value, max: number, beyond: 'execution' | 'unsupported' = 'execution'): number {
  if (!(index instanceof GoInt)) {
    const what = index === undefined || index === null ? 'nil' : `type ${typeName(index)}`;
    throw new Refusal('execution', `cannot index slice/array with ${what}`);
  }
  if (index.value < 0n) throw new Refusal('execution', `index out of range: ${index.value}`);
  if (index.value > BigInt(max)) throw new Refusal(beyond, `index out of range: ${index.value}`);
  return Number(index.value);
}

/** What `range` goes through, each with its key; an integer counts up to itself. */
export function* elementsOf(value: Value, variables: number): Generator<[key: Value, element: Value]> {
  if (value === undefined) return;
  if (isMap(value)) yield* value;
  else if (isList(value)) for (const [index, item] of value.entries()) yield [int(index), item];
  else if (value instanceof GoInt) {
    if (variables > 1) throw new Refusal('execution', "can't use an integer to iterate over more than one variable");
    for (let count = 0n; count < value.value; count++) yield [undefined, new GoInt(value.type, count)];
  } else throw new Refusal('execution', `range can't iterate over a ${typeName(value)}`);
}
