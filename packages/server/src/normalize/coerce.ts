/** Strict conversions: a value that does not clearly mean one of the wanted kind is refused, never bent. */
import { type JsonValue, UnsafeNumber } from '../json/parse.ts';
import { canonicalRfc3339, canonicalTime, parseRfc3339 } from '../json/time.ts';
import { timeIn } from './epoch.ts';
import type { Coercion, CoercionKind, Scaled } from './policy.ts';

/**
 * The value in the wanted kind, or undefined where it has none. An `UnsafeNumber` comes back where the value is a
 * number that a double cannot hold.
 */
export type Coercer = (value: JsonValue) => JsonValue | undefined;

const COERCERS: Readonly<Record<CoercionKind, Coercer>> = {
  string: toText,
  number: toNumber,
  integer: toInteger,
  boolean: toBoolean,
  iso8601: (value) => (typeof value === 'string' ? canonicalRfc3339(value) : undefined),
  'iso8601->epoch': toEpoch,
  timestamp: canonicalTime,
};

export function compileCoercion(coercion: Coercion): Coercer {
  if (typeof coercion === 'string') return COERCERS[coercion];
  return coercion.kind === 'timestamp' ? timeIn(coercion.unit) : scaledTo(coercion);
}

const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const WHOLE = /^[+-]?\d+$/;
const WHOLE_WITH_ZEROS = /^([+-]?\d+)(?:\.0*)?$/;
const BOOLEANS = new Map([
  ['true', true],
  ['false', false],
  ['1', true],
  ['0', false],
]);

/** Decimal text as a number: no blanks, no hexadecimal, no `Infinity`, not the empty text. */
export function toNumber(value: JsonValue): number | UnsafeNumber | undefined {
  if (typeof value === 'number' || value instanceof UnsafeNumber) return value;
  if (typeof value !== 'string' || !DECIMAL.test(value)) return undefined;
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  return !Number.isFinite(number) || WHOLE.test(value) ? new UnsafeNumber(value) : number;
}

function toInteger(value: JsonValue): number | UnsafeNumber | undefined {
  if (value instanceof UnsafeNumber) return WHOLE.test(value.source) ? value : undefined;
  const digits = typeof value === 'string' ? WHOLE_WITH_ZEROS.exec(value)?.[1] : value;
  if (typeof digits !== 'number' && typeof digits !== 'string') return undefined;
  const number = Number(digits);
  if (Number.isSafeInteger(number)) return number;
  return typeof digits === 'string' || Number.isInteger(number) ? new UnsafeNumber(String(digits)) : undefined;
}

function toText(value: JsonValue): string | undefined {
  if (typeof value === 'string') return value;
  if (value instanceof UnsafeNumber) return value.source;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

function toBoolean(value: JsonValue): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'number' && typeof value !== 'string') return undefined;
  const text = String(value);
  return text.length > 5 ? undefined : BOOLEANS.get(text.toLowerCase());
}

function toEpoch(value: JsonValue): number | undefined {
  const time = typeof value === 'string' ? parseRfc3339(value) : undefined;
  return time === undefined ? undefined : time / 1000;
}

function scaledTo({ kind, factor, offset = 0 }: Scaled): Coercer {
  const fits = kind === 'integer' ? Number.isSafeInteger : Number.isFinite;
  return (value) => {
    const number = toNumber(value);
    if (typeof number !== 'number') return number;
    const scaled = number * factor + offset;
    return fits(scaled) ? scaled : undefined;
  };
}
