/**
 * The audit entry of a decision. It holds no wall-clock time and all that the decision hung on: whoever has the policy
 * can decide again from `candidates`, where their values are all there.
 */
import { canonicalize } from '@tidemark/proof';
import { formatPath } from '../json/path.ts';
import type { Tolerance } from './agreement.ts';
import { dissenters, isInQuestion, type Rule } from './choose.ts';
import type { Answer } from './decide.ts';
import type { Candidate, Contest, Decision } from './decision.ts';
import type { FusionPolicy, TieBreaker } from './policy.ts';
import { reasonFor } from './reason.ts';
import { shownField } from './text.ts';
import { type Heard, shareOf, type Voice } from './voices.ts';

/** Of a candidate's values, in characters of RFC 8785 text. Longer ones are left out; their hash is there. */
export const MAX_VALUES_LENGTH = 4096;
/** Fields that are listed; how many more there are is `fieldsOmitted`. */
export const MAX_FIELDS_LISTED = 200;
/** Sources that a field lists as disagreeing; `votes` and `of` count them all. */
const MAX_DISSENTERS_LISTED = 16;

export interface Decided {
  contest: Contest;
  policy: FusionPolicy;
  policyHash: string;
  heard: Heard;
  answers: readonly Answer[];
  outcome: Decision['outcome'];
  tolerance: Tolerance | undefined;
}

/** RFC 8785 text. */
export function auditEntry(decided: Decided): string {
  const { contest, policy, policyHash, heard, answers, outcome } = decided;
  const { supersedes } = contest;
  const only = policy.fields === 'each' ? undefined : answers[0]?.choice;
  return canonicalize({
    v: 1,
    stream: contest.stream,
    key: contest.key,
    bucket: contest.bucket,
    policyHash,
    strategy: policy.strategy,
    rule: ruleOf(policy, answers),
    ...(only?.tieBreaker === undefined ? {} : { tieBreaker: only.tieBreaker }),
    candidates: candidateEntries(heard),
    winner: only?.winner === undefined ? null : nameOf(only.winner.voice.candidate),
    losers: losersOf(decided),
    ...(policy.fields === 'each' ? fieldEntries(answers) : {}),
    outcome,
    reason: reasonFor(decided),
    ...(supersedes === undefined ? {} : { supersedes }),
  });
}

type Name = [source: string, seq: number];

function nameOf({ source, seq }: Candidate): Name {
  return [source, seq];
}

/** Of many fields: the strategy's, unless a field was left without a quorum. */
function ruleOf({ strategy, fields }: FusionPolicy, answers: readonly Answer[]): Rule {
  const rules = answers.map(({ choice }) => choice.rule);
  if (fields !== 'each') return rules[0] ?? strategy;
  return rules.find((rule) => rule === 'no-quorum' || rule === 'fallback-priority') ?? strategy;
}

function candidateEntries({ voices, passedOver, revised }: Heard): object[] {
  const voiceOf = new Map(voices.map((voice) => [voice.candidate.source, voice]));
  return inOrder([...voices.map(({ candidate }) => candidate), ...passedOver, ...revised]).map((candidate) => {
    const voice = voiceOf.get(candidate.source) as Voice;
    const { source, seq, eventId, eventTime, rawHash, policyHash, payloadHash, payload } = candidate;
    const speaks = voice.candidate === candidate;
    return {
      source,
      seq,
      eventId,
      eventTime,
      rawHash,
      policyHash,
      contentHash: payloadHash,
      /** false: its source's other event spoke in its place. */
      voice: speaks,
      trust: voice.trust,
      reputation: voice.reputation,
      weight: shareOf(voice.weight),
      ...(payload.length > MAX_VALUES_LENGTH
        ? { valuesOmitted: true }
        : { values: speaks ? voice.payload : (JSON.parse(payload) as unknown) }),
    };
  });
}

/** Of a decision on the whole, all but the winner; else whoever was passed over, or does not agree with the outcome. */
function losersOf({ policy, heard, answers, outcome }: Decided): Name[] {
  const lost = new Set([...heard.passedOver, ...heard.revised]);
  if (outcome === 'resolved') {
    for (const { ballots, choice } of answers) {
      const losing = policy.fields === 'each' ? dissenters(choice) : ballots;
      for (const { voice } of losing) if (voice !== choice.winner?.voice) lost.add(voice.candidate);
    }
  }
  return inOrder([...lost]).map(nameOf);
}

function inOrder(candidates: Candidate[]): Candidate[] {
  return candidates.sort((a, b) => (a.source === b.source ? a.seq - b.seq : a.source < b.source ? -1 : 1));
}

interface FieldEntry {
  field: string;
  rule: Rule;
  winner: Name | null;
  tieBreaker?: TieBreaker;
  /** Sources that agree with the winner; without one, most that agree with any. */
  votes: number;
  /** Sources that have the field. */
  of: number;
  disagreed: string[];
}

/** The fields that not all sources say the same of, and those without a quorum. */
function fieldEntries(answers: readonly Answer[]): { fields: FieldEntry[]; fieldsOmitted?: number } {
  const open = answers.filter(({ choice }) => isInQuestion(choice));
  const fields = open.slice(0, MAX_FIELDS_LISTED).map(fieldEntry);
  return open.length === fields.length ? { fields } : { fields, fieldsOmitted: open.length - fields.length };
}

function fieldEntry({ path, ballots, choice }: Answer): FieldEntry {
  const { rule, winner, tieBreaker, most } = choice;
  const disagreed = dissenters(choice).slice(0, MAX_DISSENTERS_LISTED);
  return {
    field: shownField(formatPath(path)),
    rule,
    winner: winner === undefined ? null : nameOf(winner.voice.candidate),
    ...(tieBreaker === undefined ? {} : { tieBreaker }),
    votes: winner?.support.length ?? most,
    of: ballots.length,
    disagreed: disagreed.map(({ voice }) => voice.candidate.source),
  };
}
