import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Filter } from '../../src/filter/filter.ts';
import type { Subject } from '../../src/filter/path.ts';
import { METADATA } from '../../src/filter/path.ts';
import { parseJson } from '../../src/json/parse.ts';

const certified = parseJson(`{
  "type": "certified", "eventId": "e-1", "stream": "weather", "sourceId": "gauge-a", "seq": 7,
  "eventTime": "2026-03-01T12:00:00.000Z", "leafIndex": 41, "packet": {"start": 40, "end": 50},
  "versionId": "aa", "contentHash": "bb",
  "normalized": {
    "temp": 31.5, "text": "31.5", "zero": 0, "empty": "", "none": null, "yes": true, "stream": "inner",
    "tags": ["red", 5, null, ["deep"]], "list": [{"x": 1}, {"x": 2}], "odd name": {"a.b": 3}, "obj": {"0": "zero"},
    "__proto__": {"own": 1}, "time": "2026-03-01T12:00:00.000Z"
  }
}`) as Subject;

const fused = {
  ...{ type: 'certified', eventId: 'f-1', stream: 'weather', sourceId: 'gauge-a', sources: ['gauge-a', 'gauge-b'] },
  ...{ eventTime: '2026-03-01T12:00:00.000Z', decision: 'd', conflict: true, normalized: { level: 2 } },
};

const TRUE = [
  ['type == "certified" and stream == "weather" and seq == 7'],
  ['packet.start == 40 and packet.end > 41'],
  ['temp > 31'],
  ['temp >= 31.5 and temp <= 31.5 and not temp < 31.5 and not temp > 31.5'],
  ['temp == 31.50'],
  ['temp != 31'],
  ['stream == "weather" and normalized.stream == "inner" and payload.stream == "inner"'],
  ['zero == 0 and zero == -0 and zero != false and zero != "" and zero != null'],
  ['empty == "" and empty != null and empty < "a"'],
  ['none == null and exists none and none != 0'],
  ['yes == true and yes != 1 and yes != "true"'],
  ['text > "3" and text < "4" and not text > 3 and not text < 40'],
  // By code units a letter beyond the basic plane comes before U+FF5E.
  ['text < "\uff5e" and text < "😀"'],
  ['temp in [1, 31.5] and temp not in [1, "31.5"] and temp in (31.5)'],
  ['none in [null] and yes in [true, 1]'],
  ['tags == "red" and tags == 5 and tags == null'],
  ['tags in ["blue", "red"] and tags not in ["blue", "deep"]'],
  ['tags != "blue" and not tags != "red"'],
  ['not tags > 1 and not tags < "z"'],
  ['tags.0 == "red" and tags.3 == "deep" and tags.3.0 == "deep"'],
  ['list.1.x == 2 and not exists list.2 and not exists list.x and not exists list.length'],
  ['normalized."odd name"."a.b" == 3'],
  ['obj.0 == "zero"'],
  ['__proto__.own == 1'],
  ['exists normalized and exists packet and exists temp'],
  ['eventTime == "2026-03-01T13:00:00+01:00"'],
  ['eventTime > "2026-03-01T11:59:59.999Z" and eventTime <= "2026-03-01T12:00:00Z"'],
  ['eventTime in ["2026-03-01 12:00:00z"] and eventTime != "2026-03-01T12:00:00.001Z"'],
  ['eventTime != null'],
  ['time == "2026-03-01T12:00:00.000Z" and time != "2026-03-01T13:00:00+01:00"'],
  ['sourceId == "gauge-a" and sourceId in ["gauge-a"] and sourceId >= "gauge"'],
];

const MISSING = [
  'missing',
  'temp.x',
  'none.x',
  'text.length',
  'missing.x.y',
  'tags.9',
  'tags.map',
  'toString',
  'constructor.name',
  'normalized.obj.__proto__',
  'sources',
  'erased.at',
  'packet.constructor',
];

