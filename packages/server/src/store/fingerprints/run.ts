/** A finished run on disk, opened for look-ups. Never written again, only deleted as a whole. */
import { closeSync, fstatSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { StoreError } from '../errors.ts';
import { orStoreError, readFully } from './files.ts';
import { BlockedFilter, filterBytes } from './filter.ts';
import {
  bytesOf,
  decodeFooter,
  ENTRY_BYTES,
  ENTRY_WORDS,
  FOOTER_BYTES,
  type Footer,
  joinWords,
  layoutOf,
  PAGE_BYTES,
  PAGE_ENTRIES,
  parseRunFileName,
  type RunInfo,
} from './format.ts';

/** Room for one page of entries. */
export class Page {
  readonly words = new Uint32Array(PAGE_BYTES / 4);
  readonly bytes = bytesOf(this.words);
  /** Entries in it. */
  count = 0;

  hi(entry: number): number {
    return this.words[entry * ENTRY_WORDS]!;
  }

  lo(entry: number): number {
    return this.words[entry * ENTRY_WORDS + 1]!;
  }

  position(entry: number): number {
    return joinWords(this.words[entry * ENTRY_WORDS + 2]!, this.words[entry * ENTRY_WORDS + 3]!);
  }

  /** The first entry whose fingerprint is not below this one; `count` when there is none. */
  lowerBound(hi: number, lo: number): number {
    let from = 0;
    let to = this.count;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const found = this.hi(middle);
      if (found < hi || (found === hi && this.lo(middle) < lo)) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

export class Run implements RunInfo {
  readonly after: number;
  readonly through: number;
  readonly level: number;
  readonly count: number;
  readonly pages: number;
  readonly filter: BlockedFilter;
  readonly #path: string;
  readonly #fd: number;
  /** First fingerprint (high half) of each page, then the checksum of each page. */
  readonly #pageIndex: Uint32Array;
  readonly #page = new Page();

  /** Takes over the file descriptor. `Run.open` reads and checks a file; its writer knows the parts already. */
  constructor(path: string, fd: number, info: RunInfo, pageIndex: Uint32Array, filter: BlockedFilter) {
    this.after = info.after;
    this.through = info.through;
    this.level = info.level;
    this.count = info.count;
    this.pages = pageIndex.length / 2;
    this.filter = filter;
    this.#path = path;
    this.#fd = fd;
    this.#pageIndex = pageIndex;
  }

  /**
   * Reads everything but the entries, whose checksums are compared whenever a page of them is read.
   * @throws StoreError `index-damaged` when the file is not whole
   */
  static open(dir: string, name: string): Run {
    const path = join(dir, name);
    return orStoreError('read-failed', `${name} cannot be opened`, () => {
      const fd = openSync(path, 'r');
      try {
        return readRun(path, name, fd);
      } catch (error) {
        closeSync(fd);
        throw error;
      }
    });
  }

  /** Bytes held in memory. */
  get bytes(): number {
    return this.filter.words.byteLength + this.#pageIndex.byteLength + PAGE_BYTES;
  }

  /** Appends the positions of this fingerprint to `hits`: one read, more only where equal fingerprints fill pages. */
  lookup(hi: number, lo: number, hits: number[]): void {
    const page = this.#page;
    for (let number = this.#firstPageOf(hi); number < this.pages; number++) {
      this.readPage(number, page);
      let entry = page.lowerBound(hi, lo);
      for (; entry < page.count && page.hi(entry) === hi && page.lo(entry) === lo; entry++) {
        hits.push(page.position(entry));
      }
      if (entry < page.count) return;
      if (number + 1 < this.pages && this.#pageIndex[number + 1]! > hi) return;
    }
  }

  /**
   * @throws StoreError `index-damaged` when its bytes are not those written. The run is deleted then, so that opening
   * the index again, which would not read this page, makes up for it.
   */
  readPage(number: number, into: Page): void {
    if (this.loadPage(number, into)) return;
    this.delete();
    throw new StoreError('index-damaged', `${this.#path}: page ${number} is damaged; the run has been deleted`);
  }

  /** @returns whether the page holds what was written */
  loadPage(number: number, into: Page): boolean {
    into.count = Math.min(PAGE_ENTRIES, this.count - number * PAGE_ENTRIES);
    const bytes = into.bytes.subarray(0, into.count * ENTRY_BYTES);
    const whole = orStoreError('read-failed', `${this.#path} cannot be read`, () =>
      readFully(this.#fd, bytes, number * PAGE_BYTES),
    );
    return whole && crc32(bytes) === this.#pageIndex[this.pages + number];
  }

  close(): void {
    closeSync(this.#fd);
  }

  delete(): void {
    rmSync(this.#path, { force: true });
  }

  /** The page before the first one that starts at or above `hi`: equal high halves may begin there. */
  #firstPageOf(hi: number): number {
    let from = 0;
    let to = this.pages;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.#pageIndex[middle]! < hi) from = middle + 1;
      else to = middle;
    }
    return Math.max(0, from - 1);
  }
}

function readRun(path: string, name: string, fd: number): Run {
  const damaged = (what: string) => new StoreError('index-damaged', `${name}: ${what}`);
  const read = (words: number, at: number) => {
    const into = new Uint32Array(words);
    if (at < 0 || !readFully(fd, bytesOf(into), at)) throw damaged('truncated');
    return into;
  };
  const { size } = fstatSync(fd);
  const footer = decodeFooter(read(FOOTER_BYTES / 4, size - FOOTER_BYTES));
  if (!footer || !belongsTo(footer, name)) throw damaged('footer damaged');
  const layout = layoutOf(footer.count);
  if (layout.size !== size) throw damaged('size differs');
  const pageIndex = read(layout.pages * 2, layout.pageIndexAt);
  if (crc32(bytesOf(pageIndex)) !== footer.pageIndexChecksum) throw damaged('page index damaged');
  const filter = read(filterBytes(footer.count) / 4, layout.filterAt);
  if (crc32(bytesOf(filter)) !== footer.filterChecksum) throw damaged('filter damaged');
  return new Run(path, fd, footer, pageIndex, new BlockedFilter(filter));
}

function belongsTo(footer: Footer, name: string): boolean {
  const span = parseRunFileName(name);
  return span?.after === footer.after && span.through === footer.through;
}
