import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JsonObject, parseJson, UnsafeNumber } from '../../src/json/parse.ts';
import { saysYes } from '../../src/pii-mark.ts';
import { type Line, lineOf, Rejected } from '../../src/spool/record.ts';
import { defaultTag, freeTag } from '../../src/spool/run.ts';
import { Settling } from '../../src/spool/settling.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

function line(value: object, label?: string): Record<string, unknown> {
  const found = lineOf({ value: value as JsonObject }, label);
  if (found instanceof Rejected) return { rejected: found.error };
  return JSON.parse(found.text) as Record<string, unknown>;
}

describe('a line', () => {
  it.each<[string, object, object]>([
    ['text', { text: 'a', chunk: 'b' }, { text: 'a' }],
    ['instruction', { chunk: 'b', instruction: 'a', text: '' }, { text: 'a', instruction: 'a' }],
    ['chunk', { source_text: 'c', chunk: 'b', text: 7 }, { text: 'b' }],
    ['source_text', { source_text: 'c', text: null }, { text: 'c', source_text: 'c' }],
  ])('has the text from %s', (_what, value, expected) => {
    expect(line(value)).toMatchObject(expected);
  });

  it.each<[object, string]>([
    [{ text: 'a', metadata: { content_hash: 'h' } }, 'h'],
    [{ text: 'a', metadata: { content_hash: null } }, sha256('a')],
    [{ text: 'ä', metadata: { content_hash: '' } }, sha256('ä')],
    [{ text: 'a', metadata: 'x' }, sha256('a')],
    [{ text: 'a', id: 'own' }, sha256('a')],
  ])('is known by its content: %j', (value, eventId) => {
    expect(line(value)).toEqual({ ...value, eventId });
  });

  it.each<[object, string]>([
    [{}, 'text-missing'],
    [{ text: ['a'] }, 'text-missing'],
    [{ text: 'a', metadata: { content_hash: 7 } }, 'content-hash-invalid'],
    [{ text: 'a', metadata: { content_hash: 'x'.repeat(1025) } }, 'content-hash-invalid'],
    [{ text: 'a', eventId: 'x', original_event_id: 'y' }, 'event-id-taken'],
  ])('is not made of %j', (value, rejected) => {
    expect(line(value)).toEqual({ rejected });
  });

  it('keeps an eventId of the record under another name, unless it is the same', () => {
    expect(line({ text: 'a', eventId: 7 })).toEqual({ text: 'a', eventId: sha256('a'), original_event_id: 7 });
    expect(line({ text: 'a', eventId: sha256('a') })).toEqual({ text: 'a', eventId: sha256('a') });
  });

  it('says that it is marked, in the one way that the server knows', () => {
    const marked = lineOf({ value: { text: 'a' } as JsonObject }, undefined, true) as Line;
    expect([JSON.parse(marked.text), marked.pii]).toEqual([{ eventId: sha256('a'), text: 'a', pii: true }, true]);
    for (const pii of [true, 'yes', ['email'], 1]) expect(line({ text: 'a', pii })).toMatchObject({ pii: true });
    expect(line({ text: 'a', metadata: { pii: true } })).toMatchObject({ pii: true });
    for (const pii of [false, 'no', null]) expect(line({ text: 'a', pii })).toMatchObject({ pii });
  });

  it('names the source of the file where the record names none', () => {
    expect(line({ text: 'a' }, 'file')).toMatchObject({ source: 'file' });
    expect(line({ text: 'a', source: 'own' }, 'file')).toMatchObject({ source: 'own' });
  });

  it('is the same from the text of a record as from its value', () => {
    const member = fc.constantFrom('text', 'eventId', 'source', 'metadata', 'chunk', '__proto__', 'n', 'pii');
    const record = fc.dictionary(member, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 6 });
    fc.assert(
      fc.property(record, fc.constantFrom(undefined, 'label'), (made, label) => {
        const text = JSON.stringify(made, undefined, 1).replaceAll('\n', ' ');
        const value = parseJson(text) as JsonObject;
        const [a, b] = [lineOf({ value, text }, label), lineOf({ value }, label)];
        if (a instanceof Rejected || b instanceof Rejected) expect(a).toEqual(b);
        else {
          expect(parseJson(a.text)).toEqual(parseJson(b.text));
          expect(a.pii).toBe(b.pii);
          expect(a.text).not.toContain('\n');
        }
      }),
    );
  });

  it.each(['18446744073709551615', '1e400', '1e20', '-9007199254740993'])('keeps the number %s', (number) => {
    const text = `{"text":"a","eventId":"moved","n":${number}}`;
    const value = parseJson(text) as JsonObject;
    const { n } = parseJson((lineOf({ value }, undefined) as Line).text) as JsonObject;
    expect(n).toEqual(value.n instanceof UnsafeNumber ? value.n : Number(number));
  });
});

it.each([undefined, null, false, 0, '', 'false', ' No ', 'none', '0', []])('does not take %j for a mark', (pii) => {
  expect(saysYes(pii)).toBe(false);
});

it.each([true, 1, 'true', 'yes', 'email', ['email'], {}])('takes %j for a mark', (pii) => {
  expect(saysYes(pii)).toBe(true);
});

describe('a tag', () => {
  it('says the time in UTC', () => {
    expect(defaultTag(new Date('2026-03-01T02:03:04.567Z'))).toBe('spool_20260301_020304');
  });

  it('gets a number where it is taken, and stays within its length', async () => {
    const taken = new Set(['a', 'a_2', 'x'.repeat(128)]);
    const isTaken = (tag: string) => Promise.resolve(taken.has(tag));
    expect(await freeTag('b', isTaken)).toBe('b');
    expect(await freeTag('a', isTaken)).toBe('a_3');
    expect(await freeTag('x'.repeat(128), isTaken)).toBe(`${'x'.repeat(126)}_2`);
  });
});

describe('a file is finished', () => {
  const file = (size: number, mtime = '1', ino = '1') => [{ name: 'a', size, mtime, ino }];

  it('when it is the same after the time to settle', () => {
    const settling = new Settling(100);
    expect(settling.look(file(1), 0)).toEqual({ settled: [], unsettled: 1 });
    expect(settling.look(file(1), 99)).toEqual({ settled: [], unsettled: 1 });
    expect(settling.look(file(1), 100)).toEqual({ settled: file(1), unsettled: 0 });
  });

  it.each([
    ['size', file(2)],
    ['time', file(1, '2')],
    ['file', file(1, '1', '2')],
  ])('not when another %s begins it anew', (_what, changed) => {
    const settling = new Settling(100);
    settling.look(file(1), 0);
    expect(settling.look(changed, 100).settled).toEqual([]);
    expect(settling.look(changed, 199).settled).toEqual([]);
    expect(settling.look(changed, 200).settled).toEqual(changed);
  });

  it('not when it was away in between', () => {
    const settling = new Settling(100);
    settling.look(file(1), 0);
    settling.look([], 50);
    expect(settling.look(file(1), 100).settled).toEqual([]);
  });
});
