/** What a file's name says of its format, and what a file of any format gives. */
import type { FileRecord, Rejected } from '../record.ts';
import type { Compression } from './decompressed.ts';

export type Kind = 'msgpack' | 'ndjson' | 'json' | 'csv';

export interface Format {
  kind: Kind;
  compression: Compression | undefined;
}

/** What a file says of itself beside its records. */
export interface Head {
  batchTag?: string;
  /** For records that name no source. */
  source?: string;
  pii: boolean;
}

/** A file whose records can be gone through; `Raw` is a record that has been found and not yet read. */
export interface RecordFile<Raw = unknown> {
  head: Head;
  /** In the order of the file, some at a time; memory does not grow with the file. */
  raw: AsyncIterable<Raw[]> | Iterable<Raw[]>;
  read(raw: Raw): FileRecord | Rejected;
}

/** Records that are found before the others get their turn. */
export const GROUP = 500;
/** Far above what a server takes as one event; so a record does not fill the memory. */
export const MAX_RECORD_BYTES = 16 * 1024 * 1024;
/** Of a name or value beside the records. */
export const MAX_BESIDE_BYTES = 64 * 1024;
export const NO_HEAD: Head = { pii: false };

const NAME = /\.(?:(msgpack)|(ndjson|jsonl)|(json)|(csv))(?:\.(gz|zst))?$/i;

/** @returns undefined for a name that says nothing of the sort */
export function formatOf(name: string): Format | undefined {
  const match = NAME.exec(name);
  if (match === null) return undefined;
  const [, msgpack, ndjson, json, , compression] = match;
  const kind: Kind = msgpack ? 'msgpack' : ndjson ? 'ndjson' : json ? 'json' : 'csv';
  return { kind, compression: compression?.toLowerCase() as Compression | undefined };
}
