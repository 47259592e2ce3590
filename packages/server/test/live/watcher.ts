/** A client of a hub, over a connection that takes so much and no more. */
import { expect } from 'vitest';
import type { Client, Closing, Outlet, SlowPolicy } from '../../src/live/client.ts';
import type { Cursor } from '../../src/live/cursor.ts';
import { EVENT_STREAM_PLAIN } from '../../src/live/framing.ts';
import type { Hub } from '../../src/live/hub.ts';
import { type ConflationKey, conflationKey, Selection, type Wanted } from '../../src/live/selection.ts';

export interface Told {
  id: string;
  text: string;
}

/** What came at once. */
export interface Write {
  frames: Told[];
  /** Where the hub stood. */
  at: Readonly<Cursor>;
}

export interface WatcherOptions {
  /** Asked after each write: whether the connection takes no more for now. */
  full?: () => boolean;
  slow?: SlowPolicy;
  key?: ConflationKey;
}

export class Watcher implements Outlet {
  readonly received: Told[] = [];
  readonly writes: Write[] = [];
  closed: Closing | undefined;
  pending = 0;
  taken = 0;
  readonly #hub: Hub;
  readonly #full: () => boolean;
  readonly #waiting: (() => void)[] = [];
  readonly client: Client;

  constructor(hub: Hub, wanted: Wanted, from: Cursor, options: WatcherOptions = {}) {
    const { full = () => false, slow = 'complete', key = conflationKey(undefined) } = options;
    this.#hub = hub;
    this.#full = full;
    const selection = new Selection(wanted);
    this.client = hub.join({ outlet: this, selection, framing: EVENT_STREAM_PLAIN, slow, key }, from);
  }

  write(bytes: Buffer): void {
    expect(this.closed).toBeUndefined();
    const all = bytes.toString().split('\n\n');
    expect(all.pop()).toBe('');
    const frames = all.map((frame) => {
      const [, id = '', text = ''] = /^id: (.*)\ndata: (.*)$/.exec(frame) ?? [];
      return { id, text };
    });
    this.received.push(...frames);
    this.writes.push({ frames, at: this.#hub.position });
    this.pending += this.#full() || this.pending > 0 ? bytes.length : 0;
  }

  whenTaken(then: () => void): void {
    if (this.pending === 0) then();
    else this.#waiting.push(then);
  }

  close(why: Closing): void {
    this.closed = why;
  }

  get blocked(): boolean {
    return this.pending > 0;
  }

  /** The connection takes everything that waits, and has not said so yet. */
  empty(): void {
    this.taken += this.pending;
    this.pending = 0;
  }

  /** The connection takes everything that waits. */
  drain(): void {
    this.empty();
    for (const then of this.#waiting.splice(0)) then();
  }

  leave(): void {
    this.#hub.leave(this.client);
  }
}
