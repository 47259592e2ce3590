import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js';
import { ProofError } from './errors.ts';

const HEX = /^[0-9a-f]*$/;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

// One for all: making an encoder costs more than a short text.
declare const TextEncoder: new () => { encode(text: string): Uint8Array };
const encoder = new TextEncoder();
declare const TextDecoder: new (
  label: 'utf-8',
  options: { fatal: true; ignoreBOM: true },
) => { decode(bytes: Uint8Array): string };
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Lower-case hex. */
export const toHex: (bytes: Uint8Array) => string = bytesToHex;

export const concat: (...parts: Uint8Array[]) => Uint8Array = concatBytes;

/** UTF-8. A lone surrogate would become U+FFFD: refuse it before, where the text is not known to be well formed. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** The inverse of `utf8`, byte order mark included. Throws `invalid-bytes` for what is not UTF-8. */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new ProofError('invalid-bytes', 'not UTF-8', { cause });
  }
}

/** Lower-case hex of exactly `length` bytes, or of any number without it. */
export function isHex(value: unknown, length?: number): value is string {
  if (typeof value !== 'string' || (length === undefined ? value.length % 2 !== 0 : value.length !== length * 2))
    return false;
  return HEX.test(value);
}

export function fromHex(text: string): Uint8Array {
  if (!isHex(text)) throw new ProofError('invalid-bytes', 'not lower-case hex');
  return hexToBytes(text);
}

/** A reversed copy: Bitcoin hashes in the order of the wire are shown back to front. */
export function reversed(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes).reverse();
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Standard base64 with padding (RFC 4648, section 4). */
export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const group = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += ALPHABET[group >> 18]! + ALPHABET[(group >> 12) & 63]!;
    text += left > 1 ? ALPHABET[(group >> 6) & 63]! : '=';
    text += left > 2 ? ALPHABET[group & 63]! : '=';
  }
  return text;
}

/** The inverse of `toBase64`, and of nothing else: no blanks, full padding, unused bits zero. */
export function fromBase64(text: string): Uint8Array {
  const digits = text.replace(/={1,2}$/, '');
  const bytes = new Uint8Array(Math.floor((digits.length * 3) / 4));
  let group = 0;
  for (let i = 0, at = 0; i < digits.length; i++) {
    group = (group << 6) | ALPHABET.indexOf(digits[i]!);
    if (i % 4 > 0) bytes[at++] = group >> (6 - 2 * (i % 4));
    group &= 0xff;
  }
  if (toBase64(bytes) !== text) throw new ProofError('invalid-bytes', 'not canonical base64');
  return bytes;
}
