/** Events in quarantine, and those that were and about which an operator has had a word. */
import type { Position } from '../event.ts';
import { StoreError } from '../store/errors.ts';
import { type EventsEntry, itemsOf, type JournalReader, type ResolutionEntry } from '../store/journal.ts';
import type { LedgerReader, QuarantineRow } from '../store/ledger.ts';
import type { PacketLines } from './lines.ts';

export interface QuarantineQuery {
  stream?: string;
  sourceId?: string;
  /** One of the reasons begins with it. */
  reasonPrefix?: string;
  /** false: those that wait for a word; true: those that have left; undefined: all. */
  resolved: boolean | undefined;
}

export interface Quarantined {
  row: QuarantineRow;
  entry: EventsEntry;
  /** Place in the entry. */
  place: number;
  resolution: ResolutionEntry | undefined;
}

export interface QuarantinePage {
  found: Quarantined[];
  /** Where the next page begins; undefined when there is nothing more. */
  next: Position | undefined;
}

/** An operator's word as answers show it. */
export interface Resolution {
  action: ResolutionEntry['action'];
  by: string;
  reason: string;
  at: string;
}

/** Looked at for one page, so that a rare reason cannot hold up the others; a page may be short. */
const SCAN_LIMIT = 2_000;

export class Quarantine {
  readonly #journal: JournalReader;
  readonly #ledger: LedgerReader;
  readonly #lines: PacketLines;

  constructor(journal: JournalReader, ledger: LedgerReader, lines: PacketLines) {
    this.#journal = journal;
    this.#ledger = ledger;
    this.#lines = lines;
  }

  /** Newest first. @param before where the page before says that this one begins */
  page(query: QuarantineQuery, before: Position, limit: number): QuarantinePage {
    const { stream, resolved } = query;
    const filter = {
      ...(stream === undefined ? {} : { stream }),
      ...(resolved === undefined ? {} : { left: resolved }),
    };
    const rows = this.#ledger.quarantinedBefore(before, SCAN_LIMIT, filter);
    const found: Quarantined[] = [];
    let entry: EventsEntry | undefined;
    for (const row of rows) {
      if (found.length === limit) break;
      before = row.position;
      if (!hasReason(row, query)) continue;
      // Neighbours are often of one entry, which may be large.
      if (entry === undefined || row.position < entry.first) entry = this.#entryAt(row.position);
      if (query.sourceId !== undefined && entry.source !== query.sourceId) continue;
      const resolution = this.#journal.resolution(row.position);
      // The word may be in the journal already, and the ledger not as far yet.
      if (resolved === false && resolution !== undefined) continue;
      // Nobody can decide any more about what is erased.
      if (entry.events.salts !== undefined && this.#journal.erasure(row.position) !== undefined) continue;
      found.push({ row, entry, place: row.position - entry.first, resolution });
    }
    const exhausted = rows.length < SCAN_LIMIT && before === (rows.at(-1)?.position ?? before);
    return { found, next: exhausted ? undefined : before };
  }

  /** As lists show it: by the leaf that says that it is in quarantine. */
  item({ row, entry, place, resolution }: Quarantined): object {
    const packet = this.#ledger.packetOfLeaf(row.stream, row.leaf);
    if (packet === undefined) throw new StoreError('damaged', `leaf ${row.leaf} of ${row.stream} is in no packet`);
    const { leaf } = this.#lines.one(packet, row.leaf);
    return {
      eventId: entry.events.eventId(place),
      sourceId: entry.source,
      stream: row.stream,
      seq: entry.seq + place,
      eventTime: 'eventTime' in leaf ? leaf.eventTime : null,
      reasons: row.reasons,
      receivedAt: new Date(entry.at).toISOString(),
      versionId: packet.versionId,
      leafIndex: row.leaf,
      ...(resolution === undefined ? {} : { resolution: shown(resolution) }),
    };
  }

  /** An operator's word about the event at this position. */
  resolution(position: Position): Resolution | undefined {
    const entry = this.#journal.resolution(position);
    return entry && shown(entry);
  }

  #entryAt(position: Position): EventsEntry {
    const entry = this.#journal.entryAt(position);
    if (entry?.kind === 'events' && position < entry.first + itemsOf(entry)) return entry;
    throw new StoreError('damaged', `the journal has no event at ${position}`);
  }
}

export function shown({ action, by, reason, at }: ResolutionEntry): Resolution {
  return { action, by, reason, at: new Date(at).toISOString() };
}

function hasReason({ reasons }: QuarantineRow, { reasonPrefix }: QuarantineQuery): boolean {
  return reasonPrefix === undefined || reasons.some((reason) => reason.startsWith(reasonPrefix));
}
