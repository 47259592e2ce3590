import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { MAX_MONOTONIC_KEYS, Monotonic, type MonotonicRules } from '../../src/fuse/monotonic.ts';
import type { JsonObject, JsonValue } from '../../src/json/parse.ts';

const rules: MonotonicRules = { monotonicFields: ['n'] };
const perDevice: MonotonicRules = { monotonicFields: ['n'], monotonicKey: ['device.id'] };

/** The issues of each value in turn. */
function run(values: JsonValue[]): string[][] {
  const monotonic = new Monotonic();
  return values.map((n) => monotonic.check('alpha', rules, { n }));
}

describe('values of one field, one after the other', () => {
  it.each<[string, JsonValue[], string[][]]>([
    ['rise', [1, 2, 2, 3.5], [[], [], [], []]],
    ['fall', [-1, -2], [[], ['monotonic:n:-2<-1']]],
    ['a refused value is no floor', [5, 3, 4, 5], [[], ['monotonic:n:3<5'], ['monotonic:n:4<5'], []]],
    ['numbers are not compared as text', [9, 10], [[], []]],
    ['text is', ['9', '10'], [[], ['monotonic:n:10<9']]],
    [
      'times are compared by the instant',
      ['2026-03-01T12:00:00+02:00', '2026-03-01T11:00:00Z', '2026-03-01T10:59:59Z'],
      [[], [], ['monotonic:n:2026-03-01T10:59:59Z<2026-03-01T11:00:00Z']],
    ],
    [
      'other types pass, and leave the floor',
      [5, null, true, [1], { a: 1 }, '1', 4],
      [[], [], [], [], [], [], ['monotonic:n:4<5']],
    ],
    [
      'shown in 64 characters',
      ['b'.repeat(300), 'a'.repeat(300)],
      [[], [`monotonic:n:${'a'.repeat(64)}…<${'b'.repeat(64)}…`]],
    ],
    [
      'compared by 256',
      [`${'a'.repeat(256)}z`, `${'a'.repeat(256)}b`, `${'a'.repeat(255)}B`],
      [[], [], [`monotonic:n:${'a'.repeat(64)}…<${'a'.repeat(64)}…`]],
    ],
    ['but by whole characters', [`${'a'.repeat(255)}b`, `${'a'.repeat(255)}😀`, `${'a'.repeat(255)}😀b`], [[], [], []]],
  ])('%s', (_title, values, issues) => {
    expect(run(values)).toEqual(issues);
  });
});

test('no rules, no fields, missing fields: nothing to say, nothing kept', () => {
  const monotonic = new Monotonic();
  expect(monotonic.check('alpha', undefined, { n: 1 })).toEqual([]);
  expect(monotonic.check('alpha', {}, { n: 1 })).toEqual([]);
  expect(monotonic.check('alpha', { monotonicFields: [] }, { n: 1 })).toEqual([]);
  expect(monotonic.state()).toEqual({});
  expect(monotonic.check('alpha', rules, { m: 1 })).toEqual([]);
  expect(monotonic.state()).toEqual({ alpha: [] });
});

test('sources and keys count apart', () => {
  const monotonic = new Monotonic();
  const at = (source: string, device: JsonObject, n: number) => monotonic.check(source, perDevice, { device, n });
  expect([at('alpha', { id: 1 }, 5), at('alpha', { id: 2 }, 3), at('beta', { id: 1 }, 1)]).toEqual([[], [], []]);
  expect([at('alpha', { id: 1 }, 4), at('alpha', { id: 2 }, 4)]).toEqual([['monotonic:n:4<5'], []]);
  expect([at('alpha', { id: '1' }, 1), at('alpha', {}, 1), at('alpha', { id: null }, 0)]).toEqual([
    [],
    [],
    ['monotonic:n:0<1'],
  ]);
});

