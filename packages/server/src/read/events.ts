/** Events as readers ask for them: where each one is, and what became of it. */

import type { Position } from '../event.ts';
import { StoreError } from '../store/errors.ts';
import type { ErasureEntry, EventsEntry, JournalReader } from '../store/journal.ts';
import type { AnchorRow, LedgerReader, PacketRow } from '../store/ledger.ts';
import type { Decisions } from './decisions.ts';
import { type EventItem, erasedBy, fusedItem, payloadOf, type Status } from './item.ts';
import type { Line, PacketLines } from './lines.ts';
import type { Reconstruction } from './reconstruction.ts';

/** All there is about one version of an event. */
export interface EventRecord {
  position: Position;
  entry: EventsEntry;
  /** Place in the entry. */
  place: number;
  /** The word by which it was erased: then nothing else of what it said is shown, wherever it still may be. */
  erased: ErasureEntry | undefined;
  /** Absent until the event is in a sealed packet: as a leaf of its own, or as an input of a fused one. */
  certified: Certified | undefined;
}

export interface Certified {
  packet: PacketRow;
  line: Line;
  /** Of an event that is in quarantine, or was discarded from there. */
  reasons: string[] | undefined;
  anchor: AnchorRow | undefined;
}

export interface NewestQuery {
  sourceId?: string | undefined;
  status?: Status | undefined;
  /** Asked of each item as it is shown. */
  matches?: ((item: EventItem) => boolean) | undefined;
}

export interface PageBounds {
  /** Where to go on: below this position. */
  before?: Position | undefined;
  /** Passed by, of those that are wanted. */
  offset?: number;
  limit: number;
  /** Events looked at before the page ends early, so that a rare status cannot read the whole journal. */
  scanLimit: number;
}

export interface NewestPage {
  items: EventItem[];
  /** The last event looked at: the next page is below it. Undefined at the end. */
  next: Position | undefined;
  /** Of the offset, what is still to be passed by. */
  offset: number;
}

/** Entries, or positions, fetched at a time. */
const READ_AT_A_TIME = 16;

export interface EventReaderParts {
  journal: JournalReader;
  ledger: LedgerReader;
  lines: PacketLines;
  decisions: Decisions;
  reconstruction: Reconstruction;
}

export class EventReader {
  readonly #journal: JournalReader;
  readonly #ledger: LedgerReader;
  readonly #lines: PacketLines;
  readonly #decisions: Decisions;
  readonly #reconstruction: Reconstruction;

  constructor({ journal, ledger, lines, decisions, reconstruction }: EventReaderParts) {
    this.#journal = journal;
    this.#ledger = ledger;
    this.#lines = lines;
    this.#decisions = decisions;
    this.#reconstruction = reconstruction;
  }

  record(position: Position): EventRecord | undefined {
    const entry = this.#journal.entryAt(position);
    return entry?.kind === 'events' ? this.#record(entry, position - entry.first) : undefined;
  }

  /** Newest first. Each event is looked at once, and shown with the status that it has then. */
  newest(query: NewestQuery, { before, offset = 0, limit, scanLimit }: PageBounds): NewestPage {
    const items: EventItem[] = [];
    const { status, matches } = query;
    // Where everything is wanted, what is passed by need not be read.
    const everything = status === undefined && matches === undefined;
    let skip = offset;
    let scanned = 0;
    let next: Position | undefined;
    for (const [entry, place] of this.#candidates(query, before ?? Number.MAX_SAFE_INTEGER)) {
      if (items.length === limit || scanned++ >= scanLimit) return { items, next, offset: skip };
      next = entry.first + place;
      if (skip > 0 && everything) {
        skip--;
        continue;
      }
      const record = this.#record(entry, place);
      if (status !== undefined && statusOf(record) !== status) continue;
      const item = skip === 0 || matches !== undefined ? this.item(record) : undefined;
      if (item !== undefined && matches?.(item) === false) continue;
      if (skip > 0) skip--;
      else if (item !== undefined) items.push(item);
    }
    return { items, next: undefined, offset: skip };
  }

  /** The event as lists show it, by its newest leaf; an input of a fused record with its own payload. */
  item(record: EventRecord): EventItem {
    const { entry, place, certified } = record;
    return {
      eventId: entry.events.eventId(place),
      sourceId: entry.source,
      stream: entry.stream,
      status: statusOf(record),
      ...this.#content(record),
      versionId: certified?.packet.versionId ?? null,
      leafIndex: certified?.line.index ?? null,
      createdAt: Math.floor(entry.at / 1000),
      updatedAt: Math.floor((certified?.packet.sealedAt ?? entry.at) / 1000),
      ...(record.erased === undefined ? {} : { normalized: null, erased: erasedBy(record.erased) }),
    };
  }

