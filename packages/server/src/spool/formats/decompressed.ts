/** The bytes of a file, decompressed as its name says. */
import { createReadStream } from 'node:fs';
import { pipeline, type Readable, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { isFault, SpoolError } from '../errors.ts';

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
  const source: Readable = compression === undefined ? raw : pipeline(raw, decompressor(compression), () => undefined);
  try {
    for await (const piece of source as AsyncIterable<Buffer>) yield piece;
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

function decompressor(compression: Compression): Transform {
  const chunkSize = PIECE_BYTES;
  return compression === 'gz' ? createGunzip({ chunkSize }) : createZstdDecompress({ chunkSize });
}

function faultOf(cause: unknown): unknown {
  if (isFault(cause)) return cause;
  const { code = '', syscall } = cause as NodeJS.ErrnoException;
  if (syscall !== undefined) return new SpoolError('file-unreadable', `it cannot be read: ${code}`, { cause });
  if (/^Z_|^ZSTD_|^ERR_Z/i.test(code)) {
    return new SpoolError('file-malformed', 'its compression is broken, or it is not complete', { cause });
  }
  return cause;
}
