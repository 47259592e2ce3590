/**
 * Phone numbers: international (`+`, `00` or `011` and a country code), and national as they are commonly written in
 * groups. Digits in a row without `+` are not told from any other number.
 */
import { isInternational, MAX_E164_DIGITS } from './calling-codes.ts';
import {
  beginsApart,
  digitGroups,
  digitsEnd,
  endsApart,
  type Form,
  type Group,
  isDigit,
  isLetter,
  stickyEnd,
} from './text.ts';

const SEPARATORS = ' .-\u00a0\u202f\u2011';
const JOINERS = '.-:/';
/** Digits of a national number with its leading 0. */
const [MIN_TRUNK_DIGITS, MAX_TRUNK_DIGITS] = [9, 11];

/** In parentheses: a country or an area code. */
const MAX_ENCLOSED = 5;

/** How an international number begins: then come the digits of the country. */
const INTERNATIONAL = /\+|\(\+|00(?=[1-9])|00 (?=[1-9])|011[ -](?=[1-9])/y;

/** National forms of a fixed length, of which no two fit the same text. */
const FIXED = new RegExp(
  [
    // North America: 3-3-4, area and exchange begin with 2 to 9.
    String.raw`(?:1[ .-]?)?\([2-9]\d\d\) ?[2-9]\d\d[ .-]\d{4}`,
    String.raw`(?:1[ .-])?[2-9]\d\d([ .-])[2-9]\d\d\1\d{4}`,
    // Brazil
    String.raw`\([1-9]\d\) ?9?\d{4}-\d{4}`,
    // Russia
    String.raw`8[ -]?\([3489]\d\d\) ?\d{3}-\d\d-?\d\d`,
    // China: mobile
    String.raw`1[3-9]\d([ -])\d{4}\2\d{4}`,
  ].join('|'),
  'y',
);

/** An area code with its leading 0, and what stands between it and the rest. */
const AREA = /(?:\(0[1-9]\d{0,3}\)[ -]?|0[1-9]\d{0,3}[ .\u00a0\u202f\u2011-])(?=\d)/y;

export const PHONE: Form = {
  word: '[phone]',
  beginning: /(?<![#+])(?:\+\d|\([+\d])|(?<![\w#+])\d{1,15}[- .(\u00a0\u202f\u2011]/g,
  endOf(text, at) {
    if (!beginsNumber(text, at)) return undefined;
    return internationalEnd(text, at) ?? fixedEnd(text, at) ?? trunkEnd(text, at);
  },
};

/** Numbers of orders and parts have a # or letters and a hyphen before them. */
function beginsNumber(text: string, at: number): boolean {
  // With a plus or a parenthesis, a number begins whatever is before it.
  if (!isDigit(text.charCodeAt(at))) return true;
  const hyphen = text[at - 1] === '-' || text[at - 1] === '/';
  return beginsApart(text, at, JOINERS) && !(hyphen && isLetter(text.charCodeAt(at - 2)));
}

function endsNumber(text: string, end: number): boolean {
  return endsApart(text, end, JOINERS) && !(text[end] === '-' && isLetter(text.charCodeAt(end + 1)));
}

function internationalEnd(text: string, at: number): number | undefined {
  const from = stickyEnd(INTERNATIONAL, text, at);
  if (from === undefined) return undefined;
  const plus = text[from - 1] === '+';
  const groups = readGroups(text, from, text[at] === '(');
  const fits = ({ digits, end }: Reading, index: number) =>
    (plus || index > 0) && isInternational(digits) && endsNumber(text, end);
  return groups.findLast(fits)?.end;
}

/** What has been read up to the end of a group. */
interface Reading {
  digits: string;
  end: number;
}

/**
 * Groups of digits, at most one separator apart, of which one may be in parentheses: the area code, or the 0 that is
 * dialled within the country alone.
 * @param open whether the first has a parenthesis before it
 */
function readGroups(text: string, at: number, open: boolean): Reading[] {
  const readings: Reading[] = [];
  let digits = '';
  let parentheses = open ? 1 : 0;
  for (let here = at; digits.length <= MAX_E164_DIGITS; ) {
    const enclosed = (open && here === at) || (text[here] === '(' && parentheses++ === 0);
    const start = enclosed && !(open && here === at) ? here + 1 : here;
    const stop = digitsEnd(text, start, MAX_E164_DIGITS + 1);
    if (stop === start || (enclosed && (text[stop] !== ')' || stop - start > MAX_ENCLOSED))) break;
    const group = text.slice(start, stop);
    if (!enclosed || group !== '0') digits += group;
    const end = enclosed ? stop + 1 : stop;
    readings.push({ digits, end });
    here = end < text.length && SEPARATORS.includes(text[end] as string) ? end + 1 : end;
  }
  return readings;
}

function fixedEnd(text: string, at: number): number | undefined {
  const end = stickyEnd(FIXED, text, at);
  return end !== undefined && endsNumber(text, end) ? end : undefined;
}

/** A leading 0, an area code, and groups of two digits or more: `020 7946 0958`, `(030) 1234-567`, `01.23.45.67.89`. */
function trunkEnd(text: string, at: number): number | undefined {
  const rest = stickyEnd(AREA, text, at);
  return rest === undefined ? undefined : restEnd(text, at, rest);
}

/** @param from where the number goes on after its area code */
function restEnd(text: string, at: number, from: number): number | undefined {
  const area = text.slice(at, from).replace(/\D/g, '').length;
  const separator = text[digitsEnd(text, from, MAX_TRUNK_DIGITS)] ?? '';
  const groups = digitGroups(text, from, SEPARATORS.includes(separator) ? separator : ' ', MAX_TRUNK_DIGITS - area);
  const short = groups.findIndex(({ start, end }) => end - start < 2);
  const whole = short === -1 ? groups : groups.slice(0, short);
  let digits = area;
  const sums = whole.map(({ start, end }) => (digits += end - start));
  // Two numbers with a point between them are one with decimals.
  const least = text[from - 1] === '.' ? 1 : 0;
  const fits = ({ end }: Group, index: number) =>
    index >= least && (sums[index] as number) >= MIN_TRUNK_DIGITS && endsNumber(text, end);
  return whole.findLast(fits)?.end;
}
