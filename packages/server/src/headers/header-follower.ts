/** Keeps the header store up with all sources, each at its own pace: none waits for another. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Following, SourceFollower, type SourceState } from './source-follower.ts';
import type { HeaderSource } from './sources/source.ts';

export interface FollowerOptions extends Following {
  sources: readonly HeaderSource[];
  /** Time between two looks at a source that is of use. */
  intervalMs: number;
  /** From 0 to 1: keeps many followers of one source from asking at the same moment. */
  random: () => number;
  /** Settles early, either way, when the signal aborts. */
  wait?: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

/** The longest time between two looks at a source in trouble, unless the interval is longer. */
const MAX_BACKOFF_MS = 600_000;

export class HeaderFollower {
  readonly #options: FollowerOptions;
  readonly #followers: readonly SourceFollower[];
  readonly #stopping = new AbortController();
  #running: Promise<void>[] = [];

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#followers = options.sources.map((source) => new SourceFollower(source, options));
  }

  start(): void {
    this.#running = this.#followers.map((follower) => this.#run(follower));
  }

  states(): SourceState[] {
    return this.#followers.map(({ state }) => state);
  }

  /** Breaks off what is under way; when this settles, the store is not used any more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running);
  }

  async #run(follower: SourceFollower): Promise<void> {
    const { intervalMs, random, wait = pause } = this.#options;
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted; ) {
      failures = (await follower.poll(signal)) ? 0 : failures + 1;
      if (!signal.aborted) await wait(delayMs(intervalMs, failures, random()), signal);
    }
  }
}

/** Between half of and all of the interval, which doubles with every failure in a row. */
export function delayMs(intervalMs: number, failures: number, random: number): number {
  const longest = Math.max(intervalMs, MAX_BACKOFF_MS);
  return Math.min(longest, intervalMs * 2 ** failures) * (0.5 + random / 2);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
