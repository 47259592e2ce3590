/** What any ledger owes to those who ask for fusion decisions; run against every implementation. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LedgerWriter } from '../../src/store/ledger.ts';
import { type LedgerUnderTest, packetOf, UNSTAGED } from './ledger-contract.ts';

export function decisionsContract(name: string, make: () => LedgerUnderTest): void {
  describe(`decisions in ${name} as a ledger`, () => {
    let ledger: LedgerWriter;

    const verdict = (n: number, leaf: number, conflict: boolean, about = n) => ({
      eventId: `${about}`.padStart(32, '0'),
      decision: `${n}`.padStart(64, '0'),
      audit: `{"n":${n}}`,
      ...{ conflict, leaf },
    });
    const one = packetOf('alpha', 0, 5, 'a1'.repeat(32), {
      decisions: [verdict(1, 1, true), verdict(2, 2, false), verdict(3, 4, true)],
    });
    const two = packetOf('beta', 0, 3, 'b1'.repeat(32), { decisions: [verdict(4, 1, false), verdict(5, 2, true)] });
    const three = packetOf('alpha', 5, 7, 'a2'.repeat(32), {
      decisions: [verdict(6, 5, true, 2), verdict(7, 6, false)],
    });
    const anyone = { conflictsOnly: false };
    const numbers = (rows: { audit: string }[]) => rows.map(({ audit }) => (JSON.parse(audit) as { n: number }).n);

    beforeEach(() => {
      ledger = make().write();
      for (const packets of [[one, two], [three]]) {
        ledger.commit({ ...UNSTAGED, cursor: 2, packets, streams: [], policies: new Map() });
      }
    });

    test('are found by hash, by leaf, and by what they are about', () => {
      const row = { id: 3, stream: 'alpha', ...verdict(3, 4, true) };
      expect(ledger.decision(row.decision)).toEqual(row);
      expect(ledger.decisionOfLeaf('alpha', 4)).toEqual(row);
      expect(ledger.decisionsAbout(verdict(2, 2, false).eventId)).toEqual([
        { id: 2, stream: 'alpha', ...verdict(2, 2, false) },
        { id: 6, stream: 'alpha', ...verdict(6, 5, true, 2) },
      ]);
      expect(ledger.decision('f'.repeat(64))).toBeUndefined();
      expect(ledger.decisionOfLeaf('alpha', 3)).toBeUndefined();
      expect(ledger.decisionOfLeaf('beta', 4)).toBeUndefined();
      expect(ledger.decisionsAbout('f'.repeat(32))).toEqual([]);
    });

    test('are listed newest first, of one stream or all, the conflicts alone or all', () => {
      expect(numbers(ledger.decisionsBefore(undefined, anyone, 9))).toEqual([7, 6, 5, 4, 3, 2, 1]);
      expect(numbers(ledger.decisionsBefore(undefined, { conflictsOnly: true }, 9))).toEqual([6, 5, 3, 1]);
      expect(numbers(ledger.decisionsBefore(undefined, { ...anyone, stream: 'alpha' }, 9))).toEqual([7, 6, 3, 2, 1]);
      expect(numbers(ledger.decisionsBefore(undefined, { conflictsOnly: true, stream: 'beta' }, 9))).toEqual([5]);
      expect(ledger.decisionsBefore(undefined, { ...anyone, stream: 'gamma' }, 9)).toEqual([]);
      expect(numbers(ledger.decisionsBefore(undefined, anyone, 2))).toEqual([7, 6]);
    });

    test('go on before any of them', () => {
      const before = (n: number) => ledger.decision(`${n}`.padStart(64, '0'));
      expect(numbers(ledger.decisionsBefore(before(5), anyone, 2))).toEqual([4, 3]);
      expect(numbers(ledger.decisionsBefore(before(5), { conflictsOnly: true }, 9))).toEqual([3, 1]);
      expect(numbers(ledger.decisionsBefore(before(6), { ...anyone, stream: 'alpha' }, 2))).toEqual([3, 2]);
      expect(numbers(ledger.decisionsBefore(before(7), { conflictsOnly: true, stream: 'alpha' }, 9))).toEqual([
        6, 3, 1,
      ]);
      expect(ledger.decisionsBefore(before(1), anyone, 9)).toEqual([]);
    });

    test('that are conflicts have a position each in the entry of their packet, and are found from there', () => {
      const entries = [
        { first: 1, count: 12 },
        { first: 13, count: 7 },
        { first: 20, count: 5 },
      ];
      expect(ledger.read(1, 9)).toMatchObject(entries);
      expect(ledger.head()).toBe(24);
      expect(numbers(ledger.conflictsIn(one, 0, 9))).toEqual([1, 3]);
      expect(numbers(ledger.conflictsIn(one, 1, 9))).toEqual([3]);
      expect(numbers(ledger.conflictsIn(one, 0, 1))).toEqual([1]);
      expect(numbers(ledger.conflictsIn(two, 0, 9))).toEqual([5]);
      expect(numbers(ledger.conflictsIn(three, 0, 9))).toEqual([6]);
      expect(ledger.conflictsIn(three, 1, 9)).toEqual([]);
    });

    afterEach(() => ledger.close());
  });
}
