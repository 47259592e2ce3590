/** Those who wait for something to come about, and look again whenever anything has. */
import { BatchError } from './errors.ts';

export const MAX_WAITING = 1000;

export class Waiting {
  readonly #wakers = new Set<() => void>();
  readonly #later: (wake: () => void, ms: number) => { cancel(): void };

  /** @param later has `wake` called once, so many milliseconds later */
  constructor(later: (wake: () => void, ms: number) => { cancel(): void }) {
    this.#later = later;
  }

  /** Something has come about. */
  changed(): void {
    for (const wake of this.#wakers) wake();
  }

  /**
   * Settles when `done` says so of what `look` sees, or when the time is up, or whoever waits is gone: with what `look`
   * saw last.
   * @throws BatchError `too-many-waiting`
   */
  async until<T>(look: () => T, done: (seen: T) => boolean, ms: number, gone?: AbortSignal): Promise<T> {
    let seen = look();
    if (done(seen) || ms === 0) return seen;
    if (this.#wakers.size >= MAX_WAITING) {
      throw new BatchError('too-many-waiting', `${MAX_WAITING} are waiting already; ask without waitMs, or later`);
    }
    let timeIsUp = false;
    let woken = Promise.withResolvers<void>();
    const wake = () => woken.resolve();
    const stop = () => {
      timeIsUp = true;
      wake();
    };
    this.#wakers.add(wake);
    const timer = this.#later(stop, ms);
    gone?.addEventListener('abort', stop);
    try {
      while (!timeIsUp && !done(seen)) {
        await woken.promise;
        woken = Promise.withResolvers<void>();
        seen = look();
      }
      return seen;
    } finally {
      this.#wakers.delete(wake);
      timer.cancel();
      gone?.removeEventListener('abort', stop);
    }
  }
}
