/**
 * At which journal positions may this event have been journaled before?
 *
 * A map from the first 64 bits of event ids to journal positions. It follows the journal and can be rebuilt from it:
 * recent entries are in memory only, older ones in sorted runs on disk, each with a filter in memory that spares most
 * reads. A look-up may name positions of another event with the same 64 bits; the caller compares.
 *
 * It never writes what the journal may still lose: `add` works in memory, only `maintain` writes, and its caller has
 * committed by then. After a crash, entries after `through` are missing and are added again from the journal.
 */
import { mkdirSync } from 'node:fs';
import { StoreError } from '../errors.ts';
import { type Damage, removeStale, takeInventory } from './directory.ts';
import { orStoreError } from './files.ts';
import { Merge } from './merge.ts';
import type { Run } from './run.ts';
import { RunWriter } from './run-writer.ts';
import { NO_ENTRY, RecentTable } from './table.ts';

export interface FingerprintIndexOptions {
  /** Entries in memory from which `maintain` writes them to a run. */
  flushAt?: number;
  /** Runs of one level that are merged into one of the next. */
  fanout?: number;
}

export interface FingerprintIndexStats {
  /** Entries in memory only. */
  recent: number;
  /** Entries in runs. */
  stored: number;
  runs: number;
  /** Bytes held in memory: table, filters, page indices, buffers of merges. */
  memory: number;
}

/** Sorting and writing so many stalls for about 15 ms; twice as many stall twice as long and gained nothing. */
const FLUSH_AT = 100_000;
const FANOUT = 8;

/**
 * Entries a merge advances for each entry added. One would do to finish before the next runs of the level are complete.
 * Measured with 10 million entries: at 2 there are 23 runs and a new event takes 1.6 µs, at 8 there are 9 and it takes
 * 1.1 µs; the work is the same.
 */
const MERGED_PER_ADDED = 8;

const NONE: readonly number[] = Object.freeze([]);

export class FingerprintIndex {
  /** What was found unusable on opening, undefined when nothing was; then `through` is lower than it had been. */
  readonly damage: Damage | undefined;
  readonly #dir: string;
  readonly #flushAt: number;
  readonly #fanout: number;
  readonly #table: RecentTable;
  /** Oldest first, which also means highest level first. */
  readonly #runs: Run[];
  /** By the level of their inputs. */
  readonly #merges = new Map<number, Merge>();
  /** Merged into others; deleted one a call, as deleting a large file takes its time. */
  readonly #obsolete: Run[] = [];
  /** Entries added since the merges last moved. */
  #added = 0;

  private constructor(dir: string, runs: Run[], damage: Damage | undefined, options: FingerprintIndexOptions) {
    this.damage = damage;
    this.#dir = dir;
    this.#runs = runs;
    this.#flushAt = options.flushAt ?? FLUSH_AT;
    this.#fanout = options.fanout ?? FANOUT;
    this.#table = new RecentTable(2 ** Math.ceil(Math.log2(this.#flushAt + 1)));
  }

  /**
   * Opens the index in this directory, which is its own, and creates it when there is none. The caller then adds the
   * journal's entries after `through`, calling `maintain` on the way.
   *
   * @param journalHead the journal's last position; the index lets go of runs that reach further
   * @throws StoreError `read-failed`, `write-failed`
   */
  static open(dir: string, journalHead: number, options: FingerprintIndexOptions = {}): FingerprintIndex {
    return orStoreError('read-failed', 'the fingerprint index cannot be opened', () => {
      mkdirSync(dir, { recursive: true });
      const { runs, stale, damage } = takeInventory(dir, journalHead);
      removeStale(dir, stale);
      return new FingerprintIndex(dir, runs, damage, options);
    });
  }

  /** Every entry at or before this journal position is on disk in the index; 0 when none is. */
  get through(): number {
    return this.#runs.at(-1)?.through ?? 0;
  }

