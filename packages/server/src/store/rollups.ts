/** What the ledger keeps of rollups: those that are due, and those that have been made. */
import type { RollupWindow } from '../event.ts';

/** Leaves `[start, end)` of a stream, all in sealed packets, that are to be rolled up. */
export interface DueRollup {
  stream: string;
  start: number;
  end: number;
  /** In event time; of a batch, from its beginning to its end. */
  window: RollupWindow;
  /** Tag of the batch that these are the leaves of. */
  batch?: string;
  /** RFC 8785 text of the `StreamConfig` in force when it came due. */
  config: string;
}

export interface RollupRow extends Omit<DueRollup, 'config'> {
  versionId: string;
  contentHash: string;
  /** DLM1 manifest with its signatures, as JSON text. */
  manifest: string;
  /** End of the window. */
  sealedAt: number;
}

export interface BatchRollup {
  stream: string;
  start: number;
  end: number;
  versionId: string | undefined;
}

export interface RollupReader {
  /** In the order in which they came due. */
  due(limit: number): DueRollup[];
  one(versionId: string): RollupRow | undefined;
  /** The leaves of a batch that has ended and brought some; `versionId` once its rollup has been made. */
  ofBatch(tag: string): BatchRollup | undefined;
  /** The rollup of the stream that covers this leaf; there is one at the most. */
  over(stream: string, leaf: number): RollupRow | undefined;
  /**
   * Newest first.
   * @param stream of all streams without it
   * @param before versionId of a rollup there is; the newest without it
   */
  before(stream: string | undefined, before: string | undefined, limit: number): RollupRow[];
}
