/**
 * How far a stream has come in event time: nothing older than the mark is waited for. It follows the slowest source that
 * is not idle; where all are idle, the clock. The clock is the journal's: what an entry says of its own time.
 */
import type { OrderPolicy } from '../stream.ts';

interface Progress {
  /** Newest event time; undefined before the first event. */
  newest: number | undefined;
  /** When it last sent something, or since when it is waited for. */
  heardAt: number;
}

export interface WatermarkState {
  mark: number | null;
  now: number;
  sources: Record<string, [newest: number | null, heardAt: number]>;
}

export class Watermark {
  #order: OrderPolicy;
  readonly #sources = new Map<string, Progress>();
  #now: number;
  #mark: number | undefined;

  /** @param sources that feed the stream: each is waited for until it has been idle for long enough */
  constructor(order: OrderPolicy, sources: Iterable<string>, now: number) {
    this.#order = order;
    this.#now = now;
    this.configure(order, sources);
  }

  restore({ mark, now, sources }: WatermarkState): void {
    this.#mark = mark ?? undefined;
    this.#now = now;
    for (const [source, [newest, heardAt]] of Object.entries(sources)) {
      this.#sources.set(source, { newest: newest ?? undefined, heardAt });
    }
  }

  configure(order: OrderPolicy, sources: Iterable<string>): void {
    this.#order = order;
    const feeding = new Set(sources);
    for (const source of this.#sources.keys()) if (!feeding.has(source)) this.#sources.delete(source);
    for (const source of feeding) {
      if (!this.#sources.has(source)) this.#sources.set(source, { newest: undefined, heardAt: this.#now });
    }
  }

  /** Events before this are late; undefined as long as none can be. Never falls. */
  get mark(): number | undefined {
    return this.#mark;
  }

  get now(): number {
    return this.#now;
  }

  /** Newest event time of a source; undefined before its first event. */
  newest(source: string): number | undefined {
    return this.#sources.get(source)?.newest;
  }

  isLate(time: number): boolean {
    return this.#mark !== undefined && time < this.#mark;
  }

  /** What waits for the mark to reach this waits no longer. */
  hasReached(release: number): boolean {
    return this.#mark !== undefined && release <= this.#mark;
  }

  /** The source has sent something of this time. */
  saw(source: string, time: number, at: number): void {
    this.#now = Math.max(this.#now, at);
    const progress = this.#progress(source);
    progress.heardAt = this.#now;
    if (progress.newest === undefined || time > progress.newest) progress.newest = time;
  }

  /**
   * Moves the mark as far as sources and clock allow.
   * @param at time of a journal entry
   * @param flushed what the mark has to reach for everything to be released that has come so far
   */
  advance(at: number, flushed: number | undefined): void {
    this.#now = Math.max(this.#now, at);
    const active = [...this.#sources.values()].filter(({ heardAt }) => this.#now - heardAt < this.#order.idleMs);
    if (active.length > 0) {
      const slowest = Math.min(...active.map(({ newest }) => newest ?? Number.NEGATIVE_INFINITY));
      if (Number.isFinite(slowest)) this.push(slowest - this.#order.bufferMs);
    } else if (flushed !== undefined) {
      // Not beyond what has come: sources that go on where they stopped, hours later, are not late.
      this.push(Math.min(flushed, this.#now - this.#order.bufferMs));
    }
  }

  /** Moves the mark at least to here. */
  push(to: number): void {
    if (this.#mark === undefined || to > this.#mark) this.#mark = to;
  }

  state(): WatermarkState {
    const sources = [...this.#sources].map(([source, { newest, heardAt }]) => [source, [newest ?? null, heardAt]]);
    return { mark: this.#mark ?? null, now: this.#now, sources: Object.fromEntries(sources) };
  }

  #progress(source: string): Progress {
    let progress = this.#sources.get(source);
    if (progress === undefined) {
      progress = { newest: undefined, heardAt: this.#now };
      this.#sources.set(source, progress);
    }
    return progress;
  }
}
