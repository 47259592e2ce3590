import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalize, MAX_JSON_DEPTH } from '../src/canonical.ts';
import { ProofError } from '../src/errors.ts';
import { publicVectors, suiteName } from './vectors.ts';

const jcs = publicVectors('jcs');

describe.skipIf(jcs === undefined)(suiteName('RFC 8785 public vectors', jcs), () => {
  const read = (...path: string[]) => readFileSync(join(jcs ?? '', ...path), 'utf8');
  const names = jcs === undefined ? [] : readdirSync(join(jcs, 'input'));

  it.each(names)('%s', (name) => {
    const text = canonicalize(JSON.parse(read('input', name)));
    expect(text).toBe(read('output', name).trimEnd());
    const hex = read('outhex', name.replace('.json', '.txt')).replace(/\s/g, '');
    expect(Buffer.from(text).toString('hex')).toBe(hex);
  });
});

describe('canonicalize', () => {
  it.each([
    ['one lone high surrogate', '\ud83d'],
    ['one lone low surrogate', 'a\ude00b'],
    ['a lone surrogate in a key', { '\ud83d': 1 }],
    ['NaN', Number.NaN],
    ['Infinity', [Number.POSITIVE_INFINITY]],
    ['undefined', { a: undefined }],
    ['a hole', new Array(1)],
    ['a function', { toJSON: () => 1 }],
    ['a bigint', 1n],
    ['a symbol', Symbol('s')],
    ['a date', new Date(0)],
    ['a map', new Map()],
    ['an instance', new (class Thing {})()],
  ])('refuses %s', (_, value) => {
    expect(() => canonicalize(value)).toThrow(expect.objectContaining({ code: 'invalid-json-value' }));
    expect(() => canonicalize(value)).toThrow(ProofError);
  });

  it('nests up to the limit and no deeper', () => {
    const nest = (depth: number) => JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as unknown;
    expect(canonicalize(nest(MAX_JSON_DEPTH))).toHaveLength(2 * MAX_JSON_DEPTH);
    expect(() => canonicalize(nest(MAX_JSON_DEPTH + 1))).toThrow('nested deeper than 64');
    expect(() => canonicalize(JSON.parse(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`))).toThrow(ProofError);
  });

  it('sorts by UTF-16 code units, also above the size for which it sorts by insertion', () => {
    expect(canonicalize({ '\ufb33': 1, '\ud83d\ude00': 2, b: 3, a: 4, 10: 5, 9: 6 })).toBe(
      '{"10":5,"9":6,"a":4,"b":3,"😀":2,"\ufb33":1}',
    );
    const names = Array.from({ length: 200 }, (_, i) => `k${i}`);
    const shuffled = Object.fromEntries([...names].reverse().map((name) => [name, 0]));
    expect(Object.keys(JSON.parse(canonicalize(shuffled)))).toEqual([...names].sort());
  });

  it('keeps an own __proto__ and reads nothing inherited', () => {
    const value = JSON.parse('{"__proto__":{"x":1},"constructor":2}');
    expect(canonicalize(value)).toBe('{"__proto__":{"x":1},"constructor":2}');
    expect(canonicalize(Object.assign(Object.create(null), { a: 1 }))).toBe('{"a":1}');
  });

  it('writes numbers and escapes as ECMAScript does', () => {
    expect(canonicalize([-0, 1e21, 1e-7, 0.1, 5e-324, 2 ** 53])).toBe('[0,1e+21,1e-7,0.1,5e-324,9007199254740992]');
    expect(canonicalize('\u0000\b\t\n\f\r\u001f"\\\u007f/é😀')).toBe(
      '"\\u0000\\b\\t\\n\\f\\r\\u001f\\"\\\\\u007f/é😀"',
    );
  });

  it('stays right when strangers bring more keys than the cache of quoted keys holds', () => {
    const numbers = Array.from({ length: 10_000 }, (_, i) => i);
    const wrong = numbers.filter((i) => canonicalize({ [`"${i}`]: i }) !== `{"\\"${i}":${i}}`);
    expect(wrong).toEqual([]);
  });

  it('means the same, whatever the order of insertion', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary', maxDepth: 4 }), (value) => {
        const text = canonicalize(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalize(reverseKeys(value))).toBe(text);
        expect(canonicalize(JSON.parse(text))).toBe(text);
      }),
    );
  });
});

function reverseKeys(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(reverseKeys);
  const copy: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value).reverse()) {
    Object.defineProperty(copy, key, { value: reverseKeys(member), enumerable: true, configurable: true });
  }
  return copy;
}
