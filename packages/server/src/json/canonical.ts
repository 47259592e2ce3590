import { canonicalize } from '@tidemark/proof';
import { isContainer, type JsonValue, UnsafeNumber } from './parse.ts';

/**
 * RFC 8785 text of a raw value, to compare and name raw events by. Numbers that RFC 8785 has no text for, because a
 * double cannot hold them, stand as they were written: two that differ never look the same.
 */
export function canonicalText(value: JsonValue): string {
  return hasUnsafe(value) ? write(value) : canonicalize(value);
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
