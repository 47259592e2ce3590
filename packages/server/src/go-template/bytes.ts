/**
 * Go's strings are bytes. Here each is a string with one character, 0 to 255, for every byte: length, index, slice and
 * order are then Go's own, and text that is no UTF-8 passes through as it came.
 */

/** What stands for bytes that are no UTF-8. */
export const RUNE_ERROR = 0xfffd;
const MAX_RUNE = 0x10ffff;
const ASCII = /^[\0-\x7f]*$/;

/** Text as its UTF-8; half of a surrogate pair becomes U+FFFD, as it does in Go's JSON decoder. */
export function toBytes(text: string): string {
  return ASCII.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

/** Bytes as text; what is no UTF-8 becomes U+FFFD. */
export function toText(bytes: string): string {
  return ASCII.test(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString('utf8');
}

export interface Rune {
  rune: number;
  /** In bytes; 1 for a byte that begins no character, which decodes as `RUNE_ERROR`. */
  size: number;
}

/** The least that each length is there for: a character that is written longer than it need be is none. */
const LEAST = [0, 0, 0x80, 0x800, 0x10000];

/** The character that begins at a place before the end. */
export function decodeRune(bytes: string, at: number): Rune {
  const first = bytes.charCodeAt(at);
  if (first < 0x80) return { rune: first, size: 1 };
  const size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  let rune = first & (0x7f >> size);
  for (let index = at + 1; index < at + size; index++) {
    const next = bytes.charCodeAt(index);
    if (!(next >= 0x80 && next <= 0xbf)) return { rune: RUNE_ERROR, size: 1 };
    rune = (rune << 6) | (next & 0x3f);
  }
  const valid = first >= 0xc0 && first < 0xf8 && rune >= (LEAST[size] ?? 0) && isRune(rune);
  return valid ? { rune, size } : { rune: RUNE_ERROR, size: 1 };
}

function isRune(rune: number): boolean {
  return rune >= 0 && rune <= MAX_RUNE && !(rune >= 0xd800 && rune <= 0xdfff);
}

/** The bytes of a character; of what is none, those of U+FFFD. */
export function encodeRune(rune: number): string {
  return toBytes(String.fromCodePoint(isRune(rune) ? rune : RUNE_ERROR));
}

export function* runes(bytes: string): Generator<Rune & { at: number }> {
  for (let at = 0; at < bytes.length; ) {
    const { rune, size } = decodeRune(bytes, at);
    yield { rune, size, at };
    at += size;
  }
}

export function countRunes(bytes: string): number {
  if (ASCII.test(bytes)) return bytes.length;
  let count = 0;
  for (let at = 0; at < bytes.length; at += decodeRune(bytes, at).size) count++;
  return count;
}
