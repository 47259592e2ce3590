import { canonicalize } from '@tidemark/proof';
import { describe, expect, it } from 'vitest';
import { type JsonObject, MAX_EVENT_DEPTH, parseJson } from '../../src/json/parse.ts';
import { compilePolicy, type NormalizeResult } from '../../src/normalize/compile.ts';
import type { MappingPolicy } from '../../src/normalize/policy.ts';

const arrival = Date.parse('2026-03-01T13:00:00.000Z');

function normalize(policy: MappingPolicy, event: unknown): NormalizeResult {
  const text = typeof event === 'string' ? event : JSON.stringify(event);
  return compilePolicy(policy).normalize(parseJson(text) as JsonObject, arrival);
}

const payload = (policy: MappingPolicy, event: unknown) => normalize(policy, event).payload;
const issues = (policy: MappingPolicy, event: unknown) => normalize(policy, event).issues;

describe('the golden policy of contracts/log.md', () => {
  const golden = compilePolicy({ map: { t: 'temp', ts: 'ts' }, required: ['t'] });

  it('has the hash of its canonical text', () => {
    expect(golden.hash).toBe('749f7073487fef001a6611708746a3c49af5ce5cd0ebaefeb28151a4d684a264');
    expect(compilePolicy({ required: ['t'], map: { ts: 'ts', t: 'temp' } }).hash).toBe(golden.hash);
  });

  it('accepts', () => {
    const event = '{"id":"r2","ts":"2026-03-01T12:00:01.250Z","temp":21.75,"note":"\u20ac \ud83d\ude80"}';
    expect(golden.normalize(parseJson(event) as JsonObject, arrival)).toEqual({
      payload: '{"t":21.75,"ts":"2026-03-01T12:00:01.250Z"}',
      eventTime: '2026-03-01T12:00:01.250Z',
      issues: [],
      quarantined: false,
    });
  });

  it('quarantines', () => {
    const event = parseJson('{"id":"r3","ts":"2026-03-01T12:00:02Z"}') as JsonObject;
    expect(golden.normalize(event, arrival)).toEqual({
      payload: '{"ts":"2026-03-01T12:00:02Z"}',
      eventTime: '2026-03-01T12:00:02.000Z',
      issues: ['required-missing:t'],
      quarantined: true,
    });
  });
});