  /**
   * What is in the leaves of a packet from this one on, whatever has become of it since; undefined for leaves that are no
   * events, such as a log's header.
   */
  *itemsOfLeaves(packet: PacketRow, from: number): Generator<EventItem | undefined> {
    // Neighbours in the log are mostly neighbours in the journal, whose entries are large.
    let near: EventsEntry | undefined;
    for (let at = from; at < packet.end; at += READ_AT_A_TIME) {
      for (const line of this.#lines.range(packet, at, Math.min(at + READ_AT_A_TIME, packet.end))) {
        const { kind } = line.leaf;
        if (kind === 'fused') yield fusedItem(packet, line, this.#decisions.named(line.leaf.decision));
        else if (kind === 'record' || kind === 'quarantined') {
          const position = this.#positionOf(packet, line);
          near = this.#eventsAt(position, near);
          const certified = { packet, line, reasons: undefined, anchor: undefined };
          const erased = this.#erasure(near, position);
          yield this.item({ position, entry: near, place: position - near.first, erased, certified });
        } else yield undefined;
      }
    }
  }

  #positionOf({ stream }: PacketRow, { index }: Line): Position {
    const position = this.#ledger.positionOfLeaf(stream, index);
    if (position === undefined) throw new StoreError('damaged', `leaf ${index} of ${stream} is not in the journal`);
    return position;
  }

  #eventsAt(position: Position, near: EventsEntry | undefined): EventsEntry {
    if (near !== undefined && near.first <= position && position < near.first + near.events.count) return near;
    const entry = this.#journal.entryAt(position);
    if (entry?.kind !== 'events') throw new StoreError('damaged', `the journal has no event at ${position}`);
    return entry;
  }

  #content(record: EventRecord): Pick<EventItem, 'contentHash' | 'eventTime' | 'normalized'> {
    const line = record.certified?.line;
    switch (line?.leaf.kind) {
      case 'record':
        return { contentHash: line.leaf.payloadHash, eventTime: line.leaf.eventTime, normalized: payloadOf(line) };
      case 'quarantined':
        return { contentHash: null, eventTime: line.leaf.eventTime, normalized: null };
      case 'fused': {
        const { normalized, eventTime } = this.#reconstruction.of(record);
        return { contentHash: normalized?.contentHash ?? null, eventTime, normalized: normalized?.payload ?? null };
      }
      case 'control':
        return { contentHash: null, eventTime: this.#reconstruction.of(record).eventTime, normalized: null };
      default:
        return { contentHash: null, eventTime: null, normalized: null };
    }
  }

  /** Those in quarantine are few and far between, so they have a list of their own. */
  #candidates({ status, sourceId }: NewestQuery, before: Position): Generator<[EventsEntry, number]> {
    return status === 'quarantined' ? this.#quarantined(sourceId, before) : this.#backwards(sourceId, before);
  }

  *#quarantined(sourceId: string | undefined, from: Position): Generator<[EventsEntry, number]> {
    for (let before = from; ; ) {
      const rows = this.#ledger.quarantinedBefore(before, READ_AT_A_TIME, { left: false });
      for (const { position } of rows) {
        const entry = this.#journal.entryAt(position);
        if (entry?.kind !== 'events' || (sourceId !== undefined && entry.source !== sourceId)) continue;
        yield [entry, position - entry.first];
      }
      const oldest = rows.at(-1);
      if (oldest === undefined) return;
      before = oldest.position;
    }
  }

  *#backwards(sourceId: string | undefined, from: Position): Generator<[EventsEntry, number]> {
    let before = Math.min(from, this.#journal.head() + 1);
    for (;;) {
      const entries = this.#journal.readBackwards(before, READ_AT_A_TIME, sourceId);
      for (const entry of entries) {
        if (entry.kind !== 'events') continue;
        const places = Math.min(entry.events.count, from - entry.first);
        for (let place = places - 1; place >= 0; place--) yield [entry, place];
      }
      const oldest = entries.at(-1);
      if (oldest === undefined) return;
      before = oldest.first;
    }
  }

  #record(entry: EventsEntry, place: number): EventRecord {
    const position = entry.first + place;
    const found = this.#ledger.placement(position);
    const packet = found && this.#ledger.packetOfLeaf(found.stream, found.leaf);
    if (found === undefined || packet === undefined) {
      return { position, entry, place, erased: this.#erasure(entry, position), certified: undefined };
    }
    const line = this.#lines.one(packet, found.leaf);
    const refused = line.leaf.kind === 'quarantined' || line.leaf.kind === 'control';
    const stored = refused ? this.#ledger.reasons(position) : undefined;
    const anchor = this.#ledger.anchorCovering(found.stream, packet.end);
    // Looked for last, so that nothing that it is to hide comes from before it.
    const erased = this.#erasure(entry, position);
    const reasons = erased === undefined ? stored : stored && [];
    return { position, entry, place, erased, certified: { packet, line, reasons, anchor } };
  }

  #erasure({ events }: EventsEntry, position: Position): ErasureEntry | undefined {
    return events.salts === undefined ? undefined : this.#journal.erasure(position);
  }
}

export function statusOf({ certified }: EventRecord): Status {
  switch (certified?.line.leaf.kind) {
    case undefined:
      return 'received';
    case 'quarantined':
      return 'quarantined';
    case 'control':
      return 'failed';
    default:
      return 'certified';
  }
}

/** The source's count of this version, from 1. */
export function seqOf({ entry, place }: EventRecord): number {
  return entry.seq + place;
}
