/** What the journal and the ledger say of a batch: its leaves, and the rollup that certifies them. */
import type { BatchMarks, JournalReader } from '../store/journal.ts';
import type { LedgerReader } from '../store/ledger.ts';

export interface BatchCertificate {
  /** All that it brought is in sealed packets. */
  certified: boolean;
  /** Of its stream; undefined where it has brought none so far. */
  leaves: { start: number; end: number } | undefined;
  /** Of the rollup over its packets; undefined while there is none, and where it brought nothing. */
  versionId: string | undefined;
}

export class Certificates {
  readonly #journal: Pick<JournalReader, 'batch'>;
  readonly #ledger: Pick<LedgerReader, 'rollups' | 'stream'>;

  constructor(journal: Pick<JournalReader, 'batch'>, ledger: Pick<LedgerReader, 'rollups' | 'stream'>) {
    this.#journal = journal;
    this.#ledger = ledger;
  }

  of(tag: string): BatchCertificate {
    const marks = this.#journal.batch(tag);
    if (marks === undefined) return { certified: false, leaves: undefined, versionId: undefined };
    const rollup = this.#ledger.rollups.ofBatch(tag);
    if (rollup !== undefined) {
      const { start, end, versionId } = rollup;
      return { certified: versionId !== undefined, leaves: { start, end }, versionId };
    }
    return { certified: this.#broughtNothing(marks), leaves: this.#openLeaves(tag, marks), versionId: undefined };
  }

  /**
   * The leaves that are the batch's, or may become so: those of one that is not certified have no end. Undefined where it
   * has brought nothing.
   */
  extent(tag: string, stream: string): { stream: string; start: number; end: number } | undefined {
    const { certified, leaves } = this.of(tag);
    if (certified) return leaves && { stream, ...leaves };
    const rollup = this.#ledger.rollups.ofBatch(tag);
    if (rollup !== undefined) return { stream, start: rollup.start, end: rollup.end };
    const row = this.#ledger.stream(stream);
    // Of one that the ledger has not heard of yet, nothing has come so far.
    const start = row?.batch?.tag === tag ? row.batch.start : (row?.size ?? 0);
    return { stream, start, end: Number.MAX_SAFE_INTEGER };
  }

  /** The ledger has passed its end, and nothing was to be rolled up. */
  #broughtNothing({ ended }: BatchMarks): boolean {
    return ended !== undefined && (this.#ledger.stream(ended.stream)?.consumed ?? 0) > ended.first;
  }

  #openLeaves(tag: string, { opened }: BatchMarks): BatchCertificate['leaves'] {
    const row = this.#ledger.stream(opened.stream);
    if (row?.batch?.tag !== tag || row.size === row.batch.start) return undefined;
    return { start: row.batch.start, end: row.size };
  }
}
