/**
 * The live feed. Every client is a cursor over what is stored, at the end or behind it, so resuming and following are
 * the same thing: whoever falls behind reads on from storage at its own pace, nothing is queued for it, and nothing is
 * lost between past and present. What is new is turned into messages once for all.
 */
import { itemsOf, type JournalReader } from '../store/journal.ts';
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
/** Parts of the journal, and of the ledger, that are kept: a few MB. */
const KEPT_PARTS = 16;
/** Chunks made for a client before the others, and all else that this thread does, get their turn. */
const CHUNKS_A_TURN = 8;

export class Hub {
  readonly #journal: JournalReader;
  readonly #ledger: LedgerReader;
  readonly #feed: SharedFeed;
  readonly #clients = new Set<Client>();
  #heads: Cursor;

  constructor({ journal, ledger, messages, codec, later }: HubOptions) {
    this.#journal = journal;
    this.#ledger = ledger;
    this.#heads = { journal: journal.head(), ledger: ledger.head() };
    const sources = { journal: new JournalSource(journal), ledger: new LedgerSource(ledger, messages) };
    this.#feed = { ...sources, codec, later, heads: () => this.#heads };
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
    const client = new Client(this.#feed, outlet, filter, from);
    this.#clients.add(client);
    client.pump();
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
    client.pump();
  }

  /** Lets go of messages that are kept: what has been erased since they were made is not to be told any more. */
  forget(): void {
    this.#feed.ledger.forget();
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
    for (const client of this.#clients) client.pump();
  }
}

/** What all clients share. */
interface SharedFeed {
  journal: JournalSource;
  ledger: LedgerSource;
  codec: CursorCodec;
  later: HubOptions['later'];
  heads: () => Cursor;
}

export class Client {
  readonly #feed: SharedFeed;
  readonly #outlet: Outlet;
  readonly #filter: WatchFilter;
  #at: Cursor;
  #blocked = false;
  #scheduled = false;

  constructor(feed: SharedFeed, outlet: Outlet, filter: WatchFilter, from: Cursor) {
    this.#feed = feed;
    this.#outlet = outlet;
    this.#filter = filter;
    this.#at = from;
  }

  /** The client has seen everything up to here. */
  get cursor(): Readonly<Cursor> {
    return this.#at;
  }

  unblock(): void {
    this.#blocked = false;
  }

  stop(): void {
    this.#blocked = true;
  }

  /** Sends what there is, until the outlet has enough. */
  pump(): void {
    for (let chunk = 0; chunk < CHUNKS_A_TURN; chunk++) {
      if (this.#blocked) return;
      const heads = this.#feed.heads();
      if (this.#at.journal < heads.journal) this.#send(this.#fromJournal(heads));
      else if (this.#at.ledger < heads.ledger) this.#send(this.#fromLedger(heads));
      else return;
    }
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#feed.later(() => {
      this.#scheduled = false;
      this.pump();
    });
  }

  #send(frames: string): void {
    if (frames !== '' && !this.#outlet.send(frames)) this.#blocked = true;
  }

  #fromJournal(heads: Cursor): string {
    if (this.#filter.types?.has('received') === false) {
      this.#at = { ...this.#at, journal: heads.journal };
      return '';
    }
    return this.#frames(this.#feed.journal.after(this.#at.journal, heads.journal), 'journal', heads);
  }

  #fromLedger(heads: Cursor): string {
    return this.#frames(this.#feed.ledger.after(this.#at.ledger), 'ledger', heads);
  }

  /** The frames of a part, as far as a chunk goes, moving on past them. */
  #frames(part: Part | undefined, side: keyof Cursor, heads: Cursor): string {
    if (part === undefined) {
      this.#at = { ...this.#at, [side]: heads[side] };
      return '';
    }
    let frames = '';
    for (let place = firstAfter(part.list, this.#at[side]); place < part.list.length; place++) {
      const message = part.list[place]!;
      this.#at = { ...this.#at, [side]: message.position };
      frames += this.#frame(message);
      if (frames.length >= CHUNK_LENGTH) return frames;
    }
    this.#at = { ...this.#at, [side]: part.last };
    return frames;
  }

  #frame(message: Message): string {
    const { types, streams, sources } = this.#filter;
    if (types !== undefined && !types.has(message.type)) return '';
    if (streams !== undefined && !streams.has(message.stream)) return '';
    if (sources !== undefined && !message.sources.some((source) => sources.has(source))) return '';
    return `id: ${this.#feed.codec.encode(this.#at)}\ndata: ${message.text}\n\n`;
  }
}

/** Parts of a feed, the newest few kept, so that all who follow live share them. */
class KeptParts {
  readonly #parts: Part[] = [];

  /** The part that holds the position, made when it is not kept. */
  at(position: number, make: () => Part | undefined): Part | undefined {
    const kept = this.#parts.findLast(({ first, last }) => first <= position && position <= last);
    if (kept !== undefined) return kept;
    const made = make();
    if (made !== undefined) this.#parts.push(made);
    if (this.#parts.length > KEPT_PARTS) this.#parts.shift();
    return made;
  }

  clear(): void {
    this.#parts.length = 0;
  }
}

class JournalSource {
  readonly #journal: JournalReader;
  readonly #kept = new KeptParts();

  constructor(journal: JournalReader) {
    this.#journal = journal;
  }

  /**
   * Messages from the position after this one on; undefined at the end.
   * @param head storage may have more than has been announced; a cursor beyond that would not be known on return
   */
  after(position: number, head: number): Part | undefined {
    return this.#kept.at(position + 1, () => {
      const entries = this.#journal.read(position + 1, JOURNAL_CHUNK_BYTES).filter(({ first }) => first <= head);
      const newest = entries.at(-1);
      if (newest === undefined) return undefined;
      const list = entries.flatMap((entry) => (entry.kind === 'events' ? [receivedMessage(entry)] : []));
      return { first: position + 1, last: newest.first + itemsOf(newest) - 1, list };
    });
  }
}

class LedgerSource {
  readonly #ledger: LedgerReader;
  readonly #messages: LedgerMessages;
  readonly #kept = new KeptParts();

  constructor(ledger: LedgerReader, messages: LedgerMessages) {
    this.#ledger = ledger;
    this.#messages = messages;
  }

  forget(): void {
    this.#kept.clear();
  }

  /** Messages from the position after this one on; undefined at the end. */
  after(position: number): Part | undefined {
    return this.#kept.at(position + 1, () => {
      const entry = this.#ledger.read(position + 1, 1)[0];
      return entry && this.#messages.part(entry, position + 1);
    });
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
