/** Where a client begins: the place it asks for, as far as there is one. */
import type { Position } from '../event.ts';
import { parseRfc3339 } from '../json/time.ts';
import type { LedgerPosition, LedgerReader } from '../store/ledger.ts';
import type { Cursor, CursorCodec } from './cursor.ts';
import type { Missing } from './extents.ts';
import type { Hub } from './hub.ts';
import { type LedgerMessages, MESSAGE_TYPES } from './messages.ts';
import { expiredCursor, unknownCursor } from './notices.ts';
import type { Selection } from './selection.ts';
import { beforeNewest } from './snapshot.ts';
import type { Turns } from './turns.ts';

export interface BeginningsOptions {
  hub: Hub;
  codec: CursorCodec;
  ledger: LedgerReader;
  messages: LedgerMessages;
  moments: Moments;
  turns: Turns;
  /** How far back the feed goes, milliseconds; 0 for everything there is. */
  historyMs: number;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** When what is stored came to be. */
export interface Moments {
  /** The last position wholly before this time, milliseconds since 1970; 0 if there is none. */
  ledgerBefore(time: number): LedgerPosition;
  journalBefore(time: number): Position;
}

export interface Beginning {
  from: Readonly<Cursor>;
  /** JSON text of what the client has to be told of it. */
  gap?: string;
}

const LEDGER_TYPES = MESSAGE_TYPES.filter((type) => type !== 'received');
const ORIGIN: Cursor = { journal: 0, ledger: 0 };
/** What a server may have handed out. */
const LIKE_A_CURSOR = /^[0-9a-z]{1,16}-[0-9a-z]{1,11}-[0-9a-z]{1,11}(?:-[0-9a-f]{0,6})?$/;
/** No cursor looks like this. */
const LIKE_A_TIME = /^\d{4}-\d{2}-\d{2}/;

export class Beginnings {
  readonly #options: BeginningsOptions;

  constructor(options: BeginningsOptions) {
    this.#options = options;
  }

  /**
   * @param since a cursor, an RFC 3339 time, `earliest` or `latest`; absent: from now on
   * @returns undefined for what is none of these
   */
  since(since: string | undefined, selection: Selection): Beginning | undefined {
    if (since === undefined || since === 'latest') return { from: this.#options.hub.heads };
    if (since === 'earliest') return this.#within(ORIGIN, since, selection);
    if (LIKE_A_TIME.test(since)) {
      const from = this.#at(since);
      return from && this.#within(from, since, selection);
    }
    return LIKE_A_CURSOR.test(since) ? this.after(since, selection) : undefined;
  }

  /** @param cursor the last that the client has; what cannot be one is as unknown as one that is lost */
  after(cursor: string, selection: Selection): Beginning {
    const { hub, codec } = this.#options;
    const from = codec.decode(cursor, hub.heads);
    if (from !== undefined) return this.#within(from, cursor, selection);
    const missing = hub.extents.unknown((stream) => selection.wantsStream(stream));
    return { from: hub.position, gap: unknownCursor(cursor, missing) };
  }

  /** Before the newest `count` messages that the client wants, as far back as the feed goes. */
  async newest(count: number, selection: Selection): Promise<Beginning> {
    const { hub, turns } = this.#options;
    const { journal, ledger } = await turns.run(beforeNewest(this.#options, selection, count, hub.position));
    return { from: { journal, ledger: Math.max(ledger, this.#oldest().ledger) } };
  }

  #at(text: string): Cursor | undefined {
    const time = parseRfc3339(text);
    return time === undefined ? undefined : this.#before(time);
  }

  #before(time: number): Cursor {
    const { hub, moments } = this.#options;
    // Nobody begins beyond what is told: what comes before a time to come is told, too.
    const { journal, ledger } = hub.position;
    return {
      journal: Math.min(moments.journalBefore(time), journal),
      ledger: Math.min(moments.ledgerBefore(time), ledger),
    };
  }

  #oldest(): Cursor {
    const { historyMs, now } = this.#options;
    return historyMs === 0 ? ORIGIN : this.#before(now() - historyMs);
  }

  #within(from: Cursor, since: string, selection: Selection): Beginning {
    const oldest = this.#oldest();
    const begin = { journal: Math.max(from.journal, oldest.journal), ledger: Math.max(from.ledger, oldest.ledger) };
    const ofLedger = begin.ledger > from.ledger && LEDGER_TYPES.some((type) => selection.wants(type));
    const ofJournal = begin.journal > from.journal && selection.wants('received');
    if (!ofLedger && !ofJournal) return { from: begin };
    const missing = ofLedger ? this.#expired(selection, from === ORIGIN ? 0 : null) : [];
    return { from: begin, gap: expiredCursor(since, missing) };
  }

  /**
   * The leaves of packets that were sealed before the oldest that is told.
   * @param start of what is missing, as far as it is known
   */
  #expired(selection: Selection, start: number | null): Missing[] {
    const { ledger, historyMs, now } = this.#options;
    const time = now() - historyMs;
    const streams = ledger.streams().filter(({ stream }) => selection.wantsStream(stream));
    return streams
      .map(({ stream, size }) => ({ stream, start, end: this.#leavesBefore(stream, size, time) }))
      .filter(({ end }) => end > 0);
  }

  #leavesBefore(stream: string, size: number, time: number): number {
    let low = 0;
    let high = size;
    while (low < high) {
      const packet = this.#options.ledger.packetOfLeaf(stream, (low + high) >>> 1);
      if (packet === undefined || packet.sealedAt >= time) high = packet?.start ?? low;
      else low = packet.end;
    }
    return low;
  }
}
