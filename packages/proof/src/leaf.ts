import { concat, fromUtf8, toHex, utf8 } from './bytes.ts';
import { canonicalize } from './canonical.ts';
import { ProofError } from './errors.ts';
import { leafHash } from './merkle.ts';
import { type Sha256, sha256 } from './sha256.ts';
import { type JsonObject, Shape } from './shape.ts';
import { isUtcMillis } from './time.ts';

/** A leaf's canonical text is at most this long, in bytes. */
export const MAX_LEAF_BYTES = 65_535;
/** Candidates that one fused leaf can name. */
export const MAX_FUSED_INPUTS = 256;

interface LeafBase {
  v: 1;
  stream: string;
}

/** What `record` and `quarantined` leaves say of the event. */
interface EventLeaf extends LeafBase {
  source: string;
  /** The source's count of journaled events, from 1. */
  seq: number;
  eventId: string;
  eventTime: string;
  rawHash: string;
  policyHash: string;
}

/** Leaf 0 of every log: who publishes it, and the C2SP verifier key that signs its checkpoints. */
export interface HeaderLeaf extends LeafBase {
  kind: 'header';
  publisher: string;
  logKey: string;
}

export interface RecordLeaf extends EventLeaf {
  kind: 'record';
  payloadHash: string;
  /** Source and seq of the version that this one revises. */
  supersedes?: [string, number];
}

export interface QuarantinedLeaf extends EventLeaf {
  kind: 'quarantined';
  reasonsHash: string;
}

/** Source, seq, rawHash and policyHash of a candidate. */
export type FusedInput = [string, number, string, string];

export interface FusedLeaf extends LeafBase {
  kind: 'fused';
  eventId: string;
  /** The bucket's start. */
  eventTime: string;
  /** All candidates, losers too, sorted by source and seq. */
  inputs: FusedInput[];
  policyHash: string;
  /** Hash of the audit entry. */
  decision: string;
  payloadHash: string;
  /** The decision that this one replaces. */
  supersedes?: string;
}

export interface ControlLeaf extends LeafBase {
  kind: 'control';
  action: string;
  data: unknown;
  signature: string;
}

export type Leaf = HeaderLeaf | RecordLeaf | QuarantinedLeaf | FusedLeaf | ControlLeaf;

const LEAF_MEMBERS = ['v', 'kind', 'stream'];
const EVENT_MEMBERS = [...LEAF_MEMBERS, 'source', 'seq', 'eventId', 'eventTime', 'rawHash', 'policyHash'];
/** Required, by kind. */
const MEMBERS: Record<Leaf['kind'], readonly string[]> = {
  header: [...LEAF_MEMBERS, 'publisher', 'logKey'],
  record: [...EVENT_MEMBERS, 'payloadHash'],
  quarantined: [...EVENT_MEMBERS, 'reasonsHash'],
  fused: [...LEAF_MEMBERS, 'eventId', 'eventTime', 'inputs', 'policyHash', 'decision', 'payloadHash'],
  control: [...LEAF_MEMBERS, 'action', 'data', 'signature'],
};
const REVISING: readonly string[] = ['supersedes'];
const KINDS = ['header', 'record', 'quarantined', 'fused', 'control'] as const;

const shape = new Shape('invalid-leaf');

/** The leaf, if it has exactly the members of its kind and is not too long. Throws `invalid-leaf`. */
export function parseLeaf(value: unknown): Leaf {
  return readLeaf(value).leaf;
}

/**
 * The leaf that an entry of a tiled log is: its RFC 8785 text as UTF-8, and no other text of the same members, which
 * would have another hash. Throws `invalid-leaf`.
 */
export function parseEntry(entry: Uint8Array): Leaf {
  const text = textOf(entry);
  const leaf = parseLeaf(jsonOf(text));
  // Comparing texts takes a fifth of what comparing bytes takes.
  if (canonicalize(leaf) !== text) shape.fail('it is not in canonical form');
  return leaf;
}

function textOf(entry: Uint8Array): string {
  try {
    return fromUtf8(entry);
  } catch (cause) {
    throw new ProofError('invalid-leaf', 'it is not UTF-8', { cause });
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ProofError('invalid-leaf', 'it is not JSON', { cause });
  }
}

/** The same as `parseLeaf`, with the bytes that its hash covers. */
export function readLeaf(value: unknown): { leaf: Leaf; bytes: Uint8Array } {
  const leaf = shape.object(value, 'leaf');
  if (leaf.v !== 1) shape.fail('leaf.v is not 1');
  const kind = shape.oneOf(leaf.kind, 'leaf.kind', KINDS);
  CHECKS[kind](leaf);
  shape.text(leaf.stream, 'leaf.stream');
  const parsed = leaf as unknown as Leaf;
  return { leaf: parsed, bytes: leafBytes(parsed) };
}

