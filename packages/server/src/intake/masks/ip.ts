/** IP addresses: IPv4 in dotted decimal, IPv6 as of RFC 4291, section 2.2. */
import { beginsApart, digitsEnd, endsApart, type Form, isDigit, isWord } from './text.ts';

const DOT = '.';
const COLON = 0x3a;
const CLOSING_BRACKET = 0x5d;
/** Numbers of four parts that say that they are a version. */
const VERSION_BEFORE = /(?:^|[^a-z])(?:v|ver|version|release|build)[\s.:=]{0,3}$/i;

export const IP: Form = {
  word: '[ip]',
  beginning: /(?<!\w)(?:[0-9A-Fa-f]{1,4}[:.]|::)/g,
  endOf: (text, at) => (isDotted(text, at) ? undefined : (ip6End(text, at) ?? ip4End(text, at))),
};

/** Whether it goes on from digits, or from what a mask has left of them. */
function isDotted(text: string, at: number): boolean {
  const before = text.charCodeAt(at - 2);
  return text[at - 1] === DOT && (isDigit(before) || before === CLOSING_BRACKET);
}

/** One whose last three parts are zero names a network, and is a browser's version more often. */
function ip4End(text: string, at: number): number | undefined {
  if (!isDigit(text.charCodeAt(at)) || !beginsApart(text, at, DOT)) return undefined;
  const end = dottedEnd(text, at);
  if (end === undefined || text.slice(at, end).endsWith('.0.0.0')) return undefined;
  return VERSION_BEFORE.test(text.slice(Math.max(0, at - 12), at)) ? undefined : end;
}

function dottedEnd(text: string, at: number): number | undefined {
  let end = at;
  for (let part = 0; part < 4; part++) {
    if (part > 0 && text[end++] !== DOT) return undefined;
    const start = end;
    end = digitsEnd(text, start, 3);
    const leadingZero = end > start + 1 && text[start] === '0';
    if (end === start || leadingZero || Number(text.slice(start, end)) > 255) return undefined;
  }
  return endsApart(text, end, DOT) ? end : undefined;
}

function ip6End(text: string, at: number): number | undefined {
  const before = text.charCodeAt(at - 1);
  // A bracket may be what a mask has left of letters and digits.
  const bracketed = before === CLOSING_BRACKET && text.charCodeAt(at) === COLON;
  if (isWord(before) || before === COLON || bracketed) return undefined;
  const address = readIp6(text, at);
  if (address === undefined) return undefined;
  const { groups, gap, end, dotted } = address;
  const whole = gap === undefined ? groups.length === 8 : gap < groups.length;
  const loopback = gap === 0 && groups.length === 1 && groups[0] === 1 && text.charCodeAt(end) !== COLON;
  const inUse = dotted || loopback || (gap !== 0 && isAllocated(groups[0] as number));
  return whole && inUse ? end : undefined;
}

/**
 * What IANA has allocated: global unicast, unique local, link-local and multicast. `a::b` and `1::2`, which are code
 * or slices more often than addresses, are none of these.
 */
function isAllocated(first: number): boolean {
  return (
    (first >= 0x2000 && first <= 0x3fff) ||
    (first >= 0xfc00 && first <= 0xfdff) ||
    (first >= 0xfe80 && first <= 0xfebf) ||
    first >= 0xff00
  );
}

interface Ip6 {
  groups: number[];
  /** How many groups are before `::`. */
  gap: number | undefined;
  end: number;
  /** Whether it ends with an IPv4 address, which is two groups. */
  dotted: boolean;
}

/** As many groups as there are at `at`, up to what an address holds; with `::` in it, that is one less. */
function readIp6(text: string, at: number): Ip6 | undefined {
  const groups: number[] = [];
  let gap: number | undefined;
  let here = at;
  let end: number | undefined;
  for (;;) {
    if (text.startsWith('::', here) && gap === undefined) {
      gap = groups.length;
      here += 2;
    } else if (groups.length > 0) {
      if (text.charCodeAt(here) !== COLON) break;
      here++;
    }
    const room = (gap === undefined ? 8 : 7) - groups.length;
    const tail = (gap === undefined ? room === 2 : room >= 2) ? dottedEnd(text, here) : undefined;
    if (tail !== undefined) return { groups: [...groups, 0, 0], gap, end: tail, dotted: true };
    const next = room > 0 ? groupEnd(text, here) : undefined;
    if (next === undefined) break;
    groups.push(Number.parseInt(text.slice(here, next), 16));
    end = here = next;
  }
  return end === undefined ? undefined : { groups, gap, end, dotted: false };
}

/** A port may follow with a `p` (RFC 5952, section 6). */
function groupEnd(text: string, at: number): number | undefined {
  let end = at;
  while (end < at + 4 && isHex(text.charCodeAt(end))) end++;
  const port = text[end] === 'p' && isDigit(text.charCodeAt(end + 1));
  return end === at || (isWord(text.charCodeAt(end)) && !port) ? undefined : end;
}

function isHex(code: number): boolean {
  return isDigit(code) || (code >= 0x61 && code <= 0x66) || (code >= 0x41 && code <= 0x46);
}
