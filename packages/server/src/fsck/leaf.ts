/** One line of a packet: is it well formed, and does it say what the journal says. */
import { hash } from 'node:crypto';
import {
  type ControlLeaf,
  canonicalize,
  type Leaf,
  ProofError,
  packetLine,
  parseLeaf,
  type QuarantinedLeaf,
  type RecordLeaf,
} from '@tidemark/proof';
import { changeRecord } from '../certify/config-change.ts';
import type { Position } from '../event.ts';
import { saltedHash } from '../salt.ts';
import type { JournaledConfig } from './configs.ts';
import type { Decisions } from './decisions.ts';
import { type JournaledErasure, wrongErasure } from './erasures.ts';
import type { Findings } from './findings.ts';
import { checkFused, type InputEvent } from './fused.ts';
import type { JournaledHeader } from './journal-events.ts';
import { isSignedControl, type JournaledWord, wrongResolved } from './resolutions.ts';

/** What the leaf has to agree with. */
export interface LeafContext {
  stream: string;
  index: number;
  /** The journal item that the leaf stands for, where there is one. */
  position: Position | undefined;
  event: JournaledHeader | undefined;
  /** The operator's word that it comes of, if it does. */
  word: JournaledWord | undefined;
  /** The packet's. */
  config: JournaledConfig | undefined;
  /** The one that stands at a position of the journal, if one does. */
  configAt: (position: Position) => JournaledConfig | undefined;
  /** The erasure that stands at a position of the journal, if one does, and the event that it is about. */
  erasureAt: (position: Position) => { erasure: JournaledErasure; event: JournaledHeader | undefined } | undefined;
  /** Whether the event is erased. */
  erased: boolean;
  /** In force for the event, or for the word. */
  eventConfig: JournaledConfig | undefined;
  /** All events that the leaf stands for, if it is a fused one. */
  inputs: () => InputEvent[];
  decisions: Decisions;
  /** The reasons as stored for a quarantined event, JSON. */
  reasons: (position: Position, leaf: number) => string | undefined;
}

export interface CheckedLeaf {
  leaf: Leaf;
  hash: Uint8Array;
}

type Payload = string | undefined;

/** RFC 9162: leaves are hashed with a zero byte before them. */
const LEAF_PREFIX = '\0';
/** What is stored of those of an event that is erased. */
const NO_REASONS = '[]';

/** @returns undefined when the line holds no leaf */
export function checkLine(line: Buffer, context: LeafContext, findings: Findings): CheckedLeaf | undefined {
  const where = `stream ${context.stream} leaf ${context.index}`;
  const read = readLine(line.toString('utf8'));
  if (typeof read === 'string') {
    findings.violation('leaf-malformed', where, read);
    return undefined;
  }
  const { leaf, leafText, payload, canonical } = read;
  if (!canonical) findings.violation('line-not-canonical', where, 'not the RFC 8785 text of leaf and payload');
  const wrong = leaf.stream === context.stream ? wrongLeaf(leaf, context) : `it names the stream ${leaf.stream}`;
  if (wrong !== undefined) findings.violation('leaf-mismatch', where, wrong);
  checkPayload(leaf, payload, context.config?.isSalted === true, where, findings);
  checkReasons(leaf, context, where, findings);
  if (leaf.kind === 'fused') checkFused(leaf, { ...context, inputs: context.inputs() }, where, findings);
  if (leaf.kind === 'control' && context.config !== undefined && !isSignedControl(leaf, context.config.config.logKey)) {
    findings.violation('control-signature-invalid', where, 'not signed by the key of its log');
  }
  // As text, the leaf needs no buffer of its own: half the time of joining prefix and bytes.
  return { leaf, hash: Buffer.from(hash('sha256', `${LEAF_PREFIX}${leafText}`, 'latin1'), 'latin1') };
}

function readLine(text: string): string | { leaf: Leaf; leafText: string; payload: Payload; canonical: boolean } {
  try {
    const line = JSON.parse(text) as { leaf: unknown; payload?: unknown };
    const leaf = parseLeaf(line?.leaf);
    const leafText = canonicalize(leaf);
    const payload = line.payload === undefined ? undefined : canonicalize(line.payload);
    return { leaf, leafText, payload, canonical: packetLine(leafText, payload) === text };
  } catch (cause) {
    if (cause instanceof SyntaxError || cause instanceof ProofError) return cause.message;
    throw cause;
  }
}

