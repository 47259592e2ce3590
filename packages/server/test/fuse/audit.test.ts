import { canonicalize } from '@tidemark/proof';
import { expect, test } from 'vitest';
import { decide } from '../../src/fuse/decide.ts';
import type { FusionPolicy } from '../../src/fuse/policy.ts';
import { auditOf, candidate, contest, NOON, POLICY_HASH, standingOf } from './contest.ts';

const ids = (count: number) => Array.from({ length: count }, (_, index) => `source-${String(index).padStart(3, '0')}`);

test('the whole entry', () => {
  const alpha = candidate('alpha', { t: 1 }, 4);
  const beta = candidate('beta', { t: 2 }, 2);
  const old = candidate('beta', { t: 9 }, 1);
  const decision = decide(
    contest([beta, alpha, old], { bucket: NOON, supersedes: 'ab'.repeat(32) }),
    { strategy: 'weighted' },
    POLICY_HASH,
    standingOf({ alpha: { trust: 0.9, reputation: 0.5 }, beta: { trust: 0.25 } }),
  );
  const entry = ({ payload, payloadHash, ...rest }: typeof alpha) => ({
    ...rest,
    contentHash: payloadHash,
    values: JSON.parse(payload),
  });
  const standing = { trust: 0.25, reputation: 1, weight: 0.25 };
  expect(auditOf(decision)).toEqual({
    ...{ v: 1, stream: 'weather', key: ['oslo'], bucket: NOON, policyHash: POLICY_HASH },
    ...{ strategy: 'weighted', rule: 'weighted', outcome: 'resolved', winner: ['alpha', 4] },
    candidates: [
      { ...entry(alpha), voice: true, trust: 0.9, reputation: 0.5, weight: 0.45 },
      { ...entry(old), voice: false, ...standing },
      { ...entry(beta), voice: true, ...standing },
    ],
    losers: [
      ['beta', 1],
      ['beta', 2],
    ],
    reason:
      'Weight 0.45 of 0.7 for what alpha says. Against: beta (t 2, not 1). 1 event of beta is passed over: it has said something newer.',
    supersedes: 'ab'.repeat(32),
  });
  expect(decision.audit).toBe(canonicalize(auditOf(decision)));
});

test('values longer than 4096 characters are left out', () => {
  const long = (length: number) => ({ s: 'x'.repeat(length - '{"s":""}'.length) });
  const decision = decide(
    contest([candidate('alpha', long(4096)), candidate('beta', long(4097)), candidate('beta', long(4097), 0)]),
    { strategy: 'latest' },
    POLICY_HASH,
    standingOf({}),
  );
  expect(auditOf(decision).candidates.map(({ values, valuesOmitted }) => [values, valuesOmitted])).toEqual([
    [long(4096), undefined],
    [undefined, true],
    [undefined, true],
  ]);
});

test('200 fields are listed, 16 dissenters each, and the rest counted', () => {
  const names = Array.from({ length: 201 }, (_, index) => `f${index}`);
  const payload = (value: number) => Object.fromEntries(names.map((name) => [name, value]));
  const candidates = ids(20).map((source, index) => candidate(source, payload(index)));
  const entry = auditOf(
    decide(contest(candidates), { strategy: 'latest', fields: 'each' }, POLICY_HASH, standingOf({})),
  );
  expect([entry.fields?.length, entry.fieldsOmitted]).toEqual([200, 1]);
  expect(entry.fields?.[0]?.disagreed).toEqual(ids(17).slice(1));
});

test('hostile candidates make neither reasons nor field names long', () => {
  const name = '😀'.repeat(2000);
  const candidates = ids(256).map((source, index) => candidate(source, { [name]: `${'y'.repeat(2000)}${index}` }));
  for (const fields of ['whole', 'each'] as const) {
    const priority = ['source-007'];
    const policy: FusionPolicy = { strategy: 'quorum', min: 2, onNoQuorum: 'priority', priority, fields };
    const entry = auditOf(decide(contest(candidates), policy, POLICY_HASH, standingOf({})));
    expect(entry.reason.length).toBeLessThan(4000);
    expect(entry.reason.isWellFormed()).toBe(true);
    expect(entry.candidates).toHaveLength(256);
    expect(entry.fields?.[0]?.field ?? `${'😀'.repeat(256)}…`).toBe(`${'😀'.repeat(256)}…`);
  }
});
