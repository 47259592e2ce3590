import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';

/** 32 bytes from any bytes. Functions on hot paths take one, so that a server can hand in a native one. */
export type Sha256 = (data: Uint8Array) => Uint8Array;

export const sha256: Sha256 = nobleSha256;

/** SHA-256 twice: Bitcoin's hash of transactions, Merkle nodes and headers. */
export function sha256d(data: Uint8Array): Uint8Array {
  return sha256(sha256(data));
}
