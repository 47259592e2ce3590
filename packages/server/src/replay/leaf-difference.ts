/** Two lines for the same place in a log: which stage made them differ. */
import type { FusedInput, FusedLeaf, Leaf } from '@tidemark/proof';
import type { ReplayStage } from './report.ts';

export interface Line {
  leaf: Leaf;
  payload?: unknown;
}

/** What is known of a line beside its text. */
export interface LineContext {
  line: Line;
  /** Of a quarantined event. */
  reasons: readonly string[];
  /** Text of the audit entry of a decision. */
  audit: string | undefined;
}

/** Source and seq. */
export type Subject = readonly [source: string, seq: number];

export interface LeafDifference {
  stage: ReplayStage;
  what: string;
  /** The event that it is about. */
  subject: Subject | undefined;
}

/** What the order stage and the fusion have against an event begins so. */
const ORDER_REASONS = ['late:', 'future:', 'monotonic:'];
const FUSE_REASONS = ['no-quorum:', 'too-many-candidates:'];
const INTAKE_MEMBERS = ['rawHash', 'eventId', 'supersedes'] as const;
const NORMALIZE_MEMBERS = ['policyHash', 'eventTime', 'payloadHash'] as const;

/** The event that a leaf is about, the first of them where there are several. */
export function subjectOf(leaf: Leaf): Subject | undefined {
  if (leaf.kind === 'header') return undefined;
  if (leaf.kind === 'fused') return leaf.inputs[0] && [leaf.inputs[0][0], leaf.inputs[0][1]];
  if (leaf.kind !== 'control') return [leaf.source, leaf.seq];
  // One that is about no event is about the log.
  const { source, seq } = leaf.data as { source?: string; seq?: number };
  return source === undefined || seq === undefined ? undefined : [source, seq];
}

export function leafDifference(derived: LineContext, stored: LineContext): LeafDifference {
  const [a, b] = [derived.line.leaf, stored.line.leaf];
  const subject = subjectOf(a);
  if (a.kind === 'fused' && b.kind === 'fused') return fusedDifference(derived, stored, a, b);
  if (a.kind === 'header' || b.kind === 'header') return { stage: 'certify', what: "the log's header", subject };
  if (a.kind === 'fused' || b.kind === 'fused') return { stage: fusesOther(a, b), what: kinds(a, b), subject };
  if (!same(subject, subjectOf(b))) return { stage: 'order', what: `${named(b)} is stored in its place`, subject };
  if (a.kind === 'control' || b.kind === 'control') {
    return { stage: 'certify', what: a.kind === b.kind ? 'the control leaf' : kinds(a, b), subject };
  }
  const intake = INTAKE_MEMBERS.find((member) => !same(memberOf(a, member), memberOf(b, member)));
  if (intake !== undefined && (intake !== 'supersedes' || a.kind === b.kind)) {
    return { stage: 'intake', what: `${intake} of the leaf`, subject };
  }
  const normalized = NORMALIZE_MEMBERS.find((member) => !same(memberOf(a, member), memberOf(b, member)));
  const policy = normalized === 'policyHash';
  if (policy || (a.kind === b.kind && normalized !== undefined)) {
    return { stage: 'normalize', what: `${normalized} of the leaf`, subject };
  }
  if (a.kind === 'quarantined' || b.kind === 'quarantined') return reasonsDifference(derived, stored, subject);
  return { stage: 'normalize', what: 'the payload', subject };
}

function reasonsDifference(derived: LineContext, stored: LineContext, subject: Subject | undefined): LeafDifference {
  const [a, b] = [derived.line.leaf, stored.line.leaf];
  const what = a.kind === b.kind ? 'reasons' : kinds(a, b);
  const reasons = [...derived.reasons, ...stored.reasons].filter(
    (reason) => !derived.reasons.includes(reason) || !stored.reasons.includes(reason),
  );
  return { stage: stageOfReasons(reasons), what, subject };
}

/** Which stage has held an event back for these reasons. */
export function stageOfReasons(reasons: readonly string[]): ReplayStage {
  const given = (prefixes: readonly string[]) =>
    reasons.some((reason) => prefixes.some((prefix) => reason.startsWith(prefix)));
  return given(FUSE_REASONS) ? 'fuse' : given(ORDER_REASONS) ? 'order' : 'normalize';
}

function fusedDifference(derived: LineContext, stored: LineContext, a: FusedLeaf, b: FusedLeaf): LeafDifference {
  const subject = subjectOf(a);
  const names = (inputs: readonly FusedInput[]) => inputs.map(([source, seq]) => [source, seq]);
  if (!same(names(a.inputs), names(b.inputs))) {
    const shared = a.inputs.some((input) => b.inputs.some(([source, seq]) => source === input[0] && seq === input[1]));
    if (a.eventId === b.eventId || shared) return { stage: 'fuse', what: 'inputs of the leaf', subject };
    return { stage: 'order', what: `${named(b)} is stored in its place`, subject };
  }
  for (const [place, [source, seq, rawHash, policyHash]] of a.inputs.entries()) {
    const [, , otherRawHash, otherPolicyHash] = b.inputs[place]!;
    if (rawHash !== otherRawHash) return { stage: 'intake', what: 'rawHash of the input', subject: [source, seq] };
    if (policyHash !== otherPolicyHash) {
      return { stage: 'normalize', what: 'policyHash of the input', subject: [source, seq] };
    }
  }
  const candidate = candidateThatDiffers(derived.audit, stored.audit);
  if (candidate !== undefined) return { stage: 'normalize', what: 'payload of the input', subject: candidate };
  const members = ['eventId', 'eventTime', 'policyHash', 'decision', 'supersedes', 'payloadHash'] as const;
  const member = members.find((name) => a[name] !== b[name]);
  return { stage: 'fuse', what: member === undefined ? 'the payload' : `${member} of the leaf`, subject };
}

/** The first candidate whose payload was another when it was decided. */
function candidateThatDiffers(derived: string | undefined, stored: string | undefined): Subject | undefined {
  const [a, b] = [derived, stored].map(candidatesOf);
  const found = a?.find(({ source, seq, contentHash }) =>
    b?.some((other) => other.source === source && other.seq === seq && other.contentHash !== contentHash),
  );
  return found && [found.source, found.seq];
}

function candidatesOf(audit: string | undefined): { source: string; seq: number; contentHash: string }[] {
  try {
    const { candidates } = JSON.parse(audit ?? '{}') as { candidates?: ReturnType<typeof candidatesOf> };
    return Array.isArray(candidates) ? candidates : [];
  } catch {
    return [];
  }
}

/** A fused leaf where the other is of an event by itself: about the same event, or does another one come first? */
function fusesOther(a: Leaf, b: Leaf): ReplayStage {
  const [fused, single] = a.kind === 'fused' ? [a, b] : [b as FusedLeaf, a];
  const subject = subjectOf(single);
  return fused.inputs.some(([source, seq]) => same([source, seq], subject)) ? 'fuse' : 'order';
}

function memberOf(leaf: Leaf, member: string): unknown {
  return (leaf as unknown as Record<string, unknown>)[member];
}

function named(leaf: Leaf): string {
  const subject = subjectOf(leaf);
  return subject === undefined ? `a leaf of kind ${leaf.kind}` : `seq ${subject[1]} of ${subject[0]}`;
}

function kinds(a: Leaf, b: Leaf): string {
  return `a leaf of kind ${a.kind}, stored is ${b.kind}`;
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
