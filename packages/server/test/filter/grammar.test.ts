import { describe, expect, test } from 'vitest';
import { Filter } from '../../src/filter/filter.ts';

describe('one spelling', () => {
  test.each([
    ['temp > 30', 'normalized.temp > 30'],
    ['payload.temp>30', 'normalized.temp > 30'],
    ['normalized.temp>30', 'normalized.temp > 30'],
    ['stream = "a"', 'stream == "a"'],
    ["stream=='a'", 'stream == "a"'],
    ['status == "certified"', 'status == "certified"'],
    ['normalized.status == "open"', 'normalized.status == "open"'],
    ['a == 1 AND b == 2 Or c == 3', 'normalized.a == 1 and normalized.b == 2 or normalized.c == 3'],
    ['a == 1 && (b == 2 || c == 3)', 'normalized.a == 1 and (normalized.b == 2 or normalized.c == 3)'],
    ['((a == 1) and (b == 2)) and c == 3', 'normalized.a == 1 and normalized.b == 2 and normalized.c == 3'],
    ['not a == 1 and b == 2', 'not normalized.a == 1 and normalized.b == 2'],
    ['!(a == 1 and b == 2)', 'not (normalized.a == 1 and normalized.b == 2)'],
    ['NOT NOT a == 1', 'not not normalized.a == 1'],
    ['!!exists(a)', 'not not exists normalized.a'],
    ['a in (1,"x" , null)', 'normalized.a in [1, "x", null]'],
    ['a not in [ true ]', 'normalized.a not in [true]'],
    ['exists(a.b)', 'exists normalized.a.b'],
    ['EXISTS normalized', 'exists normalized'],
    ['a.0.b == 1', 'normalized.a.0.b == 1'],
    ['a."0" == 1', 'normalized.a.0 == 1'],
    ["normalized.'odd name'.x == 1", 'normalized."odd name".x == 1'],
    ['normalized."plain" == 1', 'normalized.plain == 1'],
    ['a."1x" == 1', 'normalized.a."1x" == 1'],
    ['normalized.and == 1', 'normalized.and == 1'],
    [
      '$ref == "#" or @id == "i-1" or air-temp < -1.50e+1',
      'normalized.$ref == "#" or normalized.@id == "i-1" or normalized.air-temp < -15',
    ],
    ['a == 1e20', 'normalized.a == 1e+20'],
    ['a == 9007199254740991', 'normalized.a == 9007199254740991'],
    ['a == -0.0', 'normalized.a == 0'],
    [String.raw`a == 'it\'s "\u00e9\n\/'`, String.raw`normalized.a == "it's \"é\n/"`],
    ['eventTime>="2026-03-01t13:00:00.5009+01:00"', 'eventTime >= "2026-03-01T12:00:00.500Z"'],
    ['packet.start >= 100', 'packet.start >= 100'],
    ['\t a\r\n==\n1 ', 'normalized.a == 1'],
  ])('%j', (text, canonical) => {
    expect(Filter.parse(text).canonical).toBe(canonical);
    expect(Filter.parse(canonical).canonical).toBe(canonical);
  });
});

describe('not > and > or', () => {
  const of = (a: boolean, b: boolean, c: boolean) => ({ normalized: { a, b, c } });
  const all = [true, false].flatMap((a) => [true, false].flatMap((b) => [true, false].map((c) => [a, b, c] as const)));

  test.each<[string, (a: boolean, b: boolean, c: boolean) => boolean]>([
    ['a == true or b == true and c == true', (a, b, c) => a || (b && c)],
    ['a == true and b == true or c == true', (a, b, c) => (a && b) || c],
    ['(a == true or b == true) and c == true', (a, b, c) => (a || b) && c],
    ['not a == true and b == true or c == true', (a, b, c) => (!a && b) || c],
    ['not (a == true and b == true) or c == true', (a, b, c) => !(a && b) || c],
    ['! a == true || ! b == true && ! c == true', (a, b, c) => !a || (!b && !c)],
    ['a == true and not (b == true or c == true)', (a, b, c) => a && !(b || c)],
  ])('%s', (text, meaning) => {
    const filter = Filter.parse(text);
    for (const [a, b, c] of all) expect(filter.matches(of(a, b, c)), `${a} ${b} ${c}`).toBe(meaning(a, b, c));
  });
});

const long = (length: number) => `a == "${'x'.repeat(length - 7)}"`;
const terms = (count: number) => Array(count).fill('a==1').join(' or ');
const list = (count: number) => `a in [${Array(count).fill(1).join(',')}]`;
const nested = (depth: number) => `${'('.repeat(depth)}a == 1${')'.repeat(depth)}`;
const nots = (depth: number) => `${'not '.repeat(depth)}a == 1`;
const path = (segments: number) => `exists ${Array(segments).fill('a').join('.')}`;

