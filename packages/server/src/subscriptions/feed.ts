/** What the ledger tells, for all subscriptions: each part of it is made once for those that read it about the same time. */

import type { Position } from '../event.ts';
import type { CursorCodec } from '../live/cursor.ts';
import type { LedgerMessages, Message, Part, Wants } from '../live/messages.ts';
import { takenInWith } from '../read/log-feed.ts';
import { StoreError } from '../store/errors.ts';
import type { LedgerEntry, LedgerPosition, LedgerReader } from '../store/ledger.ts';
import type { StreamConfig } from '../stream.ts';
import type { ToldMessage } from './cloud-event.ts';

/** Messages up to a position, wanted or not. */
export interface Stretch {
  last: LedgerPosition;
  messages: readonly Message[];
}

export interface FeedParts {
  ledger: LedgerReader;
  messages: LedgerMessages;
  codec: CursorCodec;
}

interface KeptPart extends Part {
  entry: LedgerEntry;
}

/** A part is 500 messages at the most. */
const KEPT_PARTS = 8;

export class Feed {
  readonly #parts: FeedParts;
  readonly #kept: KeptPart[] = [];
  readonly #origins = new Map<string, string>();
  /** The packet last asked about: cursors mostly come many to a packet. */
  #sealed: { versionId: string; takenIn: Position } | undefined;

  constructor(parts: FeedParts) {
    this.#parts = parts;
  }

  head(): LedgerPosition {
    return this.#parts.ledger.head();
  }

  /** The place after a position, for `/watch` too: what was received long before is not told there again. */
  cursor(position: LedgerPosition): string {
    return this.#parts.codec.encode({ journal: this.#takenIn(position), ledger: position });
  }

  /** @returns undefined for a cursor that this ledger has not given out */
  position(cursor: string): LedgerPosition | undefined {
    const heads = { journal: Number.MAX_SAFE_INTEGER, ledger: this.head() };
    return this.#parts.codec.decode(cursor, heads)?.ledger;
  }

  /** What follows a position, without reading what is not wanted; undefined at the end. */
  after(position: LedgerPosition, wants: Wants): Stretch | undefined {
    const first = position + 1;
    const entry = this.#keptWith(first)?.entry ?? this.#parts.ledger.read(first, 1)[0];
    if (entry === undefined) return undefined;
    const { last, list } = this.#parts.messages.unwanted(entry, first, wants) ?? this.#part(entry, first);
    return { last, messages: list.filter((message) => message.position >= first) };
  }

  /** The message at a position, as it is now: of what was erased since, the payload is gone. */
  at(position: LedgerPosition): ToldMessage {
    const entry = this.#keptWith(position)?.entry ?? this.#parts.ledger.read(position, 1)[0];
    const message = entry && this.#part(entry, position).list.find((one) => one.position === position);
    if (entry === undefined || message === undefined)
      throw new StoreError('damaged', `the ledger tells nothing at ${position}`);
    const { packet } = entry;
    const origin = this.#originOf(packet.stream);
    const subject = subjectOf(message);
    const id = this.#parts.codec.encode({ journal: 0, ledger: position });
    return { id, message, origin, subject, sealedAt: packet.sealedAt, cursor: this.cursor(position) };
  }

  /** Lets go of messages that are kept: what has been erased since they were made is not to be told any more. */
  forget(): void {
    this.#kept.length = 0;
  }

  #takenIn(position: LedgerPosition): Position {
    if (position === 0) return 0;
    const { ledger } = this.#parts;
    const packet = (this.#keptWith(position)?.entry ?? ledger.read(position, 1)[0])?.packet;
    if (packet === undefined) return 0;
    if (this.#sealed?.versionId !== packet.versionId) {
      this.#sealed = { versionId: packet.versionId, takenIn: takenInWith(ledger, packet) };
    }
    return this.#sealed.takenIn;
  }

  #keptWith(position: LedgerPosition): KeptPart | undefined {
    return this.#kept.findLast(({ first, last }) => first <= position && position <= last);
  }

  #part(entry: LedgerEntry, position: LedgerPosition): KeptPart {
    const kept = this.#keptWith(position);
    if (kept !== undefined) return kept;
    const made = { ...this.#parts.messages.part(entry, position), entry };
    this.#kept.push(made);
    if (this.#kept.length > KEPT_PARTS) this.#kept.shift();
    return made;
  }

  #originOf(stream: string): string {
    let origin = this.#origins.get(stream);
    if (origin === undefined) {
      const row = this.#parts.ledger.stream(stream);
      if (row === undefined) throw new StoreError('damaged', `the stream "${stream}" is missing`);
      origin = (JSON.parse(row.config) as StreamConfig).origin;
      this.#origins.set(stream, origin);
    }
    return origin;
  }
}

/** Of an event its id; of a packet that is anchored, its versionId. */
function subjectOf({ body }: Message): string | undefined {
  const { eventId, versionId } = body as { eventId?: string; versionId?: string };
  return eventId ?? versionId;
}
