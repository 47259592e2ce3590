/** Booleans, numbers and strings under each verb. `undefined` is the answer for a verb that does not apply. */
import { encodeRune, runes } from './bytes.ts';
import { type Flags, padded } from './flags.ts';
import { type FloatVerb, formatFloat } from './floats.ts';
import { formatInteger, formatUnicode, runeOf } from './integers.ts';
import { canBackquote, quoteRune, quoteString } from './quote.ts';
import type { GoInt } from './values.ts';

/** What `#` fills up to where no precision is given. */
const SHARP_DIGITS = 6;
const DEFAULT_DECIMALS = 6;

export function verbOnBool(value: boolean, verb: string, flags: Flags): string | undefined {
  return verb === 't' || verb === 'v' ? padded(String(value), flags) : undefined;
}

export function verbOnInt({ type, value }: GoInt, verb: string, flags: Flags): string | undefined {
  if (verb === 'c') return padded(encodeRune(runeOf(value)), flags);
  if (verb === 'q') return padded(quoteRune(runeOf(value), flags.plus), flags);
  if (verb === 'U') return padded(formatUnicode(value, flags), flags, false);
  const hex = verb === 'v' && flags.source && type === 'uint8';
  const written = hex ? formatInteger(value, 'x', { ...flags, sharp: true }) : formatInteger(value, verb, flags);
  return written === undefined ? undefined : padded(written, flags, false);
}

export function verbOnString(value: string, verb: string, flags: Flags): string | undefined {
  if (verb === 's' || (verb === 'v' && !flags.source)) return padded(truncated(value, flags), flags);
  if (verb === 'x' || verb === 'X') return padded(hexBytes(value, verb, flags), flags);
  if (verb !== 'q' && verb !== 'v') return undefined;
  const shown = truncated(value, flags);
  return padded(flags.sharp && canBackquote(shown) ? `\`${shown}\`` : quoteString(shown, flags.plus), flags);
}

export function verbOnFloat(value: number, verb: string, flags: Flags): string | undefined {
  const form = verb === 'v' ? 'g' : verb === 'F' ? 'f' : verb;
  if (!/^[beEfgGxX]$/.test(form)) return undefined;
  const precision = flags.precision ?? (/^[eEf]$/.test(form) ? DEFAULT_DECIMALS : -1);
  const digits = formatFloat(Math.abs(value), form.toLowerCase() as FloatVerb, precision);
  const cased = form === form.toUpperCase() ? digits.toUpperCase() : digits;
  const body = flags.sharp && form !== 'b' ? withPoint(cased, form, precision) : cased;
  const negative = value < 0 || Object.is(value, -0);
  const sign = negative ? '-' : flags.plus ? '+' : flags.space ? ' ' : '';
  const zeros = flags.zero && !flags.minus && flags.width !== undefined;
  // Zeros go between the sign and the digits.
  return zeros
    ? sign + padded(body, { ...flags, width: (flags.width ?? 0) - sign.length })
    : padded(sign + body, flags);
}

/** `#` keeps the decimal point and, of `%g`, the zeros at the end. */
function withPoint(text: string, form: string, precision: number): string {
  const hex = /x/i.test(form);
  const mantissa = hex ? text.replace(/p.*/i, '') : text.replace(/[ep].*/i, '');
  const wanted = /^[gGx]$/.test(form) ? (precision < 0 ? SHARP_DIGITS : precision) : 0;
  // Go counts from the first character that is no zero, and takes the x of 0x1.8 for one.
  const significant = mantissa.replace('.', '').replace(/^0+/, '').length;
  const lone = mantissa === '0' ? 1 : 0;
  const point = mantissa.includes('.') ? '' : '.';
  return mantissa + point + '0'.repeat(Math.max(wanted - significant - lone, 0)) + text.slice(mantissa.length);
}

/** To a number of characters. */
function truncated(value: string, { precision }: Flags): string {
  if (precision === undefined || value.length <= precision) return value;
  let count = 0;
  for (const { at } of runes(value)) if (count++ === precision) return value.slice(0, at);
  return value;
}

function hexBytes(value: string, verb: 'x' | 'X', { precision, sharp, space }: Flags): string {
  const pairs = Array.from(value.slice(0, precision), (char) => char.charCodeAt(0).toString(16).padStart(2, '0'));
  if (pairs.length === 0) return '';
  const prefix = sharp ? `0${verb}` : '';
  const cased = verb === 'X' ? pairs.map((pair) => pair.toUpperCase()) : pairs;
  return prefix + cased.join(space ? ` ${prefix}` : '');
}