describe('map', () => {
  const event = { a: { b: [10, { c: 'x' }] }, n: null, s: 'text', o: { z: 1, y: [{ b: 1, a: 2 }] } };

  it.each<[string, MappingPolicy['map'], string]>([
    ['sorts flat scalars', { z: 'a.b.0', b: 's', a: 'n' }, '{"a":null,"b":"text","z":10}'],
    ['leaves out what is not there', { a: 'missing', b: 's', c: 'a.b.7' }, '{"b":"text"}'],
    ['may come to nothing', { a: 'missing', 'b.c': 'missing' }, '{}'],
    ['sorts inside of values', { v: 'o', a: 's' }, '{"a":"text","v":{"y":[{"a":2,"b":1}],"z":1}}'],
    ['nests', { 'geo.lat': 'a.b.0', 'geo.deep.x': 's', id: 's' }, '{"geo":{"deep":{"x":"text"},"lat":10},"id":"text"}'],
    ['leaves out empty nests', { 'geo.lat': 'missing', id: 's' }, '{"id":"text"}'],
    ['writes dots in names', { 'a\\.b': 's' }, '{"a.b":"text"}'],
    ['sorts integer names as text', { '10': 's', '9': 's', a: 's' }, '{"10":"text","9":"text","a":"text"}'],
    ['takes constants', { k: { const: { b: 1, a: [true] } }, s: { const: null } }, '{"k":{"a":[true],"b":1},"s":null}'],
    [
      'takes defaults for missing and null',
      {
        a: { path: 'missing', default: 1 },
        b: { path: 'n', default: 'd' },
        c: { path: 's', default: 2 },
        d: { path: 'x' },
      },
      '{"a":1,"b":"d","c":"text"}',
    ],
    ['reads a path twice', { a: 's', b: 's' }, '{"a":"text","b":"text"}'],
  ])('%s', (_title, map, expected) => {
    expect(normalize({ map: map ?? {} }, event)).toMatchObject({ payload: expected, issues: [] });
  });

  it('holds no member over from one event to the next', () => {
    const policy = compilePolicy({ map: { a: 'a', b: 'b', c: 'c' } });
    const run = (event: string) => policy.normalize(parseJson(event) as JsonObject, arrival).payload;
    expect(run('{"a":1,"b":"x"}')).toBe('{"a":1,"b":"x"}');
    expect(run('{"c":true,"a":0.5}')).toBe('{"a":0.5,"c":true}');
    expect(run('{"a":{"b":1}}')).toBe('{"a":{"b":1}}');
    expect(run('{}')).toBe('{}');
  });

  it('writes inherited names as any other', () => {
    const policy = JSON.parse('{"map":{"__proto__":"a","constructor.x":"b","toString":"toString"}}') as MappingPolicy;
    expect(payload(policy, '{"a":1,"b":2}')).toBe('{"__proto__":1,"constructor":{"x":2}}');
    expect(payload(policy, '{"toString":3}')).toBe('{"toString":3}');
  });

  it('coerces and bounds what it makes, defaults too', () => {
    const policy: MappingPolicy = {
      map: { 'm.t': { path: 'temp', default: '20' }, on: 'on' },
      coerce: { 'm.t': 'number', on: 'boolean' },
      constraints: { bounds: { 'm.t': { min: 0, max: 50 } } },
    };
    expect(normalize(policy, { temp: '21.5', on: 'false' })).toMatchObject({
      payload: '{"m":{"t":21.5},"on":false}',
      issues: [],
    });
    expect(payload(policy, {})).toBe('{"m":{"t":20}}');
    expect(issues(policy, { temp: '50.5' })).toEqual(['bounds-max:m.t:50.5>50']);
  });
});

describe('without a map', () => {
  it('passes the event through whole, in canonical form', () => {
    expect(payload({}, '{"b":1.0,"a":{"d":"\\u0041","c":[1e2]}}')).toBe('{"a":{"c":[100],"d":"A"},"b":1}');
    expect(payload({ map: {} }, '{"b":1}')).toBe('{"b":1}');
  });

  it('replaces coerced fields, wherever they are', () => {
    const policy: MappingPolicy = {
      coerce: { t: 'number', 'list.1.x': 'string', 'geo.lat': 'number', gone: 'number' },
    };
    const event = parseJson('{"t":"1","list":[5,{"x":6,"y":7},8],"geo":{"lat":"2","lon":"3"}}') as JsonObject;
    const before = structuredClone(event);
    expect(compilePolicy(policy).normalize(event, arrival).payload).toBe(
      '{"geo":{"lat":2,"lon":"3"},"list":[5,{"x":"6","y":7},8],"t":1}',
    );
    expect(event).toEqual(before);
  });

  it('coerces own members by inherited names', () => {
    const policy = JSON.parse('{"coerce":{"__proto__.x":"number","constructor":"number"}}') as MappingPolicy;
    expect(payload(policy, '{"__proto__":{"x":"1"},"constructor":"2"}')).toBe('{"__proto__":{"x":1},"constructor":2}');
    expect(payload(policy, '{"a":1}')).toBe('{"a":1}');
  });
});

