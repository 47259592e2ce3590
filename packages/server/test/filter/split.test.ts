import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Split } from '../../src/filter/split.ts';
import { payload } from './generated.ts';

/** As docs/filters.md says it. */
function memberOf(keyText: string, of: number): number {
  return createHash('sha256').update(keyText, 'utf8').digest().readUInt32BE(0) % of;
}

describe('members', () => {
  test.each([
    [undefined, { eventId: 'e-1' }, '["e-1"]'],
    [undefined, { type: 'anchored' }, '[null]'],
    ['station', { normalized: { station: 'S 1' } }, '["S 1"]'],
    ['station,at', { normalized: { station: 5e-7, at: { b: 1, a: [true] } } }, '[5e-7,{"a":[true],"b":1}]'],
    ['sourceId', { sourceId: null, sources: ['a', 'b'] }, '[null]'],
    ['stream , missing', { stream: 'é' }, '["é",null]'],
  ])('by %s', (key, subject, text) => {
    for (const of of [1, 2, 3, 7, 1024]) {
      const taking = Array.from({ length: of }, (_, index) => Split.parse(`${index}/${of}`, key)).filter((split) =>
        split.takes(subject),
      );
      expect(taking.map(({ index }) => index)).toEqual([memberOf(text, of)]);
    }
  });

  test('exactly one takes each', () => {
    fc.assert(
      fc.property(payload, fc.integer({ min: 1, max: 20 }), (normalized, of) => {
        const members = Array.from({ length: of }, (_, index) => Split.parse(`${index}/${of}`, 'a,b'));
        expect(members.filter((split) => split.takes({ normalized }))).toHaveLength(1);
      }),
    );
  });

  test('many are shared out evenly', () => {
    const counts = [0, 1, 2, 3].map((index) => {
      const split = Split.parse(`${index}/4`);
      return Array.from({ length: 4000 }, (_, n) => ({ eventId: `event-${n}` })).filter((it) => split.takes(it)).length;
    });
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});

test('one spelling', () => {
  expect(Split.parse('1/4').canonical).toBe('1/4 eventId');
  expect(Split.parse('1/4', ' station,payload.at ').canonical).toBe('1/4 normalized.station,normalized.at');
});

describe('what is refused', () => {
  test.each([
    '',
    '1',
    '4/4',
    '5/4',
    '-1/4',
    '0/0',
    '1/04',
    '01/4',
    '0/1025',
    '1/4/5',
    ' 1/4',
    '1/4 ',
    '1.0/4',
    'a/b',
    '١/٤',
  ])('%j', (text) => {
    expect(() => Split.parse(text)).toThrow(expect.objectContaining({ name: 'FilterError', code: 'bad-split' }));
  });

  test.each([
    ['', 'unexpected', 0],
    ['a,,b', 'unexpected', 2],
    [Array(9).fill('a').join(','), 'too-many-paths', 16],
  ])('the key %j', (key, code, position) => {
    expect(() => Split.parse('0/2', key)).toThrow(expect.objectContaining({ code, position }));
  });
});
