import { describe, expect, it } from 'vitest';
import { type JsonObject, parseJson } from '../../src/json/parse.ts';
import { compilePolicy } from '../../src/normalize/compile.ts';
import type { Coercion, MappingPolicy } from '../../src/normalize/policy.ts';

/** The field's JSON text after coercion of its JSON text, or the issues. */
function coerced(kind: Coercion, text: string, policy: MappingPolicy = {}): string | string[] {
  const event = parseJson(`{"v":${text}}`) as JsonObject;
  const { payload, issues } = compilePolicy({ ...policy, coerce: { v: kind } }).normalize(event, 0);
  return issues.length > 0 ? issues : payload.slice('{"v":'.length, -1);
}

type Case = [text: string, result: string];

function table(kind: Coercion, accepted: Case[], refused: Case[]): void {
  describe(typeof kind === 'string' ? kind : JSON.stringify(kind), () => {
    it.each(accepted)('%s → %s', (text, result) => {
      expect(coerced(kind, text)).toBe(result);
      expect(coerced(kind, text, { map: { v: 'v' } })).toBe(result);
    });
    it.each(refused)('%s is an issue: %s', (text, issue) => {
      expect(coerced(kind, text)).toEqual([issue]);
      expect(coerced(kind, text, { map: { v: 'v' } })).toEqual([issue]);
    });
    it('leaves null alone', () => {
      expect(coerced(kind, 'null')).toBe('null');
    });
  });
}

table(
  'string',
  [
    ['"x"', '"x"'],
    ['""', '""'],
    ['21.50', '"21.5"'],
    ['-0', '"0"'],
    ['1e21', '"1e+21"'],
    ['true', '"true"'],
    ['12345678901234567890', '"12345678901234567890"'],
    ['1e400', '"1e400"'],
  ],
  [
    ['[1]', 'coercion-NaN:v:[array]'],
    ['{"a":1}', 'coercion-NaN:v:[object]'],
  ],
);

table(
  'number',
  [
    ['21.5', '21.5'],
    ['"21.5"', '21.5'],
    ['"-0"', '0'],
    ['"+1"', '1'],
    ['"007"', '7'],
    ['".5"', '0.5'],
    ['"5."', '5'],
    ['"1e3"', '1000'],
    ['"1.5E-3"', '0.0015'],
    ['"9007199254740991"', '9007199254740991'],
    ['"20.1234567890123456789"', '20.123456789012344'],
    ['1e20', '100000000000000000000'],
  ],
  [
    ['"abc"', 'coercion-NaN:v:abc'],
    ['""', 'coercion-NaN:v:'],
    ['" 1"', 'coercion-NaN:v: 1'],
    ['"1 "', 'coercion-NaN:v:1 '],
    ['"1,5"', 'coercion-NaN:v:1,5'],
    ['"0x10"', 'coercion-NaN:v:0x10'],
    ['"1_000"', 'coercion-NaN:v:1_000'],
    ['"NaN"', 'coercion-NaN:v:NaN'],
    ['"Infinity"', 'coercion-NaN:v:Infinity'],
    ['"."', 'coercion-NaN:v:.'],
    ['"1e"', 'coercion-NaN:v:1e'],
    ['true', 'coercion-NaN:v:true'],
    ['[5]', 'coercion-NaN:v:[array]'],
    ['"9007199254740992"', 'number-unsafe:v'],
    ['"12345678901234567890"', 'number-unsafe:v'],
    ['"1e400"', 'number-unsafe:v'],
    ['12345678901234567890', 'number-unsafe:v'],
    ['-1e400', 'number-unsafe:v'],
  ],
);

