/**
 * The live feed. Every client is a cursor over what is stored, at the end or behind it, so resuming and following are
 * the same thing. Those at the end are served together, in rounds: what is new is matched, framed and packed once for
 * all who want the same. Whoever is behind reads on from storage at its own pace, until it meets them.
 */
import type { JournalReader } from '../store/journal.ts';
import type { LedgerReader } from '../store/ledger.ts';
import { Backlog } from './backlog.ts';
import type { Channel, Round } from './channel.ts';
import { Channels } from './channels.ts';
import { Client, type ClientOptions, type Closing, Shedding } from './client.ts';
import { type Cursor, type CursorCodec, isSame } from './cursor.ts';
import { Extents } from './extents.ts';
import type { Framing } from './framing.ts';
import type { LedgerMessages, Message, Wants } from './messages.ts';
import { conflated, leftOut } from './notices.ts';
import { firstAfter, JournalParts, LedgerParts } from './parts.ts';
import { Pulse } from './pulse.ts';
import type { Turns } from './turns.ts';

export interface HubOptions {
  journal: JournalReader;
  ledger: LedgerReader;
  messages: LedgerMessages;
  codec: CursorCodec;
  /** What may wait for a client that follows live. */
  queue: { bytes: number; messages: number };
  /** Milliseconds since 1970. */
  now: () => number;
  /** Calls back when this thread has seen to everything else that waits. */
  later: (work: () => void) => void;
  /** For whoever is behind. */
  turns: Turns;
}

/** Messages told in a round, unless a part of what is stored has more. */
const ROUND_MESSAGES = 500;
/** Characters of them that one channel is told in a round, and as many as a part of what is stored may have on top. */
const ROUND_LENGTH = 1024 * 1024;
/** Connections written to before all else that this thread does gets its turn. */
const WRITES_A_TURN = 500;

export class Hub {
  readonly #options: HubOptions;
  readonly #journal: JournalParts;
  readonly #ledger: LedgerParts;
  readonly #backlog: Backlog;
  readonly #clients = new Set<Client>();
  readonly #channels = new Channels();
  readonly #turns: Turns;
  /** They know of more than has been told yet. */
  readonly #early = new Set<Client>();
  readonly #pulse: Pulse;
  readonly #extents: Extents;
  #heads: Readonly<Cursor>;
  /** Members of channels have been written everything up to here, or are about to be. */
  #at: Readonly<Cursor>;
  readonly #wants: Wants = (type, stream) => this.#channels.want(type, stream);
  #working = false;
  #closed = false;
  #delivered = 0;
  #tooSlow = 0;

  constructor(options: HubOptions) {
    const { journal, ledger, messages, codec } = options;
    this.#options = options;
    this.#turns = options.turns;
    this.#pulse = new Pulse({ ...options, stalled: (client) => this.#end(client, 'stalled') });
    this.#journal = new JournalParts(journal);
    this.#ledger = new LedgerParts(ledger, messages);
    this.#backlog = new Backlog({ journal: this.#journal, ledger: this.#ledger }, codec);
    const { head, extents } = Extents.read(ledger);
    this.#extents = extents;
    this.#heads = { journal: journal.head(), ledger: head };
    this.#at = this.#heads;
  }

  get size(): number {
    return this.#clients.size;
  }

  /** Messages written to clients that follow live. */
  get delivered(): number {
    return this.#delivered;
  }

  /** How often more waited for a client than is allowed. */
  get tooSlow(): number {
    return this.#tooSlow;
  }

  /** How far there is something to see. */
  get heads(): Readonly<Cursor> {
    return this.#heads;
  }

  /** Where those are who follow live. */
  get position(): Readonly<Cursor> {
    return this.#at;
  }

  /** How far each stream has been told of there. */
  get extents(): Extents {
    return this.#extents;
  }

