/**
 * A run file: entries sorted by fingerprint, then by position, and what it takes to find one with a single read.
 *
 *     entries    count × 16 bytes: fingerprint high, low, position low, high
 *     page index for each page of 256 entries the high half of its first fingerprint, then for each its CRC-32
 *     filter     a BlockedFilter over all fingerprints
 *     footer     64 bytes: what is in the file, and the checksums of page index, filter and footer
 *
 * All are 32-bit words in the byte order of the machine; on another the magic number does not match and the index is
 * rebuilt. The name says which journal positions the run covers: `<after>-<through>.run`.
 */
import { crc32 } from 'node:zlib';
import { filterBytes } from './filter.ts';

export const ENTRY_WORDS = 4;
export const ENTRY_BYTES = 16;
export const PAGE_ENTRIES = 256;
export const PAGE_BYTES = PAGE_ENTRIES * ENTRY_BYTES;
export const FOOTER_BYTES = 64;

const MAGIC = 0x544d4650;
const VERSION = 1;
const CHECKSUM_WORD = FOOTER_BYTES / 4 - 1;

/** The journal positions that a run covers. */
export interface Span {
  /** Exclusive. */
  after: number;
  /** Inclusive. */
  through: number;
}

export interface RunInfo extends Span {
  /** How many merges made it: 0 for a flushed table. */
  level: number;
  /** Entries, at least one. */
  count: number;
}

export interface Footer extends RunInfo {
  pageIndexChecksum: number;
  filterChecksum: number;
}

/** Where the parts of a run of `count` entries lie, in bytes from the start of the file. */
export function layoutOf(count: number) {
  const pages = Math.ceil(count / PAGE_ENTRIES);
  const pageIndexAt = count * ENTRY_BYTES;
  const filterAt = pageIndexAt + pages * 8;
  const footerAt = filterAt + filterBytes(count);
  return { pages, pageIndexAt, filterAt, footerAt, size: footerAt + FOOTER_BYTES };
}

export function encodeFooter(footer: Footer): Uint8Array {
  const words = new Uint32Array(FOOTER_BYTES / 4);
  words.set([
    MAGIC,
    VERSION,
    footer.level,
    footer.count,
    lowWord(footer.after),
    highWord(footer.after),
    lowWord(footer.through),
    highWord(footer.through),
    footer.pageIndexChecksum,
    footer.filterChecksum,
  ]);
  words[CHECKSUM_WORD] = crc32(bytesOf(words.subarray(0, CHECKSUM_WORD)));
  return bytesOf(words);
}

/** Undefined when the bytes are not an intact footer of this format. */
export function decodeFooter(words: Uint32Array<ArrayBuffer>): Footer | undefined {
  if (words[0] !== MAGIC || words[1] !== VERSION) return undefined;
  if (words[CHECKSUM_WORD] !== crc32(bytesOf(words.subarray(0, CHECKSUM_WORD)))) return undefined;
  return {
    level: words[2]!,
    count: words[3]!,
    after: joinWords(words[4]!, words[5]!),
    through: joinWords(words[6]!, words[7]!),
    pageIndexChecksum: words[8]!,
    filterChecksum: words[9]!,
  };
}

export const RUN_SUFFIX = '.run';
/** A file that is still being written; of no worth after a crash. */
export const UNFINISHED_SUFFIX = '.run.tmp';

export function runFileName({ after, through }: Span): string {
  return `${after}-${through}${RUN_SUFFIX}`;
}

export function parseRunFileName(name: string): Span | undefined {
  const match = /^(\d{1,16})-(\d{1,16})\.run$/.exec(name);
  return match ? { after: Number(match[1]), through: Number(match[2]) } : undefined;
}

export function lowWord(value: number): number {
  return value >>> 0;
}

export function highWord(value: number): number {
  return Math.floor(value / 2 ** 32);
}

export function joinWords(low: number, high: number): number {
  return high * 2 ** 32 + low;
}

export function bytesOf(words: Uint32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