table(
  'integer',
  [
    ['21', '21'],
    ['21.0', '21'],
    ['-0', '0'],
    ['"21"', '21'],
    ['"+21"', '21'],
    ['"-21.000"', '-21'],
    ['9007199254740991', '9007199254740991'],
    ['"-9007199254740991"', '-9007199254740991'],
  ],
  [
    ['21.5', 'coercion-NaN:v:21.5'],
    ['"21.5"', 'coercion-NaN:v:21.5'],
    ['"4503599627370497.5"', 'coercion-NaN:v:4503599627370497.5'],
    ['"1e3"', 'coercion-NaN:v:1e3'],
    ['"abc"', 'coercion-NaN:v:abc'],
    ['""', 'coercion-NaN:v:'],
    ['false', 'coercion-NaN:v:false'],
    ['"9007199254740992"', 'number-unsafe:v'],
    ['9007199254740993', 'number-unsafe:v'],
    ['1e20', 'number-unsafe:v'],
  ],
);

table(
  'boolean',
  [
    ['true', 'true'],
    ['false', 'false'],
    ['"true"', 'true'],
    ['"false"', 'false'],
    ['"False"', 'false'],
    ['"TRUE"', 'true'],
    ['1', 'true'],
    ['0', 'false'],
    ['"1"', 'true'],
    ['"0"', 'false'],
  ],
  [
    ['"yes"', 'coercion-NaN:v:yes'],
    ['"abc"', 'coercion-NaN:v:abc'],
    ['""', 'coercion-NaN:v:'],
    ['" true"', 'coercion-NaN:v: true'],
    ['2', 'coercion-NaN:v:2'],
    ['0.5', 'coercion-NaN:v:0.5'],
    ['{}', 'coercion-NaN:v:[object]'],
  ],
);

table(
  'iso8601',
  [
    ['"2026-03-01T12:00:00Z"', '"2026-03-01T12:00:00.000Z"'],
    ['"2026-03-01T12:00:00.000Z"', '"2026-03-01T12:00:00.000Z"'],
    ['"2026-03-01T12:00:00.1234+02:00"', '"2026-03-01T10:00:00.123Z"'],
  ],
  [
    ['"2026-02-30T12:00:00Z"', 'coercion-NaN:v:2026-02-30T12:00:00Z'],
    ['"2026-03-01T12:00:00"', 'coercion-NaN:v:2026-03-01T12:00:00'],
    ['"2026-03-01"', 'coercion-NaN:v:2026-03-01'],
    ['1772366400', 'coercion-NaN:v:1772366400'],
    ['"1772366400"', 'coercion-NaN:v:1772366400'],
  ],
);

table(
  'iso8601->epoch',
  [
    ['"2026-03-01T12:00:00Z"', '1772366400'],
    ['"2026-03-01T12:00:00.123456Z"', '1772366400.123'],
    ['"1969-12-31T23:59:59.5Z"', '-0.5'],
  ],
  [
    ['"soon"', 'coercion-NaN:v:soon'],
    ['1772366400', 'coercion-NaN:v:1772366400'],
  ],
);

table(
  'timestamp',
  [
    ['1772366400', '"2026-03-01T12:00:00.000Z"'],
    ['"1772366400"', '"2026-03-01T12:00:00.000Z"'],
    ['1772366400123', '"2026-03-01T12:00:00.123Z"'],
    ['1772366400123456', '"2026-03-01T12:00:00.123Z"'],
    ['1772366400123456789', '"2026-03-01T12:00:00.123Z"'],
    ['"2026-03-01T13:00:00+01:00"', '"2026-03-01T12:00:00.000Z"'],
  ],
  [
    ['"noon"', 'coercion-NaN:v:noon'],
    ['true', 'coercion-NaN:v:true'],
    ['"2026-02-30T12:00:00Z"', 'coercion-NaN:v:2026-02-30T12:00:00Z'],
  ],
);

