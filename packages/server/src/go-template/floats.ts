/** The decimal and hexadecimal digits of doubles, as Go's `strconv.FormatFloat` writes them. Signs are the caller's. */

/** Beyond these a double has no decimals that are not zero. */
const MAX_DECIMALS = 1100;
const MANTISSA_BITS = 52n;
const EXPONENT_BIAS = 1023;

export type FloatVerb = 'e' | 'f' | 'g' | 'x' | 'b';

/** Value = 0.d₁d₂d₃… × 10^point; no zeros at either end, none at all for zero. */
interface Decimal {
  digits: string;
  point: number;
}

/**
 * @param value finite and not negative
 * @param precision as Go understands it for the verb; -1 is as many digits as it takes to read the same double again
 */
export function formatFloat(value: number, verb: FloatVerb, precision: number): string {
  if (verb === 'x') return hexadecimal(value, precision);
  if (verb === 'b') return binary(value);
  if (verb === 'g') return general(value, precision);
  if (precision < 0) {
    const decimal = shortest(value);
    const { digits, point } = decimal;
    if (verb === 'e') return scientific(decimal, Math.max(digits.length - 1, 0));
    return plain(decimal, Math.max(digits.length - point, 0));
  }
  const rounded = verb === 'e' ? toSignificant(value, precision + 1) : toDecimals(value, precision);
  return verb === 'e' ? scientific(rounded, precision) : plain(rounded, precision);
}

/** `%g`: scientific where the exponent is below -4 or at least the precision; 21 is JSON's and JavaScript's, not Go's. */
function general(value: number, precision: number): string {
  const decimal = precision < 0 ? shortest(value) : toSignificant(value, Math.max(precision, 1));
  const { digits, point } = decimal;
  const count = digits.length;
  const wanted = Math.max(precision, 1);
  const fits = precision < 0 ? 6 : wanted > count && count >= point ? count : wanted;
  if (point - 1 < -4 || point - 1 >= fits) return scientific(decimal, Math.max(count - 1, 0));
  return plain(decimal, Math.max(count - point, 0));
}

function scientific({ digits, point }: Decimal, decimals: number): string {
  const exponent = digits === '' ? 0 : point - 1;
  const fraction = decimals > 0 ? `.${digits.slice(1).padEnd(decimals, '0')}` : '';
  return `${digits[0] ?? '0'}${fraction}e${signed(exponent)}`;
}

function plain({ digits, point }: Decimal, decimals: number): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, '0') : '0';
  const fraction = point > 0 ? digits.slice(point) : '0'.repeat(-point) + digits;
  return decimals > 0 ? `${whole}.${fraction.slice(0, decimals).padEnd(decimals, '0')}` : whole;
}

/** The runtime's own shortest digits are Go's: of those that read back as the same double, the fewest and closest. */
function shortest(value: number): Decimal {
  if (value === 0) return { digits: '', point: 0 };
  const [mantissa = '', exponent = ''] = value.toExponential().split('e');
  return trimmed(mantissa.replace('.', ''), Number(exponent) + 1);
}

function toSignificant(value: number, count: number): Decimal {
  if (value === 0) return { digits: '', point: 0 };
  const wanted = Math.min(count, MAX_DECIMALS);
  // The exponent of the shortest digits can be one too many, that of the rounded ones one too few.
  let exponent = shortest(value).point - 1;
  for (;;) {
    const digits = roundedTimesPowerOfTen(value, wanted - 1 - exponent).toString();
    if (digits.length === wanted) return trimmed(digits, exponent + 1);
    exponent += digits.length > wanted ? 1 : -1;
  }
}

function toDecimals(value: number, count: number): Decimal {
  const decimals = Math.min(count, MAX_DECIMALS);
  const digits = roundedTimesPowerOfTen(value, decimals).toString();
  return digits === '0' ? { digits: '', point: 0 } : trimmed(digits, digits.length - decimals);
}

function trimmed(digits: string, point: number): Decimal {
  return { digits: digits.replace(/0+$/, ''), point };
}

/** value × 10^power, exactly, and what lies half-way between two integers goes to the even one. */
function roundedTimesPowerOfTen(value: number, power: number): bigint {
  const { mantissa, exponent } = parts(value);
  let numerator = mantissa;
  let denominator = 1n;
  if (exponent >= 0n) numerator <<= exponent;
  else denominator <<= -exponent;
  if (power >= 0) numerator *= 10n ** BigInt(power);
  else denominator *= 10n ** BigInt(-power);
  return dividedToEven(numerator, denominator);
}

function dividedToEven(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  const twice = 2n * (numerator % denominator);
  const up = twice > denominator || (twice === denominator && quotient % 2n === 1n);
  return up ? quotient + 1n : quotient;
}

/** value = mantissa × 2^exponent */
function parts(value: number): { mantissa: bigint; exponent: bigint } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const biased = bits >> MANTISSA_BITS;
  const fraction = bits & ((1n << MANTISSA_BITS) - 1n);
  const mantissa = biased === 0n ? fraction : fraction | (1n << MANTISSA_BITS);
  return { mantissa, exponent: (biased === 0n ? 1n : biased) - BigInt(EXPONENT_BIAS) - MANTISSA_BITS };
}

/** `%b`: the integer and the power of two as they are stored. */
function binary(value: number): string {
  const { mantissa, exponent } = parts(value);
  return `${mantissa}p${exponent < 0n ? '' : '+'}${exponent}`;
}

/** `%x`: 0x1.8p+01 */
function hexadecimal(value: number, precision: number): string {
  let { mantissa, exponent } = parts(value);
  if (mantissa === 0n) return `0x0${precision > 0 ? `.${'0'.repeat(precision)}` : ''}p+00`;
  while (mantissa >> MANTISSA_BITS === 0n) {
    mantissa <<= 1n;
    exponent--;
  }
  exponent += MANTISSA_BITS;
  let digits = 13;
  if (precision >= 0 && precision < digits) {
    mantissa = dividedToEven(mantissa, 1n << BigInt(4 * (digits - precision)));
    digits = precision;
    if (mantissa >> BigInt(4 * digits) > 1n) {
      mantissa >>= 1n;
      exponent++;
    }
  }
  const fraction = mantissa.toString(16).slice(1);
  const shown = precision < 0 ? fraction.replace(/0+$/, '') : fraction.padEnd(precision, '0');
  return `0x1${shown === '' ? '' : `.${shown}`}p${signed(Number(exponent))}`;
}

/** An exponent with its sign and at least two digits. */
function signed(exponent: number): string {
  return `${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}
