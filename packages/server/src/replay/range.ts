/** Which packets are compared: all, or those with leaves, or times, between two bounds. */
import type { Manifest } from '@tidemark/proof';
import { parseRfc3339 } from '../json/time.ts';
import { ReplayError } from './report.ts';

/** Number of a leaf, or milliseconds since 1970. */
type Bound = { leaf: number } | { time: number };

export interface PacketExtent {
  start: number;
  end: number;
  /** Milliseconds since 1970. */
  sealedAt: number;
  /** JSON text. */
  manifest: string;
}

export class Range {
  readonly #from: Bound | undefined;
  readonly #to: Bound | undefined;

  /**
   * Both bounds belong to the range.
   * @param from number of a leaf, or an RFC 3339 time
   * @throws ReplayError `range-invalid`
   */
  constructor(from: string | undefined, to: string | undefined) {
    this.#from = from === undefined ? undefined : parseBound(from);
    this.#to = to === undefined ? undefined : parseBound(to);
    if (this.#from === undefined || this.#to === undefined) return;
    const lengthOf = (bound: Bound) => ('leaf' in bound ? bound.leaf : bound.time);
    if ('leaf' in this.#from !== 'leaf' in this.#to) throw invalid('one bound is a leaf and the other a time');
    if (lengthOf(this.#from) > lengthOf(this.#to)) throw invalid(`${from} comes after ${to}`);
  }

  /** A packet cut in event time has the times of its window, any other the time at which it was sealed. */
  holds(packet: PacketExtent): boolean {
    const [from, to] = [this.#from, this.#to];
    if (from === undefined && to === undefined) return true;
    const leaves = { first: packet.start, last: packet.end - 1 };
    const times = isOfTime(from) || isOfTime(to) ? timesOf(packet) : leaves;
    const before = from !== undefined && ('leaf' in from ? leaves.last < from.leaf : times.last < from.time);
    const after = to !== undefined && ('leaf' in to ? leaves.first > to.leaf : times.first > to.time);
    return !before && !after;
  }

  /** No packet from this leaf on is in the range. */
  isPast(leaf: number): boolean {
    return this.#to !== undefined && 'leaf' in this.#to && leaf > this.#to.leaf;
  }
}

function isOfTime(bound: Bound | undefined): boolean {
  return bound !== undefined && 'time' in bound;
}

function timesOf({ sealedAt, manifest }: PacketExtent): { first: number; last: number } {
  const window = windowOf(manifest);
  if (window === undefined) return { first: sealedAt, last: sealedAt };
  return { first: Date.parse(window.start), last: Date.parse(window.end) - 1 };
}

/** A stored manifest may be damaged. */
function windowOf(manifest: string): { start: string; end: string } | undefined {
  try {
    return (JSON.parse(manifest) as Manifest).content.window as { start: string; end: string } | undefined;
  } catch {
    return undefined;
  }
}

function parseBound(text: string): Bound {
  if (/^\d{1,15}$/.test(text)) return { leaf: Number(text) };
  const time = parseRfc3339(text);
  if (time === undefined) throw invalid(`"${text}" is neither the number of a leaf nor an RFC 3339 time`);
  return { time };
}

function invalid(message: string): ReplayError {
  return new ReplayError('range-invalid', message);
}
