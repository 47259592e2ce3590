/** What is stored for a client that is behind, in pieces. */
import type { Client } from './client.ts';
import type { Cursor, CursorCodec } from './cursor.ts';
import { firstAfter, type PartSource } from './parts.ts';

/** Characters made for a client at a time: enough to be cheap, little enough to be dropped with it. */
const CHUNK_LENGTH = 64 * 1024;

export type Sides = Readonly<Record<keyof Cursor, PartSource>>;

export class Backlog {
  readonly #sides: Sides;
  readonly #codec: CursorCodec;

  constructor(sides: Sides, codec: CursorCodec) {
    this.#sides = sides;
    this.#codec = codec;
  }

  /** The client's next frames, as far as a chunk, or a part of what is stored, goes; moves it on past them. */
  next(client: Client, end: Readonly<Cursor>): string[] {
    if (client.at.journal >= end.journal) return this.#frames(client, 'ledger', end);
    if (client.selection.wants('received')) return this.#frames(client, 'journal', end);
    client.at = { ...client.at, journal: end.journal };
    return [];
  }

  #frames(client: Client, side: keyof Cursor, end: Readonly<Cursor>): string[] {
    const { selection } = client;
    const part = this.#sides[side].after(client.at[side], end[side], selection.wantsIn);
    const { list = [], last = end[side] } = part ?? {};
    const frames: string[] = [];
    let length = 0;
    for (let place = firstAfter(list, client.at[side]); place < list.length; place++) {
      const message = list[place]!;
      if (message.position > end[side]) break;
      client.at = { ...client.at, [side]: message.position };
      if (!selection.matches(message)) continue;
      const frame = client.framing.frame(this.#codec.encode(client.at), selection.text(message));
      frames.push(frame);
      length += frame.length;
      if (length >= CHUNK_LENGTH) return frames;
    }
    client.at = { ...client.at, [side]: Math.min(last, end[side]) };
    return frames;
  }
}
