/**
 * Answers of the feeds for a moment, so that many who ask the same cost as much as one. Whoever asks while an answer is
 * being made gets that one.
 */

export interface FeedCacheOptions {
  /** How long an answer is given, from when it was begun; 0 for each request its own. */
  ttlMs: number;
  /** Milliseconds, of a clock that does not go back. */
  now: () => number;
  maxEntries?: number;
  maxBytes?: number;
}

export interface Answer {
  readonly body: Buffer;
  readonly etag: string;
  /** False for what is quickly made and soon another: those who wait for it share it, nobody after them. */
  readonly keep: boolean;
}

interface Kept {
  readonly answer: Promise<Answer>;
  readonly until: number;
  /** 0 while it is being made. */
  bytes: number;
}

const MAX_ENTRIES = 512;
const MAX_BYTES = 32 * 1024 * 1024;

export class FeedCache {
  readonly #ttlMs: number;
  readonly #now: () => number;
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  /** Oldest first. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;
  #hits = 0;

  constructor({ ttlMs, now, maxEntries = MAX_ENTRIES, maxBytes = MAX_BYTES }: FeedCacheOptions) {
    this.#ttlMs = ttlMs;
    this.#now = now;
    this.#maxEntries = maxEntries;
    this.#maxBytes = maxBytes;
  }

  /** Answers that were there, or on their way, when they were asked for. */
  get hits(): number {
    return this.#hits;
  }

  /**
   * @param key all that the answer depends on
   * @param make what it throws, everybody gets who waits for it; it is not kept
   */
  get(key: string, make: () => Promise<Answer>): Promise<Answer> {
    if (this.#ttlMs === 0) return make();
    const now = this.#now();
    const there = this.#kept.get(key);
    if (there !== undefined && now < there.until) {
      this.#hits++;
      return there.answer;
    }
    if (there !== undefined) this.#drop(key, there);
    const kept: Kept = { answer: make(), until: now + this.#ttlMs, bytes: 0 };
    this.#kept.set(key, kept);
    this.#trim();
    kept.answer.then(
      ({ body, keep }) => (keep ? this.#made(key, kept, body.length) : this.#drop(key, kept)),
      () => this.#drop(key, kept),
    );
    return kept.answer;
  }

  /** Lets go of everything, and of what is being made once those who wait have it. */
  clear(): void {
    this.#kept.clear();
    this.#bytes = 0;
  }

  #made(key: string, kept: Kept, bytes: number): void {
    if (this.#kept.get(key) !== kept) return;
    kept.bytes = bytes;
    this.#bytes += bytes;
    this.#trim();
  }

  #trim(): void {
    for (const [key, kept] of this.#kept) {
      if (this.#kept.size <= this.#maxEntries && this.#bytes <= this.#maxBytes) return;
      this.#drop(key, kept);
    }
  }

  #drop(key: string, kept: Kept): void {
    if (this.#kept.get(key) !== kept) return;
    this.#kept.delete(key);
    this.#bytes -= kept.bytes;
  }
}
