import { describe, expect, it, test } from 'vitest';
import type { FusionPolicy } from '../../src/fuse/policy.ts';
import type { JsonValue } from '../../src/json/parse.ts';
import { auditOf, candidate, decided, type Expected, NOON, type Standings, said, summary } from './contest.ts';

const LATER = '2026-03-01T12:00:01.000Z';
const LATEST = '2026-03-01T12:00:02.000Z';

/** alpha and beta are close to each other, gamma is far off. */
const three = [
  candidate('alpha', { temp: 21.4 }, 1, NOON),
  candidate('beta', { temp: 21.5 }, 7, LATER),
  candidate('gamma', { temp: 35 }, 3, LATEST),
];
const near = { temp: 0.1 };
const resolved = { outcome: 'resolved', conflict: true, tieBreaker: undefined } as const;
const betaWins = {
  ...{ payload: '{"temp":21.5}', agreed: ['alpha', 'beta'], disagreed: ['gamma'], winner: ['beta', 7] },
  losers: [
    ['alpha', 1],
    ['gamma', 3],
  ],
} as Pick<Expected, 'payload' | 'agreed' | 'disagreed' | 'winner' | 'losers'>;
const gammaWins = {
  ...{ payload: '{"temp":35}', agreed: ['gamma'], disagreed: ['alpha', 'beta'], winner: ['gamma', 3] },
  losers: [
    ['alpha', 1],
    ['beta', 7],
  ],
} as typeof betaWins;
const againstGamma = 'Against: gamma (temp 35, not 21.5).';

describe('strategies, on whole events', () => {
  it.each<[string, FusionPolicy, Standings, Expected]>([
    [
      'quorum: most sources that agree with one',
      { strategy: 'quorum', min: 2, tolerance: near },
      {},
      {
        ...{ ...resolved, ...betaWins, rule: 'quorum', tieBreaker: 'eventTime' },
        reason: `2 of 3 votes (2 needed) for what alpha and beta say within temp ±0.1. The tie of alpha and beta goes by event time to beta. ${againstGamma}`,
      },
    ],
    [
      'priority: the first in the list that is there',
      { strategy: 'priority', priority: ['delta', 'gamma', 'beta'], tolerance: near },
      {},
      {
        ...{ ...resolved, ...gammaWins, rule: 'priority' },
        reason:
          'gamma comes first in the order of priority. Against: alpha (temp 21.4, not 35) and beta (temp 21.5, not 35).',
      },
    ],
    [
      'priority: of sources that are not in it, the first id, whatever the tie-breakers',
      { strategy: 'priority', priority: ['delta'], tieBreakers: ['eventTime'] },
      {},
      {
        ...{ ...resolved, rule: 'priority', tieBreaker: 'sourceId', payload: '{"temp":21.4}' },
        ...{ agreed: ['alpha'], disagreed: ['beta', 'gamma'], winner: ['alpha', 1] },
        losers: [
          ['beta', 7],
          ['gamma', 3],
        ],
        reason:
          'alpha comes first by its id, no source being in the order of priority. Against: beta (temp 21.5, not 21.4) and gamma (temp 35, not 21.4).',
      },
    ],
    [
      'weighted: one whose trust and reputation outweigh two',
      { strategy: 'weighted', tolerance: near },
      { alpha: { trust: 0.5, reputation: 0.5 }, beta: { trust: 0.5 }, gamma: { reputation: 0.8 } },
      {
        ...{ ...resolved, ...gammaWins, rule: 'weighted' },
        reason:
          'Weight 0.8 of 1.55 for what gamma says. Against: alpha (temp 21.4, not 35) and beta (temp 21.5, not 35).',
      },
    ],
    [
      'weighted: the heaviest of those that agree',
      { strategy: 'weighted', tolerance: near },
      { alpha: { trust: 0.3 }, beta: { trust: 0.4 }, gamma: { trust: 0.6 } },
      {
        ...{ ...resolved, ...betaWins, rule: 'weighted' },
        reason: `Weight 0.7 of 1.3 for what alpha and beta say within temp ±0.1. ${againstGamma}`,
      },
    ],
    [
      'median: the middle one',
      { strategy: 'median', tolerance: near },
      {},
      { ...resolved, ...betaWins, rule: 'median', reason: `beta is nearest to the median. ${againstGamma}` },
    ],
    [
      'latest: the newest event time',
      { strategy: 'latest', tolerance: near },
      {},
      {
        ...{ ...resolved, ...gammaWins, rule: 'latest' },
        reason: `gamma speaks of the latest time, ${LATEST}. Against: alpha (temp 21.4, not 35) and beta (temp 21.5, not 35).`,
      },
    ],
    [
      'first: the oldest',
      { strategy: 'first', tolerance: near },
      {},
      {
        ...{ ...resolved, rule: 'first', payload: '{"temp":21.4}' },
        ...{ agreed: ['alpha', 'beta'], disagreed: ['gamma'], winner: ['alpha', 1] },
        losers: [
          ['beta', 7],
          ['gamma', 3],
        ],
        reason: `alpha speaks of the earliest time, ${NOON}. Against: gamma (temp 35, not 21.4).`,
      },
    ],
  ])('%s', (_title, policy, standings, expected) => {
    expect(summary(decided(policy, three, standings))).toEqual(expected);
  });
});

