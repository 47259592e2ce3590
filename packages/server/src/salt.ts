/**
 * Hashes of salted streams, as in `contracts/log.md`. With the salt of an event gone, nobody can tell any more what
 * its hashes are of, not even by trying likely values.
 */
import { hash } from 'node:crypto';

export const SALT_BYTES = 32;

/** SHA-256(salt ‖ data). @param salt undefined on streams that are not salted: SHA-256(data) */
export function saltedHash(
  salt: Uint8Array | undefined,
  data: Uint8Array | string,
  encoding: 'hex' | 'latin1' = 'hex',
): string {
  if (salt === undefined) return hash('sha256', data, encoding);
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  return hash('sha256', Buffer.concat([salt, bytes]), encoding);
}

/** The inner salt of a payload, the only one that is ever shown: SHA-256("payload" ‖ salt). */
export function innerSalt(salt: Uint8Array): Buffer {
  return Buffer.from(saltedHash(Buffer.from('payload'), salt), 'hex');
}

/** @param payload RFC 8785 text */
export function payloadHash(salt: Uint8Array | undefined, payload: string): string {
  return saltedHash(salt && innerSalt(salt), payload);
}
