/** Go's quoted strings and characters (`strconv.Quote` and its relatives). */
import { decodeRune, encodeRune, RUNE_ERROR, runes } from './bytes.ts';
import { isPrintable } from './unicode.ts';

const NAMED = new Map([
  [0x07, '\\a'],
  [0x08, '\\b'],
  [0x09, '\\t'],
  [0x0a, '\\n'],
  [0x0b, '\\v'],
  [0x0c, '\\f'],
  [0x0d, '\\r'],
  [0x5c, '\\\\'],
]);

/** @param ascii whether everything beyond ASCII is escaped */
export function quoteString(bytes: string, ascii: boolean): string {
  let quoted = '"';
  for (const { rune, size, at } of runes(bytes)) {
    const invalid = rune === RUNE_ERROR && size === 1;
    quoted += invalid ? `\\x${hex(bytes.charCodeAt(at), 2)}` : escaped(rune, '"', ascii);
  }
  return `${quoted}"`;
}

export function quoteRune(rune: number, ascii: boolean): string {
  return `'${escaped(decodeRune(encodeRune(rune), 0).rune, "'", ascii)}'`;
}

/** Whether it can stand between backquotes on one line. */
export function canBackquote(bytes: string): boolean {
  for (const { rune, size } of runes(bytes)) {
    if (rune === RUNE_ERROR && size === 1) return false;
    if (rune === 0xfeff || rune === 0x60 || rune === 0x7f || (rune < 0x20 && rune !== 0x09)) return false;
  }
  return true;
}

function escaped(rune: number, quote: string, ascii: boolean): string {
  if (rune === quote.charCodeAt(0)) return `\\${quote}`;
  const named = NAMED.get(rune);
  if (named !== undefined) return named;
  if (isPrintable(rune) && !(ascii && rune > 0x7f)) return encodeRune(rune);
  if (rune < 0x20 || rune === 0x7f) return `\\x${hex(rune, 2)}`;
  return rune < 0x10000 ? `\\u${hex(rune, 4)}` : `\\U${hex(rune, 8)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