describe('agreement', () => {
  test('the one in the middle of a chain has the support of both ends, which are in conflict all the same', () => {
    const chain = said({ alpha: { temp: 1 }, beta: { temp: 2 }, gamma: { temp: 3 } });
    const decision = decided({ strategy: 'quorum', min: 3, tolerance: { temp: 1 } }, chain);
    expect(summary(decision)).toMatchObject({
      winner: ['beta', 1],
      conflict: true,
      agreed: ['alpha', 'beta', 'gamma'],
    });
    expect(auditOf(decision).reason).toBe('3 of 3 votes (3 needed) for what alpha, beta and gamma say within temp ±1.');
  });

  test('within the tolerance is no conflict', () => {
    const decision = decided({ strategy: 'latest', tolerance: near }, three.slice(0, 2));
    expect(summary(decision)).toMatchObject({ conflict: false, agreed: ['alpha', 'beta'], disagreed: [] });
    expect(auditOf(decision).reason).toBe(
      `beta speaks of the latest time, ${LATER}. All 2 sources agree within temp ±0.1.`,
    );
  });

  test('weights are compared exactly: 0.01 × 0.07 is 0.0007, and 0.1 + 0.2 is 0.3', () => {
    const decision = decided(
      { strategy: 'weighted', tieBreakers: ['sourceId'] },
      said({ alpha: 'x', beta: 'y', gamma: 'z' }),
      { alpha: { trust: 0.0007 }, beta: { trust: 0.01, reputation: 0.07 }, gamma: { trust: 0.0001 } },
    );
    expect(summary(decision)).toMatchObject({ winner: ['alpha', 1], tieBreaker: 'sourceId' });
    const sum = decided(
      { strategy: 'weighted', tieBreakers: ['sourceId'] },
      said({ alpha: 'x', beta: 'x', gamma: 'y' }),
      { alpha: { trust: 0.1 }, beta: { trust: 0.2 }, gamma: { trust: 0.3 } },
    );
    expect(auditOf(sum).reason).toBe(
      'Weight 0.3 of 0.6 for what gamma says. Against: alpha (the payload x, not y) and beta (the payload x, not y).',
    );
  });

  test('a source alone confirms nobody', () => {
    const decision = decided({ strategy: 'quorum', min: 1 }, said({ alpha: { a: 1 } }));
    expect(summary(decision)).toEqual({
      ...{ outcome: 'resolved', payload: '{"a":1}', agreed: [], disagreed: [], conflict: false, rule: 'quorum' },
      ...{
        tieBreaker: undefined,
        winner: ['alpha', 1],
        losers: [],
        reason: '1 of 1 vote (1 needed) for what alpha says.',
      },
    });
  });
});

