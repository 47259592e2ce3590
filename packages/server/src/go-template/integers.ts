/** Integers as Go's `fmt` writes them. */
import { encodeRune } from './bytes.ts';
import type { Flags } from './flags.ts';
import { isPrintable } from './unicode.ts';

const BASES = new Map([
  ['b', 2],
  ['o', 8],
  ['O', 8],
  ['d', 10],
  ['v', 10],
  ['x', 16],
  ['X', 16],
]);
const MAX_RUNE = 0x10ffffn;

/** @returns the number without padding to the width, except that which its zeros are; undefined for another verb */
export function formatInteger(value: bigint, verb: string, flags: Flags): string | undefined {
  const base = BASES.get(verb);
  if (base === undefined) return undefined;
  const negative = value < 0n;
  const sign = negative ? '-' : flags.plus ? '+' : flags.space ? ' ' : '';
  const minimum = minimumDigits(flags, sign !== '');
  if (minimum === 0 && value === 0n && flags.precision === 0) return '';
  let digits = (negative ? -value : value).toString(base).padStart(minimum, '0');
  if (verb === 'X') digits = digits.toUpperCase();
  return sign + prefix(verb, digits, flags.sharp) + digits;
}

function minimumDigits({ precision, width, zero, minus }: Flags, signed: boolean): number {
  if (precision !== undefined) return precision;
  return zero && !minus && width !== undefined ? width - (signed ? 1 : 0) : 0;
}

function prefix(verb: string, digits: string, sharp: boolean): string {
  if (verb === 'O') return sharp && !digits.startsWith('0') ? '0o0' : '0o';
  if (!sharp) return '';
  if (verb === 'b') return '0b';
  if (verb === 'o') return digits.startsWith('0') ? '' : '0';
  return verb === 'x' || verb === 'X' ? `0${verb}` : '';
}

/** `U+0041`, and with `#` the character as well. */
export function formatUnicode(value: bigint, { precision, sharp }: Flags): string {
  const unsigned = BigInt.asUintN(64, value);
  const digits = unsigned
    .toString(16)
    .toUpperCase()
    .padStart(Math.max(precision ?? 4, 4), '0');
  const shown = sharp && unsigned <= MAX_RUNE && isPrintable(Number(unsigned));
  return `U+${digits}${shown ? ` '${encodeRune(Number(unsigned))}'` : ''}`;
}

/** The character that an integer is the number of; U+FFFD where it is that of none. */
export function runeOf(value: bigint): number {
  const unsigned = BigInt.asUintN(64, value);
  return unsigned <= MAX_RUNE ? Number(unsigned) : 0xfffd;
}