describe('comparisons', () => {
  test.each(TRUE)('%s', (text) => {
    expect(Filter.parse(text).matches(certified)).toBe(true);
    expect(Filter.parse(`not (${text})`).matches(certified)).toBe(false);
  });

  test.each(MISSING)('%s is missing: it equals nothing, not even null, and has no order', (path) => {
    const is = (text: string) => Filter.parse(text).matches(certified);
    expect(is(`exists ${path}`)).toBe(false);
    for (const literal of ['null', '0', '""', 'false']) {
      expect(is(`${path} == ${literal}`)).toBe(false);
      expect(is(`${path} != ${literal}`)).toBe(true);
      expect(is(`${path} in [${literal}]`)).toBe(false);
      expect(is(`${path} not in [${literal}]`)).toBe(true);
    }
    for (const order of ['<', '<=', '>', '>=']) {
      expect(is(`${path} ${order} 0`)).toBe(false);
      expect(is(`${path} ${order} ""`)).toBe(false);
    }
  });

  test('a source is one of all that had a say', () => {
    const is = (text: string) => Filter.parse(text).matches(fused);
    expect(is('sourceId == "gauge-b" and sourceId == "gauge-a"')).toBe(true);
    expect(is('sourceId in ["x", "gauge-b"] and sources == "gauge-b"')).toBe(true);
    expect(is('sourceId != "gauge-b"')).toBe(false);
    expect(is('sourceId == "gauge-c"')).toBe(false);
    expect(is('exists sourceId')).toBe(true);
    expect(Filter.parse('sourceId == "b"').matches({ type: 'conflict', sources: ['a', 'b'] })).toBe(true);
  });

  test('a time that is null is not before or after any', () => {
    const item = { eventTime: null };
    expect(Filter.parse('eventTime == null and eventTime in [null]').matches(item)).toBe(true);
    expect(Filter.parse('eventTime > "0001-01-01T00:00:00Z" or eventTime != null').matches(item)).toBe(false);
  });

  test('docs/filters.md names the metadata', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../../docs/filters.md'), 'utf8');
    const listed = /^- one of the metadata: (.*);$/m.exec(page)?.[1] ?? '';
    expect([...listed.matchAll(/`(\w+)`/g)].map(([, name]) => name).sort()).toEqual([...METADATA].sort());
  });

  test('no name of metadata is one that every object has', () => {
    expect([...METADATA].filter((name) => name in Object.prototype)).toEqual([]);
  });
});

describe('what has no payload of one event', () => {
  const received = { type: 'received', sourceId: 'gauge-a', stream: 'weather', count: 2, eventIds: ['e-1', 'e-2'] };

  test.each([
    ['temp > 30', true],
    ['not temp > 30', true],
    ['exists normalized', true],
    ['temp > 30 and not temp > 30', true],
    ['stream == "weather" and temp > 30', true],
    ['stream == "other" and temp > 30', false],
    ['stream == "other" or temp > 30', true],
    ['not (stream == "weather" or temp > 30)', false],
    ['not (stream == "weather" and temp > 30)', true],
    ['sourceId == "gauge-a"', true],
    ['sourceId != "gauge-a"', false],
    ['eventIds == "e-2"', true],
    ['count > 2', false],
    ['eventId == "e-1"', false],
    ['leafIndex > 3 and temp > 30', false],
  ])('%s: %s', (text, may) => {
    expect(Filter.parse(text).mayMatch(received)).toBe(may);
  });
});

describe('range', () => {
  test.each([
    ['temp > 3', 'normalized.temp', 3, Number.POSITIVE_INFINITY],
    ['temp > 3 and temp <= 5 and temp >= 4', 'normalized.temp', 4, 5],
    ['wind < 1 and temp > 3 and temp < 5', 'normalized.temp', 3, 5],
    ['leafIndex >= 10 and exists temp', 'leafIndex', 10, Number.POSITIVE_INFINITY],
  ])('%s', (text, path, low, high) => {
    const { range } = Filter.parse(text);
    expect([range?.path.text, range?.low, range?.high]).toEqual([path, low, high]);
  });

  test.each(['temp > 3 or temp < 1', 'not temp > 3', 'name > "a"', 'temp == 3', 'exists temp'])(
    '%s has none',
    (text) => {
      expect(Filter.parse(text).range).toBeUndefined();
    },
  );
});

describe('required', () => {
  test.each<[string, string | undefined, unknown[]?]>([
    ['temp > 30', undefined],
    ['temp != 30', undefined],
    ['temp not in [30]', undefined],
    ['not temp == 30', undefined],
    ['a == 1 or b == 2', undefined],
    ['exists a', undefined],
    ['eventTime == "2026-03-01T12:00:00Z"', 'eventTime', ['2026-03-01T12:00:00.000Z']],
    ['station == "s1"', 'normalized.station', ['s1']],
    ['station in ["s1", "s2", "s1"]', 'normalized.station', ['s1', 's2']],
    ['stream == "x" and station == "s1" and temp > 3', 'normalized.station', ['s1']],
    ['type == "certified" and stream == "x"', 'stream', ['x']],
    ['stream == "x" and sourceId in ["a", "b"]', 'sourceId', ['a', 'b']],
    ['station in ["s1", "s2"] and eventId == "e"', 'eventId', ['e']],
    ['active == true and stream == "x"', 'stream', ['x']],
    ['(stream == "x" and (station == "s1" and a > 1))', 'normalized.station', ['s1']],
    ['stream == "x" and (station == "s1" or station == "s2")', 'stream', ['x']],
  ])('%s', (text, path, values) => {
    const { required } = Filter.parse(text);
    expect(required?.path.text).toBe(path);
    expect(required?.values).toEqual(values);
  });
});
