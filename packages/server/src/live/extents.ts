import type { LedgerPosition, LedgerReader } from '../store/ledger.ts';

/** How far each stream's log has been told of as certified: the first leaf that has not. */
export class Extents {
  readonly #leaves: Map<string, number>;

  constructor(leaves: Iterable<readonly [string, number]>) {
    this.#leaves = new Map(leaves);
  }

  /** Of all streams, and of the ledger, at the same moment: the pipeline may commit in between. */
  static read(ledger: Pick<LedgerReader, 'head' | 'streams'>): { head: LedgerPosition; extents: Extents } {
    for (;;) {
      const head = ledger.head();
      const extents = new Extents(ledger.streams().map(({ stream, size }) => [stream, size]));
      if (ledger.head() === head) return { head, extents };
    }
  }

  told(stream: string, leaf: number): void {
    this.#leaves.set(stream, leaf);
  }

  copy(): Extents {
    return new Extents(this.#leaves);
  }

  /** What came since: ranges of leaves, of the streams that are wanted. */
  since(before: Extents, wants: (stream: string) => boolean): Missing[] {
    return this.#missing(wants, (stream) => before.#leaves.get(stream) ?? 0).filter(({ start, end }) => start !== end);
  }

  /** All that came so far, for somebody of whom it is not known what he has. */
  unknown(wants: (stream: string) => boolean): Missing[] {
    return this.#missing(wants, () => null);
  }

  #missing(wants: (stream: string) => boolean, start: (stream: string) => number | null): Missing[] {
    return [...this.#leaves]
      .filter(([stream]) => wants(stream))
      .map(([stream, end]) => ({ stream, start: start(stream), end }));
  }
}

/** Leaves `[start, end)` of a stream's log; `start` is null where only the reader knows what it has. */
export interface Missing {
  stream: string;
  start: number | null;
  end: number;
}
