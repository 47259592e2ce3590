import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Moments } from '../../src/read/moments.ts';
import type { CutEntry } from '../../src/store/journal.ts';
import type { LedgerEntry } from '../../src/store/ledger.ts';

/** A cut takes one position, so the place in the list is the position less one. */
function journalOf(times: readonly number[]) {
  const entries = times.map((at, place): CutEntry => ({ kind: 'cut', first: place + 1, stream: 's', at }));
  return { head: () => entries.length, entryAt: (position: number) => entries[position - 1] };
}

/** @param arrived journal position of the packet's last event */
type Sealed = { stream: string; sealedAt: number; arrived: number } | 'anchor';

function ledgerOf(sealed: readonly Sealed[]) {
  const entries: LedgerEntry[] = [];
  const arrivals = new Map<string, number>();
  let next = 1;
  sealed.forEach((one, place) => {
    const about = one === 'anchor' ? { stream: 's', sealedAt: 0 } : one;
    const packet = { ...about, start: place, end: place + 1, versionId: `${place}` };
    const [manifest, checkpoint, contentHash] = ['', '', ''];
    const row = { ...packet, manifest, checkpoint, contentHash };
    if (one === 'anchor') {
      const anchor = { versionId: '', stream: 's', end: 1, vout: 0, txid: '', height: 1, envelope: '' };
      entries.push({
        kind: 'anchor',
        first: next,
        count: 1,
        packet: row,
        anchor: { ...anchor, chain: 'local' as never },
      });
      next++;
    } else {
      arrivals.set(`${one.stream} ${place}`, one.arrived);
      entries.push({ kind: 'packet', first: next, count: 2, packet: row });
      next += 2;
    }
  });
  return {
    entries,
    head: () => next - 1,
    read: (from: number, limit: number) => entries.filter(({ first, count }) => first + count > from).slice(0, limit),
    positionOfLeaf: (stream: string, leaf: number) => arrivals.get(`${stream} ${leaf}`),
  };
}

const ascending = fc.array(fc.nat(40), { maxLength: 60 }).map((times) => times.sort((a, b) => a - b));

test('the journal, as it was taken in', () => {
  fc.assert(
    fc.property(ascending, fc.nat(41), (times, time) => {
      const moments = new Moments(journalOf(times), ledgerOf([]));
      expect(moments.journalBefore(time)).toBe(times.filter((at) => at < time).length);
    }),
  );
});

test('the ledger, as it was sealed', () => {
  fc.assert(
    fc.property(ascending, fc.nat(41), (times, time) => {
      const ledger = ledgerOf(times.map((sealedAt, place) => ({ stream: 's', sealedAt, arrived: place + 1 })));
      const moments = new Moments(journalOf(times), ledger);
      expect(moments.ledgerBefore(time)).toBe(2 * times.filter((at) => at < time).length);
    }),
  );
});

test('where the clock was set back, what it passes by is within that', () => {
  const wobbly = fc.tuple(ascending, fc.array(fc.nat(3), { minLength: 60, maxLength: 60 }));
  fc.assert(
    fc.property(wobbly, fc.nat(44), ([times, back], time) => {
      const set = times.map((at, place) => at - back[place]!);
      const moments = new Moments(
        journalOf(set),
        ledgerOf(set.map((sealedAt) => ({ stream: 's', sealedAt, arrived: 0 }))),
      );
      const journal = set.slice(0, moments.journalBefore(time));
      const ledger = set.slice(0, moments.ledgerBefore(time) / 2);
      for (const at of [...journal, ...ledger]) expect(at).toBeLessThan(time + 3);
    }),
  );
});

describe('packets cut in event time', () => {
  // Live packets at 10, 20, … of one stream; another reads in what happened long ago.
  const live = (tens: number): Sealed => ({ stream: 'live', sealedAt: tens * 10, arrived: tens });
  const old = (tens: number): Sealed => ({ stream: 'old', sealedAt: 1, arrived: tens });
  const journal = journalOf(Array.from({ length: 200 }, (_, place) => (place + 1) * 10));

  test.each([
    ['one stream alone', [1, 2, 3, 4, 5, 6, 7, 8, 9].map(old), 60, 5],
    ['among others', [1, 2, 3, 4, 5].flatMap((tens) => [live(tens), old(tens), old(tens)]), 40, 9],
    ['nothing since', [1, 2, 3].map(old), 31, 3],
    ['all of it', [1, 2, 3].map(old), 0, 0],
  ])('%s', (_what, sealed, time, packets) => {
    expect(new Moments(journal, ledgerOf(sealed)).ledgerBefore(time)).toBe(packets * 2);
  });

  test('one that waited for late events does not hide those around it', () => {
    for (let waited = 0; waited < 100; waited++) {
      const sealed = Array.from({ length: 100 }, (_, place) => live(place + 1));
      sealed.splice(waited, 0, { stream: 'late', sealedAt: 1, arrived: 1 });
      const before = new Moments(journal, ledgerOf(sealed)).ledgerBefore(500) / 2;
      expect(before, `waited ${waited}`).toBe(waited <= 49 ? 50 : 49);
    }
  });
});

test('anchors directly before the moment are counted to what comes after', () => {
  const packet = (sealedAt: number): Sealed => ({ stream: 's', sealedAt, arrived: 0 });
  const before = (sealed: Sealed[], time: number) => new Moments(journalOf([]), ledgerOf(sealed)).ledgerBefore(time);
  expect(before([packet(1), 'anchor', packet(2), 'anchor', 'anchor', packet(3)], 3)).toBe(5);
  expect(before([packet(1), 'anchor', 'anchor'], 3)).toBe(2);
  expect(before(['anchor', 'anchor'], 3)).toBe(0);
  expect(before([packet(1), ...Array<Sealed>(70).fill('anchor'), packet(3)], 3)).toBe(2 + 70 - 64);
});
