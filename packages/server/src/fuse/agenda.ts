/** What goes into the log next, once the watermark has come that far. */

import type { Contest } from './contests.ts';
import { Heap } from './heap.ts';
import type { Held } from './held.ts';

/** An event by itself, or a contest that is to be decided. */
export type Due = { release: number; held: Held } | { release: number; contest: Contest };

export class Agenda {
  readonly #due = new Heap<Due>((a, b) => compare(a, b) < 0);

  add(due: Due): void {
    this.#due.push(due);
  }

  /** The first that is due at this mark. */
  take(mark: number): Due | undefined {
    const { top } = this.#due;
    return top !== undefined && top.release <= mark ? this.#due.pop() : undefined;
  }

  /** What the mark has to reach for the next one; undefined when there is none. */
  get next(): number | undefined {
    return this.#due.top?.release;
  }

  /** All events, in no particular order. */
  events(): Held[] {
    return [...this.#due].flatMap((due) => ('held' in due ? [due.held] : due.contest.members));
  }

  /** Events by themselves, in no particular order. */
  held(): Held[] {
    return [...this.#due].flatMap((due) => ('held' in due ? [due.held] : []));
  }
}

/** By release, which grows with event time; then as leaves are ordered: time, source, event id, seq. */
function compare(a: Due, b: Due): number {
  if (a.release !== b.release) return a.release - b.release;
  const left = rank(a);
  const right = rank(b);
  if (left.time !== right.time) return left.time - right.time;
  if (left.source !== right.source) return left.source < right.source ? -1 : 1;
  if (left.eventId !== right.eventId) return left.eventId < right.eventId ? -1 : 1;
  return left.seq - right.seq;
}

function rank(due: Due): { time: number; source: string; eventId: string; seq: number } {
  if ('held' in due) {
    const { source, eventId, seq } = due.held.event;
    return { time: due.held.time, source, eventId, seq };
  }
  return { time: due.contest.start, source: '', eventId: due.contest.eventId, seq: 0 };
}
