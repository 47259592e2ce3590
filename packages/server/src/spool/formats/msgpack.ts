/** MessagePack: one map with `records` or `examples`. */
import { Unpackr } from 'msgpackr';
import { type JsonObject, type JsonValue, MAX_EVENT_DEPTH, UnsafeNumber } from '../../json/parse.ts';
import { SpoolError } from '../errors.ts';
import { type FileRecord, Rejected } from '../record.ts';
import { GROUP, MAX_BESIDE_BYTES, MAX_RECORD_BYTES, type RecordFile } from './format.ts';
import { HeadMembers } from './head.ts';
import { notAMap, tooLarge } from './json-text.ts';
import { type Met, Walker } from './msgpack-walker.ts';

/** A record that was walked over, with why it is not to be read, if it is not. */
export type RawMsgpack = Buffer | Rejected;

/** A value of one byte is an object of 200 once it is read. */
const MAX_VALUES = 1_000_000;
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: false });

/** @throws SpoolError `file-malformed` */
export function openMsgpack(file: Buffer): RecordFile<RawMsgpack> {
  const walker = new Walker(file);
  const members = new HeadMembers<Buffer>();
  const pairs = walker.enter('map');
  if (pairs === undefined) throw new SpoolError('file-malformed', 'it is one map');
  for (let pair = 0; pair < pairs; pair++) members.add(decoded(walker.value()), walker.value());
  if (!walker.atEnd) throw new SpoolError('file-malformed', 'there is something after its map');
  const array = members.recordsOf((slice) => new Walker(slice).enter('array') !== undefined);
  if (array === undefined) throw new SpoolError('file-malformed', 'its map has no array of records or examples');
  return { head: members.head(decoded), raw: elements(array), read };
}

function* elements(array: Buffer): Generator<RawMsgpack[]> {
  const walker = new Walker(array);
  let group: RawMsgpack[] = [];
  for (let left = walker.enter('array') ?? 0; left > 0; left--) {
    const slice = walker.value();
    group.push(whyNot(walker.met, slice.length) ?? slice);
    if (group.length < GROUP) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

function whyNot({ badText, notJson, depth, values }: Met, bytes: number): Rejected | undefined {
  if (badText) return new Rejected('not-utf8', 'text in a record is UTF-8');
  if (depth > MAX_EVENT_DEPTH) return new Rejected('too-deep', `nested deeper than ${MAX_EVENT_DEPTH}`);
  if (bytes > MAX_RECORD_BYTES) return tooLarge();
  if (values > MAX_VALUES) return new Rejected('record-malformed', `it has more than ${MAX_VALUES} values`);
  return notJson ? notJsonValue('bytes, or an extension type') : undefined;
}

function read(raw: RawMsgpack): FileRecord | Rejected {
  if (raw instanceof Rejected) return raw;
  let value: unknown;
  try {
    value = unpackr.unpack(raw);
  } catch {
    return new Rejected('record-malformed', 'it cannot be read as MessagePack');
  }
  const json = toJson(value);
  if (json instanceof Rejected) return json;
  return value instanceof Map ? { value: json as JsonObject } : notAMap();
}

/** @throws SpoolError `file-malformed` */
function decoded(slice: Buffer): unknown {
  if (slice.length > MAX_BESIDE_BYTES) {
    throw new SpoolError('file-malformed', 'a name or value beside its records is too large');
  }
  try {
    return unpackr.unpack(slice);
  } catch (cause) {
    throw new SpoolError('file-malformed', 'a name or value beside its records cannot be read', { cause });
  }
}

/** Times become RFC 3339 text, to the millisecond; integers beyond a double stay what they are. */
function toJson(value: unknown): JsonValue | Rejected {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) ? value : notJsonValue('NaN, or an infinity');
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : new UnsafeNumber(String(value));
  }
  if (value === null) return null;
  if (Array.isArray(value)) return list(value);
  if (value instanceof Map) return map(value);
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  return notJsonValue('a value of no JSON type');
}

function list(values: unknown[]): JsonValue[] | Rejected {
  const result: JsonValue[] = [];
  for (const value of values) {
    const json = toJson(value);
    if (json instanceof Rejected) return json;
    result.push(json);
  }
  return result;
}

function map(members: Map<unknown, unknown>): JsonObject | Rejected {
  const result: JsonObject = {};
  for (const [name, value] of members) {
    if (typeof name !== 'string') return notJsonValue('a map whose names are not text');
    const json = toJson(value);
    if (json instanceof Rejected) return json;
    if (name === '__proto__') Object.defineProperty(result, name, { value: json, ...OWN });
    else result[name] = json;
  }
  return result;
}

const OWN = { enumerable: true, writable: true, configurable: true };

function notJsonValue(what: string): Rejected {
  return new Rejected('value-not-json', `JSON cannot hold what is in it: ${what}`);
}
