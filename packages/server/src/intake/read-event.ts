/** From the bytes of one event to its value, within the bounds that hold for every event. */
import { isUtf8 } from 'node:buffer';
import { JsonError, type JsonObject, type JsonValue, parseJson } from '../json/parse.ts';
import { Unreadable } from './decoded.ts';

export interface EventBounds {
  /** Length of an event as it was sent. */
  maxBytes: number;
  /** Whether the bytes are part of a body that is known to be UTF-8. */
  isUtf8: boolean;
}

export function readEvent(bytes: Buffer, bounds: EventBounds): JsonObject | Unreadable {
  if (bytes.length > bounds.maxBytes) {
    return new Unreadable('event-too-large', `an event is at most ${bounds.maxBytes} bytes long`);
  }
  if (!bounds.isUtf8 && !isUtf8(bytes)) return new Unreadable('not-utf8', 'an event is UTF-8 text');
  let value: JsonValue;
  try {
    value = parseJson(bytes.toString('utf8'));
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause;
    return new Unreadable(cause.code, cause.message);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  return new Unreadable('not-an-object', 'an event is a JSON object');
}
