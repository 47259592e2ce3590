/** Where the lengths that a stream is divided into begin and end in event time; all in milliseconds since 1970. */
import type { RollupWindow } from '../event.ts';
import type { StreamConfig } from '../stream.ts';

export class Spans {
  readonly #bucketMs: number | undefined;
  readonly #windowMs: number | undefined;
  readonly #rollupMs: number | undefined;
  readonly #waitMs: number;

  constructor({ fusion, publish, order, rollup }: StreamConfig) {
    this.#bucketMs = fusion?.bucketMs;
    this.#windowMs = publish.windowMs;
    this.#rollupMs = rollup?.windowMs;
    // Without buckets, events about the same thing are waited for as long as one may be late.
    this.#waitMs = fusion === undefined ? 0 : (order?.bufferMs ?? 0);
  }

  /** Packets are cut in event time. */
  get windowed(): boolean {
    return this.#windowMs !== undefined;
  }

  /** Start of the bucket; the time itself where there are no buckets. */
  bucket(time: number): number {
    return this.#bucketMs === undefined ? time : floor(time, this.#bucketMs);
  }

  /** What the watermark has to reach for an event of this time to go on into the log. Grows with the time. */
  release(time: number): number {
    return this.#bucketMs === undefined ? time + this.#waitMs + 1 : this.bucket(time) + this.#bucketMs;
  }

  /** The earliest time of a record that may still come once the watermark is here. */
  pending(mark: number): number {
    return this.#bucketMs === undefined ? mark - this.#waitMs : this.bucket(mark);
  }

  /** Start of the window; undefined where packets are not cut in event time. */
  window(time: number): number | undefined {
    return this.#windowMs === undefined ? undefined : floor(time, this.#windowMs);
  }

  /** The first one that goes on where windows of another length ended is shorter. */
  windowEnd(start: number): number {
    return this.#windowMs === undefined ? start : floor(start, this.#windowMs) + this.#windowMs;
  }

  /** The rollup that a window of this start belongs to; undefined where packets are not rolled up. */
  rollup(windowStart: number): RollupWindow | undefined {
    if (this.#rollupMs === undefined) return undefined;
    const start = floor(windowStart, this.#rollupMs);
    return { start, end: start + this.#rollupMs };
  }

  /** What the watermark has to reach for nothing more to come into the window that ends here. */
  complete(windowEnd: number): number {
    return this.release(windowEnd - 1);
  }

  /** What the watermark has to reach for an event of this time to be in a sealed packet. */
  flush(time: number): number {
    const window = this.window(time);
    return window === undefined ? this.release(time) : this.complete(this.windowEnd(window));
  }
}

/** How a configuration divides a stream in event time: what is held under one cannot go on under another. */
export function divisionOf({ fusion, publish, rollup }: StreamConfig): string {
  return JSON.stringify([fusion !== undefined, fusion?.bucketMs, fusion?.key, publish.windowMs, rollup?.windowMs]);
}

function floor(time: number, length: number): number {
  return Math.floor(time / length) * length;
}
