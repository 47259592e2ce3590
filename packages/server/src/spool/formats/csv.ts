/** CSV: a row of names, then a record a row, all values as text; names `metadata.…` make up a map `metadata`. */
import { Readable, Transform, type TransformCallback } from 'node:stream';
import { CsvError, type Parser, parse } from 'csv-parse';
import type { JsonObject } from '../../json/parse.ts';
import { isFault, SpoolError } from '../errors.ts';
import { type FileRecord, Rejected } from '../record.ts';
import { GROUP, MAX_RECORD_BYTES, NO_HEAD, type RecordFile } from './format.ts';

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
  let characters = 0;
  for await (const cells of parsed(pieces)) {
    if (names === undefined) {
      names = checked(cells);
      continue;
    }
    group.push({ names, cells });
    for (const cell of cells) characters += cell.length;
    if (group.length < GROUP && characters < MAX_RECORD_BYTES) continue;
    yield group;
    group = [];
    characters = 0;
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
    max_record_size: MAX_RECORD_BYTES,
    // The stream holds several rows, and such a row is rejected whatever more is in it.
    on_record: (cells: string[]) => (cells.length > MAX_COLUMNS ? cells.slice(0, MAX_COLUMNS + 1) : cells),
  });
  const source = Readable.from(pieces, { objectMode: false });
  const checkedText = utf8Only();
  const bounded = rowsOnly(parser);
  for (const stream of [source, checkedText, bounded]) stream.on('error', (cause) => parser.destroy(cause));
  source.pipe(checkedText).pipe(bounded).pipe(parser);
  try {
    for await (const cells of parser as AsyncIterable<string[]>) yield cells;
  } catch (cause) {
    if (isFault(cause) || !(cause instanceof CsvError)) throw cause;
    throw new SpoolError('file-malformed', `not valid CSV: ${whatIsWrong(cause)}`, { cause });
  } finally {
    source.destroy();
    checkedText.destroy();
    bounded.destroy();
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

/** The parser counts what is in the cells, not the cells, so a row of commas has no bound. */
function rowsOnly({ info }: Parser): Transform {
  let seen = 0;
  let bytes = 0;
  return new Transform({
    transform: (piece: Buffer, _encoding, done) => {
      const rows = info.records + info.empty_lines;
      if (rows > seen) bytes = 0;
      seen = rows;
      bytes += piece.length;
      if (bytes <= MAX_RECORD_BYTES) done(null, piece);
      else done(new SpoolError('file-malformed', `a row is longer than ${MAX_RECORD_BYTES} bytes`));
    },
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
    const count = cells.length > MAX_COLUMNS ? `more than ${MAX_COLUMNS}` : cells.length;
    return new Rejected('record-malformed', `the row has ${count} cells, the first row names ${names.length}`);
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
