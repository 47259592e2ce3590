/** The bytes of a file, decompressed as its name says. */
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from 'node:zlib';
import { isFault, SpoolError } from '../errors.ts';
import { ZstdFrames } from './zstd-frames.ts';

export type Compression = 'gz' | 'zst';

const PIECE_BYTES = 256 * 1024;

/**
 * Pieces of the decompressed file.
 * @param read told of the bytes as they are read, before they are decompressed
 * @throws SpoolError when it is read: `file-malformed`, `file-unreadable`
 */
export async function* pieces(
  path: string,
  compression: Compression | undefined,
  read?: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  const raw = createReadStream(path, { highWaterMark: PIECE_BYTES });
  if (read !== undefined) raw.on('data', (piece) => read(piece.length));
  const frames = compression === 'zst' ? new ZstdFrames() : undefined;
  if (frames !== undefined) raw.on('data', (piece) => frames.add(piece as Buffer));
  const unpacking = compression === undefined ? undefined : decompressor(compression);
  // What fails is told to whoever reads the last of the streams.
  const source = unpacking === undefined ? raw : pipeline(raw, unpacking, () => undefined);
  try {
    for await (const piece of source as AsyncIterable<Buffer>) yield piece;
    // A decompressor ends at what it does not know, without a word; only then has it left some of what was read.
    const used = unpacking?.bytesWritten ?? raw.bytesRead;
    if (used < raw.bytesRead && !(compression === 'gz' && (await isPadding(path, used)))) throw broken();
    if (frames?.whole === false) throw broken();
  } catch (cause) {
    throw faultOf(cause);
  } finally {
    raw.destroy();
    source.destroy();
  }
}

/** @throws SpoolError `file-too-large` beyond `maxBytes`, before they are in memory; `file-malformed`, `file-unreadable` */
export async function wholeFile(
  path: string,
  compression: Compression | undefined,
  maxBytes: number,
): Promise<Buffer<ArrayBuffer>> {
  const read: Buffer[] = [];
  let length = 0;
  for await (const piece of pieces(path, compression)) {
    length += piece.length;
    if (length > maxBytes) {
      throw new SpoolError('file-too-large', `it has more than ${maxBytes} bytes, and its format is read whole`);
    }
    read.push(piece);
  }
  return Buffer.concat(read);
}

/** Zeros may fill up the last block of a tape or disk; gzip itself takes them so, and only at the end. */
async function isPadding(path: string, start: number): Promise<boolean> {
  for await (const piece of createReadStream(path, { start, highWaterMark: PIECE_BYTES }) as AsyncIterable<Buffer>) {
    if (piece.some((byte) => byte !== 0)) return false;
  }
  return true;
}

function decompressor(compression: Compression): Gunzip | ZstdDecompress {
  const chunkSize = PIECE_BYTES;
  return compression === 'gz' ? createGunzip({ chunkSize }) : createZstdDecompress({ chunkSize });
}

function faultOf(cause: unknown): unknown {
  if (isFault(cause)) return cause;
  const { code = '', syscall } = cause as NodeJS.ErrnoException;
  if (syscall !== undefined) return new SpoolError('file-unreadable', `it cannot be read: ${code}`, { cause });
  if (/^Z_|^ZSTD_|^ERR_Z/i.test(code)) {
    return broken(cause);
  }
  return cause;
}

function broken(cause?: unknown): SpoolError {
  return new SpoolError('file-malformed', 'its compression is broken, or it is not complete', { cause });
}
