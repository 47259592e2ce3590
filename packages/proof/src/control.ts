import { fromBase64, utf8 } from './bytes.ts';
import { canonicalize } from './canonical.ts';
import { parseVerifierKey } from './checkpoint.ts';
import { ProofError } from './errors.ts';
import type { ControlLeaf } from './leaf.ts';
import { verifyEd25519 } from './signature.ts';

/**
 * What the signature of a control leaf covers: the RFC 8785 text of its other members, as UTF-8. The signature is
 * Ed25519 by the log key in force, its 64 bytes in base64.
 */
export function controlText({ v, kind, stream, action, data }: Omit<ControlLeaf, 'signature'>): string {
  return canonicalize({ v, kind, stream, action, data });
}

/**
 * Whether a control leaf is signed by the log's key.
 * @param logKey C2SP verifier key, as in the log's header leaf. Throws `invalid-key` for anything else.
 */
export function verifyControl(leaf: ControlLeaf, logKey: string): boolean {
  return verifyControlBy(leaf, parseVerifierKey(logKey).publicKey, verifyEd25519);
}

/** The same for a key that has been read: 32 bytes. */
export function verifyControlBy(leaf: ControlLeaf, publicKey: Uint8Array, verify: typeof verifyEd25519): boolean {
  return verify(utf8(controlText(leaf)), signatureOf(leaf), publicKey);
}

/** What is no base64 is no signature. */
function signatureOf({ signature }: ControlLeaf): Uint8Array {
  try {
    return fromBase64(signature);
  } catch (cause) {
    if (cause instanceof ProofError) return new Uint8Array(0);
    throw cause;
  }
}
