import { describe, expect, it } from 'vitest';
import { type JsonObject, parseJson } from '../../src/json/parse.ts';
import { compilePolicy } from '../../src/normalize/compile.ts';
import type { CoercionKind, MappingPolicy } from '../../src/normalize/policy.ts';

/** The field's JSON text after coercion of its JSON text, or the issues. */
function coerced(kind: CoercionKind, text: string, policy: MappingPolicy = {}): string | string[] {
  const event = parseJson(`{"v":${text}}`) as JsonObject;
  const { payload, issues } = compilePolicy({ ...policy, coerce: { v: kind } }).normalize(event, 0);
  return issues.length > 0 ? issues : payload.slice('{"v":'.length, -1);
}

type Case = [text: string, result: string];

function table(kind: CoercionKind, accepted: Case[], refused: Case[]): void {
  describe(kind, () => {
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
