/** Writes a run, entry by entry in order, with bounded work a call. */
import { closeSync, fdatasyncSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { syncDirectory, writeFully } from './files.ts';
import { BlockedFilter } from './filter.ts';
import {
  bytesOf,
  ENTRY_BYTES,
  ENTRY_WORDS,
  encodeFooter,
  highWord,
  layoutOf,
  lowWord,
  PAGE_BYTES,
  PAGE_ENTRIES,
  RUN_SUFFIX,
  type RunInfo,
  runFileName,
  UNFINISHED_SUFFIX,
} from './format.ts';
import { Run } from './run.ts';

const CHUNK_PAGES = 16;
const CHUNK_ENTRIES = CHUNK_PAGES * PAGE_ENTRIES;

/** What may wait for the disk: syncing as we go keeps the last sync of a large run as short as that of a small one. */
const UNSYNCED_BYTES = 2 << 20;

export class RunWriter {
  readonly #dir: string;
  readonly #info: RunInfo;
  readonly #path: string;
  readonly #fd: number;
  readonly #layout: ReturnType<typeof layoutOf>;
  readonly #filter: BlockedFilter;
  readonly #pageIndex: Uint32Array<ArrayBuffer>;
  readonly #chunk = new Uint32Array(CHUNK_ENTRIES * ENTRY_WORDS);
  #used = 0;
  #written = 0;
  #filterWordsWritten = 0;
  #filterChecksum = 0;
  #unsynced = 0;

  /** @param info its `count` entries must follow, not one more or less */
  constructor(dir: string, info: RunInfo) {
    this.#dir = dir;
    this.#info = info;
    this.#layout = layoutOf(info.count);
    this.#filter = BlockedFilter.forKeys(info.count);
    this.#pageIndex = new Uint32Array(this.#layout.pages * 2);
    this.#path = join(dir, runFileName(info));
    this.#fd = openSync(this.#unfinishedPath, 'w+');
  }

  get bytes(): number {
    return this.#filter.words.byteLength + this.#pageIndex.byteLength + this.#chunk.byteLength;
  }

  /** Entries come in order of fingerprint, then of position. */
  append(hi: number, lo: number, position: number): void {
    const at = this.#used * ENTRY_WORDS;
    this.#chunk[at] = hi;
    this.#chunk[at + 1] = lo;
    this.#chunk[at + 2] = lowWord(position);
    this.#chunk[at + 3] = highWord(position);
    this.#filter.add(hi, lo);
    if (++this.#used === CHUNK_ENTRIES) this.#writeChunk();
  }

  /** The finished run: durable when this returns, contents and name. */
  finish(): Run {
    this.#writeChunk();
    this.#writeFilter(this.#filter.words.length);
    writeFully(this.#fd, bytesOf(this.#pageIndex), this.#layout.pageIndexAt);
    const footer = {
      ...this.#info,
      pageIndexChecksum: crc32(bytesOf(this.#pageIndex)),
      filterChecksum: this.#filterChecksum,
    };
    writeFully(this.#fd, encodeFooter(footer), this.#layout.footerAt);
    fsyncSync(this.#fd);
    renameSync(this.#unfinishedPath, this.#path);
    syncDirectory(this.#dir);
    return new Run(this.#path, this.#fd, this.#info, this.#pageIndex, this.#filter);
  }

  /** Gives up, also after a failed `append` or `finish`. */
  abandon(): void {
    closeSync(this.#fd);
    rmSync(this.#unfinishedPath, { force: true });
  }

  get #unfinishedPath(): string {
    return `${this.#path.slice(0, -RUN_SUFFIX.length)}${UNFINISHED_SUFFIX}`;
  }

  #writeChunk(): void {
    if (this.#used === 0) return;
    const bytes = bytesOf(this.#chunk.subarray(0, this.#used * ENTRY_WORDS));
    const firstPage = this.#written / PAGE_ENTRIES;
    for (let at = 0, page = firstPage; at < bytes.length; at += PAGE_BYTES, page++) {
      this.#pageIndex[page] = this.#chunk[at / 4]!;
      this.#pageIndex[this.#layout.pages + page] = crc32(bytes.subarray(at, at + PAGE_BYTES));
    }
    this.#write(bytes, this.#written * ENTRY_BYTES);
    // Blocks fill in order of fingerprints: those before the last entry's are complete.
    this.#writeFilter(this.#filter.blockOf(this.#chunk[(this.#used - 1) * ENTRY_WORDS]!));
    this.#written += this.#used;
    this.#used = 0;
  }

  /** Writes the filter's words up to `end`. */
  #writeFilter(end: number): void {
    const bytes = bytesOf(this.#filter.words.subarray(this.#filterWordsWritten, end));
    this.#filterChecksum = crc32(bytes, this.#filterChecksum);
    this.#write(bytes, this.#layout.filterAt + this.#filterWordsWritten * 4);
    this.#filterWordsWritten = end;
  }

  #write(bytes: Uint8Array, at: number): void {
    writeFully(this.#fd, bytes, at);
    this.#unsynced += bytes.length;
    if (this.#unsynced < UNSYNCED_BYTES) return;
    fdatasyncSync(this.#fd);
    this.#unsynced = 0;
  }
}
