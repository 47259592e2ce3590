/** Makes the vectors of a batch's texts, some at a time: whatever ends it, it goes on from there when it is run again. */
import { type Embedder, EmbeddingError } from '../embedding/embedder.ts';
import type { RecordId, TextRow } from '../store/search.ts';
import { vectorFault } from './codes.ts';
import { SearchError } from './errors.ts';
import type { Indexer } from './indexer.ts';
import type { SearchIndex } from './search-index.ts';
import type { EmbedOrder, EmbedOutcome, EmbedProgress } from './service.ts';

export interface BatchEmbeddingParts {
  index: SearchIndex;
  indexer: Pick<Indexer, 'reached'>;
  embedder: Embedder;
}

/** Told of after each commit. */
type Progress = (progress: EmbedProgress) => void;

/** Texts that are embedded and committed together. */
const CHUNK = 32;

export class BatchEmbedding {
  readonly #parts: BatchEmbeddingParts;
  /** One order after another: a batch that is ordered twice finds its vectors there the second time. */
  #before: Promise<unknown> = Promise.resolve();

  constructor(parts: BatchEmbeddingParts) {
    this.#parts = parts;
  }

  /**
   * Waits until the index has all leaves of the batch, and then has a vector for each record that has text.
   * @throws SearchError `not-searched`; `embedding-failed`, of which `cause` says why; `cancelled`; `unavailable`
   */
  async run(order: EmbedOrder, signal: AbortSignal, progress: Progress): Promise<EmbedOutcome> {
    for (const { stream, end } of order.ranges) await this.#parts.indexer.reached(stream, end, signal);
    const run = this.#before.then(() => this.#embed(order, signal, progress));
    // Of a failure hears who ordered it.
    this.#before = run.catch(() => undefined);
    return run;
  }

  async #embed(order: EmbedOrder, signal: AbortSignal, progress: Progress): Promise<EmbedOutcome> {
    const so = this.#counted(order);
    progress({ ...so });
    for (const { stream, start, end } of order.ranges) {
      for (let from = start; ; ) {
        const rows = this.#parts.index.store.withoutVector({ stream, start: from, end }, CHUNK);
        const last = rows.at(-1);
        if (last === undefined) break;
        const { embedded, failed } = await this.#chunk(order, rows, signal);
        so.embedded += embedded;
        so.failed += failed;
        so.left -= rows.length;
        from = last.leaf + 1;
        progress({ ...so });
      }
    }
    const { embedded, given, refused } = this.#counted(order);
    return { embedded, given, refused, failed: so.failed };
  }

  /** One commit. A text that is not wanted any more by then is neither embedded nor failed. */
  async #chunk(
    { batchTag }: EmbedOrder,
    rows: readonly TextRow[],
    signal: AbortSignal,
  ): Promise<Pick<EmbedOutcome, 'embedded' | 'failed'>> {
    const { index, embedder } = this.#parts;
    if (signal.aborted) throw cancelled(signal.reason);
    const vectors = await embedder
      .embed(
        rows.map(({ text }) => text),
        signal,
      )
      .catch((cause) => {
        if (cause instanceof EmbeddingError && cause.code === 'cancelled') throw cancelled(cause);
        throw new SearchError('embedding-failed', `the texts of batch ${batchTag} got no vectors`, { cause });
      });
    // What was asked for may not be wanted any more, and the index may be closed.
    if (signal.aborted) throw cancelled(signal.reason);
    const usable = new Map<RecordId, Float32Array>();
    for (const [at, { id }] of rows.entries()) {
      const vector = vectors[at];
      if (vector !== undefined && vectorFault(vector, embedder.dimensions) === undefined) usable.set(id, vector);
    }
    return { embedded: index.putVectors(embedder.id, usable), failed: rows.length - usable.size };
  }

  #counted({ ranges }: EmbedOrder): EmbedProgress {
    const progress: EmbedProgress = { embedded: 0, given: 0, refused: 0, failed: 0, left: 0 };
    for (const range of ranges) {
      const { given, model, refused, texts } = this.#parts.index.store.counts(range);
      progress.embedded += model;
      progress.given += given;
      progress.refused += refused;
      progress.left += texts;
    }
    return progress;
  }
}

function cancelled(cause: unknown): SearchError {
  return new SearchError('cancelled', 'no longer wanted', { cause });
}