  /**
   * The positions added for this fingerprint, ascending.
   *
   * @param hi the first four bytes of the event id as an unsigned big-endian number, `lo` the next four
   * @throws StoreError `index-damaged` (open the index again and add what is missing), `read-failed`
   */
  lookup(hi: number, lo: number): readonly number[] {
    let hits: number[] | undefined;
    for (let entry = this.#table.find(hi, lo); entry !== NO_ENTRY; entry = this.#table.older(entry)) {
      hits ??= [];
      hits.push(this.#table.position(entry));
    }
    for (const run of this.#runs) {
      if (!run.filter.mayHave(hi, lo)) continue;
      hits ??= [];
      run.lookup(hi, lo, hits);
    }
    return hits?.sort((a, b) => a - b) ?? NONE;
  }

  /**
   * Adds an entry, which the next look-up finds.
   *
   * @param position greater than all before
   * @throws StoreError `out-of-order`
   */
  add(hi: number, lo: number, position: number): void {
    const last = this.#table.lastPosition ?? this.through;
    if (!(position > last)) throw new StoreError('out-of-order', `position ${position} added after ${last}`);
    this.#table.add(hi, lo, position);
    this.#added++;
  }

  /**
   * Forgets the entries after `position`: their commit has failed.
   *
   * @param position not below `through`
   */
  rollback(position: number): void {
    if (position < this.through) throw new StoreError('out-of-order', `position ${position} is in a run already`);
    this.#table.rollback(position);
  }

  /**
   * Does a share of the work on disk that is in proportion to what was added since the last call. To be called after
   * every commit, when all that was added is durable in the journal.
   *
   * @throws StoreError `write-failed`, `read-failed`, `index-damaged`; look-ups stay correct and the next call tries again
   */
  maintain(): void {
    orStoreError('write-failed', 'the fingerprint index cannot be written', () => {
      this.#deleteOneObsolete();
      this.#startMerges();
      this.#advanceMerges();
      if (this.#table.count >= this.#flushAt) this.#flush();
    });
  }

  /** Writes nothing: what is in memory comes back from the journal, as after a crash. */
  close(): void {
    for (const merge of this.#merges.values()) merge.abandon();
    for (const run of [...this.#runs, ...this.#obsolete]) run.close();
  }

  stats(): FingerprintIndexStats {
    const parts = [this.#table, ...this.#runs, ...this.#merges.values()];
    return {
      recent: this.#table.count,
      stored: this.#runs.reduce((sum, run) => sum + run.count, 0),
      runs: this.#runs.length,
      memory: parts.reduce((sum, part) => sum + part.bytes, 0),
    };
  }

  #flush(): void {
    const { count, lastPosition = this.through } = this.#table;
    const writer = new RunWriter(this.#dir, { after: this.through, through: lastPosition, level: 0, count });
    try {
      this.#table.forEachSorted((hi, lo, position) => writer.append(hi, lo, position));
      this.#runs.push(writer.finish());
    } catch (error) {
      writer.abandon();
      throw error;
    }
    this.#table.clear();
  }

  #startMerges(): void {
    for (const level of new Set(this.#runs.map((run) => run.level))) {
      const [first, ...rest] = this.#runs.filter((run) => run.level === level).slice(0, this.#fanout);
      if (!first || rest.length + 1 < this.#fanout || this.#merges.has(level)) continue;
      this.#merges.set(level, new Merge(this.#dir, [first, ...rest]));
    }
  }

  #advanceMerges(): void {
    const entries = this.#added * MERGED_PER_ADDED;
    this.#added = 0;
    for (const [level, merge] of this.#merges) {
      const merged = this.#advance(level, merge, entries);
      if (merged) this.#replace(level, merge, merged);
    }
  }

  #advance(level: number, merge: Merge, entries: number): Run | undefined {
    try {
      return merge.step(entries);
    } catch (error) {
      this.#merges.delete(level);
      merge.abandon();
      throw error;
    }
  }

  #replace(level: number, merge: Merge, merged: Run): void {
    this.#merges.delete(level);
    this.#runs.splice(this.#runs.indexOf(merge.inputs[0]), merge.inputs.length, merged);
    this.#obsolete.push(...merge.inputs);
  }

  #deleteOneObsolete(): void {
    const run = this.#obsolete.shift();
    run?.delete();
    run?.close();
  }
}
