/** A run: files that make up one batch, and how far it is. */

/**
 * - `planned`: its files are named; some may still be in `incoming/`
 * - `moved`: they are in `processing/`
 * - `open`: the server has opened the batch, and records go to it
 * - `replayed`: it has them all, or as many as it will get
 * - `ended`: it knows that
 * - `certified`: all it took is certified, and a rollup is made over it
 * - `done`: the files are in `archive/` or `failed/`, and the world is told, or will be
 */
export type RunState = 'planned' | 'moved' | 'open' | 'replayed' | 'ended' | 'certified' | 'done';
export type Status = 'success' | 'failed';

/** A record, by the position of its file in the run and its own in the file, both from 0. */
export interface Place {
  file: number;
  record: number;
}

/** The first record that is not acknowledged. */
export type Cursor = Place;

export interface Counts {
  /** Records that the server has, those it knew before too. */
  taken: number;
  duplicates: number;
  rejected: number;
}

export interface Run {
  id: number;
  tag: string;
  state: RunState;
  pii: boolean;
  /** Marked as a whole, and not by one of its records. */
  wholly: boolean;
  /** Of its files. */
  bytes: number;
  count: number;
  cursor: Cursor;
  counts: Counts;
  /** Records may have been sent twice, and were counted as duplicates the second time. */
  resent: boolean;
  status: Status | null;
  reason: string | null;
  versionId: string | null;
  stream: string | null;
  locked: boolean;
  /** Milliseconds since 1970. */
  createdAt: number;
}

export interface RunFile {
  position: number;
  name: string;
  size: number;
  /** Nanoseconds since 1970, in decimal. */
  mtime: string;
  error: string | null;
  hint: string | null;
}

/** Why a record is not taken: a code of this program's or of the server's. */
export interface Rejection extends Place {
  error: string;
  hint: string;
}

/** Why a file could not be read to its end. */
export interface Fault {
  file: number;
  error: string;
  hint: string;
}

export const NOTHING: Counts = { taken: 0, duplicates: 0, rejected: 0 };

export function plus(a: Counts, b: Counts): Counts {
  return { taken: a.taken + b.taken, duplicates: a.duplicates + b.duplicates, rejected: a.rejected + b.rejected };
}

/** `spool_YYYYMMDD_HHMMSS`, in UTC: a tag says the same on every machine, and no hour comes twice. */
export function defaultTag(now: Date): string {
  const [date = '', time = ''] = now.toISOString().split('T');
  return `spool_${date.replaceAll('-', '')}_${time.slice(0, 8).replaceAll(':', '')}`;
}

/** The tag itself or, where it is taken, with the first number that makes it another: `…_2`. */
export async function freeTag(tag: string, isTaken: (tag: string) => Promise<boolean>): Promise<string> {
  let free = tag;
  for (let n = 2; await isTaken(free); n++) {
    const suffix = `_${n}`;
    free = `${tag.slice(0, MAX_TAG_LENGTH - suffix.length)}${suffix}`;
  }
  return free;
}

const MAX_TAG_LENGTH = 128;
