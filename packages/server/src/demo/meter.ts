/** Counts what came in over the last whole seconds. Memory: one number a second of the window. */
export class RateMeter {
  #windowSeconds: number;
  #buckets = new Map<number, number>();
  #startedAt: number;
  total = 0;

  /** `now` in milliseconds, here and below; `windowSeconds` how far back the rate looks. */
  constructor(now: number, windowSeconds = 5) {
    this.#startedAt = now;
    this.#windowSeconds = windowSeconds;
  }

  add(count: number, now: number): void {
    this.total += count;
    const second = Math.floor(now / 1000);
    this.#buckets.set(second, (this.#buckets.get(second) ?? 0) + count);
    this.#forget(second);
  }

  /** Per second, over the seconds of the window that are over; the current one only while there is no other. */
  perSecond(now: number): number {
    const second = Math.floor(now / 1000);
    this.#forget(second);
    const seconds = Math.min(this.#windowSeconds, second - Math.floor(this.#startedAt / 1000));
    if (seconds < 1) return this.total;
    let sum = 0;
    for (const [bucket, count] of this.#buckets) if (bucket < second) sum += count;
    return sum / seconds;
  }

  #forget(second: number): void {
    for (const bucket of this.#buckets.keys()) if (bucket < second - this.#windowSeconds) this.#buckets.delete(bucket);
  }
}

/** The latencies of the last seconds, bounded in number: past `capacity` the oldest goes. */
export class LatencyMeter {
  #samples: { at: number; ms: number }[] = [];
  #windowMs: number;
  #capacity: number;

  constructor(windowMs = 10_000, capacity = 1_000) {
    this.#windowMs = windowMs;
    this.#capacity = capacity;
  }

  add(ms: number, now: number): void {
    this.#samples.push({ at: now, ms });
    if (this.#samples.length > this.#capacity) this.#samples.shift();
  }

  /** Nearest-rank quantiles in milliseconds, in the order asked for; undefined where the window holds nothing. */
  quantiles(fractions: readonly number[], now: number): number[] | undefined {
    this.#samples = this.#samples.filter(({ at }) => at > now - this.#windowMs);
    if (this.#samples.length === 0) return undefined;
    const sorted = this.#samples.map(({ ms }) => ms).sort((a, b) => a - b);
    return fractions.map((fraction) => sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)] ?? 0);
  }
}
