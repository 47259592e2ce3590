import { describe, expect, it } from 'vitest';
import { type JsonObject, parseJson } from '../../src/json/parse.ts';
import { compilePolicy } from '../../src/normalize/compile.ts';
import type { CompareOp, Constraints, MappingPolicy } from '../../src/normalize/policy.ts';

function issues(policy: MappingPolicy, event: string): string[] {
  return compilePolicy(policy).normalize(parseJson(event) as JsonObject, 0).issues;
}

const constrained = (constraints: Constraints, event: string) => issues({ constraints }, event);

describe('enum', () => {
  const values = ['ok', 1, true, { a: [1, { b: null, c: 2 }] }, []];
  it.each([
    ['"ok"', []],
    ['1', []],
    ['1.0', []],
    ['true', []],
    ['{"a":[1,{"c":2,"b":null}]}', []],
    ['[]', []],
    ['null', []],
    ['"OK"', ['enum:v:OK']],
    ['"1"', ['enum:v:1']],
    ['false', ['enum:v:false']],
    ['{"a":[1]}', ['enum:v:[object]']],
    ['[1]', ['enum:v:[array]']],
    ['{"valueOf":1,"toString":2}', ['enum:v:[object]']],
    ['12345678901234567890', ['enum:v:12345678901234567890', 'number-unsafe:v']],
  ])('%s gives %j', (value, expected) => {
    expect(constrained({ enum: { v: values } }, `{"v":${value}}`)).toEqual(expected);
    expect(issues({ map: { v: 'v' }, constraints: { enum: { v: values } } }, `{"v":${value}}`)).toEqual(expected);
  });

  it('is silent about what is not there', () => {
    expect(constrained({ enum: { v: ['x'] } }, '{}')).toEqual([]);
  });

  it('is about the value after coercion, and not about one that has none', () => {
    const policy: MappingPolicy = { coerce: { v: 'number' }, constraints: { enum: { v: [1, 2] } } };
    expect(issues(policy, '{"v":"1"}')).toEqual([]);
    expect(issues(policy, '{"v":"3"}')).toEqual(['enum:v:3']);
    expect(issues(policy, '{"v":"x"}')).toEqual(['coercion-NaN:v:x']);
  });
});

describe('pattern', () => {
  it.each([
    ['b+', 'abbc', true],
    ['^b', 'abbc', false],
    ['^a.*c$', 'abbc', true],
    ['^[a-z]{2,3}$', 'abc', true],
    ['^[a-z]{2,3}$', 'abcd', false],
    ['^.$', '😀', true],
    ['^.$', '\n', false],
    ['^x$', 'x\n', false],
    ['(?i)^abc$', 'AbC', true],
    ['^(ok|warn)$', 'warn', true],
    ['^(ok|warn)$', 'warning', false],
    ['^\\p{Greek}+$', 'αβγ', true],
    ['', '', true],
  ])('%j on %j: %j', (pattern, text, matches) => {
    expect(constrained({ pattern: { v: pattern } }, JSON.stringify({ v: text }))).toEqual(
      matches ? [] : [`pattern:v:${text}`],
    );
  });

  it('does not match what is no text, and is silent about what is not there', () => {
    expect(constrained({ pattern: { v: '1' } }, '{"v":1}')).toEqual(['pattern:v:1']);
    expect(constrained({ pattern: { v: '1' } }, '{"v":["1"]}')).toEqual(['pattern:v:[array]']);
    expect(constrained({ pattern: { v: '1' } }, '{"v":null}')).toEqual([]);
    expect(issues({ coerce: { v: 'string' }, constraints: { pattern: { v: '^1$' } } }, '{"v":1}')).toEqual([]);
  });
});

