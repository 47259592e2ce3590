/**
 * The live feed. Every client is a cursor over what is stored, at the end or behind it, so resuming and following are
 * the same thing: whoever falls behind reads on from storage at its own pace, nothing is queued for it, and nothing is
 * lost between past and present. What is new is turned into messages once for all.
 */
import type { EventsEntry, JournalReader } from '../store/journal.ts';
import { itemsOf } from '../store/journal.ts';
import type { LedgerReader } from '../store/ledger.ts';
import type { Cursor, CursorCodec } from './cursor.ts';
import { type LedgerMessages, type Message, type Part, receivedMessage } from './messages.ts';

/** Where a client's messages go. */
export interface Outlet {
  /** @returns false when the outlet has enough for now; it calls `resume` when it wants more */
  send(frames: string): boolean;
}

export interface WatchFilter {
  types: ReadonlySet<string> | undefined;
  streams: ReadonlySet<string> | undefined;
  sources: ReadonlySet<string> | undefined;
}

export interface HubOptions {
  journal: JournalReader;
  ledger: LedgerReader;
  messages: LedgerMessages;
  codec: CursorCodec;
  /** Calls back when this thread has seen to everything else that waits. */
  later: (work: () => void) => void;
}

/** Characters handed to an outlet at a time: enough to be cheap, little enough to be dropped when a client leaves. */
const CHUNK_LENGTH = 64 * 1024;
const JOURNAL_CHUNK_BYTES = 256 * 1024;
/** Parts of the ledger whose messages are kept, so that all who follow live share them: a few MB. */
const KEPT_PARTS = 16;
/** Chunks made for a client before the others, and all else that this thread does, get their turn. */
const CHUNKS_A_TURN = 8;

export class Hub {
  readonly #journal: JournalReader;
  readonly #ledger: LedgerReader;
  readonly #codec: CursorCodec;
  readonly #source: LedgerSource;
  readonly #later: HubOptions['later'];
  readonly #clients = new Set<Client>();
  #heads: Cursor;

  constructor(options: HubOptions) {
    this.#journal = options.journal;
    this.#ledger = options.ledger;
    this.#codec = options.codec;
    this.#later = options.later;
    this.#source = new LedgerSource(options.ledger, options.messages);
    this.#heads = { journal: options.journal.head(), ledger: options.ledger.head() };
  }

  get size(): number {
    return this.#clients.size;
  }

  /** How far there is something to see. */
  get heads(): Readonly<Cursor> {
    return this.#heads;
  }

