/**
 * E-mail addresses in running text: what RFC 5321 and 6531 allow and people write. The domain has a top level of
 * letters, or is an IP address in brackets; `root@localhost` is nobody's.
 */
import { isDigit, isLetter, isWord, stickyEnd } from './text.ts';

const WORD = '[email]';
/** `atext` of RFC 5322, beside letters and digits. */
const SPECIALS = "!#$%&'*+-/=?^_`{|}~.";
const LATIN = /[\p{Script=Latin}\p{M}]/u;
const LETTER = /[\p{L}\p{M}\p{N}]/u;
const ADDRESS_LITERAL = /\[(?:\d{1,3}(?:\.\d{1,3}){3}|IPv6:[0-9A-Fa-f:.]{2,45})\]/y;
/** Pictures for finer screens: `logo@2x.png`. */
const PICTURE = /[1-4]x\.(?:png|jpe?g|gif|webp|svg|avif|heic)/y;
/** Of the quoted part of an address (RFC 5321, section 4.5.3.1.1). */
const MAX_QUOTED = 64;

export function maskEmails(text: string): string {
  let masked = '';
  let kept = 0;
  // What an address may have on either side has no @ in it, so that no part of the text is looked at more than twice.
  for (let at = text.indexOf('@'); at !== -1; at = text.indexOf('@', at + 1)) {
    const wide = isOtherLetter(text[at + 1]);
    const end = domainEnd(text, at + 1, wide);
    const start = end === undefined ? undefined : localStart(text, at, kept, wide);
    if (end === undefined || start === undefined) continue;
    masked += text.slice(kept, start) + WORD;
    kept = end;
    at = end - 1;
  }
  return kept === 0 ? text : masked + text.slice(kept);
}

/** The longest that ends with a top level. */
function domainEnd(text: string, at: number, wide: boolean): number | undefined {
  if (text[at] === '[') return stickyEnd(ADDRESS_LITERAL, text, at);
  if (stickyEnd(PICTURE, text, at) !== undefined) return undefined;
  let end: number | undefined;
  for (let here = at; ; ) {
    const next = labelEnd(text, here, wide);
    if (next === here) break;
    if (here > at) end = topLevelEnd(text, here, next, wide) ?? end;
    if (text[next] !== '.') break;
    here = next + 1;
  }
  return end;
}

/** Letters and digits, and hyphens between them. */
function labelEnd(text: string, at: number, wide: boolean): number {
  let end = at;
  for (let here = at; here < text.length; here++) {
    const name = isName(text[here] as string, wide);
    if (name) end = here + 1;
    else if (text[here] !== '-' || here === at) break;
  }
  return end;
}

function topLevelEnd(text: string, at: number, labelEnds: number, wide: boolean): number | undefined {
  if (text.slice(at, at + 4).toLowerCase() === 'xn--' && labelEnds > at + 4) return labelEnds;
  // All ASCII or nothing of it: beyond "рф", ASCII begins something else.
  const ascii = text.charCodeAt(at) < 0x80;
  let end = at;
  while (end < labelEnds && isTopLevel(text.charCodeAt(end), ascii)) end++;
  const goesOn = end < text.length && (ascii || text.charCodeAt(end) >= 0x80) && isName(text[end] as string, wide);
  return end - at >= 2 && !goesOn ? end : undefined;
}

function isTopLevel(code: number, ascii: boolean): boolean {
  return ascii ? isLetter(code) : code >= 0x80;
}

/** @param floor where what came before ends, which is no part of it */
function localStart(text: string, at: number, floor: number, wide: boolean): number | undefined {
  if (text[at - 1] === '"') return quotedStart(text, at - 1, floor);
  const others = wide || isOtherLetter(text[at - 1]);
  let start = at;
  while (start > floor && isLocal(text[start - 1] as string, others)) start--;
  if (start === at) return undefined;
  start += prefixLength(text.slice(start, at));
  let first = start;
  while (SPECIALS.includes(text[first] as string)) first++;
  // Quotes and marks around an address, unless it has nothing else.
  return first === at ? start : first;
}

/** What stands before an address, in characters that it could have as well: the way through a URL, and `key=`. */
function prefixLength(run: string): number {
  const query = run.indexOf('=', Math.max(run.lastIndexOf('?'), run.lastIndexOf('&')) + 1);
  if (query !== -1 && /[?&]/.test(run)) return query + 1;
  if (run.startsWith('//')) return run.lastIndexOf('/') + 1;
  return /^[A-Za-z_]{1,32}=/.exec(run)?.[0].length ?? 0;
}

/** @param closing the quotation mark before the @ */
function quotedStart(text: string, closing: number, floor: number): number | undefined {
  if (isEscaped(text, closing)) return undefined;
  for (let at = closing - 1; at >= Math.max(floor, closing - MAX_QUOTED - 1); at--) {
    const char = text[at] as string;
    // Brackets: what has been masked is not masked again.
    if (char === '\n' || char === '[' || char === ']') return undefined;
    if (char !== '"' || isEscaped(text, at)) continue;
    const inner = text.slice(at + 1, closing);
    const apart = at === 0 || !(isWord(text.charCodeAt(at - 1)) || '!?.)]"\''.includes(text[at - 1] as string));
    return apart && LETTER.test(inner) ? at : undefined;
  }
  return undefined;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === '\\') backslashes++;
  return backslashes % 2 === 1;
}

function isLocal(char: string, others: boolean): boolean {
  return SPECIALS.includes(char) || isName(char, others);
}

/**
 * @param others whether letters beyond the Latin ones count: in scripts that put no spaces between words, an address
 * in Latin letters stands right beside them
 */
function isName(char: string, others: boolean): boolean {
  const code = char.charCodeAt(0);
  if (code < 0x80) return isDigit(code) || isLetter(code);
  return (others ? LETTER : LATIN).test(char);
}

function isOtherLetter(char: string | undefined): boolean {
  return char !== undefined && char > '\u007f' && LETTER.test(char) && !LATIN.test(char);
}