table(
  { kind: 'timestamp', unit: 's' },
  [
    ['0', '"1970-01-01T00:00:00.000Z"'],
    ['-1', '"1969-12-31T23:59:59.000Z"'],
    ['1772366400.123', '"2026-03-01T12:00:00.123Z"'],
    ['"1772366400.1239"', '"2026-03-01T12:00:00.123Z"'],
    ['-0.0001', '"1969-12-31T23:59:59.999Z"'],
    ['253402300799', '"9999-12-31T23:59:59.000Z"'],
    ['-62135596800', '"0001-01-01T00:00:00.000Z"'],
    ['"2026-03-01T13:00:00+01:00"', '"2026-03-01T12:00:00.000Z"'],
  ],
  [
    ['253402300800', 'coercion-NaN:v:253402300800'],
    ['1772366400123', 'coercion-NaN:v:1772366400123'],
    ['1e300', 'coercion-NaN:v:1e+300'],
    ['"1e3"', 'coercion-NaN:v:1e3'],
    ['"noon"', 'coercion-NaN:v:noon'],
    ['true', 'coercion-NaN:v:true'],
  ],
);

table(
  { kind: 'timestamp', unit: 'ms' },
  [
    ['1000', '"1970-01-01T00:00:01.000Z"'],
    ['"-1"', '"1969-12-31T23:59:59.999Z"'],
    ['1772366400123.9', '"2026-03-01T12:00:00.123Z"'],
    ['-0.5', '"1969-12-31T23:59:59.999Z"'],
  ],
  [['253402300800000', 'coercion-NaN:v:253402300800000']],
);

table(
  { kind: 'timestamp', unit: 'us' },
  [
    ['1000', '"1970-01-01T00:00:00.001Z"'],
    ['999', '"1970-01-01T00:00:00.000Z"'],
    ['-1', '"1969-12-31T23:59:59.999Z"'],
    ['9007199254739999', '"2255-06-05T23:47:34.739Z"'],
    ['253402300799999999', '"9999-12-31T23:59:59.999Z"'],
  ],
  [['"253402300800000000"', 'coercion-NaN:v:253402300800000000']],
);

table(
  { kind: 'timestamp', unit: 'ns' },
  [
    ['1772366400123456789', '"2026-03-01T12:00:00.123Z"'],
    ['"1772366400123456789"', '"2026-03-01T12:00:00.123Z"'],
    ['1772366400123456789.5', '"2026-03-01T12:00:00.123Z"'],
    ['-1', '"1969-12-31T23:59:59.999Z"'],
    ['1e18', '"2001-09-09T01:46:40.000Z"'],
  ],
  [
    ['1e21', 'coercion-NaN:v:1e+21'],
    ['"1e18"', 'coercion-NaN:v:1e18'],
  ],
);

// In each case the double that IEEE 754 gives for the product, rounded, and then for the sum.
table(
  { kind: 'number', factor: 5 / 9, offset: -160 / 9 },
  [
    ['32', '0'],
    ['"212"', '100'],
    ['-40', '-40'],
  ],
  [
    ['"hot"', 'coercion-NaN:v:hot'],
    ['12345678901234567890', 'number-unsafe:v'],
  ],
);

table(
  { kind: 'number', factor: 0.001 },
  [
    ['1500', '1.5'],
    ['3', '0.003'],
    ['-0', '0'],
    ['1e300', '1e+297'],
  ],
  [['"1,5"', 'coercion-NaN:v:1,5']],
);

table({ kind: 'number', factor: 1e10 }, [['1e10', '100000000000000000000']], [['1e300', 'coercion-NaN:v:1e+300']]);

table(
  { kind: 'integer', factor: 1000, offset: 1 },
  [
    ['1.5', '1501'],
    ['"1.5"', '1501'],
    ['-0.001', '0'],
  ],
  [
    ['1.0005', 'coercion-NaN:v:1.0005'],
    ['9007199254741', 'coercion-NaN:v:9007199254741'],
    ['true', 'coercion-NaN:v:true'],
  ],
);

table({ kind: 'integer', factor: 100 }, [['0.5', '50']], [['0.29', 'coercion-NaN:v:0.29']]);
