import { MAX_JSON_DEPTH } from '@tidemark/proof';

/** A payload is a member of larger JSON texts, in packets and proofs, which have to stay within `MAX_JSON_DEPTH`. */
export const MAX_EVENT_DEPTH = MAX_JSON_DEPTH - 4;

/** A JSON value as it was sent: numbers that a double cannot hold stay apart. */
export type JsonValue = null | boolean | number | string | UnsafeNumber | JsonValue[] | JsonObject;

export interface JsonObject {
  [key: string]: JsonValue;
}

/** A number that would lose its value as a double: an integer beyond ±(2^53−1), or one that overflows. */
export class UnsafeNumber {
  /** The number as it was written. */
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

/**
 * - `json-malformed`: not JSON
 * - `too-deep`: arrays and objects nested deeper than `MAX_EVENT_DEPTH`
 * - `not-well-formed`: a string with half of a surrogate pair, which has no UTF-8 and so no hash
 */
export type JsonErrorCode = 'json-malformed' | 'too-deep' | 'not-well-formed';

export class JsonError extends Error {
  readonly code: JsonErrorCode;

  constructor(code: JsonErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'JsonError';
    this.code = code;
  }
}

type Reviver = (key: string, value: JsonValue, context: { source?: string }) => JsonValue;
const parseRevived = JSON.parse as (text: string, reviver: Reviver) => JsonValue;

const INTEGER = /^-?\d+$/;
const ESCAPED_SURROGATE = /\\u[dD][89a-fA-F]/;

/**
 * Parses the text of one event; of duplicate keys the last wins. Numbers that a double cannot hold become
 * `UnsafeNumber`, except where the whole text is a number, which is no event.
 * @param text decoded from valid UTF-8
 * @throws JsonError
 */
export function parseJson(text: string): JsonValue {
  const value = parsed(text);
  // Looking at the parsed numbers costs 0.05 µs an event. Any expression over the text that finds the digits costs
  // more, and sends typical sensor readings of 17 digits to the reviver, which takes 6 µs.
  const unsafe = isContainer(value) && inspect(value, 1);
  if (text.includes('\\u') && ESCAPED_SURROGATE.test(text)) assertWellFormed(value);
  return unsafe ? parseRevived(text, keepUnsafe) : value;
}

export function isContainer(value: JsonValue | undefined): value is JsonObject | JsonValue[] {
  return typeof value === 'object' && value !== null && !(value instanceof UnsafeNumber);
}

function parsed(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw new JsonError('json-malformed', whyNot(cause), { cause });
  }
}

/** V8 says where or quotes what is there, and that may be what a policy keeps out of everything. */
function whyNot(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.endsWith('is not valid JSON') ? 'unexpected character in JSON' : message;
}

/** Holds the depth limit, and tells whether any number may have lost its value: a double that did is beyond 2^53. */
function inspect(container: JsonObject | JsonValue[], depth: number): boolean {
  if (depth > MAX_EVENT_DEPTH) throw new JsonError('too-deep', `nested deeper than ${MAX_EVENT_DEPTH}`);
  let unsafe = false;
  if (Array.isArray(container)) {
    for (const item of container) unsafe = inspectValue(item, depth) || unsafe;
  } else {
    for (const key in container) unsafe = inspectValue(container[key] as JsonValue, depth) || unsafe;
  }
  return unsafe;
}

function inspectValue(value: JsonValue, depth: number): boolean {
  if (typeof value === 'number') return value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER;
  return typeof value === 'object' && value !== null && inspect(value as JsonObject | JsonValue[], depth + 1);
}

function keepUnsafe(_key: string, value: JsonValue, { source }: { source?: string }): JsonValue {
  if (typeof value !== 'number' || source === undefined || Number.isSafeInteger(value)) return value;
  return !Number.isFinite(value) || INTEGER.test(source) ? new UnsafeNumber(source) : value;
}

function assertWellFormed(value: JsonValue): void {
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new JsonError('not-well-formed', 'a string holds half of a surrogate pair');
  } else if (Array.isArray(value)) {
    for (const item of value) assertWellFormed(item);
  } else if (isContainer(value)) {
    for (const [key, member] of Object.entries(value)) {
      assertWellFormed(key);
      assertWellFormed(member);
    }
  }
}
