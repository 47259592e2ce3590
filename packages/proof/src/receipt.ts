import { fromBase64, toHex, utf8 } from './bytes.ts';
import { canonicalize } from './canonical.ts';
import { parseVerifierKey } from './checkpoint.ts';
import { ProofError } from './errors.ts';
import { sha256 } from './sha256.ts';
import { Shape } from './shape.ts';
import { verifyEd25519 } from './signature.ts';
import { isUtcMillis } from './time.ts';

/** An operator's promise: events `[from, to]` of a source will be in the log `RECEIPT_MS` after `time`. */
export interface Receipt {
  source: string;
  /** Sequence numbers, from 1. */
  from: number;
  to: number;
  /** `receiptIdsHash` of their event ids. */
  idsHash: string;
  /** RFC 3339 UTC with milliseconds. */
  time: string;
  /** Ed25519 by the log's key, base64. */
  signature: string;
}

/** Milliseconds after which an event that a receipt names has to be in the log. */
export const RECEIPT_MS = 60_000;
/** What sets the text apart from all else that the key signs. */
const CONTEXT = 'tidemark-receipt/1';
const MEMBERS = 'source from to idsHash time signature'.split(' ');
const ED25519_BYTES = 64;

const shape = new Shape('invalid-receipt');

/** SHA-256 of the RFC 8785 text of the list of event ids, in the order of their sequence numbers. */
export function receiptIdsHash(eventIds: readonly string[]): string {
  return toHex(sha256(utf8(canonicalize([...eventIds]))));
}

/** What the signature covers, as UTF-8. @param origin of the log */
export function receiptText(origin: string, receipt: Omit<Receipt, 'signature'>): string {
  const { source, from, to, idsHash, time } = receipt;
  return `${CONTEXT}\n${canonicalize({ origin, source, from, to, idsHash, time })}`;
}

/** Reads a receipt; the signature is not looked at. Throws `invalid-receipt`. */
export function parseReceipt(value: unknown): Receipt {
  const receipt = shape.members(value, 'receipt', MEMBERS);
  const from = shape.integer(receipt.from, 'receipt: from, a seq', 1);
  const time = shape.text(receipt.time, 'receipt.time');
  if (!isUtcMillis(time)) shape.fail('receipt.time is no time in milliseconds, UTC');
  return {
    source: shape.text(receipt.source, 'receipt.source'),
    from,
    to: shape.integer(receipt.to, 'receipt.to', from),
    idsHash: shape.hex(receipt.idsHash, 'receipt.idsHash', 32),
    time,
    signature: shape.text(receipt.signature, 'receipt.signature'),
  };
}

/**
 * Whether the log's key has signed the receipt.
 * @param logKey C2SP verifier key; its name is the log's origin. Throws `invalid-key` for anything else.
 */
export function verifyReceipt(receipt: Receipt, logKey: string): boolean {
  const { name, publicKey } = parseVerifierKey(logKey);
  return verifyEd25519(utf8(receiptText(name, receipt)), signatureBytes(receipt.signature), publicKey);
}

/** What is no base64 is no signature. */
function signatureBytes(signature: string): Uint8Array {
  try {
    const bytes = fromBase64(signature);
    return bytes.length === ED25519_BYTES ? bytes : new Uint8Array(0);
  } catch (cause) {
    if (cause instanceof ProofError) return new Uint8Array(0);
    throw cause;
  }
}
