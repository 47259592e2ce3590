/**
 * A file of headers, 80 bytes each, end to end, that others replace or extend. It is opened anew for each reading, and
 * only what is asked for is read; one that changes between two readings does no harm, as headers must link.
 */
import { type FileHandle, open, stat } from 'node:fs/promises';
import { HEADER_BYTES } from '@tidemark/proof';
import { HeaderError } from '../errors.ts';
import { readHeader } from '../raw-header.ts';
import type { HeaderSource, Stretch } from './source.ts';

const NO_BLOCK = '00'.repeat(32);

interface Extent {
  /** Height of the first header in the file. */
  start: number;
  /** Height after the last one. */
  end: number;
}

export class FileSource implements HeaderSource {
  readonly name: string;
  readonly #path: string;
  readonly #heightOf: (blockHash: string) => number | undefined;

  /** @param heightOf the height of a known block: a file need not begin with the chain's first */
  constructor(path: string, heightOf: (blockHash: string) => number | undefined) {
    this.name = `file ${path}`;
    this.#path = path;
    this.#heightOf = heightOf;
  }

  async height(): Promise<number> {
    return this.#withFile(async (file) => (await this.#extent(file)).end - 1);
  }

  /** Begins with the file's first header, where that one is higher than `height`. */
  async read(height: number, count: number): Promise<Stretch> {
    return this.#withFile(async (file) => {
      const { start, end } = await this.#extent(file);
      const from = Math.max(height, start);
      const next = Math.max(from, Math.min(from + count, end));
      return { raw: await readAt(file, (from - start) * HEADER_BYTES, (next - from) * HEADER_BYTES), next };
    });
  }

  async #extent(file: FileHandle): Promise<Extent> {
    const { size } = await file.stat();
    if (size === 0) throw new HeaderError('source-incomplete', `${this.name} is empty`);
    if (size % HEADER_BYTES !== 0) {
      const why = `has ${size} bytes, which is no whole number of ${HEADER_BYTES}-byte headers: it may be half written`;
      throw new HeaderError('source-malformed', `${this.name} ${why}`);
    }
    const start = this.#startOf(await readAt(file, 0, HEADER_BYTES));
    return { start, end: start + size / HEADER_BYTES };
  }

  #startOf(raw: Uint8Array): number {
    const { hash, prevHash } = readHeader(raw);
    if (prevHash === NO_BLOCK) return 0;
    const before = this.#heightOf(prevHash);
    const start = this.#heightOf(hash) ?? (before === undefined ? undefined : before + 1);
    if (start !== undefined) return start;
    throw new HeaderError(
      'source-disagrees',
      `${this.name} begins with block ${hash}, which is neither the first of a chain nor known nor follows a known one: ` +
        "give a file that begins with the chain's first block or the pinned one",
    );
  }

  async #withFile<T>(work: (file: FileHandle) => Promise<T>): Promise<T> {
    try {
      // Looked at before it is opened: opening a pipe waits for whoever writes to it.
      if (!(await stat(this.#path)).isFile()) throw new HeaderError('source-unreachable', `${this.name} is no file`);
      await using file = await open(this.#path);
      return await work(file);
    } catch (cause) {
      if (cause instanceof HeaderError) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new HeaderError('source-unreachable', `${this.name} cannot be read: ${why}`, { cause });
    }
  }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  // A file that became shorter: what is whole of it is still worth judging.
  return buffer.subarray(0, bytesRead - (bytesRead % HEADER_BYTES));
}
