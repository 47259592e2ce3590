/** Number literals: one of them can be several types, and becomes what the place where it stands asks for. */
import { Refusal } from './errors.ts';
import { GoInt } from './values.ts';

export interface NumberLiteral {
  /** Where an integer is wanted; undefined when it is none. */
  int: bigint | undefined;
  /** Where anything may stand; undefined for an integer that only an unsigned type could hold. */
  ideal: number | GoInt | undefined;
}

const MAX_INT = 2n ** 63n - 1n;
const MIN_INT = -(2n ** 63n);
const MAX_UINT = 2n ** 64n - 1n;

const BASES: readonly [RegExp, string][] = [
  [/^0[xX](?:_?[\da-fA-F])+$/, '0x'],
  [/^0[bB](?:_?[01])+$/, '0b'],
  [/^0[oO](?:_?[0-7])+$/, '0o'],
  [/^0(?:_?[0-7])*$/, '0o'],
  [/^[1-9](?:_?\d)*$/, ''],
];
const FLOAT = /^[+-]?(?:\d(?:_?\d)*\.?(?:\d(?:_?\d)*)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d(?:_?\d)*)?$/;
const HEX_FLOAT = /^([+-]?)0[xX]([\da-fA-F_]*)\.?([\da-fA-F_]*)[pP]([+-]?\d[\d_]*)$/;
/** Hexadecimal digits that a double holds whatever they are. */
const EXACT_HEX_DIGITS = 13;

/** @throws Refusal `syntax` or, of imaginary numbers and some hexadecimal ones, `unsupported` */
export function parseNumber(text: string): NumberLiteral {
  if (text.endsWith('i')) throw new Refusal('unsupported', `imaginary numbers are not supported: ${text}`);
  const integer = parseInteger(text);
  if (integer !== undefined) return integerLiteral(text, integer);
  const float = parseFloat64(text);
  if (float === undefined || !Number.isFinite(float)) throw new Refusal('syntax', `illegal number syntax: ${text}`);
  if (!/[.eEpP]/.test(text)) throw new Refusal('syntax', `integer overflow: ${text}`);
  const int = Number.isInteger(float) ? BigInt(float) : undefined;
  return { int: int !== undefined && int >= MIN_INT && int <= MAX_INT ? int : undefined, ideal: float };
}

/** A character is a number, too. */
export function charLiteral(rune: number): NumberLiteral {
  return { int: BigInt(rune), ideal: new GoInt('int', BigInt(rune)) };
}

function integerLiteral(text: string, integer: bigint): NumberLiteral {
  // Go looks for the signs of a float in the text, and takes only what begins with 0x for hexadecimal: -0x1e is a float.
  if (!/^0[xX]/.test(text) && /[.eEpP]/.test(text)) return { int: integer, ideal: Number(integer) };
  if (integer > MAX_INT) return { int: undefined, ideal: undefined };
  return { int: integer, ideal: new GoInt('int', integer) };
}

function parseInteger(text: string): bigint | undefined {
  const digits = text.replace(/^[+-]/, '');
  const base = BASES.find(([pattern]) => pattern.test(digits));
  if (base === undefined) return undefined;
  const magnitude = BigInt(base[1] + digits.replaceAll('_', '').replace(/^0[xXbBoO]/, ''));
  if (digits === text) return magnitude <= MAX_UINT ? magnitude : undefined;
  const value = text.startsWith('-') ? -magnitude : magnitude;
  return value >= MIN_INT && value <= MAX_INT ? value : undefined;
}

function parseFloat64(text: string): number | undefined {
  if (FLOAT.test(text)) return Number(text.replaceAll('_', ''));
  const [, sign, whole = '', fraction = '', exponent = ''] = HEX_FLOAT.exec(text) ?? [];
  if (sign === undefined || whole + fraction === '') return undefined;
  const digits = whole + fraction;
  if (text.includes('_') || digits.length > EXACT_HEX_DIGITS) {
    throw new Refusal('unsupported', `a hexadecimal float of at most ${EXACT_HEX_DIGITS} digits is expected: ${text}`);
  }
  const value = scaled(Number.parseInt(digits, 16), Number(exponent) - 4 * fraction.length);
  return sign === '-' ? -value : value;
}

/** Rounds once: what would be less than the smallest normal double is refused. */
function scaled(mantissa: number, exponent: number): number {
  if (mantissa === 0) return 0;
  if (Math.abs(exponent) > 960) throw new Refusal('unsupported', 'a hexadecimal float near the limits of its type');
  return mantissa * 2 ** exponent;
}
