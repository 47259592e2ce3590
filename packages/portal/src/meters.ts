/** Times are milliseconds of one monotonic clock, handed in. */

const WINDOW_SECONDS = 5;

/** Events per second over the last whole seconds. */
export class RateMeter {
  #startedAt: number;
  #seconds = new Map<number, number>();
  total = 0;

  constructor(now: number) {
    this.#startedAt = Math.floor(now / 1000);
  }

  add(count: number, now: number): void {
    const second = Math.floor(now / 1000);
    this.total += count;
    this.#seconds.set(second, (this.#seconds.get(second) ?? 0) + count);
    // At most the window and the second that runs: the map never grows past that.
    if (this.#seconds.size > WINDOW_SECONDS + 1) this.#forget(second);
  }

  perSecond(now: number): number {
    const second = Math.floor(now / 1000);
    this.#forget(second);
    const elapsed = Math.min(WINDOW_SECONDS, second - this.#startedAt);
    if (elapsed < 1) return this.total;
    let sum = 0;
    for (const [at, count] of this.#seconds) if (at < second) sum += count;
    return sum / elapsed;
  }

  #forget(second: number): void {
    for (const at of this.#seconds.keys()) if (at < second - WINDOW_SECONDS) this.#seconds.delete(at);
  }
}

const MAX_WAITING = 20_000;
const MAX_SAMPLES = 500;
const SAMPLE_AGE_MS = 10_000;

/**
 * From an event's `received` to its `certified` message, both as they come in here: one clock, so no clock skew.
 * Events that are never certified are forgotten once `MAX_WAITING` newer ones wait.
 */
export class LatencyMeter {
  #arrivals = new Map<string, number>();
  #samples: { at: number; ms: number }[] = [];

  received(eventId: string, now: number): void {
    this.#arrivals.set(eventId, now);
    if (this.#arrivals.size <= MAX_WAITING) return;
    const oldest = this.#arrivals.keys().next();
    if (!oldest.done) this.#arrivals.delete(oldest.value);
  }

  certified(eventId: string, now: number): void {
    const arrival = this.#arrivals.get(eventId);
    if (arrival === undefined) return;
    this.#arrivals.delete(eventId);
    this.#samples.push({ at: now, ms: now - arrival });
    if (this.#samples.length > MAX_SAMPLES) this.#samples.shift();
  }

  /** Median and 95th percentile (nearest rank) of the last ten seconds; undefined without a sample. */
  summary(now: number): { p50: number; p95: number } | undefined {
    this.#samples = this.#samples.filter(({ at }) => at > now - SAMPLE_AGE_MS);
    const sorted = this.#samples.map(({ ms }) => ms).sort((a, b) => a - b);
    const rank = (fraction: number) => sorted[Math.ceil(fraction * sorted.length) - 1];
    const p50 = rank(0.5);
    const p95 = rank(0.95);
    return p50 === undefined || p95 === undefined ? undefined : { p50, p95 };
  }
}
