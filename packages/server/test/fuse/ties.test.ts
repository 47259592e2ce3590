import { describe, expect, it, test } from 'vitest';
import type { FusionPolicy } from '../../src/fuse/policy.ts';
import { auditOf, candidate, decided, NOON, said, summary } from './contest.ts';

const LATER = '2026-03-01T12:00:01.000Z';
const LATEST = '2026-03-01T12:00:02.000Z';

describe('tie-breakers', () => {
  const tied = [
    candidate('alpha', 'a', 1, NOON),
    candidate('beta', 'b', 1, LATER),
    candidate('gamma', 'c', 1, LATEST),
    candidate('delta', 'd', 1, LATEST),
  ];
  const standings = { alpha: { trust: 0.5 }, beta: { trust: 0.5 }, gamma: { trust: 0.4 }, delta: { trust: 0.4 } };
  const plurality: FusionPolicy = { strategy: 'quorum', min: 1 };

  it.each<[Partial<FusionPolicy>, string, string]>([
    [{ priority: ['zeta', 'gamma', 'alpha'] }, 'gamma', 'priority'],
    [{}, 'beta', 'eventTime'],
    [{ tieBreakers: ['trust'] }, 'alpha', 'sourceId'],
    [{ tieBreakers: ['eventTime'] }, 'delta', 'sourceId'],
    [{ tieBreakers: ['eventTime', 'priority'], priority: ['alpha', 'gamma'] }, 'gamma', 'priority'],
    [{ tieBreakers: ['sourceId', 'trust'] }, 'alpha', 'sourceId'],
    [{ tieBreakers: ['trust', 'priority'], priority: ['gamma', 'beta'] }, 'beta', 'priority'],
  ])('%j', (more, winner, tieBreaker) => {
    const decision = decided({ ...plurality, ...more }, tied, standings);
    expect(summary(decision)).toMatchObject({ winner: [winner, 1], tieBreaker });
    const words = { priority: 'priority', eventTime: 'event time', sourceId: 'source id' }[tieBreaker];
    expect(auditOf(decision).reason).toContain(
      ` The tie of alpha, beta, delta and gamma goes by ${words} to ${winner}. `,
    );
  });

  test('trust, where it decides', () => {
    expect(summary(decided(plurality, tied, { ...standings, gamma: { trust: 0.6 } }))).toMatchObject({
      winner: ['gamma', 1],
      tieBreaker: 'trust',
    });
  });

  test('none is named where the tied say the same, or where they no longer differ', () => {
    const same = said({ alpha: 1, beta: 1, gamma: 2 });
    expect(summary(decided({ ...plurality, priority: ['beta'] }, same))).toMatchObject({
      winner: ['beta', 1],
      tieBreaker: undefined,
    });
    const twoOnTop = said({ alpha: 1, beta: 2, gamma: 2, delta: 1 });
    expect(summary(decided(plurality, twoOnTop, { beta: { trust: 0.5 }, gamma: { trust: 0.5 } }))).toMatchObject({
      winner: ['alpha', 1],
      tieBreaker: 'trust',
    });
  });

  it.each<[FusionPolicy, string]>([
    [{ strategy: 'latest' }, 'sourceId'],
    [{ strategy: 'latest', priority: ['gamma'] }, 'priority'],
  ])('of equal times: %j', (policy, tieBreaker) => {
    expect(summary(decided(policy, tied, standings)).tieBreaker).toBe(tieBreaker);
  });
});
