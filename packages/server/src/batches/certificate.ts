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

  /** The ledger has passed its end, and nothing was to be rolled up. */
  #broughtNothing({ ended }: BatchMarks): boolean {
    return ended !== undefined && (this.#ledger.stream(ended.stream)?.consumed ?? 0) > ended.first;
  }

  #openLeaves(tag: string, { opened, ended }: BatchMarks): BatchCertificate['leaves'] {
    const row = ended === undefined ? this.#ledger.stream(opened.stream) : undefined;
    if (row?.batch?.tag !== tag || row.size === row.batch.start) return undefined;
    return { start: row.batch.start, end: row.size };
  }
}
