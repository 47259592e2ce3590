/** Contests as tests write them: who says what, when, and how much it counts. */
import { createHash } from 'node:crypto';
import { canonicalize } from '@tidemark/proof';
import { decide } from '../../src/fuse/decide.ts';
import type { Candidate, Contest, Decision, Standing } from '../../src/fuse/decision.ts';
import type { FusionPolicy } from '../../src/fuse/policy.ts';
import type { JsonValue } from '../../src/json/parse.ts';

export const POLICY_HASH = 'f0'.repeat(32);
export const NOON = '2026-03-01T12:00:00.000Z';

export function candidate(source: string, payload: JsonValue, seq = 1, eventTime = NOON): Candidate {
  const text = canonicalize(payload);
  return {
    source,
    seq,
    eventId: sha256(`${source}/${seq}`).slice(0, 32),
    eventTime,
    rawHash: sha256(`raw ${source}/${seq}`),
    policyHash: sha256(source),
    payload: text,
    payloadHash: sha256(text),
  };
}

export function contest(candidates: Candidate[], more: Partial<Contest> = {}): Contest {
  return { stream: 'weather', key: ['oslo'], bucket: null, supersedes: undefined, ...more, candidates };
}

export function standingOf(standings: Record<string, Partial<Standing>>): (source: string) => Standing {
  return (source) => ({ trust: 1, reputation: 1, ...standings[source] });
}

export interface AuditEntry {
  [member: string]: unknown;
  stream: string;
  key: JsonValue;
  bucket: string | null;
  rule: string;
  tieBreaker?: string;
  winner: [string, number] | null;
  losers: [string, number][];
  candidates: (Omit<Candidate, 'payload' | 'payloadHash'> & {
    contentHash: string;
    voice: boolean;
    trust: number;
    reputation: number;
    weight: number;
    values?: JsonValue;
    valuesOmitted?: true;
  })[];
  fields?: { field: string; rule: string; winner: [string, number] | null; tieBreaker?: string; disagreed: string[] }[];
  outcome: string;
  reason: string;
  supersedes?: string;
}

export function auditOf(decision: Decision): AuditEntry {
  return JSON.parse(decision.audit) as AuditEntry;
}

export type Standings = Record<string, Partial<Standing>>;
export type Expected = Pick<Decision, 'outcome' | 'payload' | 'agreed' | 'disagreed' | 'conflict'> & {
  rule: string;
  tieBreaker: string | undefined;
  winner: [string, number] | null;
  losers: [string, number][];
  reason: string;
};

export function decided(policy: FusionPolicy, candidates: Candidate[], standings: Standings = {}): Decision {
  return decide(contest(candidates), policy, POLICY_HASH, standingOf(standings));
}

/** All but the candidates and the fields. */
export function summary(decision: Decision): Expected {
  const { outcome, payload, agreed, disagreed, conflict } = decision;
  const { rule, tieBreaker, winner, losers, reason } = auditOf(decision);
  return { outcome, payload, agreed, disagreed, conflict, rule, tieBreaker, winner, losers, reason };
}

/** Each source has one event, of noon. */
export const said = (values: Record<string, JsonValue>) =>
  Object.entries(values).map(([source, value]) => candidate(source, value));

/** Decides again from the audit entry and the policy alone. */
export function again(entry: AuditEntry, policy: FusionPolicy): Decision {
  const candidates = entry.candidates.map(({ source, seq, eventId, eventTime, rawHash, policyHash, ...rest }) => ({
    ...{ source, seq, eventId, eventTime, rawHash, policyHash },
    payload: canonicalize(rest.values),
    payloadHash: rest.contentHash,
  }));
  const { stream, key, bucket, supersedes } = entry;
  return decide({ stream, key, bucket, candidates, supersedes }, policy, String(entry.policyHash), (source) => {
    const found = entry.candidates.find((item) => item.source === source);
    if (found === undefined) throw new TypeError(`${source} is not in the entry`);
    return { trust: found.trust, reputation: found.reputation };
  });
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
