/** Clients that come while others are being told something. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Closing, Outlet } from '../../src/live/client.ts';
import type { Cursor } from '../../src/live/cursor.ts';
import { EVENT_STREAM_PLAIN } from '../../src/live/framing.ts';
import type { Hub } from '../../src/live/hub.ts';
import { conflationKey, Selection } from '../../src/live/selection.ts';
import { Directories } from '../support/directories.ts';
import { fillHistory, History, isMessage, START } from './history.ts';
import { Watcher } from './watcher.ts';

const directories = new Directories();
let history: History;
beforeAll(async () => {
  const dir = directories.next();
  await fillHistory(dir);
  history = new History(dir);
}, 60_000);
afterAll(() => {
  history.feed.close();
  directories.remove();
});

const ALL = new Selection({});

/** A hub whose turns are taken when a test says so. */
class SlowThread {
  readonly hub: Hub;
  readonly #turns: (() => void)[] = [];

  constructor(queue?: { bytes: number; messages: number }) {
    this.hub = history.feed.hub((work) => this.#turns.push(work), queue);
  }

  turn(): boolean {
    const turn = this.#turns.shift();
    turn?.();
    return turn !== undefined;
  }

  finish(): void {
    while (this.turn());
  }
}

function expectTold(watcher: Watcher, from: Cursor): void {
  const texts = history.between(ALL, from, history.end).map(({ text }) => text);
  const isReceived = (text: string) => text.startsWith('{"type":"received"');
  const told = watcher.received.filter(isMessage).map(({ text }) => text);
  expect([...told.filter(isReceived), ...told.filter((text) => !isReceived(text))]).toEqual(texts);
}

/** Takes everything, and keeps what it takes as it is. */
class Sink implements Outlet {
  readonly pending = 0;
  readonly taken = 0;
  readonly pieces: Buffer[] = [];
  write(bytes: Buffer): void {
    this.pieces.push(bytes);
  }
  whenTaken(then: () => void): void {
    then();
  }
  close(_why: Closing): void {}
  get text(): string {
    return Buffer.concat(this.pieces).toString();
  }
}

describe('a client that joins', () => {
  test('between any two turns, at any place up to what is known, is told what is behind it, once', () => {
    const { journal, ledger } = history.heads;
    const place = fc.record({ journal: fc.constantFrom(0, ...journal), ledger: fc.constantFrom(0, ...ledger) });
    const joins = fc.array(fc.record({ advance: place, turns: fc.nat(3), from: place }), {
      minLength: 1,
      maxLength: 8,
    });
    let early = 0;
    fc.assert(
      fc.property(joins, (joins) => {
        const thread = new SlowThread();
        const { hub } = thread;
        const watchers: [Watcher, Cursor][] = [[new Watcher(hub, {}, START), START]];
        for (const { advance, turns, from } of joins) {
          hub.advance(advance);
          for (let turn = 0; turn < turns; turn++) thread.turn();
          const known = {
            journal: Math.min(from.journal, hub.heads.journal),
            ledger: Math.min(from.ledger, hub.heads.ledger),
          };
          if (known.journal > hub.position.journal || known.ledger > hub.position.ledger) early++;
          watchers.push([new Watcher(hub, {}, known), known]);
          hub.beat();
        }
        hub.advance(history.end);
        thread.finish();
        for (const [watcher, from] of watchers) expectTold(watcher, from);
      }),
      { numRuns: 60 },
    );
    expect(early).toBeGreaterThan(5);
  });

  test('while a round is being written to a thousand others neither misses nor repeats any of it', () => {
    const thread = new SlowThread();
    const { hub } = thread;
    const sinks = Array.from({ length: 1200 }, () => new Sink());
    const options = {
      selection: ALL,
      framing: EVENT_STREAM_PLAIN,
      slow: 'complete',
      key: conflationKey(undefined),
    } as const;
    for (const outlet of sinks) hub.join({ outlet, ...options }, START);
    const late: Watcher[] = [];
    const leaving = new Watcher(hub, {}, START);
    hub.advance(history.end);
    expect(sinks[0]?.pieces).toHaveLength(1);
    // The first round has not reached all of them.
    expect(sinks.at(-1)?.pieces).toHaveLength(0);
    leaving.leave();
    do late.push(new Watcher(hub, {}, START));
    while (late.length < 6 && thread.turn());
    thread.finish();
    expect(leaving.received).toEqual([]);
    const whole = sinks[0]!.text;
    expect(sinks.every(({ text }) => text === whole)).toBe(true);
    for (const watcher of late) expectTold(watcher, START);
  });

  test('when the hub is closed is told to come back, and is not counted', () => {
    const { hub } = new SlowThread();
    hub.close('going-down');
    const watcher = new Watcher(hub, {}, START);
    expect([watcher.closed, watcher.received, hub.size]).toEqual(['going-down', [], 0]);
  });
});

describe('a client that takes everything between two rounds', () => {
  test('is not slow, however much it has been told', () => {
    const hub = history.feed.hub((work) => work(), { bytes: 1_000_000, messages: 8 });
    const [before, ...next] = history.heads.ledger.slice(-20);
    hub.advance({ ledger: before! });
    const watcher = new Watcher(hub, { streams: new Set(['beta']) }, hub.position, { full: () => true, slow: 'close' });
    for (const ledger of next) {
      // Something waits after each, for a moment.
      hub.advance({ ledger });
      watcher.drain();
    }
    const told = watcher.received.length;
    expect(told).toBeGreaterThan(10);
    expect(watcher.closed).toBeUndefined();
  });

  test('is slow once more messages wait than are allowed', () => {
    const hub = history.feed.hub((work) => work(), { bytes: 1_000_000, messages: 5 });
    const watcher = new Watcher(hub, { streams: new Set(['beta']) }, START, { full: () => true, slow: 'close' });
    for (const ledger of history.heads.ledger) if (watcher.closed === undefined) hub.advance({ ledger });
    expect(watcher.closed).toBe('too-slow');
    expect(watcher.received.length).toBeGreaterThan(5);
  });
});

test('a client that has been told what it misses begins anew, though it has not taken that yet', () => {
  const hub = history.feed.hub((work) => work(), { bytes: 1_000_000, messages: 8 });
  const [before, ...next] = history.heads.ledger.slice(-20);
  hub.advance({ ledger: before! });
  const watcher = new Watcher(hub, { streams: new Set(['beta']) }, hub.position, { full: () => true, slow: 'thin' });
  const missed = next.splice(0, 12);
  for (const ledger of missed) hub.advance({ ledger });
  watcher.drain();
  expect(watcher.received.at(-1)?.text).toContain('"gap"');
  // A packet of at most three events, and its anchor.
  for (const ledger of next.splice(0, 2)) {
    hub.advance({ ledger });
    expect(history.place(watcher.received.at(-1)!).ledger).toBe(ledger);
  }
});

describe('a client that takes nothing', () => {
  test.each(['complete', 'thin', 'conflate'] as const)(
    'with %s is cut off at the fifth heartbeat, and not while it takes',
    (slow) => {
      const hub = history.feed.hub();
      const watcher = new Watcher(hub, {}, START, { full: () => true, slow });
      hub.advance({ journal: history.heads.journal[2]! });
      const beat = () => {
        for (let part = 0; part < 16; part++) hub.beat();
      };
      for (let beats = 0; beats < 20; beats++) {
        beat();
        if (beats % 4 === 3) watcher.taken++;
      }
      expect(watcher.closed).toBeUndefined();
      for (let beats = 0; beats < 5; beats++) beat();
      expect([watcher.closed, hub.size]).toEqual(['stalled', 0]);
    },
  );
});
