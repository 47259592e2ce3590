/** From a record of a file to the line that the server is sent, or why there is none. */
import { hash } from 'node:crypto';
import { rereadableText } from '../json/canonical.ts';
import type { JsonObject, JsonValue } from '../json/parse.ts';
import { saysYes } from '../pii-mark.ts';

/**
 * Why a record is not taken. It does not sink its file.
 *
 * - `record-malformed`: it can be told from its neighbours, and not be read
 * - `not-a-map`: a number, a text, a list
 * - `not-utf8`: a text in it is none
 * - `too-deep`: lists and maps nested deeper than an event may be
 * - `not-well-formed`: half of a surrogate pair
 * - `value-not-json`: bytes, NaN, an infinity or an extension type, which JSON cannot hold
 * - `text-missing`: no text that is not empty under any of `TEXT_MEMBERS`
 * - `content-hash-invalid`: `metadata.content_hash` is there and is no text of 1 to 1024 characters
 * - `event-id-taken`: it has an `eventId` of its own and an `original_event_id`
 */
export type RejectionCode =
  | 'record-malformed'
  | 'not-a-map'
  | 'not-utf8'
  | 'too-deep'
  | 'not-well-formed'
  | 'value-not-json'
  | 'text-missing'
  | 'content-hash-invalid'
  | 'event-id-taken';

export class Rejected {
  readonly error: RejectionCode;
  /** Never quotes the record. */
  readonly hint: string;

  constructor(error: RejectionCode, hint: string) {
    this.error = error;
    this.hint = hint;
  }
}

export interface FileRecord {
  value: JsonObject;
  /** Its JSON text, where the file has it: numbers beyond a double and the order of members stay as they came. */
  text?: string;
}

export interface Line {
  /** One JSON object, without a line end. */
  text: string;
  pii: boolean;
}

/** In this order. */
export const TEXT_MEMBERS = ['text', 'instruction', 'chunk', 'source_text'] as const;
const MAX_ID_LENGTH = 1024;

/**
 * @param label `source` of the file's map, for records that name none
 * @param marked whether the whole file is marked `pii`; a line that is says so in a way that the server knows
 */
export function lineOf(
  { value, text: written }: FileRecord,
  label: string | undefined,
  marked = false,
): Line | Rejected {
  const text = textOf(value);
  if (text === undefined) return new Rejected('text-missing', `a record has ${TEXT_MEMBERS.join(', ')}: a text`);
  const id = idOf(value, text);
  if (id instanceof Rejected) return id;
  const pii = marked || saysYes(value.pii) || saysYes(metadataOf(value)?.pii);
  const added: Record<string, string | true> = { eventId: id };
  if (pii && value.pii !== true) added.pii = true;
  if (value.text !== text) added.text = text;
  if (label !== undefined && !Object.hasOwn(value, 'source')) added.source = label;
  // Of members with the same name the last counts, so what is added in front must not be there.
  if (written !== undefined && !Object.keys(added).some((name) => Object.hasOwn(value, name))) {
    return { text: `${JSON.stringify(added).slice(0, -1)},${written.slice(written.indexOf('{') + 1)}`, pii };
  }
  const members = withoutEventId(value, id);
  return members instanceof Rejected ? members : { text: jsonText({ ...members, ...added }), pii };
}

function textOf(value: JsonObject): string | undefined {
  for (const name of TEXT_MEMBERS) {
    const text = Object.hasOwn(value, name) ? value[name] : undefined;
    if (typeof text === 'string' && text !== '') return text;
  }
  return undefined;
}

/** What the record is known by: the same content is the same record, whatever file it comes in. */
function idOf(value: JsonObject, text: string): string | Rejected {
  const given = metadataOf(value)?.content_hash;
  if (given === undefined || given === null || given === '') return hash('sha256', text, 'hex');
  if (typeof given === 'string' && given.length <= MAX_ID_LENGTH) return given;
  return new Rejected('content-hash-invalid', `metadata.content_hash is a text of 1 to ${MAX_ID_LENGTH} characters`);
}

function metadataOf(value: JsonObject): JsonObject | undefined {
  const metadata = Object.hasOwn(value, 'metadata') ? value.metadata : undefined;
  return typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata)
    ? (metadata as JsonObject)
    : undefined;
}

/** An `eventId` of the record's own says something to its sender, and makes way for the one it is known by here. */
function withoutEventId(value: JsonObject, id: string): JsonObject | Rejected {
  if (!Object.hasOwn(value, 'eventId')) return value;
  const { eventId, ...others } = value;
  if (eventId === id || eventId === undefined) return others;
  if (Object.hasOwn(others, 'original_event_id')) {
    return new Rejected('event-id-taken', 'with an original_event_id, a record has no eventId of its own');
  }
  return { ...others, original_event_id: eventId };
}

/** Numbers are written so that they read back as what they were, those beyond 2^53 too. */
function jsonText(value: JsonObject): string {
  return isPlain(value) ? JSON.stringify(value) : rereadableText(value);
}

/** Whether the engine's own writer, which takes a tenth of the time, gives the same value back. */
function isPlain(value: JsonValue): boolean {
  if (typeof value === 'number') return value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER;
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isPlain);
  // An UnsafeNumber has a prototype of its own.
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  for (const name in value) if (!isPlain((value as JsonObject)[name] as JsonValue)) return false;
  return true;
}
