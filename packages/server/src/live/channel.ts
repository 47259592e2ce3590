/** Clients that are told the same in the same words, and have all been told everything so far. */
import type { Client } from './client.ts';
import type { Cursor } from './cursor.ts';
import type { Framing } from './framing.ts';
import type { Selection } from './selection.ts';

/** What the members of a channel are told at once. */
export interface Round {
  channel: Channel;
  frames: readonly string[];
  /** Messages that the channel has told, these included. */
  told: number;
  members: readonly Client[];
  /** Where its members stand afterwards. */
  end: Readonly<Cursor>;
}

export class Channel {
  readonly selection: Selection;
  readonly framing: Framing;
  readonly members = new Set<Client>();
  /** Too slow to be told everything; of what they miss is kept how much it is. */
  readonly shed = new Set<Client>();
  /** Messages that were told here so far. */
  told = 0;
  #frames: string[] = [];
  #length = 0;

  constructor(selection: Selection, framing: Framing) {
    this.selection = selection;
    this.framing = framing;
  }

  get isEmpty(): boolean {
    return this.members.size === 0 && this.shed.size === 0;
  }

  /** @returns true for the first one of a round */
  add(frame: string): boolean {
    this.told++;
    this.#length += frame.length;
    return this.#frames.push(frame) === 1;
  }

  /** Characters added since the last round. */
  get length(): number {
    return this.#length;
  }

  /** What was added since the last time, for those who are members now. */
  round(end: Readonly<Cursor>): Round {
    const frames = this.#frames;
    this.#frames = [];
    this.#length = 0;
    return { channel: this, frames, told: this.told, members: [...this.members], end };
  }
}
