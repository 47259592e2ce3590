import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Fields } from '../../src/filter/fields.ts';
import { parsePaths } from '../../src/filter/path-list.ts';
import { subject } from './generated.ts';

const message = {
  ...{ type: 'certified', eventId: 'e-1', sourceId: 'a', sources: ['a', 'b'], packet: { start: 1, end: 3 } },
  normalized: { temp: 30, at: { lat: 1, lon: 2 }, list: [{ x: 1, y: 2 }, { x: 3 }, 5], none: null, type: 'inner' },
};

describe('what is kept', () => {
  test.each<[string, object]>([
    ['eventId', { eventId: 'e-1' }],
    ['temp', { normalized: { temp: 30 } }],
    ['normalized.temp, payload.at.lat', { normalized: { temp: 30, at: { lat: 1 } } }],
    ['normalized', { normalized: message.normalized }],
    ['normalized.temp,normalized', { normalized: message.normalized }],
    ['normalized.type', { normalized: { type: 'inner' } }],
    ['packet.start,sourceId', { packet: { start: 1 }, sourceId: 'a' }],
    ['sources.1', { sources: [null, 'b'] }],
    ['list.1.x,list.0.y', { normalized: { list: [{ y: 2 }, { x: 3 }] } }],
    ['list.2', { normalized: { list: [null, null, 5] } }],
    ['none', { normalized: { none: null } }],
    ['missing,temp.x,list.9,list.x,toString,normalized.__proto__,seq', {}],
  ])('%s', (text, kept) => {
    expect(Fields.parse(text).project(message, [])).toEqual(kept);
  });

  test('some members always, and first', () => {
    const projected = Fields.parse('eventId,packet.start').project(message, ['type', 'packet', 'missing']);
    expect(JSON.stringify(projected)).toBe('{"type":"certified","packet":{"start":1,"end":3},"eventId":"e-1"}');
  });

  test('a member named __proto__ stays one', () => {
    const object = JSON.parse('{"normalized":{"__proto__":{"x":1}}}') as Record<string, unknown>;
    expect(JSON.stringify(Fields.parse('__proto__.x').project(object, []))).toBe(
      '{"normalized":{"__proto__":{"x":1}}}',
    );
  });

  const path = fc.constantFrom(
    'a',
    'a.b',
    'tags',
    'tags.0',
    'tags.1.a',
    'normalized',
    'packet',
    'packet.start',
    'normalized."odd name".a',
    'sources.1',
    'normalized.__proto__.a',
  );

  test('a path reads the same from the result; the result has no more of anything', () => {
    fc.assert(
      fc.property(fc.array(path, { minLength: 1, maxLength: 5 }), subject, (paths, about) => {
        const fields = Fields.parse(paths.join(','));
        const projected = fields.project(about, []);
        for (const kept of parsePaths(paths.join(','), 64)) expect(kept.read(projected)).toEqual(kept.read(about));
        expect(fields.project(projected, [])).toEqual(projected);
        expect(Fields.parse(fields.canonical).canonical).toBe(fields.canonical);
        expect(Fields.parse([...paths].reverse().join(' , ')).canonical).toBe(fields.canonical);
        expect(Fields.parse(fields.canonical).project(about, [])).toEqual(projected);
      }),
    );
  });
});

describe('one spelling', () => {
  test.each([
    ['temp', 'normalized.temp'],
    [' b , a,b ', 'normalized.a,normalized.b'],
    ['a.b,a,a.c', 'normalized.a'],
    ['normalized.a."0"', 'normalized.a.0'],
  ])('%j', (text, canonical) => expect(Fields.parse(text).canonical).toBe(canonical));
});

describe('what is refused, and where', () => {
  test.each([
    ['', 'unexpected', 0],
    ['a,', 'unexpected', 2],
    ['a b', 'unexpected', 2],
    ['a,*', 'unexpected', 2],
    ['"a"', 'unexpected', 0],
    ['a..b', 'bad-path', 2],
    ['a."b', 'bad-string', 2],
    [Array(65).fill('a').join(','), 'too-many-paths', 128],
    ['a'.repeat(2049), 'too-long', 2048],
  ])('%j', (text, code, position) => {
    expect(() => Fields.parse(text)).toThrow(expect.objectContaining({ name: 'FilterError', code, position }));
  });
});
