/**
 * Derives every packet anew, from the journal alone and by the same stages, and holds it against the ledger: manifest,
 * content, audit entries and reasons. Reads only, also while a server is at work. What memory it takes hangs on what is
 * open at a time, not on the size of the ledger.
 */
import { Certifier } from '../certify/certifier.ts';
import type { Position } from '../event.ts';
import { openSnapshot, type Snapshot } from '../fsck/snapshot.ts';
import { Ordering } from '../fuse/ordering.ts';
import { Passage } from '../pipeline.ts';
import { recallFrom } from '../recall.ts';
import type { CertifierLedger } from '../store/ledger.ts';
import { PacketFiles } from '../store/packets.ts';
import { SqliteJournalReader } from '../store/sqlite/journal.ts';
import { Comparison } from './comparison.ts';
import { JournalLookup } from './journal-lookup.ts';
import { JournalView } from './journal-view.ts';
import { keylessSigners } from './keyless-signers.ts';
import { WatchedNormalizer } from './normalizer.ts';
import { PacketDifferences } from './packet-difference.ts';
import { Range } from './range.ts';
import { ReplayError, type ReplayReport, type ReplayStage } from './report.ts';
import { StoredLeaves } from './stored-leaves.ts';
import { StoredLedger } from './stored-ledger.ts';

export { FsckError } from '../fsck/errors.ts';
export * from './report.ts';

export interface ReplayOptions {
  /** The only stream to be compared. */
  stream?: string;
  /** Number of a leaf, or an RFC 3339 time. */
  from?: string;
  to?: string;
}

/** @throws FsckError where there is no data directory of this version; ReplayError */
export async function replay(dataDir: string, options: ReplayOptions = {}): Promise<ReplayReport> {
  const range = new Range(options.from, options.to);
  const snapshot = openSnapshot(dataDir);
  try {
    return await new Replay(snapshot, dataDir, range, options.stream).run();
  } finally {
    snapshot.close();
  }
}

class Replay {
  readonly #view: JournalView;
  readonly #comparison: Comparison;
  readonly #normalizer: WatchedNormalizer;
  readonly #passage: Passage;
  readonly #stream: string | undefined;

  constructor(snapshot: Snapshot, dataDir: string, range: Range, stream: string | undefined) {
    const journal = new SqliteJournalReader(dataDir, snapshot.journal);
    const ledger = new StoredLedger(snapshot.ledger);
    const head = journal.head();
    // What was there at this moment stays as it is; to hold the moment would keep a server from trimming its files.
    snapshot.release();
    const files = new PacketFiles(dataDir);
    const differences = new PacketDifferences(ledger, files, new JournalLookup(snapshot.journal));
    const comparison = new Comparison({ ledger, files, differences, range, stream }, () => this.#view.reached);
    const stop = (stream: string, position: Position, stage: ReplayStage, what: string) =>
      comparison.stop(stream, differences.ofItem(stream, position, stage, what));
    this.#view = new JournalView(
      journal,
      { head, cursor: ledger.cursor },
      {
        wants: (name) => comparison.wants(name),
        damaged: (entry, position, what) => stop(entry.stream, position, 'intake', what),
      },
    );
    const normalizer = new WatchedNormalizer(new StoredLeaves(ledger, files), (entry, position, cause) => {
      stop(entry.stream, position, 'normalize', `it cannot be normalized: ${inWords(cause)}`);
    });
    const signers = keylessSigners((...place) => differences.storedControl(...place));
    const certifier = new Certifier(
      emptyLedger(({ packets, rollups }) => {
        comparison.take(packets);
        comparison.takeRollups(rollups);
      }),
      comparison,
      signers,
    );
    const ordering = new Ordering([], recallFrom(this.#view, normalizer));
    const stages = { journal: this.#view, normalizer, ordering, certifier, anchorer: undefined, publish: () => {} };
    this.#passage = new Passage(stages, 1);
    this.#comparison = comparison;
    this.#normalizer = normalizer;
    this.#stream = stream;
  }

  async run(): Promise<ReplayReport> {
    try {
      await this.#passage.run();
    } catch (cause) {
      const message = `the journal cannot be derived anew up to position ${this.#view.reached}: ${inWords(cause)}`;
      throw new ReplayError('derivation-failed', message, { cause });
    }
    const streams = this.#comparison.results();
    if (this.#stream !== undefined && streams.length === 0) {
      throw new ReplayError('no-such-stream', `there is no stream ${this.#stream}`);
    }
    return {
      equal: streams.every(({ difference }) => difference === undefined),
      events: this.#view.events,
      onTrust: this.#normalizer.onTrust,
      packets: streams.reduce((sum, { packets }) => sum + packets, 0),
      leaves: streams.reduce((sum, { leaves }) => sum + leaves, 0),
      streams,
    };
  }
}

/** A ledger without anything in it, which keeps nothing: a certifier reads back what it has written at a restart alone. */
function emptyLedger(commit: CertifierLedger['commit']): CertifierLedger {
  return {
    cursor: () => 1,
    streams: () => [],
    stages: () => [],
    tile: () => undefined,
    commit,
  };
}

function inWords(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
