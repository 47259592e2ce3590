/** The pipeline over real storage, as its thread puts it together. */
import { Anchorer } from '../../src/anchor/anchor.ts';
import type { LocalChain } from '../../src/anchor/local-chain.ts';
import { Certifier } from '../../src/certify/certifier.ts';
import { RollupMaker } from '../../src/certify/rollup-maker.ts';
import type { SealedPacket } from '../../src/event.ts';
import { Ordering, type OrderingOptions } from '../../src/fuse/ordering.ts';
import { Normalizer } from '../../src/normalize/normalizer.ts';
import { Passage } from '../../src/pipeline.ts';
import { recallFrom } from '../../src/recall.ts';
import { StoreError } from '../../src/store/errors.ts';
import type { AnchorRow, LedgerCommit } from '../../src/store/ledger.ts';
import { PacketFiles } from '../../src/store/packets.ts';
import type { RollupRow } from '../../src/store/rollups.ts';
import { SqliteJournal } from '../../src/store/sqlite/journal.ts';
import { SqliteLedger } from '../../src/store/sqlite/ledger.ts';
import type { Fault } from './arrivals.ts';
import { SIGNERS } from './node.ts';

/** A ledger whose next write can be made to fail, before it is on disk or after. */
export class FaultyLedger extends SqliteLedger {
  fault: Fault | undefined;
  commits = 0;

  override commit(step: LedgerCommit): void {
    this.#faulty(() => super.commit(step));
    this.commits++;
  }

  override recordAnchors(anchors: readonly AnchorRow[]): void {
    this.#faulty(() => super.recordAnchors(anchors));
  }

  override recordRollup(rollup: RollupRow): void {
    this.#faulty(() => super.recordRollup(rollup));
  }

  #faulty(write: () => void): void {
    const { fault } = this;
    this.fault = undefined;
    if (fault === 'failed') throw new StoreError('write-failed', 'injected: the disk is full');
    write();
    if (fault === 'failed but persisted') throw new StoreError('write-failed', 'injected: the answer was lost');
  }
}

export class Works {
  readonly journal: SqliteJournal;
  readonly ledger: FaultyLedger;
  readonly files: PacketFiles;
  /** What was told to the readers, one item a call. */
  readonly published: SealedPacket[][] = [];
  readonly #normalizer = new Normalizer();
  readonly #chain: LocalChain | undefined;
  readonly #ordering: OrderingOptions;
  #passage: Passage;

  constructor(dir: string, chain?: LocalChain, ordering: OrderingOptions = {}) {
    this.#ordering = ordering;
    this.journal = new SqliteJournal(dir);
    this.ledger = new FaultyLedger(dir);
    this.files = new PacketFiles(dir);
    this.#chain = chain;
    this.#passage = this.#open();
  }

  /** @returns false when it failed; then it goes on from the last commit */
  run(fault?: Fault): Promise<boolean> {
    return this.#attempt(() => this.#passage.run(), fault);
  }

  /** As `run`, for the rollups that have come due. */
  rollUp(fault?: Fault): Promise<boolean> {
    return this.#attempt(() => this.#passage.rollUp(), fault);
  }

  anchor(): Promise<void> {
    return this.#passage.anchor();
  }

  /** Has `run` settle early. */
  stop(): void {
    this.#passage.stop();
  }

  /** As after a crash: from the last commit. */
  restart(): void {
    this.#passage = this.#open();
  }

  close(): void {
    this.journal.close();
    this.ledger.close();
  }

  async #attempt(work: () => Promise<void>, fault: Fault | undefined): Promise<boolean> {
    this.ledger.fault = fault;
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof StoreError) || !error.message.startsWith('injected')) throw error;
      this.#passage.abandon();
      this.restart();
      return false;
    } finally {
      this.ledger.fault = undefined;
    }
  }

  #open(): Passage {
    this.files.prepare();
    const certifier = new Certifier(this.ledger, this.files, SIGNERS);
    const anchorer = this.#chain && new Anchorer(this.ledger, this.#chain, this.#chain, () => 1_772_366_400_000);
    const { journal } = this;
    const ordering = new Ordering(this.ledger.stages(), recallFrom(journal, this.#normalizer), this.#ordering);
    const publish = (packets: readonly SealedPacket[]) => void this.published.push([...packets]);
    const rollups = new RollupMaker(this.ledger, this.files, SIGNERS.version);
    return new Passage(
      { journal, normalizer: this.#normalizer, ordering, certifier, anchorer, rollups, publish },
      this.ledger.cursor(),
    );
  }
}
