/** Opens a file of any format. */
import { SpoolError } from '../errors.ts';
import { openCsv } from './csv.ts';
import { pieces, wholeFile } from './decompressed.ts';
import { type Format, type Head, NO_HEAD, type RecordFile } from './format.ts';
import { openJson } from './json.ts';
import { openMsgpack } from './msgpack.ts';
import { openNdjson } from './ndjson.ts';

export interface OpenFile {
  path: string;
  format: Format;
  /** Of a file that is read whole, once it is decompressed. */
  maxBytes: number;
}

/**
 * @param progress told what share of the file, from 0 to 1, has been gone through
 * @throws SpoolError of the file: here, or while its records are gone through
 */
export async function openFile(
  { path, format: { kind, compression }, maxBytes }: OpenFile,
  size = 0,
  progress: (share: number) => void = () => undefined,
): Promise<RecordFile> {
  if (kind === 'ndjson' || kind === 'csv') {
    let read = 0;
    const counted = pieces(path, compression, (bytes) => {
      read += bytes;
      progress(size === 0 ? 1 : Math.min(1, read / size));
    });
    return guarded((kind === 'csv' ? openCsv(counted) : openNdjson(counted)) as RecordFile);
  }
  const whole = await wholeFile(path, compression, maxBytes);
  const file = inBounds(() => (kind === 'json' ? openJson(whole) : openMsgpack(whole)) as RecordFile);
  return guarded({ ...file, raw: followed(file.raw, whole, progress) });
}

/** What a file says of itself; formats without a place for it are not read. @throws SpoolError of the file */
export async function headOf(file: OpenFile): Promise<Head> {
  const { kind } = file.format;
  return kind === 'ndjson' || kind === 'csv' ? NO_HEAD : (await openFile(file)).head;
}

function guarded({ head, raw, read }: RecordFile): RecordFile {
  return { head, raw: groupsInBounds(raw), read: (one) => inBounds(() => read(one)) };
}

async function* groupsInBounds(raw: RecordFile['raw']): AsyncGenerator<unknown[]> {
  try {
    yield* raw;
  } catch (cause) {
    throw boundsOf(cause);
  }
}

function inBounds<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw boundsOf(cause);
  }
}

/** What is beyond the bounds of the engine (its stack, the length of an array or a text) is so because of the file. */
function boundsOf(cause: unknown): unknown {
  if (!(cause instanceof RangeError)) return cause;
  return new SpoolError('file-malformed', 'it is larger or deeper than can be read', { cause });
}

/** Records found in a file that is in memory are parts of it, and so tell where they stand. */
async function* followed(
  raw: RecordFile['raw'],
  whole: Buffer,
  progress: (share: number) => void,
): AsyncGenerator<unknown[]> {
  for await (const group of raw) {
    const last = group.at(-1);
    if (last instanceof Buffer) progress((last.byteOffset + last.length - whole.byteOffset) / whole.length);
    yield group;
  }
}
