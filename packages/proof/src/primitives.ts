import { type Sha256, sha256 } from './sha256.ts';
import { verifyEcdsa, verifyEd25519 } from './signature.ts';

/**
 * The functions that the time of a verification goes into. A caller on a runtime with faster ones hands them in; they
 * have to be as strict as those that ship, or other proofs are valid here than elsewhere.
 */
export interface Primitives {
  sha256: Sha256;
  /** Strict DER, low S, 32-byte digest, compressed key; false, never an exception. */
  verifyEcdsa: typeof verifyEcdsa;
  /** RFC 8032 with canonical encodings only; false, never an exception. */
  verifyEd25519: typeof verifyEd25519;
}

export const PRIMITIVES: Primitives = { sha256, verifyEcdsa, verifyEd25519 };
