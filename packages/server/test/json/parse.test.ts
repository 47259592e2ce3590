import { canonicalize } from '@tidemark/proof';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalText } from '../../src/json/canonical.ts';
import {
  JsonError,
  type JsonErrorCode,
  type JsonObject,
  MAX_EVENT_DEPTH,
  parseJson,
  UnsafeNumber,
} from '../../src/json/parse.ts';

function refusal(text: string): JsonErrorCode {
  try {
    parseJson(text);
  } catch (error) {
    if (error instanceof JsonError) return error.code;
    throw error;
  }
  throw new JsonError('json-malformed', `expected a refusal of ${text.slice(0, 40)}`);
}

const nested = (levels: number, leaf = '') => '['.repeat(levels) + leaf + ']'.repeat(levels);

describe('numbers that a double cannot hold', () => {
  it.each([
    '9007199254740992',
    '-9007199254740992',
    '9007199254740993',
    '12345678901234567890',
    '-12345678901234567890',
    '1e400',
    '-1E+400',
    '1.5e0400',
    `${'9'.repeat(400)}.5`,
  ])('%s stays as it was written', (source) => {
    expect(parseJson(`{"a":[{"b":${source}}]}`)).toEqual({ a: [{ b: new UnsafeNumber(source) }] });
  });

  it.each([
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['-9007199254740991', Number.MIN_SAFE_INTEGER],
    ['20.123456789012345678901', 20.123456789012344],
    ['1e20', 1e20],
    ['123456789012345678e0', 123456789012345680],
    ['12345678901234567890.0', 12345678901234567000],
    ['1.7976931348623157e308', Number.MAX_VALUE],
    ['1e-400', 0],
  ])('%s is a number like any other', (source, value) => {
    expect(parseJson(`{"a":${source}}`)).toEqual({ a: value });
  });

  it('leaves digits in strings and keys alone', () => {
    const text = '{"12345678901234567890":"12345678901234567890","u":"1e400","n":12345678901234567890}';
    expect(parseJson(text)).toEqual({
      '12345678901234567890': '12345678901234567890',
      u: '1e400',
      n: new UnsafeNumber('12345678901234567890'),
    });
  });

  it('is compared by its digits in the canonical text', () => {
    const text = (source: string) => canonicalText(parseJson(`{"b":1, "a":{"n":[${source}]}}`));
    expect(text('12345678901234567890')).toBe('{"a":{"n":[12345678901234567890]},"b":1}');
    expect(text('12345678901234567891')).toBe('{"a":{"n":[12345678901234567891]},"b":1}');
    expect(text('"12345678901234567890"')).toBe('{"a":{"n":["12345678901234567890"]},"b":1}');
  });
});

describe('duplicate and hostile keys', () => {
  it('takes the last of duplicate keys, on the slow path too', () => {
    expect(parseJson('{"a":1,"a":2}')).toEqual({ a: 2 });
    expect(parseJson('{"a":1e400,"a":2,"b":1e400,"b":3e400}')).toEqual({ a: 2, b: new UnsafeNumber('3e400') });
  });

  it.each(['{"__proto__":{"x":1},"constructor":2}', '{"__proto__":{"x":1e400},"constructor":2}'])(
    'keeps %s as own members',
    (text) => {
      const value = parseJson(text) as JsonObject;
      expect(Object.keys(value)).toEqual(['__proto__', 'constructor']);
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
      expect(value.x).toBeUndefined();
    },
  );

  it('reads 10,000 keys with an unsafe number in each', () => {
    const text = `{${Array.from({ length: 10_000 }, (_, i) => `"k${i}":12345678901234567890`).join()}}`;
    const value = parseJson(text) as JsonObject;
    expect(Object.keys(value)).toHaveLength(10_000);
    expect(value.k9999).toEqual(new UnsafeNumber('12345678901234567890'));
  });
});

describe('refusals', () => {
  it.each(['', '{', '{"a":1,}', "{'a':1}", '{"a":01}', '{"a":NaN}', '\ufeff{}', '{} {}', '{"a":"\n"}'])(
    'json-malformed: %j',
    (text) => {
      expect(refusal(text)).toBe('json-malformed');
    },
  );

  it('says why, with the cause', () => {
    expect(() => parseJson('{')).toThrow(
      expect.objectContaining({ name: 'JsonError', cause: expect.any(SyntaxError) }),
    );
  });

  it(`too-deep: more than ${MAX_EVENT_DEPTH} levels`, () => {
    expect(parseJson(nested(MAX_EVENT_DEPTH))).toHaveLength(1);
    expect(refusal(nested(MAX_EVENT_DEPTH + 1))).toBe('too-deep');
    expect(refusal(`{"a":${nested(MAX_EVENT_DEPTH)}}`)).toBe('too-deep');
    expect(refusal(`{"n":1e400,"a":${nested(MAX_EVENT_DEPTH)}}`)).toBe('too-deep');
    expect(refusal(nested(1_000_000))).toBe('too-deep');
    expect(refusal(`${'{"a":'.repeat(500_000)}1${'}'.repeat(500_000)}`)).toBe('too-deep');
  });

  it.each([
    '{"a":"\\ud800"}',
    '{"a":"\\uDC00"}',
    '{"a":["x\\uDbFf!"]}',
    '{"\\ud800":1}',
    '{"a":{"b\\udfff":1}}',
    '"\\ud800"',
    '{"a":"\\ude00\\ud83d"}',
  ])('not-well-formed: %s', (text) => {
    expect(refusal(text)).toBe('not-well-formed');
  });

  it('takes whole pairs, and escapes that only look like surrogates', () => {
    expect(parseJson('{"a":"\\ud83d\\ude00","b":"\\\\ud800","c":"\\u00d8"}')).toEqual({
      a: '😀',
      b: '\\ud800',
      c: 'Ø',
    });
  });
});

describe('properties', () => {
  it('loses and changes nothing else', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => {
        // As doubles, the numbers that were kept apart are the same again.
        const value = JSON.parse(canonicalText(parseJson(text)));
        expect(canonicalize(value)).toBe(canonicalize(JSON.parse(text)));
      }),
    );
  });

  it('tells every integer apart from its neighbours', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), (integer) => {
        const { n } = parseJson(`{"n":${integer}}`) as JsonObject;
        expect(n instanceof UnsafeNumber ? n.source : String(n === 0 ? 0 : n)).toBe(String(integer));
      }),
    );
  });

  it('never throws anything but a JsonError', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:\\udDe8+-.019 at') }), (text) => {
        try {
          parseJson(text);
        } catch (error) {
          expect(error).toBeInstanceOf(JsonError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
