import { describe, expect, it, test } from 'vitest';
import { decide } from '../../src/fuse/decide.ts';
import type { Decision, Standing } from '../../src/fuse/decision.ts';
import type { FusionPolicy } from '../../src/fuse/policy.ts';
import type { JsonValue } from '../../src/json/parse.ts';
import { auditOf, candidate, contest, POLICY_HASH, standingOf } from './contest.ts';

const SECOND = (second: number) => `2026-03-01T12:00:0${second}.000Z`;

/** Sources speak in turn, a second apart. */
function fused(
  policy: FusionPolicy,
  values: Record<string, JsonValue>,
  standings: Record<string, Partial<Standing>> = {},
) {
  const candidates = Object.entries(values).map(([source, value], index) => candidate(source, value, 1, SECOND(index)));
  return decide(contest(candidates), { fields: 'each', ...policy }, POLICY_HASH, standingOf(standings));
}

const payloadOf = ({ payload }: Decision): JsonValue => JSON.parse(payload ?? '"quarantined"') as JsonValue;

describe('each field is decided by itself', () => {
  const readings = {
    alpha: { temp: 21, hum: 40, name: 'Oslo' },
    beta: { temp: 22, hum: 41, name: 'oslo' },
    gamma: { temp: 30, hum: 39, name: 'Oslo', gust: 5 },
  };

  it.each<[FusionPolicy, JsonValue]>([
    [{ strategy: 'median' }, { temp: 22, hum: 40, name: 'Oslo', gust: 5 }],
    [{ strategy: 'latest' }, { temp: 30, hum: 39, name: 'Oslo', gust: 5 }],
    [{ strategy: 'first' }, { temp: 21, hum: 40, name: 'Oslo', gust: 5 }],
    [
      { strategy: 'priority', priority: ['beta'] },
      { temp: 22, hum: 41, name: 'oslo', gust: 5 },
    ],
    [{ strategy: 'weighted' }, { temp: 30, hum: 39, name: 'Oslo', gust: 5 }],
    [
      { strategy: 'weighted', tolerance: { temp: 1, hum: 2 }, tieBreakers: ['sourceId'] },
      { temp: 21, hum: 40, name: 'Oslo', gust: 5 },
    ],
    [
      { strategy: 'quorum', min: 2, tolerance: { temp: 1 }, onNoQuorum: 'unresolved' },
      { temp: 22, hum: null, name: 'Oslo', gust: null },
    ],
    [
      { strategy: 'quorum', min: 2, onNoQuorum: 'priority', priority: ['alpha', 'beta', 'gamma'] },
      { temp: 21, hum: 40, name: 'Oslo', gust: 5 },
    ],
    [{ strategy: 'quorum', min: 2, tolerance: { temp: 1 } }, 'quarantined'],
  ])('%j', (policy, expected) => {
    expect(payloadOf(fused(policy, readings))).toEqual(expected);
  });

  test('the entry names the fields on which sources differ, and who said otherwise', () => {
    const decision = fused({ strategy: 'quorum', min: 2, tolerance: { temp: 1 }, onNoQuorum: 'unresolved' }, readings);
    const { agreed, disagreed, conflict, outcome } = decision;
    expect({ agreed, disagreed, conflict, outcome }).toEqual({
      ...{ agreed: ['alpha'], disagreed: ['beta', 'gamma'], conflict: true, outcome: 'resolved' },
    });
    const { fields, winner, losers, rule, reason } = auditOf(decision);
    expect(fields).toEqual([
      { field: 'gust', rule: 'no-quorum', winner: null, votes: 1, of: 1, disagreed: [] },
      { field: 'hum', rule: 'no-quorum', winner: null, votes: 1, of: 3, disagreed: [] },
      { field: 'name', rule: 'quorum', winner: ['gamma', 1], votes: 2, of: 3, disagreed: ['beta'] },
      {
        field: 'temp',
        rule: 'quorum',
        winner: ['beta', 1],
        tieBreaker: 'eventTime',
        votes: 2,
        of: 3,
        disagreed: ['gamma'],
      },
    ]);
    expect({ winner, losers, rule }).toEqual({
      winner: null,
      losers: [
        ['beta', 1],
        ['gamma', 1],
      ],
      rule: 'no-quorum',
    });
    expect(reason).toBe(
      '4 fields, each by quorum (2 needed): 4 in question. ' +
        'gust: no quorum, with at most 1 of 1 votes for the same (2 needed). ' +
        'hum: no quorum, with at most 1 of 3 votes for the same (2 needed). ' +
        'name: Oslo of gamma stands with 2 of 3 votes against oslo of beta. ' +
        'temp: 22 of beta stands with 2 of 3 votes against 30 of gamma; the tie of alpha and beta goes by event time to beta. ' +
        'What has no quorum is null.',
    );
  });

  it.each<[FusionPolicy, Record<string, JsonValue>, string]>([
    [{ strategy: 'latest' }, { alpha: { a: 1, b: 2 }, beta: { b: 2 } }, '2 fields, each by latest: no source differs.'],
    [
      { strategy: 'median', tolerance: { t: 1 } },
      { alpha: { t: 1 }, beta: { t: 2 } },
      '1 field, each by median: 1 in question. t: 1 of alpha stands, all within the tolerance.',
    ],
    [
      { strategy: 'weighted' },
      { alpha: { t: 1 }, beta: { t: 2 }, gamma: { t: 2 } },
      '1 field, each by weighted: 1 in question. t: 2 of gamma stands with weight 2 of 3 against 1 of alpha.',
    ],
    [
      { strategy: 'quorum', min: 2, onNoQuorum: 'priority', priority: ['beta'] },
      { alpha: { t: 1 }, beta: { t: 2 } },
      '1 field, each by quorum (2 needed): 1 in question. t: no quorum, with at most 1 of 2 votes for the same (2 needed), so by priority 2 of beta stands against 1 of alpha.',
    ],
    [
      { strategy: 'quorum', min: 2, onNoQuorum: 'priority', priority: ['beta'] },
      { alpha: { t: 1 }, beta: {} },
      '1 field, each by quorum (2 needed): 1 in question. t: no quorum, with at most 1 of 1 votes for the same (2 needed), so by priority 1 of alpha stands.',
    ],
    [
      { strategy: 'quorum', min: 2 },
      { alpha: { t: 1 }, beta: { t: 2 } },
      '1 field, each by quorum (2 needed): 1 in question. t: no quorum, with at most 1 of 2 votes for the same (2 needed). All candidates are held back.',
    ],
    [
      { strategy: 'quorum', min: 2, onNoQuorum: 'unresolved' },
      { alpha: { t: 1 }, beta: { t: 2 } },
      '1 field, each by quorum (2 needed): 1 in question. t: no quorum, with at most 1 of 2 votes for the same (2 needed). The record is null.',
    ],
    [
      { strategy: 'latest' },
      { alpha: { a: 1, b: 1, c: 1, d: 1, e: 1 }, beta: { a: 2, b: 2, c: 2, d: 2, e: 2 } },
      '5 fields, each by latest: 5 in question. a: 2 of beta stands against 1 of alpha. b: 2 of beta stands against 1 of alpha. c: 2 of beta stands against 1 of alpha. d: 2 of beta stands against 1 of alpha. And 1 more.',
    ],
  ])('in words: %j on %j', (policy, values, reason) => {
    expect(auditOf(fused(policy, values)).reason).toBe(reason);
  });
});

