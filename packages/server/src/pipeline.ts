/**
 * The life of an event, stage by stage. `Arrivals` runs on the journal's thread and ends with the acknowledgement;
 * `Passage` runs on its own and ends with the event certified, anchored and visible. Between them lies the journal:
 * `Passage` reads nothing else, so a crash anywhere means no more than starting again from the ledger's cursor.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type BatchMark, type BatchMarked, batchMark } from './batch-mark.ts';
import type { Certifier, Collected } from './certify/certifier.ts';
import type { RollupMaker } from './certify/rollup-maker.ts';
import { type Erasing, erasedRecord, erasureOf } from './erasure.ts';
import type { Position, SealedPacket, Step } from './event.ts';
import { type Ordering, sameStage } from './fuse/ordering.ts';
import type { CutClock } from './intake/cut-clock.ts';
import { IntakeError } from './intake/errors.ts';
import type { Delivery, Draft, Intake, Numbering } from './intake/intake.ts';
import type { Normalizer } from './normalize/normalizer.ts';
import { Resolver, resolutionsOf } from './resolution.ts';
import { StoreError } from './store/errors.ts';
import type { FingerprintIndex } from './store/fingerprints/index.ts';
import {
  type BatchEntry,
  type ConfigEntry,
  type ErasureEntry,
  type ErasureWord,
  type EventsEntry,
  type Heard,
  itemsOf,
  type JournalEntry,
  type JournalReader,
  type JournalWriter,
  type ResolutionEntry,
  type Word,
} from './store/journal.ts';
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
    this.#write(entries);
    intake.settled();
    return drafts;
  }

  /**
   * Takes operators' words about events in quarantine, with one commit. When this returns, those that were taken are on
   * disk; when it throws, as with `accept`.
   */
  resolve(words: readonly Word[], now: number): Heard[] {
    const { heard, fresh } = resolutionsOf(this.#stages.journal, words, now);
    this.#write(fresh);
    return heard;
  }

  /**
   * Takes an operator's word that an event be erased, with one commit.
   * @param positions of all versions
   */
  erase(positions: readonly Position[], word: ErasureWord, now: number): Erasing {
    const { erasing, fresh } = erasureOf(this.#stages.journal, positions, word, now);
    this.#write(fresh);
    return erasing;
  }

  /** Takes the word that a batch begins, or ends, with one commit. */
  markBatch(mark: BatchMark, now: number): BatchMarked {
    const { marked, fresh } = batchMark(this.#stages.journal, mark, now);
    this.#write(fresh);
    return marked;
  }

  #write(entries: readonly JournalEntry[]): void {
    const { journal, cuts } = this.#stages;
    if (entries.length > 0) journal.append(entries);
    cuts.saw(entries);
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
  ordering: Ordering;
  certifier: Certifier;
  anchorer: { run(): Promise<boolean> } | undefined;
  /** Absent where rollups are not to be made, and packets alone are looked at. */
  rollups?: RollupMaker;
  /** Tells the readers that there is something new in the ledger; names the packets among it. */
  publish: (sealed: readonly SealedPacket[]) => void;
}

/** Raw bytes read from the journal at a time: enough for a few packets, little enough for a quick commit. */
const BITE_BYTES = 2 * 1024 * 1024;
/** Packets committed at a time: each has a file open until then, and keeps other streams waiting. */
const STEP_PACKETS = 64;

export class Passage {
  readonly #stages: PassageStages;
  readonly #resolver: Resolver;
  #next: Position;
  /** Of which some is still to be committed. */
  #bite: Generator<Collected, Collected | undefined> | undefined;
  #stopping = false;

  /** @param cursor where the ledger says that everything before has been dealt with */
  constructor(stages: PassageStages, cursor: Position) {
    this.#stages = stages;
    this.#resolver = new Resolver(stages.journal, stages.normalizer);
    this.#next = cursor;
  }

  /**
   * Takes everything that the journal has, bite by bite, and settles when all of it is committed. While the packets of
   * one bite are on their way to the disk, the next bite is being worked on.
   */
  async run(): Promise<void> {
    let committed = Promise.resolve();
    try {
      for (let step = this.#nextStep(); step !== undefined; step = this.#nextStep()) {
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

  /** Has `run` settle after the step that is under way, `rollUp` at once; what they leave is there at the next start. */
  stop(): void {
    this.#stages.rollups?.stop();
    this.#stopping = true;
  }

  /** The next step to be committed; undefined when the journal has no more. */
  #nextStep(): Collected | undefined {
    this.#bite ??= this.#takeBite();
    const { done, value } = this.#bite.next();
    if (done === true) this.#bite = undefined;
    return value;
  }

  /** A bite is one step, unless it makes so many packets that they have to be committed in between. */
  *#takeBite(): Generator<Collected, Collected | undefined> {
    const { journal, certifier } = this.#stages;
    const entries = journal.read(this.#next, BITE_BYTES);
    if (entries.length === 0) return undefined;
    for (const entry of entries) {
      for (const _ of this.#take(entry)) if (certifier.sealedPackets >= STEP_PACKETS) yield this.#collect('within');
      this.#next = entry.first + itemsOf(entry);
    }
    return this.#collect('between');
  }

  #collect(entries: 'within' | 'between'): Collected {
    const { certifier, ordering } = this.#stages;
    const extent = (stream: string) => certifier.extent(stream);
    // The state of a stage can be had between two entries of the journal alone.
    const stages = ordering.collect(this.#next, extent, entries === 'between');
    return certifier.collect(this.#next, stages);
  }

  async #commit(step: Collected): Promise<void> {
    // 5. certify: what was sealed, and the cursor, in one commit
    const changed = await this.#stages.certifier.commit(step);
    // 7. publish
    if (changed) this.#stages.publish(step.packets);
  }

  /** 5. certify: the rollups that have come due; packets do not wait for them */
  async rollUp(): Promise<void> {
    await this.#stages.rollups?.run();
  }

  /** 6. anchor: the newest packet of each stream, which proves those before it, and rollups; then publish again */
  async anchor(): Promise<void> {
    if ((await this.#stages.anchorer?.run()) === true) this.#stages.publish([]);
  }

  /** Every journal item below is in the ledger, or held back on purpose. */
  get reached(): Position {
    return this.#stages.certifier.reached;
  }

  /** Events that streams hold back until their order is settled. */
  get held(): number {
    return this.#stages.ordering.held;
  }

  /** Lets go of everything since the last commit. */
  abandon(): void {
    this.#stages.certifier.abandon();
  }

  /** Yields where it can be interrupted for a commit. */
  #take(entry: JournalEntry): Iterable<void> {
    switch (entry.kind) {
      case 'events':
        return this.#takeEvents(entry);
      case 'cut':
        return this.#takeCut(entry);
      case 'config':
        return this.#takeConfig(entry);
      case 'resolution':
        return this.#takeResolution(entry);
      case 'erasure':
        return this.#takeErasure(entry);
      case 'batch':
        return this.#takeBatch(entry);
    }
  }

  *#takeEvents(entry: EventsEntry): Generator<void> {
    const { normalizer, ordering, certifier } = this.#stages;
    const { stream, at } = entry;
    const stage = ordering.stage(stream);
    if (stage === undefined) {
      const from = certifier.consumed(stream);
      // 3. normalize: map, coerce, require, constrain, or quarantine with the reasons
      for (const event of normalizer.normalize(entry, certifier.config(stream), from)) {
        // 5. certify: a leaf in the stream's log
        if (certifier.append(stream, event, { arrivedAt: at })) yield;
      }
    } else if (!this.#isTaken(entry)) {
      // 3. normalize
      for (const event of normalizer.normalize(entry, stage.config, entry.first)) stage.take(event, at);
      // 4. order & fuse: what the stream has waited for long enough, in order, and decided where several sources speak
      yield* this.#follow(stream, stage.steps(at));
    }
  }

  /** The clock has struck: whatever is due by now, and, where packets are cut live, the packet too. */
  *#takeCut(entry: JournalEntry): Generator<void> {
    const { ordering, certifier } = this.#stages;
    const { stream, at } = entry;
    const stage = ordering.stage(stream);
    if (stage !== undefined && !this.#isTaken(entry)) yield* this.#follow(stream, stage.steps(at));
    if (stage?.config.publish.windowMs === undefined) certifier.cut(stream, at);
  }

  *#takeConfig(entry: ConfigEntry): Generator<void> {
    const { ordering, certifier } = this.#stages;
    const { stream, first, at } = entry;
    if (this.#isTaken(entry)) return;
    const config = JSON.parse(entry.config) as StreamConfig;
    const stage = ordering.stage(stream);
    if (stage !== undefined) {
      yield* this.#follow(stream, sameStage(stage.config, config) ? stage.configure(config) : stage.flush());
    }
    if (first >= certifier.consumed(stream)) certifier.reconfigure(config, first, at);
    ordering.reconfigured(config, first, at, certifier.extent(stream).reached);
  }

  /** An operator's word about an event in quarantine: it leaves as a record, or with a control leaf that says so. */
  *#takeResolution(entry: ResolutionEntry): Generator<void> {
    const { ordering, certifier } = this.#stages;
    const { stream, at } = entry;
    if (this.#isTaken(entry)) return;
    const stage = ordering.stage(stream);
    const record = this.#resolver.resolve(entry, stage?.config ?? certifier.config(stream));
    if (record === undefined) return;
    if (stage === undefined) certifier.append(stream, record, { arrivedAt: at });
    else yield* this.#follow(stream, stage.resolve(record, at));
  }

  /** An operator's word that an event is erased: its log says so. A salted stream has no stage. */
  *#takeErasure(entry: ErasureEntry): Generator<void> {
    const { journal, certifier } = this.#stages;
    const { stream, at } = entry;
    if (this.#isTaken(entry)) return;
    if (certifier.append(stream, erasedRecord(journal, entry), { arrivedAt: at })) yield;
  }

  /** A batch begins, or is complete: in packets of its own, which are rolled up. Of a stream without a stage. */
  *#takeBatch(entry: BatchEntry): Generator<void> {
    const { ordering, certifier } = this.#stages;
    const { stream, first, at, batch, action } = entry;
    if (ordering.stage(stream) !== undefined || this.#isTaken(entry)) return;
    if (action === 'open') certifier.openBatch(stream, batch, first, at);
    else certifier.endBatch(stream, batch, first, at);
    yield;
  }

  /** After a restart the journal is read from where the slowest stream needs it. */
  #isTaken({ stream, first }: JournalEntry): boolean {
    const { ordering, certifier } = this.#stages;
    return first < (ordering.from(stream) ?? certifier.consumed(stream));
  }

  /** 5. certify: leaves in the stream's log, and packets at the bounds that the stage names */
  *#follow(stream: string, steps: Iterable<Step>): Generator<void> {
    const { certifier } = this.#stages;
    for (const step of steps) {
      if (step.kind === 'append') {
        if (certifier.append(stream, step.record, step)) yield;
      } else if (step.kind === 'seal') {
        certifier.cut(stream);
        yield;
      } else certifier.rollUp(stream, step.window);
    }
  }
}