const CHECKS: Record<Leaf['kind'], (leaf: JsonObject) => void> = {
  header(leaf) {
    shape.members(leaf, 'leaf', MEMBERS.header);
    shape.hex(leaf.publisher, 'leaf.publisher', 33);
    shape.text(leaf.logKey, 'leaf.logKey');
  },
  record(leaf) {
    shape.members(leaf, 'leaf', MEMBERS.record, REVISING);
    checkEvent(leaf);
    shape.hex(leaf.payloadHash, 'leaf.payloadHash', 32);
    if (leaf.supersedes !== undefined) checkSupersedes(leaf.supersedes);
  },
  quarantined(leaf) {
    shape.members(leaf, 'leaf', MEMBERS.quarantined);
    checkEvent(leaf);
    shape.hex(leaf.reasonsHash, 'leaf.reasonsHash', 32);
  },
  fused(leaf) {
    shape.members(leaf, 'leaf', MEMBERS.fused, REVISING);
    checkEventIdAndTime(leaf);
    checkInputs(leaf.inputs);
    for (const name of ['policyHash', 'decision', 'payloadHash']) shape.hex(leaf[name], `leaf.${name}`, 32);
    if (leaf.supersedes !== undefined) shape.hex(leaf.supersedes, 'leaf.supersedes', 32);
  },
  control(leaf) {
    shape.members(leaf, 'leaf', MEMBERS.control);
    shape.text(leaf.action, 'leaf.action');
    shape.text(leaf.signature, 'leaf.signature');
  },
};

function checkEvent(leaf: JsonObject): void {
  checkEventIdAndTime(leaf);
  shape.text(leaf.source, 'leaf.source');
  shape.integer(leaf.seq, 'leaf.seq', 1);
  shape.hex(leaf.rawHash, 'leaf.rawHash', 32);
  shape.hex(leaf.policyHash, 'leaf.policyHash', 32);
}

function checkEventIdAndTime(leaf: JsonObject): void {
  shape.hex(leaf.eventId, 'leaf.eventId', 16);
  if (!isUtcMillis(shape.text(leaf.eventTime, 'leaf.eventTime'))) shape.fail('leaf.eventTime is not UTC milliseconds');
}

function checkSupersedes(value: unknown): void {
  const entry = shape.array(value, 'leaf.supersedes');
  if (entry.length !== 2) shape.fail('leaf.supersedes is not [source, seq]');
  shape.text(entry[0], 'leaf.supersedes source');
  shape.integer(entry[1], 'leaf.supersedes seq', 1);
}

function checkInputs(value: unknown): void {
  const inputs = shape.array(value, 'leaf.inputs', MAX_FUSED_INPUTS).map(parseInput);
  if (inputs.length === 0) shape.fail('leaf.inputs is empty');
  if (inputs.some((input, i) => i > 0 && !precedes(inputs[i - 1]!, input))) {
    shape.fail('leaf.inputs are not in ascending order of source and seq');
  }
}

function parseInput(value: unknown): FusedInput {
  const entry = shape.array(value, 'leaf.inputs entry');
  if (entry.length !== 4) shape.fail('leaf.inputs entry has not four members');
  return [
    shape.text(entry[0], 'leaf.inputs source'),
    shape.integer(entry[1], 'leaf.inputs seq', 1),
    shape.hex(entry[2], 'leaf.inputs rawHash', 32),
    shape.hex(entry[3], 'leaf.inputs policyHash', 32),
  ];
}

function precedes(a: FusedInput, b: FusedInput): boolean {
  return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
}

/** The UTF-8 bytes of the leaf's RFC 8785 text, which the leaf hash covers. Throws `invalid-leaf` when too long. */
export function leafBytes(leaf: Leaf): Uint8Array {
  const bytes = utf8(canonicalize(leaf));
  if (bytes.length > MAX_LEAF_BYTES) shape.fail(`leaf of ${bytes.length} bytes, at most ${MAX_LEAF_BYTES}`);
  return bytes;
}

/** H(0x00 ‖ canonical leaf), 32 bytes. */
export function hashLeaf(leaf: Leaf): Uint8Array {
  return leafHash(leafBytes(leaf));
}

/** SHA-256 of the canonical payload, hex; on a salted stream with the 32 bytes of `payloadSalt` before it. */
export function payloadHash(
  payload: unknown,
  innerSalt: Uint8Array = new Uint8Array(0),
  hash: Sha256 = sha256,
): string {
  const bytes = utf8(canonicalize(payload));
  return toHex(hash(innerSalt.length === 0 ? bytes : concat(innerSalt, bytes)));
}

/** The inner salt of a payload, the only one that is published: SHA-256("payload" ‖ salt). */
export function payloadSalt(salt: Uint8Array): Uint8Array {
  return sha256(concat(utf8('payload'), salt));
}

/** `rawHash`, `reasonsHash` and `decision` of a salted stream: SHA-256(salt ‖ data), hex. */
export function saltedHash(salt: Uint8Array, data: Uint8Array): string {
  return toHex(sha256(concat(salt, data)));
}

/** A line of packet content, from canonical texts: JCS of `{leaf, payload?}` and LF. */
export function packetLine(leafText: string, payloadText?: string): string {
  return payloadText === undefined ? `{"leaf":${leafText}}\n` : `{"leaf":${leafText},"payload":${payloadText}}\n`;
}
