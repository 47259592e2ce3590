/** CSV: a row of names, then a record a row, all values as text; names `metadata.…` make up a map `metadata`. */
import { Readable, Transform, type TransformCallback } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import type { JsonObject } from '../../json/parse.ts';
import { isFault, SpoolError } from '../errors.ts';
import { type FileRecord, Rejected } from '../record.ts';
import { GROUP, NO_HEAD, type RecordFile } from './format.ts';
import { MAX_LINE_BYTES } from './ndjson.ts';

const MAX_COLUMNS = 1000;
const METADATA = 'metadata.';

/** A row, with the names of the first. */
interface Row {
  names: string[];
  cells: string[];
}

export function openCsv(pieces: AsyncIterable<Buffer>): RecordFile<Row> {
  return { head: NO_HEAD, raw: rows(pieces), read };
}

/** @throws SpoolError `file-malformed` */
async function* rows(pieces: AsyncIterable<Buffer>): AsyncGenerator<Row[]> {
  let names: string[] | undefined;
  let group: Row[] = [];
  for await (const cells of parsed(pieces)) {
    if (names === undefined) {
      names = checked(cells);
      continue;
    }
    group.push({ names, cells });
    if (group.length < GROUP) continue;
    yield group;
    group = [];
  }
  if (names === undefined) throw new SpoolError('file-malformed', 'it starts with a row of column names');
  if (group.length > 0) yield group;
}

async function* parsed(pieces: AsyncIterable<Buffer>): AsyncGenerator<string[]> {
  const parser = parse({
    bom: true,
    skip_empty_lines: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    max_record_size: MAX_LINE_BYTES,
  });
  const source = Readable.from(pieces, { objectMode: false });
  const checkedText = utf8Only();
  for (const stream of [source, checkedText]) stream.on('error', (cause) => parser.destroy(cause));
  source.pipe(checkedText).pipe(parser);
  try {
    for await (const cells of parser as AsyncIterable<string[]>) yield cells;
  } catch (cause) {
    if (isFault(cause) || !(cause instanceof CsvError)) throw cause;
    throw new SpoolError('file-malformed', `not valid CSV: ${whatIsWrong(cause)}`, { cause });
  } finally {
    source.destroy();
    checkedText.destroy();
  }
}

/** The parser would replace what is no UTF-8 unseen. */
function utf8Only(): Transform {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const check = (piece: Buffer | undefined, done: TransformCallback) => {
    try {
      decoder.decode(piece, { stream: piece !== undefined });
    } catch (cause) {
      done(new SpoolError('file-malformed', 'it is not UTF-8', { cause }));
      return;
    }
    done(null, piece);
  };
  return new Transform({
    transform: (piece: Buffer, _encoding, done) => check(piece, done),
    flush: (done) => check(undefined, done),
  });
}

function checked(names: string[]): string[] {
  if (names.length > MAX_COLUMNS) throw new SpoolError('file-malformed', `it has more than ${MAX_COLUMNS} columns`);
  const distinct = new Set(names).size === names.length && !names.includes('') && !names.includes(METADATA);
  const twice = names.includes('metadata') && names.some((name) => name.startsWith(METADATA));
  if (distinct && !twice) return names;
  throw new SpoolError('file-malformed', 'the column names in its first row must be distinct and not empty');
}

function read({ names, cells }: Row): FileRecord | Rejected {
  if (cells.length !== names.length) {
    return new Rejected('record-malformed', `the row has ${cells.length} cells, the first row names ${names.length}`);
  }
  const members: [string, JsonObject[string]][] = [];
  const metadata: [string, string][] = [];
  for (const [index, name] of names.entries()) {
    const cell = cells[index] as string;
    if (name.startsWith(METADATA)) metadata.push([name.slice(METADATA.length), cell]);
    else members.push([name, cell]);
  }
  if (metadata.length > 0) members.push(['metadata', Object.fromEntries(metadata)]);
  return { value: Object.fromEntries(members) };
}

/** The parser's own message quotes the cell. */
function whatIsWrong({ code, lines }: CsvError): string {
  return `${code.replace(/^CSV_/, '').replaceAll('_', ' ').toLowerCase()}, in line ${String(lines)}`;
}
