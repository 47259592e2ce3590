import { expect, test } from 'vitest';
import type { Candidate } from '../../src/fuse/decision.ts';
import { auditOf, candidate, decided, summary } from './contest.ts';

/** `beta` says 1 of a later time, then takes it back: 2, of an earlier time. */
const first = candidate('beta', { v: 1 }, 1, '2026-03-01T12:00:03.000Z');
const second: Candidate = { ...candidate('beta', { v: 2 }, 2, '2026-03-01T12:00:01.000Z'), eventId: first.eventId };
const other = candidate('beta', { v: 3 }, 3, '2026-03-01T12:00:02.000Z');
const alpha = candidate('alpha', { v: 2 }, 1, '2026-03-01T12:00:00.000Z');

test.each(['latest', 'first'] as const)('what was revised has no voice, whatever its time: %s', (strategy) => {
  const decision = decided({ strategy }, [second, alpha, first]);
  expect(decision).toMatchObject({ payload: '{"v":2}', agreed: ['alpha', 'beta'], conflict: false });
  expect(auditOf(decision).candidates.map(({ seq, voice }) => [seq, voice])).toEqual([
    [1, true],
    [1, false],
    [2, true],
  ]);
  expect(summary(decision).losers).toContainEqual(['beta', 1]);
  expect(summary(decision).reason).toMatch(/ 1 event of beta is passed over: newer versions of the same are there\.$/);
});

test('the newest version is one event among the others of its source', () => {
  const { winner, reason } = summary(decided({ strategy: 'latest' }, [alpha, first, second, other]));
  expect(winner).toEqual(['beta', 3]);
  expect(reason).toMatch(
    / 1 event of beta is passed over: it has said something newer\. 1 event of beta is passed over: newer versions of the same are there\.$/,
  );
});
