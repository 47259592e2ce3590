/** Counts of a known unit since 1970, kept to the millisecond as in `json/time.ts`. */
import { type JsonValue, UnsafeNumber } from '../json/parse.ts';
import { canonicalRfc3339, formatTime } from '../json/time.ts';
import type { TimeUnit } from './policy.ts';

/** Digits that a count in milliseconds has more (or fewer) than one in the unit. */
const SHIFT: Readonly<Record<TimeUnit, number>> = { s: 3, ms: 0, us: -3, ns: -6 };
const EARLIEST = -62_135_596_800_000;
const LATEST = 253_402_300_799_999;
const DECIMAL = /^(-?)(\d{1,24})(?:\.(\d{1,24}))?$/;
const PLACES = 24;

/** The canonical text of RFC 3339 text, or of a count; decimal text is a count too. */
export function timeIn(unit: TimeUnit): (value: JsonValue) => string | undefined {
  const shift = SHIFT[unit];
  return (value) => {
    if (typeof value === 'string') return canonicalRfc3339(value) ?? formatted(fromDecimal(value, shift));
    if (value instanceof UnsafeNumber) return formatted(fromDecimal(value.source, shift));
    if (typeof value !== 'number') return undefined;
    if (Number.isSafeInteger(value)) return formatted(fromInteger(value, shift));
    // As decimals without an exponent, which String would give whole numbers from 10^21 on.
    return formatted(fromDecimal(Number.isInteger(value) ? BigInt(value).toString() : String(value), shift));
  };
}

function formatted(time: number | undefined): string | undefined {
  return time !== undefined && time >= EARLIEST && time <= LATEST ? formatTime(time) : undefined;
}

function fromInteger(count: number, shift: number): number {
  if (shift >= 0) return count * 10 ** shift;
  const unit = 10 ** -shift;
  // Exact, where the quotient of 9007199254739999 and 1000 would round up.
  return (count - (((count % unit) + unit) % unit)) / unit;
}

/** In decimal digits, since 1772366400.123 × 1000 as doubles can fall a millisecond short. */
function fromDecimal(text: string, shift: number): number | undefined {
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = ''] = match;
  const digits = BigInt(whole + fraction.padEnd(PLACES, '0'));
  const millisecond = 10n ** BigInt(PLACES - shift);
  return Number(sign === '-' ? -((digits + millisecond - 1n) / millisecond) : digits / millisecond);
}
