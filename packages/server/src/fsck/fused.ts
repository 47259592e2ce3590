/** A fused leaf: against the journal, for its inputs, and against the audit entry of the decision that it names. */
import { canonicalize, type FusedLeaf, fusedEventId } from '@tidemark/proof';
import type { Audit } from '../read/audit.ts';
import type { JournaledConfig } from './configs.ts';
import type { Decisions } from './decisions.ts';
import type { Findings } from './findings.ts';
import type { JournaledHeader } from './journal-events.ts';

/** A journaled event that the leaf stands for. */
export interface InputEvent {
  event: JournaledHeader | undefined;
  /** Of the mapping policy in force when it came. */
  policyHash: string | undefined;
}

export interface FusedContext {
  index: number;
  inputs: readonly InputEvent[];
  /** The packet's. */
  config: JournaledConfig | undefined;
  decisions: Decisions;
}

export function checkFused(leaf: FusedLeaf, context: FusedContext, where: string, findings: Findings): void {
  const { index, inputs, config, decisions } = context;
  const wrong = wrongInputs(leaf, inputs) ?? wrongPolicy(leaf, config);
  if (wrong !== undefined) findings.violation('leaf-mismatch', where, wrong);
  const audit = decisions.ofFused(index, leaf.decision, where);
  const disagreement = audit && disagreementOf(leaf, audit);
  if (disagreement !== undefined) findings.violation('decision-mismatch', where, disagreement);
  if (leaf.supersedes === undefined || decisions.isCorrected(leaf.supersedes, leaf.eventId, index)) return;
  findings.violation('correction-wrong', where, 'what it supersedes is no earlier decision about the same');
}

/** What it names, and the events that have it as their leaf, are the same. */
function wrongInputs({ inputs }: FusedLeaf, events: readonly InputEvent[]): string | undefined {
  if (events.some(({ event }) => event === undefined)) return undefined;
  if (inputs.length !== events.length) return `${inputs.length} inputs, and ${events.length} events are placed there`;
  for (const [source, seq, rawHash, policyHash] of inputs) {
    const input = events.find(({ event }) => event?.source === source && event.seq === seq);
    if (input?.event === undefined) return `seq ${seq} of ${source} is an input, and not placed there`;
    const { batch, index } = input.event;
    if (rawHash !== batch.rawHash(index))
      return `the rawHash of seq ${seq} of ${source} is not ${batch.rawHash(index)}`;
    if (input.policyHash !== undefined && policyHash !== input.policyHash) {
      return `seq ${seq} of ${source} was mapped by another policy`;
    }
  }
  return undefined;
}

function wrongPolicy({ policyHash }: FusedLeaf, config: JournaledConfig | undefined): string | undefined {
  if (config === undefined || policyHash === config.fusionHash) return undefined;
  return config.fusionHash === undefined ? 'a leaf of kind fused' : 'another fusion policy than the journal';
}

function disagreementOf(leaf: FusedLeaf, audit: Audit): string | undefined {
  const { stream, key, candidates, bucket, winner, outcome } = audit;
  if (fusedEventId(stream, key, bucket) !== leaf.eventId) return 'the event id is not that of key and bucket';
  const named = candidates.map(({ source, seq, rawHash, policyHash }) => [source, seq, rawHash, policyHash]);
  if (canonicalize(named) !== canonicalize(leaf.inputs)) return 'the candidates of the audit entry are not its inputs';
  if (audit.policyHash !== leaf.policyHash) return 'the audit entry is by another policy';
  if (audit.supersedes !== leaf.supersedes) return 'the audit entry supersedes another decision';
  const times = bucket === null ? candidates.map(({ eventTime }) => eventTime) : [bucket];
  if (!times.includes(leaf.eventTime)) return 'the event time is not that of the audit entry';
  if (outcome === 'quarantined') return 'the audit entry holds the candidates back';
  const payloadHash = outcome === 'unresolved' ? NULL_HASH : contentOf(winner, candidates);
  return payloadHash === undefined || payloadHash === leaf.payloadHash
    ? undefined
    : `the payload is not what the audit entry says: ${outcome}`;
}

/** SHA-256 of `null`, the payload of what is unresolved. */
const NULL_HASH = '74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b';

/** Undefined where each field was decided by itself. */
function contentOf(winner: Audit['winner'], candidates: Audit['candidates']): string | undefined {
  if (winner === null) return undefined;
  return candidates.find(({ source, seq }) => source === winner[0] && seq === winner[1])?.contentHash ?? 'none';
}
