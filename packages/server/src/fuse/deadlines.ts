/** Buckets that may wait for the slower sources only so long by the clock. */
import type { StreamConfig } from '../stream.ts';
import { Heap } from './heap.ts';

export type DeadlinesState = [release: number, arrivedAt: number][];

export class Deadlines {
  readonly #deadlineMs: number;
  readonly #queue = new Heap<{ at: number; release: number }>((a, b) => a.at < b.at);
  /** Releases in the queue, with the arrival that counts: that of a bucket's first event. */
  readonly #arrivals = new Map<number, number>();

  constructor(deadlineMs: number, state: DeadlinesState = []) {
    this.#deadlineMs = deadlineMs;
    for (const [release, arrivedAt] of state) this.add(release, arrivedAt);
  }

  /**
   * An event has come that goes on at this mark. The deadline counts from then, or from the bucket's end by the clock if
   * that is later: a bucket is not over before its time.
   */
  add(release: number, arrivedAt: number): void {
    if (this.#arrivals.has(release)) return;
    this.#arrivals.set(release, arrivedAt);
    this.#queue.push({ at: Math.max(arrivedAt, release) + this.#deadlineMs, release });
  }

  /** The highest mark that the clock asks for by now. */
  expired(now: number): number | undefined {
    let mark: number | undefined;
    for (let { top } = this.#queue; top !== undefined && top.at <= now; { top } = this.#queue) {
      this.#queue.pop();
      this.#arrivals.delete(top.release);
      if (mark === undefined || top.release > mark) mark = top.release;
    }
    return mark;
  }

  state(): DeadlinesState {
    return [...this.#arrivals];
  }
}

export function deadlinesOf({ fusion }: StreamConfig, state: DeadlinesState): Deadlines | undefined {
  return fusion?.deadlineMs === undefined ? undefined : new Deadlines(fusion.deadlineMs, state);
}
