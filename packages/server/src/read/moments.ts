/**
 * Where in the journal, and in the ledger, a moment is. Neither is in strict order of time: the clock may have been set
 * back, and a packet that was cut in event time says of its time the end of its window. So a lookup may begin too early;
 * it passes by something at or after the moment only if the clock was set back in between, and by no more than that, or
 * if more packets than `NEIGHBOURS` in a row waited for events that were late.
 */
import type { Position } from '../event.ts';
import { itemsOf, type JournalReader } from '../store/journal.ts';
import type { LedgerEntry, LedgerPosition, LedgerReader, PacketRow } from '../store/ledger.ts';

/** Ledger entries that are asked together, so that one that waited long does not speak for those around it. */
const NEIGHBOURS = 4;
/** Anchors have no time of their own: so many of them, directly before the moment, are counted to what comes after. */
const MAX_ANCHORS = 64;

export class Moments {
  readonly #journal: Pick<JournalReader, 'head' | 'entryAt'>;
  readonly #ledger: Pick<LedgerReader, 'head' | 'read' | 'positionOfLeaf'>;

  constructor(
    journal: Pick<JournalReader, 'head' | 'entryAt'>,
    ledger: Pick<LedgerReader, 'head' | 'read' | 'positionOfLeaf'>,
  ) {
    this.#journal = journal;
    this.#ledger = ledger;
  }

  /**
   * The last journal position before what was taken in at this time or after it; 0 if there is none.
   * @param time milliseconds since 1970
   */
  journalBefore(time: number): Position {
    let low = 1;
    let high = this.#journal.head() + 1;
    while (low < high) {
      const entry = this.#journal.entryAt(Math.floor((low + high) / 2));
      if (entry === undefined || entry.at >= time) high = entry?.first ?? low;
      else low = entry.first + itemsOf(entry);
    }
    return high - 1;
  }

  /**
   * The last ledger position before what was sealed at this time or after it; 0 if there is none. A packet counts as
   * sealed when its manifest says, or when its last event came, whichever is later.
   * @param time milliseconds since 1970
   */
  ledgerBefore(time: number): LedgerPosition {
    const arrivedBefore = this.journalBefore(time);
    const isSince = (entry: LedgerEntry) => entry.kind === 'packet' && this.#isSince(entry.packet, time, arrivedBefore);
    let low = 1;
    let high = this.#ledger.head() + 1;
    while (low < high) {
      const entries = this.#ledger.read(Math.floor((low + high) / 2), NEIGHBOURS);
      const [first] = entries;
      const last = entries.at(-1);
      if (first === undefined || last === undefined) high = low;
      else if (entries.some(isSince)) high = first.first;
      else low = last.first + last.count;
    }
    const found = this.#ledger.read(high, NEIGHBOURS).find(isSince);
    return this.#beforeAnchors((found?.first ?? high) - 1);
  }
  #isSince({ sealedAt, stream, end }: PacketRow, time: number, arrivedBefore: Position): boolean {
    return sealedAt >= time || (this.#ledger.positionOfLeaf(stream, end - 1) ?? 0) > arrivedBefore;
  }

  #beforeAnchors(position: LedgerPosition): LedgerPosition {
    let before = position;
    for (let anchors = 0; anchors < MAX_ANCHORS && before > 0; anchors++) {
      const [entry] = this.#ledger.read(before, 1);
      if (entry?.kind !== 'anchor') break;
      before = entry.first - 1;
    }
    return before;
  }
}