  /** Adds a client that has seen everything up to `from`. */
  join(options: ClientOptions, from: Readonly<Cursor>): Client {
    const client = new Client(options, from);
    if (this.#closed) {
      client.closed = true;
      client.outlet.close('going-down');
      return client;
    }
    this.#clients.add(client);
    this.#pulse.add(client);
    // Whoever is behind waits for a turn, however many come at once.
    if (isSame(from, this.#at)) this.#channels.enlist(client);
    else this.#turns.add(() => this.#catchUp(client));
    return client;
  }

  leave(client: Client): void {
    client.closed = true;
    this.#clients.delete(client);
    this.#early.delete(client);
    this.#pulse.delete(client);
    this.#channels.detach(client);
  }

  /** Ends all connections; nothing is read any more. */
  close(why: Closing): void {
    this.#closed = true;
    for (const client of [...this.#clients]) this.#end(client, why);
  }

  #end(client: Client, why: Closing): void {
    client.outlet.close(why);
    this.leave(client);
  }

  /** Lets go of messages that are kept: what has been erased since they were made is not to be told any more. */
  forget(): void {
    this.#ledger.forget();
    for (const { shedding } of this.#clients) shedding?.forget();
  }

  /** Looks for itself: what is committed can be read before the news of it has come. */
  refresh(): Readonly<Cursor> {
    const { journal, ledger } = this.#options;
    this.advance({ journal: journal.head(), ledger: ledger.head() });
    return this.#heads;
  }

  /** There is something new to see, unless `refresh` was first. */
  advance({ journal = 0, ledger = 0 }: Partial<Cursor>): void {
    if (journal <= this.#heads.journal && ledger <= this.#heads.ledger) return;
    this.#heads = { journal: Math.max(journal, this.#heads.journal), ledger: Math.max(ledger, this.#heads.ledger) };
    this.#work();
  }

  /** The next heartbeats are due; to be called `BEATS` times in the interval between two of one client. */
  beat(): void {
    this.#pulse.beat();
    this.#work();
  }

  #work(): void {
    if (this.#working || this.#closed) return;
    this.#working = true;
    this.#turn(this.#rounds());
  }

  #turn(rounds: Generator<void>): void {
    if (this.#closed || rounds.next().done === true) this.#working = false;
    else this.#options.later(() => this.#turn(rounds));
  }

  /** One after the other: between two rounds, all members of channels stand at the same place. */
  *#rounds(): Generator<void> {
    for (;;) {
      yield* this.#pulse.send(this.#at);
      if (isSame(this.#at, this.#heads)) return;
      yield* this.#send(this.#collect());
      for (const client of [...this.#early]) this.#catchUp(client);
      if (!isSame(this.#at, this.#heads)) yield;
    }
  }

  /** Matches and frames what is new, up to a bound, and moves on past it. */
  #collect(): Round[] {
    const dirty: Channel[] = [];
    const isFull = () => dirty.some(({ length }) => length >= ROUND_LENGTH);
    for (let told = 0; told < ROUND_MESSAGES && !isSame(this.#at, this.#heads) && !isFull(); ) {
      const side = this.#at.journal < this.#heads.journal ? 'journal' : 'ledger';
      if (side === 'journal' && !this.#channels.want('received')) {
        this.#at = { ...this.#at, journal: this.#heads.journal };
        continue;
      }
      const source = side === 'journal' ? this.#journal : this.#ledger;
      const part = source.after(this.#at[side], this.#heads[side], this.#wants);
      const { list = [], last = this.#heads[side] } = part ?? {};
      for (let place = firstAfter(list, this.#at[side]); place < list.length; place++, told++) {
        this.#tell(list[place]!, { ...this.#at, [side]: list[place]!.position }, dirty);
      }
      if (part?.told !== undefined) this.#extents.told(part.told.stream, part.told.leaf);
      this.#at = { ...this.#at, [side]: last };
    }
    return dirty.map((channel) => channel.round(this.#at));
  }

  /** @param cursor where a reader of it stands @param dirty channels that have something to send */
  #tell(message: Message, cursor: Cursor, dirty: Channel[]): void {
    let id: string | undefined;
    const whole = new Map<Framing, string>();
    for (const channel of this.#channels.concernedBy(message)) {
      id ??= this.#options.codec.encode(cursor);
      const { selection, framing } = channel;
      const isWhole = selection.wanted.fields === undefined;
      const frame = (isWhole ? whole.get(framing) : undefined) ?? framing.frame(id, selection.text(message));
      if (isWhole) whole.set(framing, frame);
      for (const client of channel.shed) client.misses(message, frame);
      if (channel.add(frame)) dirty.push(channel);
    }
  }

  *#send(rounds: readonly Round[]): Generator<void> {
    let writes = 0;
    for (const round of rounds) {
      if (round.members.length === 0) continue;
      // One after the other, so that what many channels are told is not in memory for each of them at once.
      const bytes = round.channel.framing.pack(round.frames);
      for (const client of round.members) {
        if (!client.closed) this.#give(client, bytes, round);
        if (++writes % WRITES_A_TURN === 0) yield;
      }
    }
  }

  #give(client: Client, bytes: Buffer, { channel, frames, told, end }: Round): void {
    const { queue } = this.#options;
    const { outlet } = client;
    const messages = frames.length;
    // Between two rounds it may have taken everything, though something waits after each.
    if (outlet.pending === 0) client.mark = told - messages;
    outlet.write(bytes);
    this.#delivered += messages;
    const { pending } = outlet;
    const isSlow = pending > queue.bytes || (pending > 0 && told - client.mark > queue.messages);
    if (isSlow) this.#fallBack(client, channel, end);
  }

  /** More waits for this client than is allowed. */
  #fallBack(client: Client, channel: Channel, end: Readonly<Cursor>): void {
    client.at = end;
    this.#tooSlow++;
    if (client.slow === 'close') {
      this.#end(client, 'too-slow');
    } else if (client.slow === 'complete') {
      this.#channels.detach(client);
      this.#catchUp(client);
    } else {
      channel.members.delete(client);
      channel.shed.add(client);
      client.shedding = new Shedding(this.#extents.copy(), this.#options.queue);
      client.outlet.whenTaken(() => this.#recover(client, channel));
    }
  }

  /** The client has taken all that waited for it: it is told what it has missed, and follows again. */
  #recover(client: Client, channel: Channel): void {
    const { shedding } = client;
    if (client.closed || shedding === undefined) return;
    client.shedding = undefined;
    channel.shed.delete(client);
    channel.members.add(client);
    client.mark = channel.told;
    const { codec } = this.#options;
    const missing = this.#extents.since(shedding.extents, (stream) => client.selection.wantsStream(stream));
    const from = codec.encode(client.at);
    const { kept, skipped } = shedding;
    if (skipped === 0 && kept.length === 0) return;
    const notice = client.slow === 'thin' ? leftOut(skipped, from, missing) : conflated(skipped, from, missing);
    // Whoever is cut off among what is kept for it comes back to the rest.
    const id = kept.length === 0 ? codec.encode(this.#at) : from;
    client.outlet.write(client.framing.pack([client.framing.frame(id, notice), ...kept]));
  }

  /** A chunk of what is stored, until the client stands where the others do. */
  #catchUp(client: Client): void {
    this.#early.delete(client);
    if (client.closed) return;
    const again = () => this.#turns.add(() => this.#catchUp(client));
    const { journal, ledger } = client.at;
    if (client.outlet.pending > 0) client.outlet.whenTaken(again);
    else if (isSame(client.at, this.#at)) this.#channels.enlist(client);
    else if (journal >= this.#at.journal && ledger >= this.#at.ledger) this.#early.add(client);
    else {
      const frames = this.#backlog.next(client, this.#at);
      if (frames.length > 0) client.outlet.write(client.framing.pack(frames));
      again();
    }
  }
}
