/** One record as JSON text, from the bytes of its line or array element. */
import { isUtf8 } from 'node:buffer';
import { JsonError, type JsonObject, type JsonValue, MAX_EVENT_DEPTH, parseJson } from '../../json/parse.ts';
import { type FileRecord, Rejected } from '../record.ts';
import { MAX_RECORD_BYTES } from './format.ts';

/** Below, the parser holds the depth as well, and there is too little to fill the memory before it does. */
const LARGE_BYTES = 64 * 1024;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

export function readJsonRecord(bytes: Buffer): FileRecord | Rejected {
  if (bytes.length > MAX_RECORD_BYTES) return tooLarge();
  if (bytes.length > LARGE_BYTES && isTooDeep(bytes)) {
    return new Rejected('too-deep', `nested deeper than ${MAX_EVENT_DEPTH}`);
  }
  if (!isUtf8(bytes)) return new Rejected('not-utf8', 'a record is UTF-8 text');
  const text = bytes.toString('utf8');
  let value: JsonValue;
  try {
    value = parseJson(text);
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause;
    return new Rejected(cause.code === 'json-malformed' ? 'record-malformed' : cause.code, cause.message);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return notAMap();
  // A line end can only stand between the members, and has to be none where each line is a record.
  return { value: value as JsonObject, text: /[\r\n]/.test(text) ? text.replaceAll(/[\r\n]/g, ' ') : text };
}

export function notAMap(): Rejected {
  return new Rejected('not-a-map', 'a record is a map of names and values');
}

export function tooLarge(): Rejected {
  return new Rejected('record-malformed', `it has more than ${MAX_RECORD_BYTES} bytes`);
}

function isTooDeep(bytes: Buffer): boolean {
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) at = endOfText(bytes, at);
    // Brackets and braces differ in one bit.
    else if ((byte & 0xdf) === 0x5b && ++depth > MAX_EVENT_DEPTH) return true;
    else if ((byte & 0xdf) === 0x5d) depth--;
  }
  return false;
}

/** Where the quote that ends the text stands. */
function endOfText(bytes: Buffer, start: number): number {
  for (let quote = bytes.indexOf(QUOTE, start + 1); quote !== -1; quote = bytes.indexOf(QUOTE, quote + 1)) {
    let escapes = 0;
    while (bytes[quote - 1 - escapes] === BACKSLASH) escapes++;
    if (escapes % 2 === 0) return quote;
  }
  return bytes.length;
}
