import { type Envelope, parseEnvelope } from './envelope.ts';
import { type Leaf, readLeaf } from './leaf.ts';
import { type Manifest, parseManifest } from './manifest.ts';
import { CHAINS, type Chain } from './pins.ts';
import { type JsonObject, Shape } from './shape.ts';
import { refuse } from './verdict.ts';

export const PROOF_FORMAT = 'tidemark-proof/1';

/** The self-contained proof of one leaf. */
export interface ProofFile {
  format: typeof PROOF_FORMAT;
  leaf: Leaf;
  /** Absent for leaves without one, and after erasure. */
  payload?: unknown;
  /** The payload's inner salt, 32 bytes hex, on salted streams. */
  salt?: string;
  index: number;
  /** Siblings from the leaf up, 32 bytes hex each. */
  inclusion: string[];
  /** Of the packet of this log that ends at the tree size proven: the event's own, or a later one. */
  manifest: Manifest;
  versionId: string;
  /** A manifest that names `versionId` among its parents and is the anchored one in its place. */
  rollup?: Manifest;
  /** C2SP signed note. */
  checkpoint: string;
  anchor: ProofAnchor | null;
}

export interface ProofAnchor {
  chain: Chain;
  vout: number;
  envelope: Envelope;
}

/** A tree of 2^53 leaves has paths this long. */
const MAX_INCLUSION_LENGTH = 53;
/** Of a packet and its anchor; the others are the leaf's own. */
export const PACKET_MEMBERS = ['manifest', 'versionId', 'rollup', 'checkpoint', 'anchor'] as const;
const REQUIRED = ['format', 'leaf', 'index', 'inclusion', 'manifest', 'versionId', 'checkpoint', 'anchor'];
const OPTIONAL = ['payload', 'salt', 'rollup'];

const shape = new Shape('invalid-proof');

/** What a proof file says of its own leaf. */
export interface LeafPart extends Pick<ProofFile, 'leaf' | 'payload' | 'salt' | 'index' | 'inclusion'> {
  /** What the leaf's hash covers. */
  leafBytes: Uint8Array;
}

/** What it says of the packet: the same in the proofs of all its leaves. */
export type PacketPart = Pick<ProofFile, (typeof PACKET_MEMBERS)[number]>;

/**
 * Reads a proof file: every member in place and none besides, nothing verified yet. Throws a `ProofError`; an anchor
 * without its envelope is refused as `missing-envelope`.
 */
export function parseProofFile(value: unknown): ProofFile {
  const file = proofMembers(value);
  const { leafBytes: _, ...own } = parseLeafPart(file);
  return { format: PROOF_FORMAT, ...own, ...parsePacketPart(file) };
}

/** The members, all there and none besides, not read yet. */
export function proofMembers(value: unknown): JsonObject {
  const file = shape.members(value, 'proof', REQUIRED, OPTIONAL);
  if (file.salt !== undefined && !Object.hasOwn(file, 'payload')) shape.fail('proof.salt without a payload');
  if (file.rollup !== undefined && file.anchor === null) shape.fail('proof.rollup without an anchor');
  shape.oneOf(file.format, 'proof.format', [PROOF_FORMAT]);
  return file;
}

export function parseLeafPart(file: JsonObject): LeafPart {
  const { leaf, bytes } = readLeaf(file.leaf);
  return {
    leaf,
    leafBytes: bytes,
    ...(Object.hasOwn(file, 'payload') && { payload: file.payload }),
    ...(file.salt !== undefined && { salt: shape.hex(file.salt, 'proof.salt', 32) }),
    index: shape.integer(file.index, 'proof.index'),
    inclusion: parseInclusion(file.inclusion),
  };
}

export function parsePacketPart(file: JsonObject): PacketPart {
  return {
    manifest: parseManifest(file.manifest),
    versionId: shape.hex(file.versionId, 'proof.versionId', 32),
    ...(file.rollup !== undefined && { rollup: parseManifest(file.rollup) }),
    checkpoint: shape.text(file.checkpoint, 'proof.checkpoint'),
    anchor: file.anchor === null ? null : parseAnchor(file.anchor),
  };
}

function parseInclusion(value: unknown): string[] {
  return shape
    .array(value, 'proof.inclusion', MAX_INCLUSION_LENGTH)
    .map((hash) => shape.hex(hash, 'proof.inclusion entry', 32));
}

function parseAnchor(value: unknown): ProofAnchor {
  const anchor = shape.members(value, 'proof.anchor', ['chain', 'vout'], ['envelope']);
  if ((anchor.envelope ?? null) === null) refuse('missing-envelope', 'the anchor has no envelope');
  return {
    chain: shape.oneOf(anchor.chain, 'proof.anchor.chain', CHAINS),
    vout: shape.integer(anchor.vout, 'proof.anchor.vout'),
    envelope: parseEnvelope(anchor.envelope, 'proof-file'),
  };
}
