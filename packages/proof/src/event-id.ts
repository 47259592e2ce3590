import { hmac } from '@noble/hashes/hmac.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { toHex, utf8 } from './bytes.ts';
import { canonicalize } from './canonical.ts';
import { sha256 } from './sha256.ts';

const EVENT_ID_DIGITS = 32;

/** The id of a source's event: first 32 hex digits of SHA-256(JCS([source, externalId])). */
export function eventId(source: string, externalId: string | number): string {
  return firstDigits(sha256(utf8(canonicalize([source, externalId]))));
}

/** The same on a salted stream: HMAC-SHA-256 under the stream's key. */
export function saltedEventId(streamKey: Uint8Array, source: string, externalId: string | number): string {
  return firstDigits(hmac(nobleSha256, streamKey, utf8(canonicalize([source, externalId]))));
}

/** The id of a fused record: first 32 hex digits of SHA-256(JCS([stream, key, bucket])). */
export function fusedEventId(stream: string, key: unknown, bucket: unknown): string {
  return firstDigits(sha256(utf8(canonicalize([stream, key, bucket]))));
}

function firstDigits(hash: Uint8Array): string {
  return toHex(hash).slice(0, EVENT_ID_DIGITS);
}
