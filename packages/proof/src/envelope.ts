import type { PathStep } from './merkle-path.ts';
import { Shape } from './shape.ts';

/** An SPV envelope: a transaction, its path to a block's Merkle root, and that block. All hex, hashes as shown. */
export interface Envelope {
  rawTx: string;
  txid?: string;
  proof: { txid: string; merkleRoot: string; path: PathStep[] };
  block: { blockHeader: string } | { blockHash: string; blockHeight: number };
  /** Consecutive headers: the block's own, then those after it. */
  headerChain?: string[];
}

/** A block of 2^64 transactions has paths this long. */
const MAX_PATH_LENGTH = 64;
/** Two weeks of blocks: enough to show any depth, little enough to be checked at once. */
const MAX_HEADER_CHAIN = 2016;
/** What others put beside the evidence; never trusted, so not read. */
const UNTRUSTED = ['confirmations', 'ts'];

const shape = new Shape('invalid-envelope');

/**
 * Reads an envelope; in a proof file the members that nothing vouches for (`confirmations`, `ts`) are refused,
 * elsewhere left out. Headers are read, and found malformed, by the verification. Throws `invalid-envelope`.
 */
export function parseEnvelope(value: unknown, where: 'proof-file' | 'elsewhere'): Envelope {
  const ignored = where === 'elsewhere' ? UNTRUSTED : [];
  const envelope = shape.members(value, 'envelope', ['rawTx', 'proof', 'block'], ['txid', 'headerChain', ...ignored]);
  return {
    rawTx: shape.hex(envelope.rawTx, 'envelope.rawTx'),
    ...(envelope.txid !== undefined && { txid: shape.hex(envelope.txid, 'envelope.txid', 32) }),
    proof: parsePathProof(envelope.proof),
    block: parseBlock(envelope.block),
    ...(envelope.headerChain !== undefined && { headerChain: parseHeaderChain(envelope.headerChain) }),
  };
}

function parsePathProof(value: unknown): Envelope['proof'] {
  const proof = shape.members(value, 'envelope.proof', ['txid', 'merkleRoot', 'path']);
  return {
    txid: shape.hex(proof.txid, 'envelope.proof.txid', 32),
    merkleRoot: shape.hex(proof.merkleRoot, 'envelope.proof.merkleRoot', 32),
    path: shape.array(proof.path, 'envelope.proof.path', MAX_PATH_LENGTH).map(parseStep),
  };
}

function parseStep(value: unknown): PathStep {
  const step = shape.members(value, 'envelope.proof.path entry', ['hash', 'position']);
  return {
    hash: shape.hex(step.hash, 'path hash', 32),
    position: shape.oneOf(step.position, 'path position', ['left', 'right']),
  };
}

function parseBlock(value: unknown): Envelope['block'] {
  const block = shape.object(value, 'envelope.block');
  if (Object.hasOwn(block, 'blockHeader')) {
    shape.members(block, 'envelope.block', ['blockHeader']);
    return { blockHeader: shape.text(block.blockHeader, 'envelope.block.blockHeader', 0) };
  }
  shape.members(block, 'envelope.block', ['blockHash', 'blockHeight']);
  return {
    blockHash: shape.hex(block.blockHash, 'envelope.block.blockHash', 32),
    blockHeight: shape.integer(block.blockHeight, 'envelope.block.blockHeight'),
  };
}

function parseHeaderChain(value: unknown): string[] {
  return shape
    .array(value, 'envelope.headerChain', MAX_HEADER_CHAIN)
    .map((header) => shape.text(header, 'envelope.headerChain entry', 0));
}
