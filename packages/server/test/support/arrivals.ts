/** The arrival side over real storage, as the journal's thread puts it together. */
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Position } from '../../src/event.ts';
import { SourceAuth } from '../../src/intake/auth.ts';
import { CutClock } from '../../src/intake/cut-clock.ts';
import type { IntakeError } from '../../src/intake/errors.ts';
import { type Delivery, type Draft, Intake } from '../../src/intake/intake.ts';
import { Versions } from '../../src/intake/versions.ts';
import { Arrivals } from '../../src/pipeline.ts';
import { StoreError } from '../../src/store/errors.ts';
import { FingerprintIndex, type FingerprintIndexOptions } from '../../src/store/fingerprints/index.ts';
import { type EventsEntry, itemsOf, type JournalEntry } from '../../src/store/journal.ts';
import { SqliteJournal } from '../../src/store/sqlite/journal.ts';
import type { Source } from '../../src/stream.ts';

export type Fault = 'failed' | 'failed but persisted';

/** A journal whose next commit can be made to fail, before it is on disk or after, and so can reading an entry. */
export class FaultyJournal extends SqliteJournal {
  fault: Fault | undefined;
  unreadable = false;

  override entryAt(position: Position): JournalEntry | undefined {
    if (this.unreadable) throw new StoreError('read-failed', 'injected: the disk is gone');
    return super.entryAt(position);
  }

  override append(entries: readonly JournalEntry[]): void {
    const { fault } = this;
    this.fault = undefined;
    if (fault === 'failed') throw new StoreError('write-failed', 'injected: the disk is full');
    super.append(entries);
    if (fault === 'failed but persisted') throw new StoreError('write-failed', 'injected: the answer was lost');
  }
}

export interface DeskOptions {
  sources: readonly Source[];
  secrets?: ReadonlyMap<string, string>;
  hashKeys?: ReadonlyMap<string, Uint8Array>;
  streamKeys?: ReadonlyMap<string, Uint8Array>;
  limits?: { eventsPerRequest: number; eventBytes: number };
  maxAgeMs?: number;
  index?: FingerprintIndexOptions;
}

const LIMITS = { eventsPerRequest: 1000, eventBytes: 4096 };
const ALL = Number.MAX_SAFE_INTEGER;

export class Desk {
  readonly journal: FaultyJournal;
  readonly index: FingerprintIndex;
  readonly versions: Versions;
  readonly cuts: CutClock;
  readonly intake: Intake;
  readonly arrivals: Arrivals;

  constructor(dir: string, options: DeskOptions) {
    const { sources, secrets = new Map(), limits = LIMITS, maxAgeMs = 100, index = {} } = options;
    const { hashKeys = new Map(), streamKeys = new Map() } = options;
    this.journal = new FaultyJournal(dir);
    this.index = FingerprintIndex.open(join(dir, 'fingerprints'), this.journal.next - 1, index);
    this.#catchUp();
    this.versions = new Versions(this.index, this.journal);
    this.cuts = new CutClock(new Map(sources.map(({ stream }) => [stream, { cutMs: maxAgeMs, wakeMs: [] }])));
    this.intake = new Intake({
      isOpenBatch: (tag, stream) => this.journal.openBatch(stream)?.batch === tag,
      sources,
      auth: new SourceAuth(secrets),
      hashKeys,
      streamKeys,
      index: this.index,
      versions: this.versions,
      limits,
    });
    this.arrivals = new Arrivals(this);
  }

  /** When it throws, the desk is of no use any more. */
  accept(deliveries: readonly Delivery[], now = 0): (Draft | IntakeError)[] {
    const outcomes = this.arrivals.accept(deliveries, now);
    this.index.maintain();
    return outcomes;
  }

  /** All entries of events in the journal. */
  entries(): EventsEntry[] {
    return this.journal.read(1, ALL).filter((entry) => entry.kind === 'events');
  }

  close(): void {
    this.index.close();
    this.journal.close();
  }

  #catchUp(): void {
    for (const { first, events } of this.entries()) {
      for (let place = 0; place < events.count; place++) {
        const position = first + place;
        if (position <= this.index.through) continue;
        this.index.add(events.fingerprintHigh(place), events.fingerprintLow(place), position);
      }
    }
  }
}

/** A delivery of NDJSON. */
export function lines(sourceId: string | undefined, events: readonly (object | string)[]): Delivery {
  const texts = events.map((event) => (typeof event === 'string' ? event : JSON.stringify(event)));
  return { ...bare('ndjson', texts.join('\n')), sourceId };
}

export function bare(format: Delivery['format'], body: string | Buffer): Delivery {
  return {
    sourceId: undefined,
    format,
    body: Buffer.from(body),
    credentials: { bearer: undefined },
    deliveryId: undefined,
    receipt: false,
  };
}

/** What the journal owes: positions and seqs without a gap, and every event found again through the index. */
export function checkNumbering(desk: Desk): void {
  const entries = desk.journal.read(1, Number.MAX_SAFE_INTEGER);
  let next = 1;
  const seqs = new Map<string, number>();
  for (const entry of entries) {
    expect(entry.first).toBe(next);
    next += itemsOf(entry);
    if (entry.kind !== 'events') continue;
    expect(entry.seq).toBe((seqs.get(entry.source) ?? 0) + 1);
    seqs.set(entry.source, entry.seq + entry.events.count - 1);
  }
  expect(desk.journal.next).toBe(next);
  expect(desk.journal.sourceSeqs()).toEqual(seqs);
  const places = Map.groupBy(desk.entries().flatMap(eventsOf), ({ id }) => id);
  for (const [id, events] of places) expect(desk.versions.find(id)).toEqual(events.map(({ position }) => position));
}

export function eventsOf({ first, seq, source, events }: EventsEntry) {
  return Array.from({ length: events.count }, (_, place) => ({
    id: events.eventId(place),
    position: first + place,
    source,
    seq: seq + place,
    text: events.text(place),
    supersedes: events.supersedes(place),
  }));
}
