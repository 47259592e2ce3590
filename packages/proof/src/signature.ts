import { ed25519 } from '@noble/curves/ed25519.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';

/**
 * Whether a DER signature by a compressed secp256k1 key (33 bytes) covers the 32-byte digest.
 * Strict DER and low S, so that there is one valid encoding of each signature.
 */
export function verifyEcdsa(digest: Uint8Array, der: Uint8Array, publicKey: Uint8Array): boolean {
  if (digest.length !== 32 || publicKey.length !== 33) return false;
  return orFalse(() => secp256k1.verify(der, digest, publicKey, { prehash: false, lowS: true, format: 'der' }));
}

/** Whether an Ed25519 signature (64 bytes) by a key (32 bytes) covers the message; RFC 8032, strict encodings. */
export function verifyEd25519(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.length !== 64 || publicKey.length !== 32) return false;
  return orFalse(() => ed25519.verify(signature, message, publicKey, { zip215: false }));
}

/** The curve library throws on keys and signatures that decode to nothing; to a verifier they are just not valid. */
function orFalse(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false;
  }
}
