/** The records of a run's files, from the cursor on, as chunks of lines for the server. */
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { isFault, SpoolError } from './errors.ts';
import { type Format, formatOf } from './formats/format.ts';
import { openFile } from './formats/open.ts';
import { lineOf, Rejected } from './record.ts';
import type { Cursor, Fault, Place, Rejection, RunFile } from './run.ts';

export interface Chunk {
  lines: string[];
  /** Of each line. */
  places: Place[];
  /** Records that have no line. */
  rejections: Rejection[];
  faults: Fault[];
  pii: boolean;
  /** After its last record. */
  cursor: Cursor;
  /** How much of its last file has been gone through, from 0 to 1. */
  share: number;
}

export interface ChunksOptions {
  /** Where the files are. */
  dir: string;
  files: readonly RunFile[];
  from: Cursor;
  /** Whether all of them are marked `pii`. */
  pii: boolean;
  maxFileBytes: number;
  maxRecords?: number;
  maxBytes?: number;
}

const MAX_RECORDS = 1000;
const MAX_BYTES = 4_000_000;

/** A file that cannot be read to its end is a fault in a chunk; what comes before it and the other files are read. */
export async function* chunksOf(options: ChunksOptions): AsyncGenerator<Chunk> {
  const building = new Building(options.maxRecords ?? MAX_RECORDS, options.maxBytes ?? MAX_BYTES);
  for (const file of options.files) {
    if (file.position < options.from.file) continue;
    const skip = file.position === options.from.file ? options.from.record : 0;
    try {
      yield* readFile(file, skip, options, building);
    } catch (cause) {
      if (!isFault(cause)) throw cause;
      building.chunk.faults.push({ file: file.position, error: cause.code, hint: cause.message });
    }
    building.chunk.cursor = { file: file.position + 1, record: 0 };
    building.chunk.share = 0;
  }
  if (building.chunk.cursor.file > options.from.file) yield building.chunk;
}

async function* readFile(
  { name, position, size, mtime }: RunFile,
  skip: number,
  { dir, maxFileBytes, pii }: ChunksOptions,
  building: Building,
): AsyncGenerator<Chunk> {
  const path = join(dir, name);
  let share = 0;
  const opening = { path, format: formatOf(name) as Format, maxBytes: maxFileBytes };
  const { head, raw, read } = await openFile(opening, size, (done) => {
    share = done;
  });
  let record = 0;
  const marked = pii || head.pii;
  if (marked) building.chunk.pii = true;
  for await (const group of raw) {
    for (const one of group) {
      if (record++ < skip) continue;
      const found = read(one);
      const line = found instanceof Rejected ? found : lineOf(found, head.source, marked);
      const full = building.add(line, { file: position, record: record - 1 }, share);
      if (full !== undefined) yield full;
    }
  }
  await assertUnchanged(path, size, mtime);
}

/** Whoever went on writing after a pause may have been read half. */
async function assertUnchanged(path: string, size: number, mtime: string): Promise<void> {
  const now = await lstat(path, { bigint: true }).catch((cause: unknown) => {
    throw new SpoolError('file-unreadable', 'it is gone', { cause });
  });
  if (Number(now.size) === size && String(now.mtimeNs) === mtime) return;
  throw new SpoolError('file-changed', 'it was written to after it was taken');
}

/** The chunk that is being filled. */
class Building {
  readonly #maxRecords: number;
  readonly #maxBytes: number;
  chunk = empty();
  #bytes = 0;

  constructor(maxRecords: number, maxBytes: number) {
    this.#maxRecords = maxRecords;
    this.#maxBytes = maxBytes;
  }

  /** @returns the chunk, when it is full */
  add(line: ReturnType<typeof lineOf>, place: Place, share: number): Chunk | undefined {
    const { chunk } = this;
    if (line instanceof Rejected) chunk.rejections.push({ ...place, error: line.error, hint: line.hint });
    else {
      chunk.lines.push(line.text);
      chunk.places.push(place);
      this.#bytes += Buffer.byteLength(line.text) + 1;
      if (line.pii) chunk.pii = true;
    }
    chunk.cursor = { file: place.file, record: place.record + 1 };
    chunk.share = share;
    const records = chunk.lines.length + chunk.rejections.length;
    if (records < this.#maxRecords && this.#bytes < this.#maxBytes) return undefined;
    this.chunk = empty();
    this.#bytes = 0;
    return chunk;
  }
}

function empty(): Chunk {
  return { lines: [], places: [], rejections: [], faults: [], pii: false, cursor: { file: 0, record: 0 }, share: 0 };
}
