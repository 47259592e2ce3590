import { canonicalize } from '@tidemark/proof';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { decide } from '../../src/fuse/decide.ts';
import type { Candidate, Standing } from '../../src/fuse/decision.ts';
import { type FusionPolicy, parseFusionPolicy, type Strategy } from '../../src/fuse/policy.ts';
import type { JsonValue } from '../../src/json/parse.ts';
import { again, auditOf, candidate, contest, POLICY_HASH } from './contest.ts';

const STRATEGIES: Strategy[] = ['quorum', 'priority', 'weighted', 'median', 'latest', 'first'];
const SOURCES = ['alpha', 'beta', 'gamma', 'delta', 'constructor'];

// Few values and names, so that ties, agreement and shapes that do not fit together are common.
const scalar = fc.constantFrom<JsonValue>(0, 1, 1.5, 2, -1, 1e21, 'x', '', null, true);
const { value } = fc.letrec<{ value: JsonValue; object: JsonValue }>((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, { arbitrary: scalar, weight: 3 }, tie('object'), fc.array(scalar, { maxLength: 2 })),
  object: fc
    .uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c.d', '__proto__'), tie('value')), {
      maxLength: 3,
      selector: ([name]) => name,
    })
    .map((members) => Object.fromEntries(members)),
}));
const payload = fc.record({ t: scalar, a: value, b: value }, { requiredKeys: [] });
const time = fc.constantFrom('2026-03-01T12:00:00.000Z', '2026-03-01T12:00:01.000Z', '2026-03-01T12:00:02.000Z');

const candidates = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...SOURCES), fc.integer({ min: 1, max: 4 }), payload, time), {
    minLength: 1,
    maxLength: 9,
    selector: ([source, seq]) => `${source}/${seq}`,
  })
  .map((all) => all.map(([source, seq, said, when]) => candidate(source, said, seq, when)));

const policyOf = (strategy: Strategy): fc.Arbitrary<FusionPolicy> =>
  fc
    .record(
      {
        tolerance: fc.constantFrom({}, { t: 0.5 }, { t: 1, 'a.b': 1, 'b.0': 2 }),
        fields: fc.constantFrom('whole', 'each'),
        priority: fc.shuffledSubarray(SOURCES, { minLength: 1 }),
        tieBreakers: fc.shuffledSubarray(['priority', 'trust', 'eventTime', 'sourceId'], { minLength: 1 }),
        min: fc.integer({ min: 1, max: 4 }),
        onNoQuorum: fc.constantFrom('priority', 'quarantine', 'unresolved'),
      },
      { requiredKeys: ['priority', 'min'] },
    )
    .map(({ min, onNoQuorum, ...rest }) =>
      parseFusionPolicy({
        ...{ ...rest, strategy },
        ...(strategy === 'quorum' ? { min, ...(onNoQuorum && { onNoQuorum }) } : {}),
      }),
    );
const policy = fc.constantFrom(...STRATEGIES).chain(policyOf);

const share = fc.constantFrom(0, 0.1, 0.2, 0.3, 10 / 11, 1);
const standings = fc
  .array(fc.record({ trust: share, reputation: share }), { minLength: SOURCES.length, maxLength: SOURCES.length })
  .map((all) => (source: string) => all[SOURCES.indexOf(source)] as Standing);

const run = (all: Candidate[], by: FusionPolicy, standing: (source: string) => Standing) =>
  decide(contest(all), by, POLICY_HASH, standing);

test('the order of the candidates changes nothing', () => {
  const shuffled = candidates.chain((all) =>
    fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length })),
  );
  fc.assert(
    fc.property(shuffled, policy, standings, ([one, other], by, standing) => {
      expect(run(other, by, standing)).toEqual(run(one, by, standing));
    }),
    { numRuns: 1000 },
  );
});

test('what a source said before changes nothing but the record of it', () => {
  fc.assert(
    fc.property(candidates, policy, standings, (all, by, standing) => {
      const decision = run(all, by, standing);
      const voices = auditOf(decision).candidates.filter(({ voice }) => voice);
      const alone = all.filter(({ source, seq }) => voices.some((item) => item.source === source && item.seq === seq));
      expect(new Set(alone.map(({ source }) => source)).size).toBe(alone.length);
      expect({ ...run(alone, by, standing), audit: '' }).toEqual({ ...decision, audit: '' });
      expect(auditOf(run(alone, by, standing)).winner).toEqual(auditOf(decision).winner);
    }),
    { numRuns: 500 },
  );
});

test('one winner, always, where a decision on the whole is resolved; all others lose', () => {
  fc.assert(
    fc.property(candidates, policy, standings, (all, by, standing) => {
      fc.pre(by.fields !== 'each');
      const decision = run(all, by, standing);
      const { winner, losers, outcome } = auditOf(decision);
      fc.pre(outcome === 'resolved');
      const won = all.filter(({ source, seq }) => source === winner?.[0] && seq === winner[1]);
      expect(won.map((item) => item.payload)).toEqual([decision.payload]);
      expect(new Set([winner, ...losers].map(String))).toEqual(
        new Set(all.map(({ source, seq }) => String([source, seq]))),
      );
      expect(losers).toHaveLength(all.length - 1);
    }),
    { numRuns: 500 },
  );
});

test('only a quorum can fail, and what is said of the outcome holds', () => {
  fc.assert(
    fc.property(candidates, policy, standings, (all, by, standing) => {
      const { outcome, payload: text, agreed, disagreed, audit } = run(all, by, standing);
      const undecided = by.onNoQuorum === 'unresolved' ? 'unresolved' : 'quarantined';
      expect(outcome).toBe(by.strategy === 'quorum' && outcome !== 'resolved' ? undecided : 'resolved');
      expect(text).toBe(
        outcome === 'resolved' ? canonicalize(JSON.parse(text ?? '')) : outcome === 'unresolved' ? 'null' : undefined,
      );
      const counted = [...agreed, ...disagreed];
      expect(new Set(counted).size).toBe(counted.length);
      expect([agreed, disagreed]).toEqual([[...agreed].sort(), [...disagreed].sort()]);
      expect(audit).toBe(canonicalize(JSON.parse(audit)));
    }),
    { numRuns: 500 },
  );
});

describe('sources that all say the same', () => {
  it.each(STRATEGIES)('%s: no conflict, and that value', (strategy) => {
    const sources = fc.subarray(SOURCES, { minLength: 2 });
    fc.assert(
      fc.property(sources, payload, policyOf(strategy), standings, (all, said, by, standing) => {
        const decision = run(
          all.map((source) => candidate(source, said)),
          { ...by, ...(strategy === 'quorum' && { min: all.length }) },
          standing,
        );
        expect(decision).toMatchObject({
          ...{ outcome: 'resolved', payload: canonicalize(said), conflict: false, disagreed: [] },
          agreed: [...all].sort(),
        });
        expect(auditOf(decision).tieBreaker ?? auditOf(decision).fields?.[0]).toBe(undefined);
      }),
    );
  });
});

test('whoever has the entry and the policy comes to the same decision', () => {
  fc.assert(
    fc.property(candidates, policy, standings, (all, by, standing) => {
      const decision = run(all, by, standing);
      expect(again(auditOf(decision), by)).toEqual(decision);
    }),
    { numRuns: 500 },
  );
});