describe('issues', () => {
  it.each<[string, MappingPolicy, unknown, string[]]>([
    ['missing', { required: ['a', 'b', 'c'] }, { b: null, c: '' }, ['required-missing:a', 'required-missing:b']],
    ['missing, nested', { required: ['a.b'] }, { a: {} }, ['required-missing:a.b']],
    ['missing, named twice', { required: ['a', 'a'] }, {}, ['required-missing:a']],
    ['below', { constraints: { bounds: { a: { min: -1.5 } } } }, { a: -2 }, ['bounds-min:a:-2<-1.5']],
    ['above', { constraints: { bounds: { a: { max: 10 } } } }, { a: 10.5 }, ['bounds-max:a:10.5>10']],
    ['at the bounds', { constraints: { bounds: { a: { min: 1, max: 1 } } } }, { a: 1 }, []],
    ['bounds of nothing', { constraints: { bounds: { a: { min: 1 }, b: { min: 1 } } } }, { a: null }, []],
    ['bounds of decimal text', { constraints: { bounds: { a: { max: 1 } } } }, { a: '2.0' }, ['bounds-max:a:2>1']],
    ['bounds of other text', { constraints: { bounds: { a: { max: 1 } } } }, { a: 'x' }, ['coercion-NaN:a:x']],
    [
      'bounds of long digits',
      { coerce: { a: 'string' }, constraints: { bounds: { a: { max: 1 } } } },
      '{"a":12345678901234567890}',
      ['bounds-max:a:12345678901234567000>1'],
    ],
    [
      'one per field that cannot be coerced',
      { coerce: { a: 'number' }, constraints: { bounds: { a: { max: 1 } } } },
      { a: 'x' },
      ['coercion-NaN:a:x'],
    ],
    [
      'unsafe numbers',
      {},
      '{"b":[1,{"x.y":12345678901234567890}],"a":1e400}',
      ['number-unsafe:a', 'number-unsafe:b.1.x\\.y'],
    ],
    ['unsafe numbers, mapped', { map: { o: 'b' } }, '{"b":[1e400]}', ['number-unsafe:o.0']],
    ['unsafe numbers that are not mapped', { map: { o: 'a' } }, '{"b":1e400,"a":1}', []],
    [
      'in the order: missing, then field by field, then time',
      {
        required: ['z', 'y'],
        coerce: { c: 'number', a: 'boolean' },
        constraints: { bounds: { b: { min: 1 } } },
      },
      { a: 2, b: 0, c: 'x', ts: 'never' },
      [
        'required-missing:z',
        'required-missing:y',
        'coercion-NaN:a:2',
        'bounds-min:b:0<1',
        'coercion-NaN:c:x',
        'time-invalid:ts:never',
      ],
    ],
  ])('%s', (_title, policy, event, expected) => {
    expect(issues(policy, event)).toEqual(expected);
    expect(normalize(policy, event).quarantined).toBe(expected.length > 0);
    expect(normalize({ ...policy, onIssue: 'certify' }, event).quarantined).toBe(false);
  });

  it('do not hang on the order of keys in the policy or the event', () => {
    const one = { coerce: { b: 'number', a: 'number' } } as const;
    const two = { coerce: { a: 'number', b: 'number' } } as const;
    expect(issues(one, '{"a":"x","b":"y","d":1e400,"c":1e400}')).toEqual(
      issues(two, '{"c":1e400,"d":1e400,"b":"y","a":"x"}'),
    );
  });

  it('leave a payload with the values as they came, unsafe numbers as text', () => {
    const result = normalize(
      { coerce: { a: 'number', t: 'integer' }, onIssue: 'certify' },
      '{"a":"x","n":[12345678901234567890],"t":"9007199254740993"}',
    );
    expect(result.payload).toBe('{"a":"x","n":["12345678901234567890"],"t":"9007199254740993"}');
    expect(result.issues).toEqual(['coercion-NaN:a:x', 'number-unsafe:n.0', 'number-unsafe:t']);
  });

  it('are short, whatever the values, and whole as UTF-16', () => {
    const [long] = issues({ coerce: { a: 'number' } }, { a: 'x'.repeat(1_000_000) });
    expect(long).toBe(`coercion-NaN:a:${'x'.repeat(64)}…`);
    const [split] = issues({ coerce: { a: 'number' } }, { a: `${'x'.repeat(63)}😀` });
    expect(split).toBe(`coercion-NaN:a:${'x'.repeat(63)}…`);
    const [digits] = issues({ coerce: { a: 'boolean' } }, `{"a":${'9'.repeat(1000)}}`);
    expect(digits).toBe(`coercion-NaN:a:${'9'.repeat(64)}…`);
    const [key] = issues({}, `{"${'k'.repeat(100_000)}":1e400}`);
    expect(key).toBe(`number-unsafe:${'k'.repeat(512)}…`);
  });

  it('are 32 at most', () => {
    const event = `{${Array.from({ length: 10_000 }, (_, i) => `"k${i}":1e400`).join()}}`;
    const result = normalize({ required: ['missing'] }, event);
    expect(result.issues).toHaveLength(32);
    expect(result.issues.slice(0, 3)).toEqual(['required-missing:missing', 'number-unsafe:k0', 'number-unsafe:k1']);
    expect(result.payload).toContain('"k9999":"1e400"');
  });

  it('name values that would nest too deep in the payload, and leave them out', () => {
    const deep = `{"a":${'['.repeat(MAX_EVENT_DEPTH - 1)}${']'.repeat(MAX_EVENT_DEPTH - 1)},"b":1}`;
    expect(issues({}, deep)).toEqual([]);
    expect(issues({ map: { x: 'a' } }, deep)).toEqual([]);
    expect(normalize({ map: { 'x.y': 'a', b: 'b' } }, deep)).toMatchObject({
      payload: '{"b":1}',
      issues: ['too-deep:x.y'],
    });
  });
});