/** The first thing in which the leaf differs from what it has to be. */
function wrongLeaf(leaf: Leaf, context: LeafContext): string | undefined {
  const { index, event, word, config } = context;
  if ((leaf.kind === 'header') !== (index === 0)) return `a leaf of kind ${leaf.kind}`;
  if (leaf.kind === 'header') {
    if (config !== undefined && leaf.publisher !== config.config.publisher) return 'another publisher than the journal';
    return config !== undefined && leaf.logKey !== config.config.logKey
      ? 'another log key than the journal'
      : undefined;
  }
  const misheard = word && event && wrongResolved(leaf, word, event);
  if (misheard !== undefined || (word !== undefined && leaf.kind === 'control')) return misheard;
  if (leaf.kind === 'fused') return undefined;
  if (leaf.kind === 'control') return wrongChange(leaf, context);
  if (leaf.kind === 'record' && word === undefined && config?.fusionHash !== undefined) return 'it is not fused';
  return event && wrongEvent(leaf, event, context);
}

/** A control leaf that comes of no word about quarantine says what has come into force at its position, or was erased. */
function wrongChange(leaf: ControlLeaf, { position, config, configAt, erasureAt }: LeafContext): string | undefined {
  const erased = position === undefined ? undefined : erasureAt(position);
  if (erased !== undefined) return wrongErasure(leaf, erased.erasure, erased.event);
  const next = position === undefined ? undefined : configAt(position);
  if (next === undefined) return `a leaf of kind ${leaf.kind}`;
  if (config === undefined) return undefined;
  const { action, data } = changeRecord(config.config, next.config, next.position);
  const right = leaf.action === action && canonicalize(leaf.data) === canonicalize(data);
  return right ? undefined : 'it does not say how the configuration changes';
}

function wrongEvent(
  leaf: RecordLeaf | QuarantinedLeaf,
  event: JournaledHeader,
  { word, eventConfig: config }: LeafContext,
): string | undefined {
  const { source, seq, batch, index: place } = event;
  if (leaf.source !== source || leaf.seq !== seq) return `seq ${leaf.seq} of ${leaf.source}, not ${seq} of ${source}`;
  if (leaf.eventId !== batch.eventId(place)) return `the event id is not ${batch.eventId(place)}`;
  if (leaf.rawHash !== batch.rawHash(place)) return `the rawHash is not ${batch.rawHash(place)}`;
  if (config !== undefined && leaf.policyHash !== config.policyHash(source)) return 'another policy than the journal';
  return wrongSupersedes(
    leaf.kind === 'record' ? leaf.supersedes : undefined,
    leaf.kind,
    source,
    word === undefined ? batch.supersedes(place) : seq,
  );
}

function wrongSupersedes(
  named: [string, number] | undefined,
  kind: 'record' | 'quarantined',
  source: string,
  seq: number | undefined,
): string | undefined {
  // A quarantined leaf has no room for what it supersedes.
  if (kind === 'quarantined' || (named === undefined && seq === undefined)) return undefined;
  if (named !== undefined && seq !== undefined && named[0] === source && named[1] === seq) return undefined;
  return `it supersedes ${named?.join(' ') ?? 'nothing'}, in the journal ${seq ?? 'nothing'}`;
}

/** Packets of salted streams hold none: it could not be erased there. */
function checkPayload(leaf: Leaf, payload: Payload, salted: boolean, where: string, findings: Findings): void {
  const due = 'payloadHash' in leaf && !salted ? leaf.payloadHash : undefined;
  const has = payload === undefined ? undefined : hash('sha256', payload, 'hex');
  if (has !== due)
    findings.violation('payload-hash-mismatch', where, `payload ${has ?? 'none'}, leaf ${due ?? 'none'}`);
}

function checkReasons(leaf: Leaf, context: LeafContext, where: string, findings: Findings): void {
  const { index, position, config, event, decisions, erased } = context;
  if (leaf.kind !== 'quarantined' || position === undefined) return;
  const stored = context.reasons(position, index);
  if (stored === undefined) findings.violation('reasons-mismatch', where, 'no reasons are stored');
  else if (erased && stored === NO_REASONS) return;
  else if (saltedHash(event?.batch.salt(event.index), stored) !== leaf.reasonsHash) {
    findings.violation('reasons-mismatch', where, 'the stored reasons do not have the hash in the leaf');
  } else if (config?.fusionHash !== undefined) {
    decisions.ofHeldBack(index, leaf.source, leaf.seq, JSON.parse(stored) as string[], where);
  }
}
