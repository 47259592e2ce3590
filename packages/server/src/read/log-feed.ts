/** Events in log order, page by page: what is in sealed packets, as it was sealed. */

import type { Position } from '../event.ts';
import type { LedgerPosition, LedgerReader, PacketRow } from '../store/ledger.ts';
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
  streams?: ReadonlySet<string> | undefined;
  /** Of which one had a say in it. */
  sources?: ReadonlySet<string> | undefined;
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

  /** How far the journal had been taken in, at the least, when this position of the ledger came to be. */
  takenIn(position: LedgerPosition): Position {
    const [entry] = position === 0 ? [] : this.#ledger.read(position, 1);
    return entry === undefined ? 0 : takenInWith(this.#ledger, entry.packet);
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
    { streams, sources, matches = () => true }: FeedQuery,
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
        if (entry.kind === 'packet' && streams?.has(entry.packet.stream) !== false) {
          // The last of a packet's positions stand for its leaves, certified; a page may end among them.
          const leaves = entry.packet.end - entry.packet.start;
          const certified = last + 1 - leaves;
          let place = Math.max(0, next - certified + 1);
          for (const item of this.#events.itemsOfLeaves(entry.packet, entry.packet.start + place)) {
            if (items.length === limit || looked++ === maxEvents) return { items, next };
            const wanted = item !== undefined && (sources === undefined || isOf(item, sources)) && matches(item);
            if (wanted) items.push(item);
            next = certified + place++;
          }
        }
        next = last;
      }
      if (items.length === limit) break;
    }
    return { items, next };
  }
}

/** How far the journal had been taken in, at the least, when this packet was sealed. */
export function takenInWith(
  ledger: Pick<LedgerReader, 'positionOfLeaf'>,
  { stream, start, end }: Pick<PacketRow, 'stream' | 'start' | 'end'>,
): Position {
  for (let leaf = end - 1; leaf >= start; leaf--) {
    const taken = ledger.positionOfLeaf(stream, leaf);
    if (taken !== undefined) return taken;
  }
  return 0;
}

/** Whether one of the sources had a say in it. */
function isOf(item: EventItem | FusedItem, sources: ReadonlySet<string>): boolean {
  if ('sources' in item) return item.sources.some((source) => sources.has(source));
  return item.sourceId !== null && sources.has(item.sourceId);
}
