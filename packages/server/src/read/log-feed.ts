/** Events in log order, page by page: what is in sealed packets, as it was sealed. */

import type { LedgerPosition, LedgerReader } from '../store/ledger.ts';
import type { EventReader } from './events.ts';
import type { EventItem, FusedItem } from './item.ts';

/** Entries looked at for one page, so that nobody holds up the others; a page may be short, and the next goes on. */
const SCAN_LIMIT = 1_000;
const ENTRIES_AT_A_TIME = 16;

export interface FeedPage {
  items: EventItem[];
  /** Where the next page begins: everything up to this ledger position has been looked at. */
  next: LedgerPosition;
}

export interface FeedQuery {
  stream?: string | undefined;
  /** One that had a say in it. */
  sourceId?: string | undefined;
  /** Asked of each item as it is shown. */
  matches?: ((item: EventItem) => boolean) | undefined;
}

export class LogFeed {
  readonly #ledger: LedgerReader;
  readonly #events: EventReader;

  constructor(ledger: LedgerReader, events: EventReader) {
    this.#ledger = ledger;
    this.#events = events;
  }

  /**
   * @param after ledger position of the last item seen
   * @param upTo end of the last ledger entry to look at
   * @param maxEvents looked at
   */
  page(
    after: LedgerPosition,
    upTo: LedgerPosition,
    limit: number,
    { stream, sourceId, matches = () => true }: FeedQuery,
    maxEvents = Number.POSITIVE_INFINITY,
  ): FeedPage {
    const items: EventItem[] = [];
    let next = after;
    let looked = 0;
    for (let scanned = 0; scanned < SCAN_LIMIT; scanned += ENTRIES_AT_A_TIME) {
      const entries = this.#ledger.read(next + 1, ENTRIES_AT_A_TIME);
      if (entries.length === 0) break;
      for (const entry of entries) {
        const last = entry.first + entry.count - 1;
        if (last > upTo) return { items, next };
        const ofStream = entry.kind === 'packet' && (stream === undefined || entry.packet.stream === stream);
        if (ofStream) {
          // The last of a packet's positions stand for its leaves, certified; a page may end among them.
          const leaves = entry.packet.end - entry.packet.start;
          const certified = last + 1 - leaves;
          const seen = Math.max(0, next - certified + 1);
          for (const item of this.#events.itemsOfLeaves(entry.packet, entry.packet.start + seen)) {
            if (items.length === limit || looked++ === maxEvents) return { items, next };
            const wanted = item !== undefined && (sourceId === undefined || isOf(item, sourceId)) && matches(item);
            if (wanted) items.push(item);
            next = Math.max(next, certified - 1) + 1;
          }
        }
        next = last;
      }
      if (items.length === limit) break;
    }
    return { items, next };
  }
}

/** Whether the source had a say in it. */
function isOf(item: EventItem | FusedItem, source: string): boolean {
  return 'sources' in item ? item.sources.includes(source) : item.sourceId === source;
}
