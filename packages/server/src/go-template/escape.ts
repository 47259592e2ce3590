/** `html`, `js` and `urlquery`, on bytes. */
import { runes } from './bytes.ts';
import { isPrintable } from './unicode.ts';

const HTML = new Map([
  ['\0', '\xef\xbf\xbd'],
  ['"', '&#34;'],
  ["'", '&#39;'],
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
]);

export function escapeHtml(bytes: string): string {
  return bytes.replace(/["'&<>]|\0/g, (char) => HTML.get(char) ?? char);
}

export function escapeJs(bytes: string): string {
  let result = '';
  for (const { rune, size, at } of runes(bytes)) {
    const char = bytes.slice(at, at + size);
    if (/["'\\]/.test(char)) result += `\\${char}`;
    else if (rune < 0x20 || /[<>&=]/.test(char)) result += unicodeEscape(rune);
    else result += rune < 0x80 || isPrintable(rune) ? char : unicodeEscape(rune);
  }
  return result;
}

/** As Go writes it: beyond U+FFFF with more than four digits, which no JavaScript reads. */
function unicodeEscape(rune: number): string {
  return `\\u${rune.toString(16).toUpperCase().padStart(4, '0')}`;
}

export function escapeQuery(bytes: string): string {
  return bytes.replace(/[^A-Za-z0-9_.~-]/g, (char) => {
    if (char === ' ') return '+';
    return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  });
}
