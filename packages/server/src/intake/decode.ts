/** From the body of a delivery to the exact bytes of each event in it. */
import { isUtf8 } from 'node:buffer';
import { canonicalize } from '@tidemark/proof';
import { CsvError, parse as parseCsv } from 'csv-parse/sync';
import { type Decoded, tooManyEvents, Unreadable } from './decoded.ts';
import { IntakeError } from './errors.ts';
import { sliceEvents } from './json-slices.ts';

export type Format = 'json' | 'ndjson' | 'csv';

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const MAX_CSV_COLUMNS = 1000;

/**
 * @param maxItems more events than this are refused before they are looked at
 * @throws IntakeError `bad-request`, `body-malformed`, `too-many-events`
 */
export function decode(format: Format, body: Buffer, maxItems: number): Decoded {
  const bytes = withoutByteOrderMark(body);
  switch (format) {
    case 'json':
      return sliceEvents(bytes, maxItems);
    case 'ndjson':
      return { sourceId: undefined, items: splitLines(bytes, maxItems) };
    case 'csv':
      return { sourceId: undefined, items: csvRows(bytes, maxItems) };
  }
}

function splitLines(body: Buffer, maxItems: number): Buffer[] {
  const lines: Buffer[] = [];
  let start = 0;
  while (start < body.length) {
    const newline = body.indexOf(NEWLINE, start);
    const next = newline === -1 ? body.length : newline;
    const end = next > start && body[next - 1] === CARRIAGE_RETURN ? next - 1 : next;
    if (end > start) {
      if (lines.length === maxItems) throw tooManyEvents(maxItems);
      lines.push(body.subarray(start, end));
    }
    start = next + 1;
  }
  return lines;
}

/** A row is journaled as the canonical JSON object of its cells as text, under the names in the first row. */
function csvRows(body: Buffer, maxItems: number): (Buffer | Unreadable)[] {
  const rows = parseRows(body, maxItems);
  const names = rows.shift();
  if (names === undefined) throw new IntakeError('body-malformed', 'a CSV body starts with a row of column names');
  if (names.length > MAX_CSV_COLUMNS) {
    throw new IntakeError('body-malformed', `a CSV body has at most ${MAX_CSV_COLUMNS} columns`);
  }
  if (new Set(names).size < names.length || names.includes('')) {
    throw new IntakeError('body-malformed', 'the column names in the first CSV row must be distinct and not empty');
  }
  return rows.map((cells) => csvEvent(names, cells));
}

function csvEvent(names: string[], cells: string[]): Buffer | Unreadable {
  if (cells.length !== names.length) {
    return new Unreadable('row-malformed', `the row has ${cells.length} cells, the first row names ${names.length}`);
  }
  return Buffer.from(canonicalize(Object.fromEntries(names.map((name, index) => [name, cells[index]]))));
}

function parseRows(body: Buffer, maxItems: number): string[][] {
  // Its rows are written anew as JSON, in which a byte that is no UTF-8 would be replaced unseen.
  if (!isUtf8(body)) throw new IntakeError('body-malformed', 'a CSV body is UTF-8 text');
  let rows: string[][];
  try {
    rows = parseCsv(body, {
      skip_empty_lines: true,
      to: maxItems + 2,
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
    });
  } catch (cause) {
    throw new IntakeError('body-malformed', `not valid CSV: ${whyNot(cause)}`, { cause });
  }
  if (rows.length > maxItems + 1) throw tooManyEvents(maxItems);
  return rows;
}

/** The parser's own message quotes the cell, which may be one that a policy keeps out of everything. */
function whyNot(cause: unknown): string {
  if (!(cause instanceof CsvError)) return 'it cannot be read';
  const what = cause.code.replace(/^CSV_/, '').replaceAll('_', ' ').toLowerCase();
  return `${what}, in line ${String(cause.lines)}`;
}

function withoutByteOrderMark(body: Buffer): Buffer {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? body.subarray(3) : body;
}
