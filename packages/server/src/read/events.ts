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

  /**
   * Newest first.
   * @param scanLimit events looked at before the list ends early, so that a rare status cannot read the whole journal
   */
  newest(
    filter: { sourceId?: string; status?: Status },
    offset: number,
    limit: number,
    scanLimit: number,
  ): EventItem[] {
    const items: EventItem[] = [];
    let skip = offset;
    let scanned = 0;
    // Those in quarantine are few and far between, so they have a list of their own.
    const candidates =
      filter.status === 'quarantined' ? this.#quarantined(filter.sourceId) : this.#backwards(filter.sourceId);
    for (const [entry, place] of candidates) {
      if (items.length === limit || scanned++ >= scanLimit) break;
      if (filter.status === undefined && skip > 0) {
        skip--;
        continue;
      }
      const record = this.#record(entry, place);
      if (filter.status !== undefined && statusOf(record) !== filter.status) continue;
      if (skip > 0) skip--;
      else items.push(this.item(record));
    }
    return items;
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
   * What is in one leaf, whatever has become of it since.
   * @returns undefined for leaves that are no events, such as a log's header
   */
  itemOfLeaf(packet: PacketRow, index: number): EventItem | undefined {
    const line = this.#lines.one(packet, index);
    const { leaf } = line;
    if (leaf.kind === 'fused') return fusedItem(packet, line, this.#decisions.named(leaf.decision));
    if (leaf.kind !== 'record' && leaf.kind !== 'quarantined') return undefined;
    const position = this.#ledger.positionOfLeaf(packet.stream, index);
    const entry = position === undefined ? undefined : this.#journal.entryAt(position);
    if (position === undefined || entry?.kind !== 'events') {
      throw new StoreError('damaged', `leaf ${index} of ${packet.stream} is not in the journal`);
    }
    const certified = { packet, line, reasons: undefined, anchor: undefined };
    const erased = this.#erasure(entry, position);
    return this.item({ position, entry, place: position - entry.first, erased, certified });
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

  *#quarantined(sourceId: string | undefined): Generator<[EventsEntry, number]> {
    for (let before = Number.MAX_SAFE_INTEGER; ; ) {
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

  *#backwards(sourceId: string | undefined): Generator<[EventsEntry, number]> {
    let before = this.#journal.head() + 1;
    for (;;) {
      const entries = this.#journal.readBackwards(before, READ_AT_A_TIME, sourceId);
      for (const entry of entries) {
        if (entry.kind !== 'events') continue;
        for (let place = entry.events.count - 1; place >= 0; place--) yield [entry, place];
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
