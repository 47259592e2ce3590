import { type Envelope, parseEnvelope } from './envelope.ts';
import { type Leaf, parseLeaf } from './leaf.ts';
import { type Manifest, parseManifest } from './manifest.ts';
import { CHAINS, type Chain } from './pins.ts';
import { Shape } from './shape.ts';
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
const REQUIRED = ['format', 'leaf', 'index', 'inclusion', 'manifest', 'versionId', 'checkpoint', 'anchor'];
const OPTIONAL = ['payload', 'salt', 'rollup'];

const shape = new Shape('invalid-proof');

/**
 * Reads a proof file: every member in place and none besides, nothing verified yet. Throws a `ProofError`; an anchor
 * without its envelope is refused as `missing-envelope`.
 */
export function parseProofFile(value: unknown): ProofFile {
  const file = shape.members(value, 'proof', REQUIRED, OPTIONAL);
  if (file.salt !== undefined && !Object.hasOwn(file, 'payload')) shape.fail('proof.salt without a payload');
  if (file.rollup !== undefined && file.anchor === null) shape.fail('proof.rollup without an anchor');
  return {
    format: shape.oneOf(file.format, 'proof.format', [PROOF_FORMAT]),
    leaf: parseLeaf(file.leaf),
    ...(Object.hasOwn(file, 'payload') && { payload: file.payload }),
    ...(file.salt !== undefined && { salt: shape.hex(file.salt, 'proof.salt', 32) }),
    index: shape.integer(file.index, 'proof.index'),
    inclusion: parseInclusion(file.inclusion),
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
