/** A stored content, piece by piece: memory does not grow with the file. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const CHUNK_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;

export interface Line {
  /** With the newline at its end; valid until the next one is asked for. */
  bytes: Buffer;
  /** Offset of its end in the file. */
  end: number;
}

/** Line by line: memory grows with the longest one. */
export function* linesOf(path: string): Generator<Line> {
  let rest: Buffer = Buffer.alloc(0);
  let end = 0;
  for (const chunk of chunksOf(path)) {
    let start = 0;
    for (let newline = chunk.indexOf(NEWLINE); newline !== -1; newline = chunk.indexOf(NEWLINE, start)) {
      const part = chunk.subarray(start, newline + 1);
      const bytes = rest.length === 0 ? part : Buffer.concat([rest, part]);
      rest = rest.subarray(0, 0);
      end += bytes.length;
      start = newline + 1;
      yield { bytes, end };
    }
    rest = Buffer.concat([rest, chunk.subarray(start)]);
  }
  if (rest.length > 0) yield { bytes: rest, end: end + rest.length };
}

/** The same memory each time; for a small file no more than it takes, since a log can have a great many of them. */
export function* chunksOf(path: string): Generator<Buffer> {
  const fd = openSync(path, 'r');
  try {
    const chunk = Buffer.allocUnsafe(Math.max(1, Math.min(CHUNK_BYTES, fstatSync(fd).size)));
    for (;;) {
      const length = readSync(fd, chunk, 0, chunk.length, null);
      if (length === 0) return;
      yield chunk.subarray(0, length);
    }
  } finally {
    closeSync(fd);
  }
}
