/**
 * The life of an event, stage by stage. `Arrivals` runs on the journal's thread and ends with the acknowledgement;
 * `Passage` runs on its own and ends with the event certified, anchored and visible. Between them lies the journal:
 * `Passage` reads nothing else, so a crash anywhere means no more than starting again from the ledger's cursor.
 */
import { hash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { canonicalize } from '@tidemark/proof';
import type { Anchorer } from './anchor/anchor.ts';
import type { Certifier } from './certify/certifier.ts';
import type { Position, SealedPacket } from './event.ts';
import type { CutClock } from './intake/cut-clock.ts';
import { IntakeError } from './intake/errors.ts';
import type { Delivery, Draft, Intake, Numbering } from './intake/intake.ts';
import type { Normalizer } from './normalize/normalizer.ts';
import { StoreError } from './store/errors.ts';
import type { FingerprintIndex } from './store/fingerprints/index.ts';
import {
  type ConfigEntry,
  itemsOf,
  type JournalEntry,
  type JournalReader,
  type JournalWriter,
} from './store/journal.ts';
import type { LedgerCommit } from './store/ledger.ts';
import type { StreamConfig } from './stream.ts';

export interface ArrivalStages {
  intake: Intake;
  journal: JournalWriter;
  index: FingerprintIndex;
  cuts: CutClock;
}

export class Arrivals {
  readonly #stages: ArrivalStages;
  readonly #seqs: Map<string, number>;

  constructor(stages: ArrivalStages) {
    this.#stages = stages;
    this.#seqs = stages.journal.sourceSeqs();
  }

  /**
   * Takes many deliveries with one commit. When this returns, the events of every `Draft` are on disk. When it throws,
   * nobody knows what is: these arrivals are of no use any more, and new ones begin with what the journal then has.
   * @param now milliseconds since 1970
   */
  accept(deliveries: readonly Delivery[], now: number): (Draft | IntakeError)[] {
    const { intake, journal, cuts } = this.#stages;
    const numbering: Numbering = { next: journal.next, seqs: this.#seqs, at: now };
    // 1. intake: authenticate, decode, bound, identify, tell new events from known ones
    const drafts = deliveries.map((delivery) => this.#draft(delivery, numbering));
    // 2. journal: one commit for all of them, and for the cuts that are due by the clock
    const entries: JournalEntry[] = drafts.flatMap((draft) =>
      draft instanceof IntakeError ? [] : (draft.entry ?? []),
    );
    for (const stream of cuts.due(now)) entries.push({ kind: 'cut', first: numbering.next++, stream, at: now });
    if (entries.length > 0) journal.append(entries);
    cuts.saw(entries);
    intake.settled();
    return drafts;
  }

  /** A delivery that cannot be read is refused alone, whatever the reason: the others of the group go on. */
  #draft(delivery: Delivery, numbering: Numbering): Draft | IntakeError {
    const before = numbering.next - 1;
    try {
      return this.#stages.intake.draft(delivery, numbering);
    } catch (cause) {
      // What is wrong with the store is wrong for everybody, and mended by opening it again.
      if (cause instanceof StoreError) throw cause;
      this.#stages.index.rollback(before);
      if (cause instanceof IntakeError) return cause;
      return new IntakeError('internal-error', 'this delivery could not be read; nothing of it was stored', { cause });
    }
  }
}

export interface PassageStages {
  journal: JournalReader;
  normalizer: Normalizer;
  certifier: Certifier;
  anchorer: Anchorer | undefined;
  /** Tells the readers that there is something new in the ledger; names the packets among it. */
  publish: (sealed: readonly SealedPacket[]) => void;
}

/** Raw bytes read from the journal at a time: enough for a few packets, little enough for a quick commit. */
const BITE_BYTES = 2 * 1024 * 1024;

export class Passage {
  readonly #stages: PassageStages;
  #next: Position;
  #stopping = false;

  /** @param cursor where the ledger says that everything before has been dealt with */
  constructor(stages: PassageStages, cursor: Position) {
    this.#stages = stages;
    this.#next = cursor;
  }

  /**
   * Takes everything that the journal has, bite by bite, and settles when all of it is committed. While the packets of
   * one bite are on their way to the disk, the next bite is being worked on.
   */
  async run(): Promise<void> {
    let committed = Promise.resolve();
    try {
      for (let step = this.#takeBite(); step !== undefined; step = this.#takeBite()) {
        await committed;
        committed = this.#commit(step);
        // A failure is heard where the commit is awaited. Node would end the thread for one that nobody awaits yet.
        committed.catch(() => undefined);
        await nextTurn();
        if (this.#stopping) break;
      }
    } finally {
      await committed;
    }
  }

  /** Has `run` settle after the bite that is under way; what it leaves is there at the next start. */
  stop(): void {
    this.#stopping = true;
  }

  #takeBite(): LedgerCommit | undefined {
    const entries = this.#stages.journal.read(this.#next, BITE_BYTES);
    if (entries.length === 0) return undefined;
    for (const entry of entries) {
      this.#take(entry);
      this.#next = entry.first + itemsOf(entry);
    }
    return this.#stages.certifier.collect(this.#next);
  }

  async #commit(step: LedgerCommit): Promise<void> {
    // 5. certify: what was sealed, and the cursor, in one commit
    const changed = await this.#stages.certifier.commit(step);
    // 7. publish
    if (changed) this.#stages.publish(step.packets);
  }

  /** 6. anchor: the newest packet of each stream, which proves those before it; then publish again */
  async anchor(): Promise<void> {
    const anchored = await this.#stages.anchorer?.run();
    if (anchored !== undefined && anchored.length > 0) this.#stages.publish([]);
  }

  /** Lets go of everything since the last commit. */
  abandon(): void {
    this.#stages.certifier.abandon();
  }

  #take(entry: JournalEntry): void {
    const { normalizer, certifier } = this.#stages;
    switch (entry.kind) {
      case 'events': {
        const from = certifier.consumed(entry.stream);
        // 3. normalize: map, coerce, require, constrain, or quarantine with the reasons
        for (const event of normalizer.normalize(entry, certifier.config(entry.stream), from)) {
          // 4. order and fuse: streams that keep the journal's order pass straight on
          // 5. certify: a leaf in the stream's log
          certifier.append(entry.stream, event, entry.at);
        }
        return;
      }
      case 'cut':
        certifier.cut(entry.stream, entry.at);
        return;
      case 'config':
        if (entry.first >= certifier.consumed(entry.stream)) this.#reconfigure(entry);
        return;
    }
  }

  #reconfigure(entry: ConfigEntry): void {
    const config = JSON.parse(entry.config) as StreamConfig;
    const policies = Object.values(config.sources).map((policy) => canonicalize(policy));
    const byHash = new Map(policies.map((policy) => [hash('sha256', policy, 'hex'), policy]));
    this.#stages.certifier.reconfigure(config, byHash, entry.first, entry.at);
  }
}
