/** What any journal owes to its callers (`src/store/journal.ts`); run against every implementation. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { StoreError } from '../../src/store/errors.ts';
import type { JournalEntry, JournalReader, JournalWriter } from '../../src/store/journal.ts';
import { plain, Writer } from '../support/journal.ts';
import { streamConfig } from '../support/node.ts';

/** One journal on some storage, empty at first. */
export interface JournalUnderTest {
  /** Opens the append side, again after `close` too. */
  write(): JournalWriter;
  read(): JournalReader;
  /** Somebody who reads the journal as it is now. */
  hold(): { release(): void };
  /** Whether the text stands anywhere in what is stored. */
  holds(text: string): boolean;
  remove(): void;
}

const event = (id: string, text = `{"id":"${id}"}`) => ({ id, text });
const FAR = Number.MAX_SAFE_INTEGER;

export function journalContract(name: string, make: () => JournalUnderTest): void {
  describe(`${name} as a journal`, () => {
    let store: JournalUnderTest;
    let journal: JournalWriter;
    let writer: Writer;

    beforeEach(() => {
      store = make();
      journal = store.write();
      writer = new Writer();
    });
    afterEach(() => {
      journal.close();
      store.remove();
    });

    /** Config 1, events 2-4 of `one`, events 5-6 of `two`, cut 7, events 8 of `one`. */
    function fill(): JournalEntry[] {
      const entries = [
        writer.config(streamConfig('alpha', { one: {}, two: {} }), 100),
        writer.events('alpha', 'one', [event('a'), event('b', '{"id":"b","text":"€ 🚀"}'), event('c')], 101),
        writer.events('alpha', 'two', [event('a'), { ...event('b'), supersedes: 2 ** 40 + 5 }], 102),
        writer.cut('alpha', 103),
        writer.events('beta', 'one', [event('d')], 104),
      ];
      journal.append(entries);
      return entries;
    }

    const texts = (entries: readonly JournalEntry[]) => entries.map(plain);

    test('an empty journal', () => {
      expect(journal.next).toBe(1);
      expect(journal.head()).toBe(0);
      expect(journal.read(1, FAR)).toEqual([]);
      expect(journal.readBackwards(1, 10)).toEqual([]);
      expect(journal.entryAt(1)).toBeUndefined();
      expect([...journal.sourceSeqs()]).toEqual([]);
      expect([...journal.streamTails()]).toEqual([]);
    });

    test('entries come back as they went in', () => {
      const entries = fill();
      expect(journal.next).toBe(9);
      expect(journal.head()).toBe(8);
      expect(texts(journal.read(1, FAR))).toEqual(texts(entries));
    });

    test('another reader sees what is committed, and a writer that opens it again goes on', () => {
      const entries = fill();
      const reader = store.read();
      expect(texts(reader.read(1, FAR))).toEqual(texts(entries));
      journal.close();
      journal = store.write();
      expect(journal.next).toBe(9);
      const more = writer.events('alpha', 'two', [event('e')], 105);
      journal.append([more]);
      expect(reader.head()).toBe(9);
      expect(texts(reader.read(9, FAR))).toEqual(texts([more]));
      reader.close();
    });

    test('reading from the middle of an entry gives the whole entry', () => {
      const entries = fill();
      expect(texts(journal.read(3, FAR))).toEqual(texts(entries.slice(1)));
      expect(texts(journal.read(4, FAR))).toEqual(texts(entries.slice(1)));
      expect(texts(journal.read(5, FAR))).toEqual(texts(entries.slice(2)));
      expect(journal.read(9, FAR)).toEqual([]);
    });

    test('a read ends with the entry that exceeds its budget, and gives at least one', () => {
      const lengths = [10, 20, 30];
      const entries = lengths.map((length, at) =>
        writer.events('alpha', 'one', [event(`${at}`, 'x'.repeat(length))], at),
      );
      journal.append(entries);
      const count = (from: number, budget: number) => journal.read(from, budget).length;
      expect([count(1, 0), count(1, 1), count(1, 10), count(1, 11), count(1, 30), count(1, 31)]).toEqual([
        1, 1, 1, 2, 2, 3,
      ]);
      expect(count(3, 1)).toBe(1);
    });

    test('a read goes on over many small entries', () => {
      const entries = Array.from({ length: 200 }, (_, at) => writer.events('alpha', 'one', [event(`${at}`)], at));
      journal.append(entries);
      expect(journal.read(1, FAR).map(({ first }) => first)).toEqual(entries.map(({ first }) => first));
      const bytes = entries.slice(0, 150).reduce((sum, { events }) => sum + events.raw.length, 0);
      expect(journal.read(1, bytes).length).toBe(150);
    });

    test('backwards, events alone, newest first', () => {
      const [, one, two, , later] = fill();
      expect(texts(journal.readBackwards(9, 10))).toEqual(texts([later!, two!, one!]));
      expect(texts(journal.readBackwards(9, 2))).toEqual(texts([later!, two!]));
      expect(texts(journal.readBackwards(8, 10))).toEqual(texts([two!, one!]));
      expect(texts(journal.readBackwards(9, 10, 'one'))).toEqual(texts([later!, one!]));
      expect(texts(journal.readBackwards(8, 10, 'one'))).toEqual(texts([one!]));
      expect(journal.readBackwards(2, 10)).toEqual([]);
      expect(journal.readBackwards(9, 10, 'three')).toEqual([]);
    });

    test('every position leads to its entry', () => {
      const [config, one, two, cut, later] = fill();
      const at = [undefined, config, one, one, one, two, two, cut, later, undefined];
      for (const [position, entry] of at.entries()) expect(plain(journal.entryAt(position))).toEqual(plain(entry));
    });

    test('the last seq of each source, over commits and restarts', () => {
      fill();
      expect(Object.fromEntries(journal.sourceSeqs())).toEqual({ one: 4, two: 2 });
      journal.append([writer.events('alpha', 'two', [event('x'), event('y')], 105)]);
      journal.close();
      journal = store.write();
      expect(Object.fromEntries(journal.sourceSeqs())).toEqual({ one: 4, two: 4 });
    });

    test('the tails of streams: last events, last cut, configuration in force', () => {
      const [config] = fill();
      const first = config?.kind === 'config' ? config.config : '';
      expect(Object.fromEntries(journal.streamTails())).toEqual({
        alpha: { lastEvents: 5, lastCut: 7, config: first },
        beta: { lastEvents: 8, lastCut: 0, config: undefined },
      });
      const changed = writer.config(streamConfig('alpha', {}), 105);
      journal.append([changed, writer.cut('beta', 105)]);
      journal.close();
      journal = store.write();
      expect(Object.fromEntries(journal.streamTails())).toEqual({
        alpha: { lastEvents: 5, lastCut: 7, config: changed.config },
        beta: { lastEvents: 8, lastCut: 10, config: undefined },
      });
    });

    test('an operator’s word comes back as it went in, and is found by the event that it is about', () => {
      const entries: JournalEntry[] = fill();
      const release = writer.resolution('alpha', 3, 'release', 105);
      const discard = { ...writer.resolution('alpha', 5, 'discard', 106), reason: 'it’s “broken” 🚀' };
      journal.append([release, discard]);
      journal.close();
      journal = store.write();
      entries.push(release, discard);
      expect(texts(journal.read(1, FAR))).toEqual(texts(entries));
      expect([journal.entryAt(9), journal.entryAt(10)]).toEqual([release, discard]);
      expect([2, 3, 4, 5, 9, 10].map((position) => journal.resolution(position))).toEqual([
        ...[undefined, release, undefined, discard, undefined, undefined],
      ]);
      expect(journal.streamTails().get('alpha')).toMatchObject({ lastEvents: 10, lastCut: 7 });
    });

    test('a second word about an event is not taken, nor is what comes along with it', () => {
      fill();
      journal.append([writer.resolution('alpha', 3, 'release', 105)]);
      const second = writer.resolution('alpha', 3, 'discard', 106);
      const along = { ...writer.resolution('alpha', 4, 'discard', 106), first: 11 };
      expect(() => journal.append([second, along])).toThrow(StoreError);
      expect(() => journal.append([along, { ...along, first: 12 }])).toThrow(StoreError);
      expect(journal.head()).toBe(9);
      expect(journal.resolution(3)?.action).toBe('release');
      expect(journal.resolution(4)).toBeUndefined();
    });

    describe('erasing', () => {
      /** Config 1, salted events 2-4, an erasure of 3 at 5, cut 6. */
      function fillSalted(): JournalEntry[] {
        const config = { ...streamConfig('alpha', { one: {} }), salted: true as const };
        const events = [event('a'), event('b', '{"id":"b","secret":"xyzzy"}'), event('c')];
        const entries = [
          writer.config(config, 100),
          writer.events('alpha', 'one', events, 101, true),
          writer.erasure('alpha', 3, 102),
          writer.cut('alpha', 103),
        ];
        journal.append(entries);
        return entries;
      }
      const secretsOf = (reader: JournalReader) => {
        const entry = reader.entryAt(3);
        return entry?.kind === 'events' ? [2, 3, 4].map((at) => entry.events.text(at - 2)) : [];
      };

      test('salts and words come back as they went in', () => {
        const entries = fillSalted();
        journal.close();
        journal = store.write();
        expect(texts(journal.read(1, FAR))).toEqual(texts(entries));
        const [, , word] = entries;
        expect([journal.entryAt(5), journal.erasure(3)]).toEqual([word, word]);
        expect([2, 4, 5].map((position) => journal.erasure(position))).toEqual([undefined, undefined, undefined]);
        expect(journal.streamTails().get('alpha')).toMatchObject({ lastEvents: 5, lastCut: 6 });
      });

      test('a second word about an event is not taken', () => {
        fillSalted();
        expect(() => journal.append([writer.erasure('alpha', 3, 105)])).toThrow(StoreError);
        expect(journal.head()).toBe(6);
        expect(journal.erasuresToDo()).toHaveLength(1);
      });

      test('overwrites one event, as often as it is asked, and no other', () => {
        const [, , word] = fillSalted();
        expect(journal.erasuresToDo()).toEqual([word]);
        expect(secretsOf(journal)[1]).toBe('{"id":"b","secret":"xyzzy"}');
        for (let times = 0; times < 2; times++) journal.overwrite([3]);
        expect(secretsOf(journal)).toEqual(['{"id":"a"}', '\0'.repeat(27), '{"id":"c"}']);
        expect(journal.erasuresToDo()).toEqual([word]);
        journal.noteErased([3]);
        expect(journal.erasuresToDo()).toEqual([]);
        const after = plain(journal.entryAt(3)) as { items: { salt: string; rawHash: string }[] };
        expect(after.items.map(({ salt }) => /^0+$/.test(salt))).toEqual([false, true, false]);
      });

      test('is not done with while somebody reads what was there', () => {
        fillSalted();
        const reader = store.hold();
        journal.overwrite([3]);
        expect(journal.trim()).toBe(false);
        expect(store.holds('xyzzy')).toBe(true);
        reader.release();
        expect(journal.trim()).toBe(true);
        expect(store.holds('xyzzy')).toBe(false);
      });

      test('of what is no event is refused', () => {
        fillSalted();
        expect(() => journal.overwrite([1])).toThrow(expect.objectContaining({ name: 'StoreError', code: 'damaged' }));
        expect(() => journal.overwrite([5])).toThrow(expect.objectContaining({ name: 'StoreError', code: 'damaged' }));
      });
    });

    test('a commit that is out of order leaves nothing behind', () => {
      const entries = fill();
      const good = writer.events('alpha', 'one', [event('x')], 105);
      const skipping = { ...writer.cut('alpha', 105), first: 11 };
      for (const commit of [[good, skipping], [{ ...good, first: 8 }], [{ ...good, first: 10 }]]) {
        expect(() => journal.append(commit)).toThrow(
          expect.objectContaining({ name: 'StoreError', code: 'out-of-order' }),
        );
      }
      expect(journal.next).toBe(9);
      expect(texts(journal.read(1, FAR))).toEqual(texts(entries));
      expect(journal.sourceSeqs().get('one')).toBe(4);
      journal.append([good]);
      expect(journal.head()).toBe(9);
    });

    test('a journal that cannot be written says so', () => {
      fill();
      journal.close();
      expect(() => journal.append([writer.cut('alpha', 105)])).toThrow(StoreError);
      journal = store.write();
      expect(journal.next).toBe(9);
    });
  });
}
