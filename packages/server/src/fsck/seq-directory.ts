import type { Position } from '../event.ts';

/** Sources and their streams, and which entry holds an event: two numbers for each entry, none for its events. */
export class SeqDirectory {
  readonly #bySource = new Map<string, { stream: string; seqs: number[]; firsts: Position[]; last: number }>();

  get sources(): Iterable<string> {
    return this.#bySource.keys();
  }

  /** The entry at `first` brings `count` events from `seq` on. */
  add(source: string, stream: string, seq: number, first: Position, count: number): void {
    let known = this.#bySource.get(source);
    if (known === undefined) {
      known = { stream, seqs: [], firsts: [], last: 0 };
      this.#bySource.set(source, known);
    }
    known.seqs.push(seq);
    known.firsts.push(first);
    known.last = seq + count - 1;
  }

  /** The last seq of a source, 0 for one that has none. */
  last(source: string): number {
    return this.#bySource.get(source)?.last ?? 0;
  }

  /** The stream of a source's first entry. */
  stream(source: string): string | undefined {
    return this.#bySource.get(source)?.stream;
  }

  /** Sources that feed a stream. */
  sourcesOf(stream: string): string[] {
    return [...this.#bySource].filter(([, known]) => known.stream === stream).map(([source]) => source);
  }

  /** The last seq of a source before a position between two entries, and where its entry begins. */
  before(source: string, position: Position): { seq: number; first: Position } | undefined {
    const known = this.#bySource.get(source);
    const place = known?.firsts.findLastIndex((first) => first < position) ?? -1;
    if (known === undefined || place === -1) return undefined;
    const next = known.seqs[place + 1];
    return { seq: next === undefined ? known.last : next - 1, first: known.firsts[place]! };
  }

  /** The newest entry that begins at `seq` or below, and the place that the event has in it if it has one. */
  find(source: string, seq: number): { first: Position; place: number } | undefined {
    const known = this.#bySource.get(source);
    if (known === undefined) return undefined;
    let [low, high] = [0, known.seqs.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (known.seqs[middle]! <= seq) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return undefined;
    return { first: known.firsts[low - 1]!, place: seq - known.seqs[low - 1]! };
  }
}
