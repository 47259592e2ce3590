/** The clients' heartbeats, spread over the interval, so that not all are due at once. */
import type { Client } from './client.ts';
import type { Cursor, CursorCodec } from './cursor.ts';
import type { Framing } from './framing.ts';
import { heartbeat } from './notices.ts';

/** Parts of the interval between two heartbeats of a client. */
export const BEATS = 16;
/** A client that takes nothing for so many heartbeats is gone, or as good as. */
const MISSED_BEATS = 4;
/** Clients seen to before all else that this thread does gets its turn. */
const CLIENTS_A_TURN = 500;

export interface PulseOptions {
  codec: CursorCodec;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Told of a client that takes nothing. */
  stalled: (client: Client) => void;
}

export class Pulse {
  readonly #options: PulseOptions;
  readonly #parts = Array.from({ length: BEATS }, () => new Set<Client>());
  #added = 0;
  #beats = 0;
  #due: Client[] = [];

  constructor(options: PulseOptions) {
    this.#options = options;
  }

  add(client: Client): void {
    client.beat = this.#added++ % BEATS;
    this.#parts[client.beat]!.add(client);
  }

  delete(client: Client): void {
    this.#parts[client.beat]!.delete(client);
  }

  /** The next part of the clients is due. */
  beat(): void {
    for (const client of this.#parts[this.#beats++ % BEATS]!) this.#due.push(client);
  }

  /**
   * Writes to those that are due.
   * @param at where the members of channels stand: nothing may be on its way to them
   */
  *send(at: Readonly<Cursor>): Generator<void> {
    const due = this.#due;
    this.#due = [];
    const text = heartbeat(this.#options.now());
    const shared = new Map<Framing, Buffer>();
    let seenTo = 0;
    for (const client of due) {
      if (client.closed) continue;
      if (client.outlet.pending > 0) this.#checkAlive(client);
      // Whoever has missed something is not to come back with a cursor behind it.
      else if (client.shedding === undefined) client.outlet.write(this.#beatFor(client, at, text, shared));
      if (++seenTo % CLIENTS_A_TURN === 0) yield;
    }
  }

  #beatFor(client: Client, at: Readonly<Cursor>, text: string, shared: Map<Framing, Buffer>): Buffer {
    const { channel, framing } = client;
    const pack = (cursor: Readonly<Cursor>) => framing.pack([framing.frame(this.#options.codec.encode(cursor), text)]);
    if (channel === undefined) return pack(client.at);
    const bytes = shared.get(framing) ?? pack(at);
    shared.set(framing, bytes);
    return bytes;
  }

  #checkAlive(client: Client): void {
    if (client.missedBeats() >= MISSED_BEATS) this.#options.stalled(client);
  }
}
