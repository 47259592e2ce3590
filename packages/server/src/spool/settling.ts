/** Which files are finished: those that look the same twice, with some time in between. */
import type { SeenFile } from './folders.ts';

interface Known extends SeenFile {
  /** Of the first look at which it was as it is. */
  since: number;
}

export class Settling {
  readonly #settleMs: number;
  #known = new Map<string, Known>();

  constructor(settleMs: number) {
    this.#settleMs = settleMs;
  }

  /**
   * @param now milliseconds on a clock that is never set
   * @returns the files that are finished, and how many are not yet known to be
   */
  look(files: readonly SeenFile[], now: number): { settled: SeenFile[]; unsettled: number } {
    const known = new Map<string, Known>();
    const settled: SeenFile[] = [];
    for (const file of files) {
      const before = this.#known.get(file.name);
      const same = before !== undefined && isSame(before, file);
      known.set(file.name, { ...file, since: same ? before.since : now });
      if (same && now - before.since >= this.#settleMs) settled.push(file);
    }
    this.#known = known;
    return { settled, unsettled: files.length - settled.length };
  }
}

function isSame(a: SeenFile, b: SeenFile): boolean {
  return a.size === b.size && a.mtime === b.mtime && a.ino === b.ino;
}
