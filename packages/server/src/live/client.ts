/** A client of the live feed: its connection, what it wants, and where it stands. */
import type { Channel } from './channel.ts';
import type { Cursor } from './cursor.ts';
import type { Extents } from './extents.ts';
import type { Framing } from './framing.ts';
import type { Message } from './messages.ts';
import type { ConflationKey, Selection } from './selection.ts';

/** Why the server ends a connection. */
export type Closing = 'going-down' | 'too-slow' | 'stalled';

/** The connection. What is written is sent in order. */
export interface Outlet {
  write(bytes: Buffer): void;
  /** Bytes written that the connection has not taken yet. */
  readonly pending: number;
  /** Bytes that the connection has taken since it was opened. */
  readonly taken: number;
  /** Calls back once, when it has taken all that was written so far; never, if it ends before. */
  whenTaken(then: () => void): void;
  /** Says why, and ends it; a connection that takes nothing is cut off. */
  close(why: Closing): void;
}

/**
 * What becomes of a client for which more waits than is allowed. `complete`: what follows waits in storage, and it reads
 * on from there at its own pace. `close`: it is closed, and may come back with its cursor. `thin`: what comes until it
 * has caught its breath is left out, and counted. `conflate`: of that, it is told the newest of each key.
 */
export const SLOW_POLICIES = ['complete', 'close', 'thin', 'conflate'] as const;
export type SlowPolicy = (typeof SLOW_POLICIES)[number];

export interface ClientOptions {
  outlet: Outlet;
  selection: Selection;
  framing: Framing;
  slow: SlowPolicy;
  key: ConflationKey;
}

export class Client {
  readonly outlet: Outlet;
  readonly selection: Selection;
  readonly framing: Framing;
  readonly slow: SlowPolicy;
  readonly #key: ConflationKey;
  /** Where it stands, unless it is a member of a channel: those stand where the hub does. */
  at: Readonly<Cursor>;
  channel: Channel | undefined;
  /** Messages that its channel had told when the connection had last taken everything. */
  mark = 0;
  shedding: Shedding | undefined;
  closed = false;
  /** Which part of the interval its heartbeats have. */
  beat = 0;
  #takenBefore = -1;
  #missedBeats = 0;

  constructor({ outlet, selection, framing, slow, key }: ClientOptions, at: Cursor) {
    this.outlet = outlet;
    this.selection = selection;
    this.framing = framing;
    this.slow = slow;
    this.#key = key;
    this.at = at;
  }

  /** Its channel has told something that is not written to it. */
  misses(message: Message, frame: string): void {
    this.shedding?.meet(this.slow === 'conflate' ? this.#key(message) : undefined, frame);
  }

  /** To be called at each heartbeat. @returns for how many in a row the connection has waited, and taken nothing */
  missedBeats(): number {
    const { pending, taken } = this.outlet;
    this.#missedBeats = pending > 0 && taken === this.#takenBefore ? this.#missedBeats + 1 : 0;
    this.#takenBefore = taken;
    return this.#missedBeats;
  }
}

/** What is left out for a client that is too slow. */
export class Shedding {
  /** How far its streams had come. */
  readonly extents: Extents;
  readonly #bounds: { bytes: number; messages: number };
  readonly #newest = new Map<string, string>();
  #length = 0;
  #met = 0;

  /** @param bounds of what is kept */
  constructor(extents: Extents, bounds: { bytes: number; messages: number }) {
    this.extents = extents;
    this.#bounds = bounds;
  }

  /** @param key undefined where nothing is to be kept */
  meet(key: string | undefined, frame: string): void {
    this.#met++;
    if (key === undefined) return;
    // In the order of the newest, which is that of their cursors.
    this.#drop(key);
    this.#newest.set(key, frame);
    this.#length += key.length + frame.length;
    const { bytes, messages } = this.#bounds;
    for (const oldest of this.#newest.keys()) {
      if (this.#newest.size <= messages && this.#length <= bytes) break;
      this.#drop(oldest);
    }
  }

  /** Nothing of what is kept is to be told any more. */
  forget(): void {
    this.#newest.clear();
    this.#length = 0;
  }

  #drop(key: string): void {
    const frame = this.#newest.get(key);
    if (frame === undefined) return;
    this.#newest.delete(key);
    this.#length -= key.length + frame.length;
  }

  get kept(): string[] {
    return [...this.#newest.values()];
  }

  /** Messages of which nothing is told. */
  get skipped(): number {
    return this.#met - this.#newest.size;
  }
}
