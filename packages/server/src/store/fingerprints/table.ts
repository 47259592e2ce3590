/** The most recent entries, in memory: an open-addressing hash table over entries kept in the order of arrival. */
import { sortedOrder } from './sort.ts';

/** What `find` and `older` answer when there is no entry (any more). */
export const NO_ENTRY = -1;

/**
 * Entries of equal fingerprint form a chain from newest to oldest behind one slot, so that thousands of revisions of
 * one event do not slow down the look-up of the others.
 */
export class RecentTable {
  #count = 0;
  #hi: Uint32Array;
  #lo: Uint32Array;
  #positions: Float64Array;
  #older: Int32Array;
  /** The newest entry of each chain, placed by fingerprint; at most half of the slots are taken. */
  #slots: Int32Array;

  /** @param capacity entries it holds before it has to grow; a power of two */
  constructor(capacity: number) {
    this.#hi = new Uint32Array(capacity);
    this.#lo = new Uint32Array(capacity);
    this.#positions = new Float64Array(capacity);
    this.#older = new Int32Array(capacity);
    this.#slots = new Int32Array(2 * capacity).fill(NO_ENTRY);
  }

  get count(): number {
    return this.#count;
  }

  /** Bytes held in memory. */
  get bytes(): number {
    return this.#hi.length * 20 + this.#slots.byteLength;
  }

  /** The newest entry with this fingerprint, or NO_ENTRY. */
  find(hi: number, lo: number): number {
    return this.#slots[this.#slotOf(hi, lo)]!;
  }

  /** The next older entry with the same fingerprint, or NO_ENTRY. */
  older(entry: number): number {
    return this.#older[entry]!;
  }

  position(entry: number): number {
    return this.#positions[entry]!;
  }

  /** The position added last; undefined when empty. */
  get lastPosition(): number | undefined {
    return this.#count === 0 ? undefined : this.#positions[this.#count - 1];
  }

  /** @param position greater than all before */
  add(hi: number, lo: number, position: number): void {
    if (this.#count === this.#hi.length) this.#grow();
    const entry = this.#count++;
    this.#hi[entry] = hi;
    this.#lo[entry] = lo;
    this.#positions[entry] = position;
    this.#link(entry);
  }

  /**
   * Forgets all entries after `position`. Taken back in reverse order, each is the newest of its chain, and nothing was
   * ever placed behind a slot that falls free.
   */
  rollback(position: number): void {
    while (this.#count > 0 && this.#positions[this.#count - 1]! > position) {
      const entry = --this.#count;
      this.#slots[this.#slotOf(this.#hi[entry]!, this.#lo[entry]!)] = this.#older[entry]!;
    }
  }

  clear(): void {
    this.#count = 0;
    this.#slots.fill(NO_ENTRY);
  }

  /** Visits all entries ordered by fingerprint, those of one fingerprint by position. */
  forEachSorted(visit: (hi: number, lo: number, position: number) => void): void {
    for (const entry of sortedOrder(this.#hi, this.#lo, this.#count)) {
      visit(this.#hi[entry]!, this.#lo[entry]!, this.#positions[entry]!);
    }
  }

  /** The slot of this fingerprint's chain, or the free slot where it would go. */
  #slotOf(hi: number, lo: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = lo & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot]!;
      if (entry === NO_ENTRY || (this.#lo[entry] === lo && this.#hi[entry] === hi)) return slot;
    }
  }

  #link(entry: number): void {
    const slot = this.#slotOf(this.#hi[entry]!, this.#lo[entry]!);
    this.#older[entry] = this.#slots[slot]!;
    this.#slots[slot] = entry;
  }

  #relink(): void {
    this.#slots.fill(NO_ENTRY);
    for (let entry = 0; entry < this.#count; entry++) this.#link(entry);
  }

  #grow(): void {
    const { length } = this.#hi;
    const hi = new Uint32Array(2 * length);
    const lo = new Uint32Array(2 * length);
    const positions = new Float64Array(2 * length);
    hi.set(this.#hi);
    lo.set(this.#lo);
    positions.set(this.#positions);
    this.#hi = hi;
    this.#lo = lo;
    this.#positions = positions;
    this.#older = new Int32Array(2 * length);
    this.#slots = new Int32Array(4 * length);
    this.#relink();
  }
}
