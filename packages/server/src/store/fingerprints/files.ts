/** Whole reads and writes at a position, and failures of the disk as errors of this layer. */
import { closeSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { StoreError } from '../errors.ts';

/** Fills `into` from `at` on. @returns false when the file ends before */
export function readFully(fd: number, into: Uint8Array, at: number): boolean {
  for (let done = 0; done < into.length; ) {
    const read = readSync(fd, into, done, into.length - done, at + done);
    if (read === 0) return false;
    done += read;
  }
  return true;
}

export function writeFully(fd: number, bytes: Uint8Array, at: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, at + done);
}

/** Makes creations, renames and removals in a directory durable. */
export function syncDirectory(dir: string): void {
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** What `action` throws, as a StoreError of this code unless it is one already. */
export function orStoreError<T>(code: 'read-failed' | 'write-failed', what: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw cause instanceof StoreError ? cause : new StoreError(code, what, { cause });
  }
}
