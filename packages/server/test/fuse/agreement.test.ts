import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { agree, equal, firstDifference, toleranceTree } from '../../src/fuse/agreement.ts';
import type { JsonValue } from '../../src/json/parse.ts';

const tolerance = toleranceTree({ temp: 0.1, zero: 0, 'at.0': 2, 'a\\.b': 1 });

describe('agree', () => {
  it.each<[JsonValue, JsonValue, boolean]>([
    [{ temp: 21.4 }, { temp: 21.5 }, true],
    [{ temp: 0.7 }, { temp: 0.8 }, true],
    [{ temp: 1000000.7 }, { temp: 1000000.8 }, true],
    [{ temp: 21.4 }, { temp: 21.500001 }, false],
    [{ temp: 0.7 }, { temp: 0.80000000001 }, false],
    [{ temp: 1e308 }, { temp: -1e308 }, false],
    [{ temp: 21.5 }, { temp: '21.5' }, false],
    [{ temp: 0 }, { temp: null }, false],
    [{ temp: 0 }, {}, false],
    [{ temp: 1, x: 1 }, { temp: 1, y: 1 }, false],
    [{ zero: 0.1 }, { zero: 0.1 }, true],
    [{ zero: 0.30000000000000004 }, { zero: 0.3 }, false],
    [{ other: 1 }, { other: 1.0001 }, false],
    [{ at: [1, 1] }, { at: [3, 1] }, true],
    [{ at: [1, 1] }, { at: [3, 3] }, false],
    [{ at: [1] }, { at: [1, 1] }, false],
    [{ at: [1] }, { at: { 0: 1 } }, false],
    [{ 'a.b': 1 }, { 'a.b': 2 }, true],
    [{ a: { b: 1 } }, { a: { b: 2 } }, false],
    [JSON.parse('{"__proto__":1}'), {}, false],
    [JSON.parse('{"__proto__":1}'), JSON.parse('{"__proto__":1}'), true],
    [{ toString: 1 }, { valueOf: 1 }, false],
    [[], {}, false],
    [null, null, true],
    ['x', 'x', true],
    [true, 1, false],
  ])('%j and %j: %s', (a, b, expected) => {
    expect(agree(a, b, tolerance)).toBe(expected);
    expect(agree(b, a, tolerance)).toBe(expected);
  });

  test('is symmetric, reflexive, and exact where there is no tolerance', () => {
    const value = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<JsonValue>;
    const reading = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(value, value, reading, reading, (x, y, n, m) => {
        const [a, b] = [
          { x, temp: n },
          { x: y, temp: m },
        ];
        expect(agree(a, b, tolerance)).toBe(agree(b, a, tolerance));
        expect(agree(a, a, tolerance)).toBe(true);
        expect(equal(x, y)).toBe(equal(y, x));
      }),
    );
  });
});

describe('firstDifference', () => {
  it.each<[JsonValue, JsonValue, string[], JsonValue | undefined, JsonValue | undefined]>([
    [{ temp: 1, b: 2 }, { temp: 2, b: 2 }, ['temp'], 1, 2],
    [{ temp: 1, z: { q: 1, r: 2 } }, { temp: 1.1, z: { q: 1, r: 3 } }, ['z', 'r'], 2, 3],
    [{ a: 1 }, { b: 1 }, ['a'], 1, undefined],
    [{}, JSON.parse('{"__proto__":1}'), ['__proto__'], undefined, 1],
    [{ a: [1, 2] }, { a: [1, 3] }, ['a'], [1, 2], [1, 3]],
    [{ a: { b: 1 } }, { a: 1 }, ['a'], { b: 1 }, 1],
    [1, 2, [], 1, 2],
  ])('%j and %j', (a, b, path, inA, inB) => {
    expect(firstDifference(a, b, tolerance)).toEqual({ path, a: inA, b: inB });
  });
});
