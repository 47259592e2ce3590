/** Transactions from outside, and what their outputs carry. */
import {
  decodeAnchorScript,
  fromHex,
  isHex,
  ProofError,
  parseTransaction,
  type Transaction,
  transactionId,
} from '@tidemark/proof';
import { CatalogError } from './errors.ts';
import { LIMITS } from './limits.ts';

/** A 64-byte transaction could be an inner node of a block's tree in disguise. */
const INNER_NODE_BYTES = 64;

export interface CarryingTransaction {
  txid: string;
  raw: Uint8Array;
  /** Outputs that carry each hash, by the hash. */
  vouts: ReadonlyMap<string, readonly number[]>;
}

/**
 * @param input bytes, or lower-case hex
 * @throws CatalogError `invalid-rawtx`
 */
export function readTransaction(input: unknown): CarryingTransaction {
  const raw = bytesOf(input);
  if (raw.length > LIMITS.rawTxBytes) invalid(`it is longer than ${LIMITS.rawTxBytes} bytes`);
  if (raw.length === INNER_NODE_BYTES) invalid('a transaction of 64 bytes could be an inner node of a tree');
  const { outputs } = parsed(raw);
  if (outputs.length > LIMITS.outputs) invalid(`it has more than ${LIMITS.outputs} outputs`);
  const vouts = new Map<string, number[]>();
  for (const [vout, { script }] of outputs.entries()) {
    const mh = decodeAnchorScript(script)?.mh;
    if (mh !== undefined) vouts.set(mh, [...(vouts.get(mh) ?? []), vout]);
  }
  return { txid: transactionId(raw), raw, vouts };
}

/**
 * The one output that carries the version.
 * @throws CatalogError `onchain-mh-mismatch`
 */
export function carryingOutput({ vouts }: CarryingTransaction, versionId: string): number {
  const [vout, ...others] = vouts.get(versionId) ?? [];
  if (vout !== undefined && others.length === 0) return vout;
  const carried = vout === undefined ? 'no output carries' : `${others.length + 1} outputs carry`;
  throw new CatalogError('onchain-mh-mismatch', `${carried} the hash of the manifest; exactly one has to`, {
    extra: { versionId },
  });
}

function bytesOf(input: unknown): Uint8Array {
  if (input instanceof Uint8Array) return input;
  return isHex(input) ? fromHex(input) : invalid('rawTx is lower-case hex');
}

function parsed(raw: Uint8Array): Transaction {
  try {
    return parseTransaction(raw);
  } catch (cause) {
    if (!(cause instanceof ProofError)) throw cause;
    throw new CatalogError('invalid-rawtx', cause.message, { cause });
  }
}

function invalid(why: string): never {
  throw new CatalogError('invalid-rawtx', `this is no transaction to be taken: ${why}`);
}