describe('event time', () => {
  const time = (policy: MappingPolicy, event: unknown) => {
    const { eventTime, issues } = normalize(policy, event);
    return [eventTime, ...issues];
  };

  it.each<[string, MappingPolicy, unknown, string[]]>([
    ['ts first', {}, { time: 1, timestamp: 2, ts: 3 }, ['1970-01-01T00:00:03.000Z']],
    ['then timestamp', {}, { time: 1, timestamp: 2, ts: null }, ['1970-01-01T00:00:02.000Z']],
    ['then time', {}, { time: 1 }, ['1970-01-01T00:00:01.000Z']],
    ['then arrival', {}, { when: 1 }, ['2026-03-01T13:00:00.000Z']],
    ['timeField', { timeField: 'a.when' }, { ts: 1, a: { when: 2 } }, ['1970-01-01T00:00:02.000Z']],
    ['timeField alone', { timeField: 'a.when' }, { ts: 1 }, ['2026-03-01T13:00:00.000Z']],
    ['the raw field, mapped or not', { map: { x: 'y' } }, { ts: 1 }, ['1970-01-01T00:00:01.000Z']],
    ['unreadable', {}, { ts: 'noon', time: 1 }, ['2026-03-01T13:00:00.000Z', 'time-invalid:ts:noon']],
    ['not a time', { timeField: 'o' }, { o: { x: 1 } }, ['2026-03-01T13:00:00.000Z', 'time-invalid:o:[object]']],
    ['nanoseconds, mapped away', { map: { x: 'y' } }, '{"ts":1772366400123456789}', ['2026-03-01T12:00:00.123Z']],
    [
      'nanoseconds, as text in the payload',
      { coerce: { ts: 'string' } },
      '{"ts":1772366400123456789}',
      ['2026-03-01T12:00:00.123Z'],
    ],
  ])('%s', (_title, policy, event, expected) => {
    expect(time(policy, event)).toEqual(expected);
  });

  it('follows the arrival from event to event', () => {
    const policy = compilePolicy({});
    const at = (observedAt: number) => policy.normalize({}, observedAt).eventTime;
    expect([at(arrival), at(0), at(arrival + 1), at(arrival + 1)]).toEqual([
      '2026-03-01T13:00:00.000Z',
      '1970-01-01T00:00:00.000Z',
      '2026-03-01T13:00:00.001Z',
      '2026-03-01T13:00:00.001Z',
    ]);
  });
});

describe('hostile events', () => {
  it('takes 1000 coerced fields in an event of 10,000 without copying it for each', () => {
    const names = Array.from({ length: 10_000 }, (_, i) => `k${i}`);
    const event = Object.fromEntries(names.map((name) => [name, '1']));
    const coerce = Object.fromEntries(names.slice(0, 1000).map((name) => [name, 'number' as const]));
    const expected = { ...event, ...Object.fromEntries(names.slice(0, 1000).map((name) => [name, 1])) };
    expect(payload({ coerce }, event)).toBe(canonicalize(expected));
  });
});