  /** Adds a client that has seen everything up to `from`. Its first messages follow before this returns. */
  join(outlet: Outlet, filter: WatchFilter, from: Cursor): Client {
    const client = new Client(outlet, filter, from, this.#codec, this.#journal, this.#source, this.#later);
    this.#clients.add(client);
    client.pump(this.#heads);
    return client;
  }

  leave(client: Client): void {
    client.stop();
    this.#clients.delete(client);
  }

  /** The outlet of this client wants more. */
  resume(client: Client): void {
    if (!this.#clients.has(client)) return;
    client.unblock();
    client.pump(this.#heads);
  }

  /** Looks for itself: what is committed can be read before the news of it has come. */
  refresh(): Readonly<Cursor> {
    this.advance({ journal: this.#journal.head(), ledger: this.#ledger.head() });
    return this.#heads;
  }

  /** There is something new to see, unless `refresh` was first. */
  advance({ journal = 0, ledger = 0 }: Partial<Cursor>): void {
    if (journal <= this.#heads.journal && ledger <= this.#heads.ledger) return;
    this.#heads = { journal: Math.max(journal, this.#heads.journal), ledger: Math.max(ledger, this.#heads.ledger) };
    for (const client of this.#clients) client.pump(this.#heads);
  }
}

export class Client {
  readonly #outlet: Outlet;
  readonly #filter: WatchFilter;
  readonly #codec: CursorCodec;
  readonly #journal: JournalReader;
  readonly #ledger: LedgerSource;
  readonly #later: HubOptions['later'];
  #at: Cursor;
  #blocked = false;
  #scheduled = false;

  constructor(
    outlet: Outlet,
    filter: WatchFilter,
    from: Cursor,
    codec: CursorCodec,
    journal: JournalReader,
    ledger: LedgerSource,
    later: HubOptions['later'],
  ) {
    this.#outlet = outlet;
    this.#filter = filter;
    this.#at = from;
    this.#codec = codec;
    this.#journal = journal;
    this.#ledger = ledger;
    this.#later = later;
  }

  unblock(): void {
    this.#blocked = false;
  }

  stop(): void {
    this.#blocked = true;
  }

  /** Sends what there is up to `heads`, until the outlet has enough. */
  pump(heads: Cursor): void {
    for (let chunk = 0; chunk < CHUNKS_A_TURN; chunk++) {
      if (this.#blocked) return;
      if (this.#at.journal < heads.journal) this.#send(this.#received(heads));
      else if (this.#at.ledger < heads.ledger) this.#send(this.#fromLedger(heads));
      else return;
    }
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#later(() => {
      this.#scheduled = false;
      this.pump(heads);
    });
  }

  #send(frames: string): void {
    if (frames !== '' && !this.#outlet.send(frames)) this.#blocked = true;
  }

  #received(heads: Cursor): string {
    if (this.#filter.types?.has('received') === false) {
      this.#at = { ...this.#at, journal: heads.journal };
      return '';
    }
    let frames = '';
    for (const entry of this.#journal.read(this.#at.journal + 1, JOURNAL_CHUNK_BYTES)) {
      // Storage may have more than has been announced; a cursor beyond that would not be known on return.
      if (entry.first > heads.journal) break;
      this.#at = { ...this.#at, journal: entry.first + itemsOf(entry) - 1 };
      if (entry.kind === 'events') frames += this.#frame(receivedMessage(entry satisfies EventsEntry));
    }
    return frames;
  }

  #fromLedger(heads: Cursor): string {
    const messages = this.#ledger.after(this.#at.ledger);
    if (messages === undefined) {
      this.#at = { ...this.#at, ledger: heads.ledger };
      return '';
    }
    let frames = '';
    for (let place = firstAfter(messages.list, this.#at.ledger); place < messages.list.length; place++) {
      const message = messages.list[place]!;
      this.#at = { ...this.#at, ledger: message.position };
      frames += this.#frame(message);
      if (frames.length >= CHUNK_LENGTH) return frames;
    }
    this.#at = { ...this.#at, ledger: messages.last };
    return frames;
  }

  #frame(message: Message): string {
    const { types, streams, sources } = this.#filter;
    if (types !== undefined && !types.has(message.type)) return '';
    if (streams !== undefined && !streams.has(message.stream)) return '';
    if (sources !== undefined && (message.source === undefined || !sources.has(message.source))) return '';
    return `id: ${this.#codec.encode(this.#at)}\ndata: ${message.text}\n\n`;
  }
}

/** The messages of the ledger, the newest few kept. */
class LedgerSource {
  readonly #ledger: LedgerReader;
  readonly #messages: LedgerMessages;
  readonly #kept: Part[] = [];

  constructor(ledger: LedgerReader, messages: LedgerMessages) {
    this.#ledger = ledger;
    this.#messages = messages;
  }

  /** Messages from the position after this one on; undefined at the end. */
  after(position: number): Part | undefined {
    const kept = this.#kept.findLast(({ first, last }) => first <= position + 1 && position + 1 <= last);
    if (kept !== undefined) return kept;
    const entry = this.#ledger.read(position + 1, 1)[0];
    if (entry === undefined) return undefined;
    const part = this.#messages.part(entry, position + 1);
    this.#kept.push(part);
    if (this.#kept.length > KEPT_PARTS) this.#kept.shift();
    return part;
  }
}

/** Index of the first message above `position`; their positions ascend. */
function firstAfter(list: readonly Message[], position: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (list[middle]!.position <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}