describe('what is refused, and where', () => {
  test.each([
    ['', 'unexpected', 0],
    ['   ', 'unexpected', 3],
    ['temp', 'unexpected', 4],
    ['temp 30', 'unexpected', 5],
    ['temp >', 'unexpected', 6],
    ['temp > other', 'unexpected', 7],
    ['temp === 3', 'unexpected', 7],
    ['temp <> 3', 'unexpected', 6],
    ['temp => 3', 'unexpected', 6],
    ['temp ~ 3', 'unexpected', 5],
    ['temp > 30 humid < 4', 'unexpected', 10],
    ['temp > 30 and', 'unexpected', 13],
    ['temp > 30 and and', 'unexpected', 14],
    ['temp > 30 & a == 1', 'unexpected', 10],
    ['temp > 30)', 'unexpected', 9],
    ['(temp > 30', 'unexpected', 10],
    ['()', 'unexpected', 1],
    ['not', 'unexpected', 3],
    ['temp not 30', 'unexpected', 9],
    ['temp in 30', 'unexpected', 8],
    ['temp in []', 'unexpected', 9],
    ['temp in [1,]', 'unexpected', 11],
    ['temp in [1 2]', 'unexpected', 11],
    ['temp in [1)', 'unexpected', 10],
    ['temp in [a]', 'unexpected', 9],
    ['temp in [[1]]', 'unexpected', 9],
    ['temp == [1]', 'unexpected', 8],
    ['exists', 'unexpected', 6],
    ['exists == 3', 'unexpected', 7],
    ['exists (a', 'unexpected', 9],
    ['exists 3', 'unexpected', 7],
    ['in == 3', 'unexpected', 0],
    ['.a == 3', 'unexpected', 0],
    ['température == 3', 'unexpected', 4],
    ['30 < temp', 'literal-first', 0],
    ['a == 1 and "x" == b', 'literal-first', 11],
    ['true == a', 'literal-first', 0],
    ['NULL == a', 'literal-first', 0],
    ['-1 == a', 'literal-first', 0],
    ['[1] == a', 'literal-first', 0],
    ['a. == 3', 'bad-path', 2],
    ['a..b == 3', 'bad-path', 2],
    ['a.01 == 3', 'bad-path', 2],
    ['a.0x == 3', 'bad-path', 2],
    ['a."" == 3', 'bad-path', 2],
    ['a.é == 3', 'bad-path', 2],
    [path(32), 'bad-path', 7],
    ['a."b == 3', 'bad-string', 2],
    ['a == "x', 'bad-string', 5],
    ['a == \'x"', 'bad-string', 5],
    ['a == "x\\', 'bad-string', 7],
    ['a == "x\\y"', 'bad-string', 7],
    ['a == "x\\u12g4"', 'bad-string', 7],
    ['a == "x\ny"', 'bad-string', 7],
    ['a == "\\ud800"', 'bad-string', 5],
    ['a == "\ud800"', 'bad-string', 5],
    ['a == 01', 'bad-number', 5],
    ['a == 1.', 'bad-number', 5],
    ['a == 1e', 'bad-number', 5],
    ['a == 0x10', 'bad-number', 5],
    ['a == -', 'bad-number', 5],
    ['a == 1and b == 2', 'bad-number', 5],
    ['a == 1e999', 'bad-number', 5],
    ['a == 9007199254740993', 'bad-number', 5],
    ['a > true', 'no-order', 4],
    ['a <= null', 'no-order', 5],
    ['eventTime >= null', 'no-order', 13],
    ['eventTime > 1772366400', 'bad-time', 12],
    ['eventTime == "yesterday"', 'bad-time', 13],
    ['eventTime > "2026-03-01"', 'bad-time', 12],
    ['eventTime in ["2026-03-01T12:00:00Z", "x"]', 'bad-time', 38],
    [long(2049), 'too-long', 2048],
    [`${terms(64)} or b==1`, 'too-many-terms', 512],
    [list(257), 'too-many-items', 518],
    [nested(17), 'too-deep', 16],
    [nots(17), 'too-deep', 64],
  ])('%j', (text, code, position) => {
    expect(() => Filter.parse(text)).toThrow(expect.objectContaining({ name: 'FilterError', code, position }));
  });

  test('the message says what was expected, and what is there', () => {
    expect(() => Filter.parse('temp > other and a == 1')).toThrow(
      'expected a literal (a number, quoted text, true, false or null), found "other and a == 1"',
    );
    expect(() => Filter.parse('temp > ')).toThrow(
      'expected a literal (a number, quoted text, true, false or null), found the end',
    );
  });

  test('a filter whose one spelling would be too long', () => {
    const text = `a == '${'"'.repeat(1100)}'`;
    expect(() => Filter.parse(text)).toThrow(expect.objectContaining({ code: 'too-long', position: text.length }));
  });

  test.each([
    ['length', `normalized.${long(2048 - 11)}`],
    ['terms', Array(64).fill('seq==1').join(' or ')],
    ['items', list(256)],
    ['parentheses', nested(16)],
    ['nots', nots(16)],
    ['path', path(31)],
  ])('up to the limit of %s', (_what, text) => {
    const { canonical } = Filter.parse(text);
    expect(Filter.parse(canonical).canonical).toBe(canonical);
  });
});
