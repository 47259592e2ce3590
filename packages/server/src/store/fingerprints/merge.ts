/** Merges adjacent runs into one of the next level, a few entries at a time. */
import { Page, type Run } from './run.ts';
import { RunWriter } from './run-writer.ts';

/** A run being read in order. */
class Cursor {
  readonly #run: Run;
  readonly #page = new Page();
  #nextPage = 0;
  #entry = -1;

  constructor(run: Run) {
    this.#run = run;
    this.advance();
  }

  get hi(): number {
    return this.#page.hi(this.#entry);
  }

  get lo(): number {
    return this.#page.lo(this.#entry);
  }

  get position(): number {
    return this.#page.position(this.#entry);
  }

  /** The first 53 bits of the fingerprint. */
  get head(): number {
    return this.hi * 2 ** 21 + (this.lo >>> 11);
  }

  /** @returns false at the end of the run */
  advance(): boolean {
    if (++this.#entry < this.#page.count) return true;
    if (this.#nextPage === this.#run.pages) return false;
    this.#run.readPage(this.#nextPage++, this.#page);
    this.#entry = 0;
    return true;
  }
}

export class Merge {
  readonly inputs: readonly [Run, ...Run[]];
  readonly #cursors: Cursor[];
  /** The first 53 bits of each cursor's fingerprint: almost always enough to compare, and close together in memory. */
  readonly #heads: Float64Array;
  readonly #writer: RunWriter;

  /** @param inputs adjacent runs of one level, oldest first */
  constructor(dir: string, inputs: readonly [Run, ...Run[]]) {
    const newest = inputs.at(-1) ?? inputs[0];
    this.inputs = inputs;
    this.#cursors = inputs.map((run) => new Cursor(run));
    this.#heads = Float64Array.from(this.#cursors, (cursor) => cursor.head);
    this.#writer = new RunWriter(dir, {
      after: inputs[0].after,
      through: newest.through,
      level: newest.level + 1,
      count: inputs.reduce((sum, run) => sum + run.count, 0),
    });
  }

  get bytes(): number {
    return this.#writer.bytes;
  }

  /**
   * Merges up to `entries` more.
   * @returns the merged run, durable, once all entries are in it
   */
  step(entries: number): Run | undefined {
    for (let done = 0; done < entries; done++) {
      if (this.#cursors.length === 0) return this.#writer.finish();
      const index = this.#smallest();
      const cursor = this.#cursors[index]!;
      this.#writer.append(cursor.hi, cursor.lo, cursor.position);
      this.#advance(index);
    }
    return undefined;
  }

  abandon(): void {
    this.#writer.abandon();
  }

  /** Of equal fingerprints that of the oldest run, so that positions ascend. */
  #smallest(): number {
    const heads = this.#heads;
    let best = 0;
    for (let index = 1; index < this.#cursors.length; index++) {
      const head = heads[index]!;
      if (head > heads[best]!) continue;
      if (head < heads[best]! || this.#cursors[index]!.lo < this.#cursors[best]!.lo) best = index;
    }
    return best;
  }

  #advance(index: number): void {
    const cursor = this.#cursors[index]!;
    if (cursor.advance()) {
      this.#heads[index] = cursor.head;
    } else {
      this.#cursors.splice(index, 1);
      this.#heads.copyWithin(index, index + 1);
    }
  }
}
