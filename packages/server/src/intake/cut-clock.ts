/** When to seal by the clock. Its decisions are journaled, so that everything after it is a function of the journal. */
import type { JournalEntry } from '../store/journal.ts';

export class CutClock {
  readonly #maxAge: (stream: string) => number;
  /** Since when, in milliseconds since 1970, each stream has had events that wait for a cut. */
  readonly #waiting = new Map<string, number>();

  /** @param maxAge how long a stream's events may wait, in milliseconds */
  constructor(maxAge: (stream: string) => number) {
    this.#maxAge = maxAge;
  }

  /** To be called with what has been journaled. */
  saw(entries: readonly JournalEntry[]): void {
    for (const entry of entries) {
      if (entry.kind === 'events') this.waits(entry.stream, entry.at);
      else this.#waiting.delete(entry.stream);
    }
  }

  waits(stream: string, since: number): void {
    if (!this.#waiting.has(stream)) this.#waiting.set(stream, since);
  }

  /** Streams to be cut now. */
  due(now: number): string[] {
    const due: string[] = [];
    for (const [stream, since] of this.#waiting) {
      // A wall clock that was set back must not make anyone wait for it to catch up.
      if (since > now) this.#waiting.set(stream, now);
      else if (now >= since + this.#maxAge(stream)) due.push(stream);
    }
    return due;
  }

  /** When the next stream is due; undefined when none waits. */
  nextAt(): number | undefined {
    let next: number | undefined;
    for (const [stream, since] of this.#waiting) {
      const at = since + this.#maxAge(stream);
      if (next === undefined || at < next) next = at;
    }
    return next;
  }
}
