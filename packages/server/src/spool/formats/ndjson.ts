/** Lines of JSON, one record each. Blank lines are none. */
import { SpoolError } from '../errors.ts';
import { MAX_RECORD_BYTES, NO_HEAD, type RecordFile } from './format.ts';
import { readJsonRecord } from './json-text.ts';

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;
const BYTE_ORDER_MARK = Buffer.from('\ufeff');

export function openNdjson(pieces: AsyncIterable<Buffer>): RecordFile<Buffer> {
  return { head: NO_HEAD, raw: lines(pieces), read: readJsonRecord };
}

/** The lines that end in a piece, piece by piece. @throws SpoolError `file-malformed` */
async function* lines(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer[]> {
  let unfinished: Buffer[] = [];
  let length = 0;
  for await (const piece of withoutMark(pieces)) {
    const found: Buffer[] = [];
    let start = 0;
    for (let end = piece.indexOf(NEWLINE); end !== -1; end = piece.indexOf(NEWLINE, start)) {
      const part = piece.subarray(start, end);
      const line = unfinished.length === 0 ? part : Buffer.concat([...unfinished, part]);
      if (!isBlank(line)) found.push(line);
      unfinished = [];
      length = 0;
      start = end + 1;
    }
    if (start < piece.length) unfinished.push(piece.subarray(start));
    length += piece.length - start;
    if (length > MAX_RECORD_BYTES) {
      throw new SpoolError('file-malformed', `a line is longer than ${MAX_RECORD_BYTES} bytes`);
    }
    if (found.length > 0) yield found;
  }
  const last = Buffer.concat(unfinished);
  if (!isBlank(last)) yield [last];
}

async function* withoutMark(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let start: Buffer | undefined = Buffer.alloc(0);
  for await (const piece of pieces) {
    if (start === undefined) {
      yield piece;
      continue;
    }
    start = Buffer.concat([start, piece]);
    if (start.length < BYTE_ORDER_MARK.length) continue;
    yield start.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK)
      ? start.subarray(BYTE_ORDER_MARK.length)
      : start;
    start = undefined;
  }
  if (start !== undefined) yield start;
}

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === SPACE || byte === TAB || byte === CARRIAGE_RETURN);
}
