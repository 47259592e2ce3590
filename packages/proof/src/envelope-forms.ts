import type { Beef } from './beef.ts';
import { type Bump, bumpOfPath, bumpRoot, pathOfBump } from './bump.ts';
import { fromHex, isHex, toHex } from './bytes.ts';
import type { Envelope } from './envelope.ts';
import { ProofError } from './errors.ts';
import { parseHeader } from './headers.ts';
import { transactionId } from './transaction.ts';

/** The envelope's path as a BUMP. An envelope need not name its block's height: the caller's headers do. */
export function bumpOfEnvelope({ proof }: Envelope, blockHeight: number): Bump {
  return bumpOfPath(blockHeight, proof.txid, proof.path);
}

/** The envelope's transaction, proven by its own path: version 1, which all readers know. */
export function beefOfEnvelope(envelope: Envelope, blockHeight: number): Beef {
  const { proof, rawTx } = envelope;
  const transactions = [{ txid: proof.txid, raw: fromHex(rawTx), bumpIndex: 0 }];
  return { version: 1, bumps: [bumpOfEnvelope(envelope, blockHeight)], transactions };
}

/**
 * The envelope of a transaction that the BUMP has a path for.
 * @param header 160 hex digits, of the block; whether that is on the best chain is for the verifier to say
 * Throws `invalid-bump` where there is no path or it leads to another root, `invalid-header` for no header.
 */
export function envelopeOfBump(rawTx: Uint8Array, bump: Bump, header: string): Envelope {
  if (!isHex(header)) throw new ProofError('invalid-header', 'the header is not lower-case hex');
  const txid = transactionId(rawTx);
  const path = pathOfBump(bump, txid);
  const merkleRoot = bumpRoot(bump);
  if (parseHeader(fromHex(header)).merkleRoot !== merkleRoot) {
    throw new ProofError('invalid-bump', "bump: its root is not the header's");
  }
  return { rawTx: toHex(rawTx), txid, proof: { txid, merkleRoot, path }, block: { blockHeader: header } };
}

/** The same from a BEEF. Throws `invalid-beef` where the transaction is not in it, whole and with its own BUMP. */
export function envelopeOfBeef({ bumps, transactions }: Beef, txid: string, header: string): Envelope {
  const found = transactions.find((transaction) => transaction.txid === txid);
  const bump = found?.bumpIndex === undefined ? undefined : bumps[found.bumpIndex];
  if (found?.raw === undefined || bump === undefined) {
    throw new ProofError('invalid-beef', 'beef: the transaction is not there, or has no BUMP');
  }
  return envelopeOfBump(found.raw, bump, header);
}
