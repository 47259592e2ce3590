/**
 * Joins what Redis says with what the journal has. Whenever Redis begins to be heard, the journal is read to its end
 * first, while what is heard is held; from then on it is taken as it comes. Without Redis, the journal is followed.
 */
import { backoffMs, pause } from '../retry.ts';
import { TrackerError, wordsOf } from './errors.ts';
import { type Journal, MAX_WAIT_MS } from './journal.ts';
import type { TrackerStore } from './store.ts';

interface Message {
  channel: string;
  message: string;
}

export interface FollowerParts {
  journal: Journal | undefined;
  store: Pick<TrackerStore, 'cursor'>;
  /** Stores messages, and the cursor behind them. */
  take: (messages: readonly Message[], cursor?: number) => void;
  report: (error: TrackerError) => void;
  sweepMs: number;
}

/** What is heard while the journal is read; what is more is not held, and may come before what it follows. */
const MAX_HELD = 10_000;
/** A journal that does not wait is not asked more often. */
const POLL_MS = 1_000;

export class Follower {
  readonly #parts: FollowerParts;
  readonly #stopping = new AbortController();
  readonly #caughtUp = Promise.withResolvers<void>();
  /** Ends a wait, be it for the journal or for the next look into it. */
  #waiting = new AbortController();
  #listening = false;
  #held: Message[] | undefined;
  #ended: Promise<void> | undefined;

  constructor(parts: FollowerParts) {
    this.#parts = parts;
  }

  /**
   * Resolves when the journal has been read to its end for the first time, or Redis is heard where there is none, or the
   * follower ends.
   */
  begin(): Promise<void> {
    const { journal } = this.#parts;
    if (journal !== undefined) this.#ended = this.#follow(journal);
    return this.#caughtUp.promise;
  }

  async end(): Promise<void> {
    this.#stopping.abort();
    this.#waiting.abort();
    this.#caughtUp.resolve();
    await this.#ended;
    this.#release();
  }

  /** Redis is heard from now on. */
  listening(): void {
    this.#listening = true;
    if (this.#parts.journal === undefined) {
      this.#caughtUp.resolve();
      return;
    }
    this.#held ??= [];
    this.#waiting.abort();
  }

  /** Redis is heard no more. */
  lost(): void {
    if (!this.#listening) return;
    this.#listening = false;
    this.#release();
    this.#waiting.abort();
  }

  heard(message: Message): void {
    if (this.#held === undefined) this.#takeLive([message]);
    else if (this.#held.push(message) >= MAX_HELD) this.#release();
  }

  async #follow(journal: Journal): Promise<void> {
    let failures = 0;
    let once = false;
    while (!this.#stopping.signal.aborted) {
      const waitMs = once && !this.#listening ? MAX_WAIT_MS : 0;
      this.#waiting = new AbortController();
      const { signal } = this.#waiting;
      const began = performance.now();
      try {
        await this.#readToEnd(journal, signal, waitMs);
        failures = 0;
        // Whoever woke it wants the journal to be read once more.
        if (signal.aborted) continue;
        this.#release();
        once = true;
        this.#caughtUp.resolve();
        await this.#rest(waitMs === 0 ? POLL_MS : performance.now() - began);
      } catch (cause) {
        if (signal.aborted) continue;
        this.#parts.report(troubleOf(cause));
        // What is heard is not held back for a journal that is away.
        this.#release();
        await this.#sleep(backoffMs(failures++, Math.random()));
      }
    }
  }

  /** Returns when there is nothing more. */
  async #readToEnd(journal: Journal, signal: AbortSignal, waitMs: number): Promise<void> {
    const { store, take } = this.#parts;
    for (;;) {
      const after = store.cursor();
      const { items, next } = await journal(after, signal, waitMs);
      if (next === after && items.length === 0) return;
      if (next <= after) throw new TrackerError('journal-failed', `journal: it goes from ${after} on to ${next}`);
      try {
        take(items, next);
      } catch (cause) {
        throw new TrackerError('store-failed', `not taken in: ${wordsOf(cause)}`, { cause });
      }
    }
  }

  /** @param askedMs how long the journal has waited for more */
  async #rest(askedMs: number): Promise<void> {
    if (this.#listening) await this.#sleep(this.#parts.sweepMs);
    else if (askedMs < POLL_MS) await this.#sleep(POLL_MS);
  }

  async #sleep(ms: number): Promise<void> {
    await pause(ms, this.#waiting.signal).catch(() => undefined);
  }

  /** Takes what was held. */
  #release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#takeLive(held);
  }

  #takeLive(messages: readonly Message[]): void {
    try {
      this.#parts.take(messages);
    } catch (cause) {
      this.#parts.report(new TrackerError('store-failed', `not taken in: ${wordsOf(cause)}`, { cause }));
      // The journal may have it.
      this.#waiting.abort();
    }
  }
}

function troubleOf(cause: unknown): TrackerError {
  if (cause instanceof TrackerError) return cause;
  return new TrackerError('journal-failed', `journal: ${wordsOf(cause)}`, { cause });
}
