/** Events as readers ask for them: where each one is, what became of it, and the evidence. */

import type { Position } from '../event.ts';
import type { JsonValue } from '../json/parse.ts';
import type { EventsEntry, JournalReader } from '../store/journal.ts';
import type { AnchorRow, LedgerReader, PacketRow } from '../store/ledger.ts';
import type { Line, PacketLines } from './lines.ts';

export type Status = 'received' | 'certified' | 'quarantined';

/** An event as lists show it. Times in epoch seconds, as in the seed. */
export interface EventItem {
  eventId: string;
  sourceId: string;
  stream: string;
  status: Status;
  contentHash: string | null;
  versionId: string | null;
  leafIndex: number | null;
  eventTime: string | null;
  normalized: JsonValue | null;
  createdAt: number;
  updatedAt: number;
}

/** All there is about one version of an event. */
export interface EventRecord {
  position: Position;
  entry: EventsEntry;
  /** Place in the entry. */
  place: number;
  /** Absent until the event is in a sealed packet. */
  certified:
    | { packet: PacketRow; line: Line; reasons: string[] | undefined; anchor: AnchorRow | undefined }
    | undefined;
}

/** Entries, or positions, fetched at a time. */
const READ_AT_A_TIME = 16;

export class EventReader {
  readonly #journal: JournalReader;
  readonly #ledger: LedgerReader;
  readonly #lines: PacketLines;

  constructor(journal: JournalReader, ledger: LedgerReader, lines: PacketLines) {
    this.#journal = journal;
    this.#ledger = ledger;
    this.#lines = lines;
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
      const item = toItem(this.#record(entry, place));
      if (filter.status !== undefined && item.status !== filter.status) continue;
      if (skip > 0) skip--;
      else items.push(item);
    }
    return items;
  }

  *#quarantined(sourceId: string | undefined): Generator<[EventsEntry, number]> {
    for (let before = Number.MAX_SAFE_INTEGER; ; ) {
      const positions = this.#ledger.quarantinedBefore(before, READ_AT_A_TIME);
      for (const position of positions) {
        const entry = this.#journal.entryAt(position);
        if (entry?.kind !== 'events' || (sourceId !== undefined && entry.source !== sourceId)) continue;
        yield [entry, position - entry.first];
      }
      const oldest = positions.at(-1);
      if (oldest === undefined) return;
      before = oldest;
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
    if (found === undefined || packet === undefined) return { position, entry, place, certified: undefined };
    const line = this.#lines.one(packet, found.leaf);
    const reasons = line.leaf.kind === 'quarantined' ? this.#ledger.reasons(position) : undefined;
    const anchor = this.#ledger.anchorCovering(found.stream, packet.end);
    return { position, entry, place, certified: { packet, line, reasons, anchor } };
  }
}

export function statusOf({ certified }: EventRecord): Status {
  if (certified === undefined) return 'received';
  return certified.line.leaf.kind === 'quarantined' ? 'quarantined' : 'certified';
}

export function toItem(record: EventRecord): EventItem {
  const { entry, place, certified } = record;
  const leaf = certified?.line.leaf;
  return {
    eventId: entry.events.eventId(place),
    sourceId: entry.source,
    stream: entry.stream,
    status: statusOf(record),
    contentHash: leaf?.kind === 'record' ? leaf.payloadHash : null,
    versionId: certified?.packet.versionId ?? null,
    leafIndex: certified?.line.index ?? null,
    eventTime: leaf !== undefined && 'eventTime' in leaf ? leaf.eventTime : null,
    normalized: payloadOf(certified?.line),
    createdAt: Math.floor(entry.at / 1000),
    updatedAt: Math.floor((certified?.packet.sealedAt ?? entry.at) / 1000),
  };
}

function payloadOf(line: Line | undefined): JsonValue | null {
  return line?.payload === undefined ? null : (JSON.parse(line.payload) as JsonValue);
}
