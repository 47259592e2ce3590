/**
 * Everything that a verifier needs to check a Tidemark proof offline, and a node to make one: canonical JSON, the
 * Merkle log, DLM1 manifests and anchors, SPV, checkpoints and proof files. No Node API, clock, network or storage.
 *
 *     import { verifyProof } from '@tidemark/proof';
 *     const report = verifyProof(JSON.parse(text), { publisher, logKey, headers, minConfs: 6 });
 *     if (!report.valid) throw new Error(`${report.reason}: ${report.detail}`);
 *
 * Malformed input to a builder or parser throws a `ProofError`; what is verified gives a result, whatever the input.
 */

export { type Anchor, anchorScript, decodeAnchorScript, encodeAnchor } from './anchor.ts';
export {
  type Beef,
  type BeefTransaction,
  beefBytes,
  MAX_BEEF_BYTES,
  parseBeef,
} from './beef.ts';
export {
  type Bump,
  type BumpLeaf,
  bumpBytes,
  bumpOfPath,
  bumpRoot,
  MAX_BUMP_BYTES,
  parseBump,
  pathOfBump,
} from './bump.ts';
export { concat, equal, fromBase64, fromHex, fromUtf8, isHex, reversed, toBase64, toHex, utf8 } from './bytes.ts';
export { canonicalize, MAX_JSON_DEPTH } from './canonical.ts';
export * from './checkpoint.ts';
export { controlText, verifyControl } from './control.ts';
export { type Envelope, parseEnvelope } from './envelope.ts';
export { beefOfEnvelope, bumpOfEnvelope, envelopeOfBeef, envelopeOfBump } from './envelope-forms.ts';
export { ProofError, type ProofErrorCode } from './errors.ts';
export { eventId, fusedEventId, saltedEventId } from './event-id.ts';
export { type AddResult, HeaderChain, type PlacedHeader } from './header-chain.ts';
export {
  type BlockHeader,
  HEADER_BYTES,
  meetsTarget,
  parseHeader,
  parseHeaders,
  targetFromBits,
  workOf,
} from './headers.ts';
// Leaves, payloads and packets.
export * from './leaf.ts';
// DLM1: manifests, and the output that anchors one.
export * from './manifest.ts';

// The Merkle log and its checkpoints.
export {
  consistencyProof,
  Frontier,
  inclusionProof,
  leafHash,
  type NodeReader,
  nodeHash,
  rootOf,
  verifyConsistency,
  verifyInclusion,
} from './merkle.ts';
export { type PathStep, rootOfPath } from './merkle-path.ts';
export type { VerifyOptions } from './options.ts';
export { CHAINS, type Chain, DEVELOPMENT_FLOOR_BITS, PINS, type Pin } from './pins.ts';
export { PRIMITIVES, type Primitives } from './primitives.ts';
export { PROOF_FORMAT, type ProofAnchor, type ProofFile, parseProofFile } from './proof-file.ts';
// Signed acknowledgements.
export { parseReceipt, RECEIPT_MS, type Receipt, receiptIdsHash, receiptText, verifyReceipt } from './receipt.ts';
export type { Verified } from './report.ts';
export * from './request-identity.ts';
export { type Sha256, sha256, sha256d } from './sha256.ts';
// Primitives.
export { verifyEcdsa, verifyEd25519 } from './signature.ts';
export { type AnchoredAt, type FollowedChain, verifyEnvelope, type Wanted } from './spv.ts';
// Logs over HTTP, and those who watch them.
export { TiledTree, type TileReader, type TreeHead } from './tiled-tree.ts';
export {
  decodeEntries,
  encodeEntries,
  formatTilePath,
  hashesAt,
  parseTilePath,
  TILE_WIDTH,
  type TilePath,
  tileNodes,
} from './tiles.ts';
export { isRfc3339, isUtcMillis } from './time.ts';
// Bitcoin: transactions, headers and the chain they make.
export {
  parseTransaction,
  type Transaction,
  type TransactionInput,
  type TransactionOutput,
  transactionId,
} from './transaction.ts';
export type { EnvelopeReason, Reason, Refusal } from './verdict.ts';
// Verification: the whole proof file, or a single envelope.
export { ProofVerifier, type VerificationReport, verifyProof } from './verify.ts';
export { type AddCheckpoint, cosignatureLine, formatAddCheckpoint, parseAddCheckpoint } from './witness.ts';
