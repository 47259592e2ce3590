/** String and character literals, as Go's `strconv.Unquote` reads them. */
import { decodeRune, encodeRune } from './bytes.ts';
import { Refusal } from './errors.ts';

const SIMPLE = new Map([
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
  ['\\', '\\'],
]);
const ESCAPE = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{3})|([\s\S]))/y;
const MAX_RUNE = 0x10ffff;

/** @throws Refusal `syntax` */
export function unquoteString(text: string): string {
  const inside = text.slice(1, -1);
  if (text.startsWith('`')) return inside.replaceAll('\r', '');
  let value = '';
  for (let at = 0; at < inside.length; ) {
    const piece = escaped(inside, at, '"');
    value += piece === undefined ? inside[at] : piece.bytes;
    at += piece === undefined ? 1 : piece.length;
  }
  return value;
}

/** @throws Refusal `syntax` */
export function unquoteChar(text: string): number {
  const inside = text.slice(1, -1);
  if (inside === '') throw new Refusal('syntax', `malformed character constant: ${text}`);
  const found = escaped(inside, 0, "'");
  const { rune, size } = found === undefined ? decodeRune(inside, 0) : { rune: found.rune, size: found.length };
  if (size !== inside.length) throw new Refusal('syntax', `malformed character constant: ${text}`);
  return rune;
}

interface Escaped {
  bytes: string;
  rune: number;
  /** Of the escape. */
  length: number;
}

function escaped(inside: string, at: number, quote: string): Escaped | undefined {
  if (inside[at] !== '\\') return undefined;
  ESCAPE.lastIndex = at;
  const [whole = '', hex, short, long, octal, single = ''] = ESCAPE.exec(inside) ?? [];
  const length = whole.length;
  const byte = hex === undefined ? Number.parseInt(octal ?? '', 8) : Number.parseInt(hex, 16);
  if (byte <= 0xff) return { bytes: String.fromCharCode(byte), rune: byte, length };
  const rune = Number.parseInt(short ?? long ?? '', 16);
  if (rune <= MAX_RUNE && !(rune >= 0xd800 && rune <= 0xdfff)) return { bytes: encodeRune(rune), rune, length };
  const bytes = single === quote ? quote : SIMPLE.get(single);
  if (bytes === undefined) throw new Refusal('syntax', `invalid escape in ${quote}${inside}${quote}`);
  return { bytes, rune: bytes.charCodeAt(0), length };
}
