/** One record as JSON text, from the bytes of its line or array element. */
import { isUtf8 } from 'node:buffer';
import { JsonError, type JsonObject, type JsonValue, parseJson } from '../../json/parse.ts';
import { type FileRecord, Rejected } from '../record.ts';

export function readJsonRecord(bytes: Buffer): FileRecord | Rejected {
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