describe('compare', () => {
  const holds = (a: string, op: CompareOp, b: string) =>
    constrained({ compare: [{ left: 'a', op, right: 'b' }] }, `{"a":${a},"b":${b}}`);

  it.each<[string, CompareOp, string, string | undefined]>([
    ['1', '<', '2', undefined],
    ['2', '<', '2', '2>=2'],
    ['2', '<=', '2', undefined],
    ['10', '<=', '9', '10>9'],
    ['10', '>', '9', undefined],
    ['9', '>', '9', '9<=9'],
    ['9', '>=', '9', undefined],
    ['8.5', '>=', '9', '8.5<9'],
    ['1', '==', '1.0', undefined],
    ['1', '==', '2', '1!=2'],
    ['1', '!=', '2', undefined],
    ['-0', '!=', '0', '0==0'],
    ['"10"', '<', '"9"', undefined],
    ['"b"', '<', '"a"', 'b>=a'],
    ['"2026-03-01T12:00:00.000Z"', '<', '"2026-03-01T12:00:00.001Z"', undefined],
    ['true', '==', 'true', undefined],
    ['true', '!=', 'true', 'true==true'],
    ['true', '>', 'false', 'true?false'],
    ['1', '==', '"1"', '1?1'],
    ['1', '!=', '"1"', '1?1'],
    ['[1]', '==', '[1]', '[array]?[array]'],
    ['{}', '<', '1', '[object]?1'],
    ['1e400', '>', '1', undefined],
  ])('%s %s %s', (a, op, b, found) => {
    const relations = holds(a, op, b).filter((issue) => !issue.startsWith('number-unsafe'));
    expect(relations).toEqual(found === undefined ? [] : [`compare:a:${found}`]);
  });

  it('is silent where an operand is missing', () => {
    expect(holds('null', '<', '1')).toEqual([]);
    expect(constrained({ compare: [{ left: 'a', op: '==', right: 'b' }] }, '{"b":1}')).toEqual([]);
    expect(constrained({ compare: [{ left: 'a', op: '==', right: { const: 1 } }] }, '{}')).toEqual([]);
  });

  it('takes constants, and values after coercion, in the order of the policy', () => {
    const policy: MappingPolicy = {
      map: { end: 'e', start: 's', n: 'n' },
      coerce: { start: 'iso8601', end: { kind: 'timestamp', unit: 's' }, n: 'number' },
      constraints: {
        compare: [
          { left: 'n', op: '>', right: { const: 9 } },
          { left: 'start', op: '<', right: 'end' },
          { left: 'n', op: '!=', right: { const: 9 } },
        ],
      },
    };
    expect(issues(policy, '{"n":"10","s":"2026-03-01T13:00:00+02:00","e":1772366400}')).toEqual([]);
    expect(issues(policy, '{"n":"9","s":"2026-03-01T14:00:00+02:00","e":1772366400}')).toEqual([
      'compare:n:9<=9',
      'compare:start:2026-03-01T12:00:00.000Z>=2026-03-01T12:00:00.000Z',
      'compare:n:9==9',
    ]);
  });

  it('shows long operands cut', () => {
    const [issue] = holds(JSON.stringify('b'.repeat(1000)), '<', JSON.stringify('a'.repeat(1000)));
    expect(issue).toBe(`compare:a:${'b'.repeat(64)}…>=${'a'.repeat(64)}…`);
  });
});

it('issues come missing first, then field by field, then comparisons, the schema, and the time', () => {
  const policy: MappingPolicy = {
    required: ['gone'],
    coerce: { c: 'number' },
    constraints: {
      schema: { required: ['d'], properties: { a: { type: 'number' } } },
      compare: [{ left: 'b', op: '<', right: 'a' }],
      pattern: { b: '^x', a: '^y' },
      enum: { b: ['q'] },
      bounds: { c: { min: 5 } },
    },
  };
  expect(issues(policy, '{"ts":"never","c":"4","b":"z","a":"b"}')).toEqual([
    'required-missing:gone',
    'pattern:a:b',
    'enum:b:z',
    'pattern:b:z',
    'bounds-min:c:4<5',
    'compare:b:z>=b',
    'schema::required d',
    'schema:a:type number',
    'time-invalid:ts:never',
  ]);
});

it('segments of digits in a field that map makes name members, never items', () => {
  const policy: MappingPolicy = { map: { 'c.1': 'lat', 'c.0': 'lon', d: 'list' }, required: ['c.0'] };
  const { payload } = compilePolicy(policy).normalize({ lat: 48.2, lon: 16.4, list: [1] }, 0);
  expect(payload).toBe('{"c":{"0":16.4,"1":48.2},"d":[1]}');
});

it('monotonicFields and the hidden paths have no effect on a single event', () => {
  const policy: MappingPolicy = {
    constraints: { monotonicFields: ['n'], monotonicKey: ['k'] },
    redact: ['r'],
    hash: ['h'],
  };
  const { payload, issues } = compilePolicy(policy).normalize({ n: 1, k: 'x', r: 2, h: 3 }, 0);
  expect({ payload, issues }).toEqual({ payload: '{"h":3,"k":"x","n":1,"r":2}', issues: [] });
});
