/** Wakes the spool on changes in a folder; where the system tells of none, after a time. */
import { type FSWatcher, watch } from 'node:fs';
import type { SpoolLog } from './log.ts';

/** Several changes that belong together are one. */
const DEBOUNCE_MS = 100;

export class Watching {
  readonly #signal: AbortSignal;
  readonly #watcher: FSWatcher | undefined;
  #changed = false;
  #wake: () => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(dir: string, signal: AbortSignal, log: SpoolLog) {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    const without = (cause: unknown) => {
      const why = cause instanceof Error ? cause.message : String(cause);
      log.warn({ dir }, `changes are not told of (${why}); the folder is looked at now and then`);
    };
    try {
      this.#watcher = watch(dir, { persistent: false }, () => this.#note());
      this.#watcher.on('error', (cause) => {
        this.#watcher?.close();
        without(cause);
      });
    } catch (cause) {
      without(cause);
    }
  }

  /** Settles on a change since the last time, when the signal ends all, and after `ms` at the latest. */
  async news(ms: number): Promise<void> {
    if (!this.#changed && !this.#signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      const timer = setTimeout(resolve, ms);
      await promise;
      clearTimeout(timer);
    }
    this.#changed = false;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#watcher?.close();
  }

  #note(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#changed = true;
      this.#wake();
    }, DEBOUNCE_MS);
  }
}
