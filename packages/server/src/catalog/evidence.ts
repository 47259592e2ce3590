/** What shows that a block has a transaction: an SPV envelope, a BUMP, or a BEEF, checked against the chain followed. */
import {
  type Bump,
  type Envelope,
  envelopeOfBump,
  ProofError,
  parseBump,
  parseEnvelope,
  verifyEnvelope,
} from '@tidemark/proof';
import { followed } from '../anchor/followed.ts';
import type { Headers } from '../headers/headers.ts';
import type { CatalogProof } from '../store/catalog.ts';
import { CatalogError } from './errors.ts';
import type { CarryingTransaction } from './transaction.ts';

/** As it was sent. */
export type Evidence = { kind: 'envelope'; envelope: object } | { kind: 'bump'; bump: Bump | string };

/** The version that is to be proven, and the output that carries it. */
export interface Claim {
  versionId: string;
  vout: number;
}

/** @throws CatalogError `spv-verification-failed` */
export function checkEvidence(
  evidence: Evidence,
  transaction: CarryingTransaction,
  { versionId, vout }: Claim,
  headers: Headers | undefined,
): CatalogProof {
  if (headers === undefined || headers.bestHeight() < 0) {
    return failed('headers-unavailable', 'this node has no block headers to check by; submit without the proof');
  }
  const envelope = envelopeOf(evidence, transaction, headers);
  const { headerChain: _, ...own } = envelope;
  const verdict = verifyEnvelope(own, { versionId, vout, chain: followed(headers) });
  if (!verdict.valid) return failed(verdict.reason, verdict.detail);
  const height = headers.heightOf(verdict.blockHash);
  const blockHeader = height === undefined ? undefined : headers.headerAt(height);
  if (height === undefined || blockHeader === undefined) return failed('unknown-block-hash', 'the block is gone');
  // With the header itself, the envelope needs nobody's chain to be read.
  const kept = { rawTx: own.rawTx, txid: verdict.txid, proof: own.proof, block: { blockHeader } };
  const { txid, blockHash } = verdict;
  return { txid, chain: headers.chain, blockHash, height, envelope: JSON.stringify(kept) };
}

function envelopeOf(evidence: Evidence, transaction: CarryingTransaction, headers: Headers): Envelope {
  if (evidence.kind === 'bump') return fromBump(evidence.bump, transaction, headers);
  const rawTx = Buffer.from(transaction.raw).toString('hex');
  const envelope = readable(() => parseEnvelope({ rawTx, ...evidence.envelope }, 'elsewhere'));
  if (envelope.rawTx === rawTx) return envelope;
  return failed('txid-mismatch-rawtx-vs-proof', 'the envelope is of another transaction than rawTx');
}

function fromBump(sent: Bump | string, { raw }: CarryingTransaction, headers: Headers): Envelope {
  const bump = readable(() => (typeof sent === 'string' ? parseBump(sent) : sent));
  const header = headers.headerAt(bump.blockHeight);
  if (header === undefined) {
    return failed('unknown-block-hash', `no block is known at height ${bump.blockHeight}; try again later`);
  }
  try {
    return envelopeOfBump(raw, bump, header);
  } catch (cause) {
    if (!(cause instanceof ProofError)) throw cause;
    return failed('invalid-merkle-path', cause.message, cause);
  }
}

function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof ProofError)) throw cause;
    return failed('malformed', cause.message, cause);
  }
}

function failed(reason: string, detail: string, cause?: unknown): never {
  throw new CatalogError('spv-verification-failed', `${reason}: ${detail}`, { cause, extra: { reason } });
}