describe('fields', () => {
  const latest: FusionPolicy = { strategy: 'latest' };

  it.each<[string, JsonValue, JsonValue, JsonValue]>([
    ['members of both', { a: { x: 1 } }, { a: { y: 2 } }, { a: { x: 1, y: 2 } }],
    ['lists are values', { a: [1, 2] }, { a: [3] }, { a: [3] }],
    ['an object against a scalar is one value', { a: { x: 1, y: 1 } }, { a: 5 }, { a: 5 }],
    ['and the other way round', { a: 5 }, { a: { x: 1, y: 1 } }, { a: { x: 1, y: 1 } }],
    ['an object against a list', { a: { x: 1 } }, { a: [1] }, { a: [1] }],
    ['empty objects do not vote on members', { a: { x: 1 } }, { a: {} }, { a: { x: 1 } }],
    ['but stay where all have them', { a: {} }, { a: {} }, { a: {} }],
    ['nothing at all', {}, {}, {}],
    ['null is a value', { a: 1 }, { a: null }, { a: null }],
    ['numbers as names, and dots', { 10: 1, 9: 1, 'x.y': 1 }, { x: { y: 2 } }, { 10: 1, 9: 1, 'x.y': 1, x: { y: 2 } }],
  ])('%s', (_title, older, newer, expected) => {
    expect(payloadOf(fused(latest, { alpha: older, beta: newer }))).toEqual(expected);
  });

  test('a member named __proto__ stays one', () => {
    const older = JSON.parse('{"a":{"__proto__":{"x":1}},"constructor":1}') as JsonValue;
    const newer = JSON.parse('{"a":{"__proto__":{"y":2}},"toString":2}') as JsonValue;
    expect(fused(latest, { alpha: older, beta: newer }).payload).toBe(
      '{"a":{"__proto__":{"x":1,"y":2}},"constructor":1,"toString":2}',
    );
  });

  test('tolerances reach into what is compared as one value', () => {
    const decision = fused(
      {
        strategy: 'quorum',
        min: 2,
        tolerance: { 'a.x': 1, 'at.0': 1 },
        tieBreakers: ['sourceId'],
        onNoQuorum: 'unresolved',
      },
      { alpha: { a: { x: 1 }, at: [1] }, beta: { a: { x: 2 }, at: [2] }, gamma: { a: 7, at: [9] } },
    );
    expect(payloadOf(decision)).toEqual({ a: { x: 1 }, at: [1] });
  });

  test('a source that nobody else can confirm is not counted', () => {
    const { agreed, disagreed } = fused(latest, { alpha: { a: 1 }, beta: { b: 1 }, gamma: { b: 1 } });
    expect({ agreed, disagreed }).toEqual({ agreed: ['beta', 'gamma'], disagreed: [] });
  });
});
