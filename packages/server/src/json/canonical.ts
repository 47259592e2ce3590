import { canonicalize } from '@tidemark/proof';
import { isContainer, type JsonValue, UnsafeNumber } from './parse.ts';

/**
 * RFC 8785 text of a raw value, to compare and name raw events by. Numbers that RFC 8785 has no text for, because a
 * double cannot hold them, stand as they were written: two that differ never look the same.
 */
export function canonicalText(value: JsonValue): string {
  return hasUnsafe(value) ? write(value) : canonicalize(value);
}

/**
 * The same text, but that it reads back as the same value. RFC 8785 writes a double from 2^53 up to 10^21 as an integer,
 * and read again that would be one that no double holds; here it has an exponent.
 */
export function rereadableText(value: JsonValue): string {
  return canonicalText(hasLarge(value) ? withExponents(value) : value);
}

function hasLarge(value: JsonValue): boolean {
  if (typeof value === 'number') return value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER;
  if (!isContainer(value)) return false;
  if (Array.isArray(value)) return value.some(hasLarge);
  for (const key in value) if (hasLarge(value[key] as JsonValue)) return true;
  return false;
}

function withExponents(value: JsonValue): JsonValue {
  if (typeof value === 'number' && hasLarge(value)) return new UnsafeNumber(value.toExponential());
  if (!isContainer(value)) return value;
  if (Array.isArray(value)) return value.map(withExponents);
  // Object.fromEntries defines members, so that one named __proto__ stays one.
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withExponents(member)]));
}

export function hasUnsafe(value: JsonValue): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (value instanceof UnsafeNumber) return true;
  if (Array.isArray(value)) return value.some(hasUnsafe);
  for (const key in value) if (hasUnsafe(value[key] as JsonValue)) return true;
  return false;
}

function write(value: JsonValue): string {
  if (value instanceof UnsafeNumber) return value.source;
  if (!isContainer(value)) return canonicalize(value);
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`;
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${write(value[key] as JsonValue)}`).join(',')}}`;
}