test('an event whose one field falls moves no floor of its others', () => {
  const monotonic = new Monotonic();
  const two: MonotonicRules = { monotonicFields: ['a', 'b.c', 'a'] };
  expect(monotonic.check('alpha', two, { a: 1, b: { c: 1 } })).toEqual([]);
  expect(monotonic.check('alpha', two, { a: 9, b: { c: 0 } })).toEqual(['monotonic:b.c:0<1']);
  expect(monotonic.check('alpha', two, { a: 0, b: { c: 0 } })).toEqual(['monotonic:a:0<1', 'monotonic:b.c:0<1']);
  expect(monotonic.check('alpha', two, { a: 1, b: { c: 2 } })).toEqual([]);
});

test('issues are bounded in number and length', () => {
  const monotonic = new Monotonic();
  const fields = Array.from({ length: 40 }, (_, index) => `f${index}`);
  const payload = (value: number) => Object.fromEntries(fields.map((field) => [field, value]));
  monotonic.check('alpha', { monotonicFields: fields }, payload(1));
  expect(monotonic.check('alpha', { monotonicFields: fields }, payload(0))).toEqual(
    fields.slice(0, 32).map((field) => `monotonic:${field}:0<1`),
  );
});

test('another policy knows the fields that it shares with the one before', () => {
  const monotonic = new Monotonic();
  monotonic.check('alpha', { monotonicFields: ['n'] }, { n: 5 });
  expect(monotonic.check('alpha', { monotonicFields: ['m', 'n'] }, { n: 4, m: 1 })).toEqual(['monotonic:n:4<5']);
  expect(monotonic.check('alpha', perDevice, { n: 4 })).toEqual([]);
});

test('the key that was updated least recently is forgotten first', () => {
  const monotonic = new Monotonic({}, 2);
  const at = (id: string, n: number) => monotonic.check('alpha', perDevice, { device: { id }, n });
  at('x', 5);
  at('y', 5);
  at('x', 6);
  // Refused, so no update.
  expect(at('y', 4)).toEqual(['monotonic:n:4<5']);
  at('z', 5);
  expect(monotonic.state()).toEqual({
    alpha: [
      ['{"device.id":"x"}', [['n', 6]]],
      ['{"device.id":"z"}', [['n', 5]]],
    ],
  });
  expect(at('y', 0)).toEqual([]);
});

test('100,000 keys a source are kept', () => {
  const monotonic = new Monotonic();
  for (let id = 0; id <= MAX_MONOTONIC_KEYS; id++) monotonic.check('alpha', perDevice, { device: { id }, n: 1 });
  const keys = monotonic.state().alpha ?? [];
  expect([keys.length, keys[0]]).toEqual([100_000, ['{"device.id":1}', [['n', 1]]]]);
});

test('long keys are kept as hashes', () => {
  const monotonic = new Monotonic();
  const at = (id: string, n: number) => monotonic.check('alpha', perDevice, { device: { id }, n });
  at('k'.repeat(1000), 5);
  expect([at('k'.repeat(1001), 1), at('k'.repeat(1000), 1)]).toEqual([[], ['monotonic:n:1<5']]);
  expect(monotonic.state().alpha?.map(([key]) => key.length)).toEqual([64, 64]);
});

test('after a restart from its state it says and keeps the same', () => {
  const value = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constantFrom('a', 'b', '2026-03-01T12:00:00Z', null));
  const event = fc.tuple(fc.constantFrom('alpha', 'constructor'), fc.constantFrom('x', 'y', '__proto__'), value, value);
  const both: MonotonicRules = { monotonicFields: ['n', '__proto__'], monotonicKey: ['device.id'] };
  const payload = (id: string, n: JsonValue, p: JsonValue) =>
    JSON.parse(`{"device":{"id":"${id}"},"n":${JSON.stringify(n)},"__proto__":${JSON.stringify(p)}}`) as JsonObject;
  fc.assert(
    fc.property(fc.array(event), fc.array(event), (before, after) => {
      const one = new Monotonic({}, 2);
      for (const [source, id, n, p] of before) one.check(source, both, payload(id, n, p));
      const two = new Monotonic(JSON.parse(JSON.stringify(one.state())), 2);
      for (const [source, id, n, p] of after) {
        expect(two.check(source, both, payload(id, n, p))).toEqual(one.check(source, both, payload(id, n, p)));
      }
      expect(JSON.stringify(two.state())).toBe(JSON.stringify(one.state()));
    }),
  );
});
