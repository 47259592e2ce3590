/** When the clock has something to say to a stream. Its word is journaled, so that all that follows hangs on the journal. */
import type { JournalEntry } from '../store/journal.ts';

/** What a stream wants of the clock, in milliseconds after events have arrived. */
export interface Timing {
  /** Events wait so long for their packet to be sealed; undefined where packets are not cut by the clock. */
  cutMs: number | undefined;
  /**
   * Where events are held: when something is likely to be due that no other event brings about, ascending. After the
   * last of these, nothing is held any more.
   */
  wakeMs: readonly number[];
}

/** A stream that is no longer declared: what waits is cut at once. */
const AT_ONCE: Timing = { cutMs: 0, wakeMs: [] };
/** Between two likely moments, the clock looks in this often at first, and less and less often in quiet times. */
const FIRST_STEP_MS = 250;
const STEP_PART = 1 / 8;

/** A stream that may hold events. */
interface Holding {
  /** When the last of them arrived. */
  since: number;
  /** When the clock last looked in. */
  seen: number;
}

export class CutClock {
  readonly #timings: ReadonlyMap<string, Timing>;
  /** Since when, in milliseconds since 1970, each stream has had events that wait for a cut. */
  readonly #waiting = new Map<string, number>();
  readonly #holding = new Map<string, Holding>();

  constructor(timings: ReadonlyMap<string, Timing>) {
    this.#timings = timings;
  }

  /** To be called with what has been journaled. */
  saw(entries: readonly JournalEntry[]): void {
    for (const { kind, stream, at } of entries) {
      if (kind === 'events' || kind === 'resolution' || kind === 'erasure') this.waits(stream, at);
      else this.#cut(stream, at);
    }
  }

  /** Events that came at this time wait, for a packet or for other events. */
  waits(stream: string, since: number): void {
    const { cutMs, wakeMs } = this.#timing(stream);
    if (cutMs !== undefined && !this.#waiting.has(stream)) this.#waiting.set(stream, since);
    if (wakeMs.length > 0) this.#holding.set(stream, { since, seen: since });
  }

  /** Streams to be cut now. */
  due(now: number): string[] {
    const due = new Set<string>();
    for (const [stream, since] of this.#waiting) {
      // A wall clock that was set back must not make anyone wait for it to catch up.
      if (since > now) this.#waiting.set(stream, now);
      else if (now >= this.#cutAt(stream, since)) due.add(stream);
    }
    for (const [stream, holding] of this.#holding) {
      if (holding.seen > now) this.#holding.set(stream, { since: now, seen: now });
      else if (now >= (this.#wakeAt(stream, holding) ?? Number.POSITIVE_INFINITY)) due.add(stream);
    }
    return [...due];
  }

  /** When the next stream is due; undefined when none waits. */
  nextAt(): number | undefined {
    const moments = [
      ...[...this.#waiting].map(([stream, since]) => this.#cutAt(stream, since)),
      ...[...this.#holding].flatMap(([stream, holding]) => this.#wakeAt(stream, holding) ?? []),
    ];
    return moments.length === 0 ? undefined : Math.min(...moments);
  }

  #timing(stream: string): Timing {
    return this.#timings.get(stream) ?? AT_ONCE;
  }

  #cutAt(stream: string, since: number): number {
    return since + (this.#timing(stream).cutMs ?? 0);
  }

  /** undefined when nothing can be held any more. */
  #wakeAt(stream: string, { since, seen }: Holding): number | undefined {
    const likely = this.#timing(stream).wakeMs.find((delay) => since + delay > seen);
    if (likely === undefined) return undefined;
    return Math.min(since + likely, seen + Math.max(FIRST_STEP_MS, (seen - since) * STEP_PART));
  }

  #cut(stream: string, at: number): void {
    this.#waiting.delete(stream);
    const holding = this.#holding.get(stream);
    if (holding === undefined) return;
    holding.seen = Math.max(holding.seen, at);
    if (this.#wakeAt(stream, holding) === undefined) this.#holding.delete(stream);
  }
}