describe('onNoQuorum', () => {
  const quorum: FusionPolicy = { strategy: 'quorum', min: 3, tolerance: near };
  const none = { agreed: [], disagreed: [], winner: null, losers: [], tieBreaker: undefined, rule: 'no-quorum' };

  it.each<[Partial<FusionPolicy>, Expected]>([
    [
      {},
      {
        ...{ ...none, outcome: 'quarantined', payload: undefined, conflict: true },
        reason:
          'No quorum, with at most 2 of 3 votes for the same (3 needed). alpha has temp 21.4, gamma 35. All candidates are held back.',
      },
    ],
    [
      { onNoQuorum: 'unresolved' },
      {
        ...{ ...none, outcome: 'unresolved', payload: 'null', conflict: true },
        reason:
          'No quorum, with at most 2 of 3 votes for the same (3 needed). alpha has temp 21.4, gamma 35. The record is null.',
      },
    ],
    [
      { onNoQuorum: 'priority', priority: ['gamma'] },
      {
        ...{ ...resolved, ...gammaWins, rule: 'fallback-priority' },
        reason:
          'No quorum, with at most 2 of 3 votes for the same (3 needed); gamma comes first in the order of priority. Against: alpha (temp 21.4, not 35) and beta (temp 21.5, not 35).',
      },
    ],
  ])('%j', (more, expected) => {
    expect(summary(decided({ ...quorum, ...more }, three))).toEqual(expected);
  });

  test('"quarantine" is the default', () => {
    expect(decided({ ...quorum, onNoQuorum: 'quarantine' }, three)).toEqual(decided(quorum, three));
  });

  test('too few, if they agree', () => {
    expect(auditOf(decided(quorum, three.slice(0, 2))).reason).toBe(
      'No quorum, with at most 2 of 2 votes for the same (3 needed). All 2 sources agree within temp ±0.1. All candidates are held back.',
    );
  });
});

describe('several events of a source', () => {
  const events = [
    candidate('alpha', 1, 1, LATER),
    candidate('alpha', 2, 2, LATER),
    candidate('alpha', 3, 3, NOON),
    candidate('beta', 3, 9, NOON),
  ];

  it.each<[FusionPolicy, JsonValue, [string, number][], string]>([
    [
      { strategy: 'priority', priority: ['alpha'] },
      2,
      [
        ['alpha', 1],
        ['alpha', 3],
        ['beta', 9],
      ],
      'alpha comes first in the order of priority. Against: beta (the payload 3, not 2). 2 events of alpha are passed over: it has said something newer.',
    ],
    [
      { strategy: 'first' },
      3,
      [
        ['alpha', 1],
        ['alpha', 2],
        ['beta', 9],
      ],
      `alpha speaks of the earliest time, ${NOON}. All 2 sources agree. 2 events of alpha are passed over: it has said something older.`,
    ],
  ])('%j', (policy, value, losers, reason) => {
    const decision = decided(policy, events);
    expect([decision.payload, auditOf(decision).losers]).toEqual([JSON.stringify(value), losers]);
    expect(auditOf(decision).reason).toBe(reason);
  });

  test('one event, and several sources', () => {
    expect(auditOf(decided({ strategy: 'latest' }, events.slice(0, 2))).reason).toBe(
      `alpha speaks of the latest time, ${LATER}. 1 event of alpha is passed over: it has said something newer.`,
    );
    expect(auditOf(decided({ strategy: 'latest' }, [...events, candidate('beta', 4, 10, NOON)])).reason).toContain(
      ' 3 events of alpha and beta are passed over: they have said something newer.',
    );
  });
});
