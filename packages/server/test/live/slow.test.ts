/** What becomes of clients that are slow, are cut off and come back: each policy keeps its word. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fields } from '../../src/filter/fields.ts';
import { Split } from '../../src/filter/split.ts';
import type { SlowPolicy } from '../../src/live/client.ts';
import type { Cursor } from '../../src/live/cursor.ts';
import type { Missing } from '../../src/live/extents.ts';
import type { Hub } from '../../src/live/hub.ts';
import type { Message } from '../../src/live/messages.ts';
import { conflationKey, Selection, type Wanted } from '../../src/live/selection.ts';
import type { Json } from '../http/client.ts';
import { Directories } from '../support/directories.ts';
import { FILTERS, fillHistory, History, isMessage, isOfJournal, SOURCES, START, STREAMS } from './history.ts';
import { type Told, Watcher, type Write } from './watcher.ts';

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

/** Absent, for the most part. */
const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const someOf = (all: readonly string[]) =>
  optional(fc.subarray([...all], { minLength: 1 }).map((some) => new Set(some)));
const wanted: fc.Arbitrary<Wanted> = fc.record({
  types: someOf(['received', 'normalized', 'conflict', 'certified', 'quarantined', 'anchored']),
  streams: someOf(STREAMS),
  sources: optional(fc.subarray(SOURCES, { minLength: 3 }).map((some) => new Set(some))),
  filter: optional(fc.constantFrom(...FILTERS)),
  split: optional(fc.constantFrom(Split.parse('0/2'), Split.parse('1/3', 'hue'))),
  fields: optional(fc.constant(Fields.parse('eventId,leafIndex,stream'))),
});

interface Step {
  journal: number;
  ledger: number;
  turns: number;
  beats: number;
  drain: boolean;
  empty: boolean;
  /** Cut off, with so many of the last frames lost on the way. */
  cut: number | undefined;
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    ...{ journal: fc.nat(3), ledger: fc.nat(3), turns: fc.nat(4), beats: fc.nat(20) },
    ...{
      drain: fc.constantFrom(true, false, false),
      empty: fc.constantFrom(true, false, false),
      cut: optional(fc.nat(12)),
    },
  }),
  { maxLength: 40, size: 'max' },
);
const queue = fc.record({
  bytes: fc.constantFrom<number>(0, 2000, 100_000),
  messages: fc.constantFrom<number>(1, 3, 1000),
});
const fullness = fc.array(fc.boolean(), { minLength: 1, maxLength: 8 });
const runs = fc.record({ wanted, steps, queue, fullness });
/** Where bytes do not count, for what is kept of them depends on how long cursors are. */
const counted = fc.constantFrom(1, 3, 20).map((messages) => ({ bytes: 100_000_000, messages }));
const countedRuns = fc.record({ wanted, steps, queue: counted, fullness });
type Run = typeof runs extends fc.Arbitrary<infer T> ? T : never;

/** One client through all its connections. */
class Follower {
  readonly selection: Selection;
  /** What has reached it, by connection. */
  readonly connections: Write[][] = [];
  readonly hub: Hub;
  readonly #turns: (() => void)[] = [];
  readonly #open: (from: Cursor) => Watcher;
  readonly #reached = { journal: -1, ledger: -1 };
  #from: Cursor = START;
  #watcher: Watcher;

  constructor({ wanted, queue, fullness }: Run, slow: SlowPolicy) {
    this.selection = new Selection(wanted);
    this.hub = history.feed.hub((work) => this.#turns.push(work), queue);
    let asked = 0;
    const full = () => fullness[asked++ % fullness.length]!;
    const key = conflationKey(undefined);
    this.#open = (from) => new Watcher(this.hub, wanted, from, { full, slow, key });
    this.#watcher = this.#open(START);
  }

  take({ journal, ledger, turns, beats, drain, empty, cut }: Step): void {
    if (empty) this.#watcher.empty();
    const { heads } = history;
    this.#reached.journal = Math.min(this.#reached.journal + journal, heads.journal.length - 1);
    this.#reached.ledger = Math.min(this.#reached.ledger + ledger, heads.ledger.length - 1);
    this.hub.advance({
      journal: heads.journal[this.#reached.journal] ?? 0,
      ledger: heads.ledger[this.#reached.ledger] ?? 0,
    });
    for (let beat = 0; beat < beats; beat++) this.hub.beat();
    for (let turn = 0; turn < turns; turn++) this.#turns.shift()?.();
    if (drain) this.#watcher.drain();
    if (cut !== undefined) this.#reconnect(cut);
    else if (this.#watcher.closed !== undefined) this.#reconnect(0);
  }

  /** Until it has been told everything. */
  finish(): void {
    this.hub.advance(history.end);
    do {
      if (this.#watcher.closed !== undefined) this.#reconnect(0);
      for (let turn = this.#turns.shift(); turn !== undefined; turn = this.#turns.shift()) turn();
      this.#watcher.drain();
    } while (this.#watcher.closed !== undefined || this.#watcher.blocked || this.#turns.length > 0);
    this.#reconnect(0);
    this.#watcher.leave();
  }

  #reconnect(lost: number): void {
    this.#watcher.leave();
    const writes = this.#watcher.writes.map(({ frames, at }) => ({ frames: [...frames], at }));
    for (let frame = 0; frame < lost; frame++) writes.findLast(({ frames }) => frames.length > 0)?.frames.pop();
    this.connections.push(writes);
    const last = writes.flatMap(({ frames }) => frames).at(-1);
    // Whatever it is: a message, a gap or a heartbeat.
    if (last !== undefined) this.#from = placeOf(last, this.hub);
    this.#watcher = this.#open(this.#from);
  }
}

function placeOf({ id }: Told, hub: Hub): Cursor {
  const place = history.feed.codec.decode(id, hub.heads);
  expect(place).toBeDefined();
  return place!;
}

function follow(run: Run, slow: SlowPolicy): Follower {
  const follower = new Follower(run, slow);
  for (const step of run.steps) follower.take(step);
  follower.finish();
  return follower;
}

const framesOf = ({ connections }: Follower) => connections.flat().flatMap(({ frames }) => frames);

function expectAll(texts: readonly string[], selection: Selection): void {
  const all = history.between(selection, START, history.end).map((message) => selection.text(message));
  const [journal, ledger] = [true, false].map((wanted) => texts.filter((text) => isOfJournal({ text }) === wanted));
  expect([...journal!, ...ledger!]).toEqual(all);
}

const byStream = (one: Missing, other: Missing) => (one.stream < other.stream ? -1 : 1);
const RUNS = { numRuns: 100 };

test('there is something of everything', () => {
  const types = new Set(history.all.map(({ type }) => type));
  expect([...types].sort()).toEqual(['anchored', 'certified', 'conflict', 'normalized', 'quarantined', 'received']);
  for (const filter of FILTERS) {
    const found = history.between(new Selection({ filter }), START, history.end);
    expect(found.length).toBeGreaterThan(0);
    expect(found.length).toBeLessThan(history.all.length);
  }
});

describe('a client that is slow, cut off and comes back', () => {
  test.each(['complete', 'close'] as const)('with %s is told everything, once and in order', (slow) => {
    fc.assert(
      fc.property(runs, (run) => {
        const follower = follow(run, slow);
        expectAll(
          framesOf(follower)
            .filter(isMessage)
            .map(({ text }) => text),
          follower.selection,
        );
        expect(framesOf(follower).filter(({ text }) => text.includes('"gap"'))).toEqual([]);
      }),
      RUNS,
    );
  });

  test('with thin is told the rest as gaps, which say how much it is, where, and which leaves', () => {
    let gaps = 0;
    fc.assert(
      fc.property(runs, (run) => {
        const follower = follow(run, 'thin');
        const { selection } = follower;
        const texts: string[] = [];
        for (const frame of framesOf(follower)) {
          if (isMessage(frame)) texts.push(frame.text);
          const gap = JSON.parse(frame.text);
          if (gap.type !== 'gap') continue;
          const skipped = expectGap(gap, frame, selection);
          if (gaps++ % 10 === 0) expect(reread(gap.cursor, frame, run.wanted)).toEqual(skipped);
          texts.push(...skipped);
        }
        expectAll(texts, selection);
      }),
      RUNS,
    );
    expect(gaps).toBeGreaterThan(5);
  });

  /** @returns what it stands for */
  function expectGap(gap: Json, frame: Told, selection: Selection): string[] {
    const [from, to] = [history.place({ id: gap.cursor as string, text: '' }), history.place(frame)];
    const skipped = history.between(selection, from, to);
    const leaves = history.missing(selection, from, to);
    const { cursor, missing, hint, ...rest } = gap;
    expect(rest).toEqual({ type: 'gap', reason: 'slow', skipped: skipped.length });
    expect([typeof hint, missing.toSorted(byStream)]).toEqual(['string', leaves.toSorted(byStream)]);
    return skipped.map((message) => selection.text(message));
  }

  /** What `since=cursor` has, up to the gap's id. */
  function reread(cursor: string, gap: Told, wanted: Wanted): string[] {
    const hub = history.feed.hub();
    hub.advance(history.end);
    const [from, to] = [history.place({ id: cursor, text: '' }), history.place(gap)];
    const watcher = new Watcher(hub, wanted, from);
    watcher.leave();
    const isWithin = (told: Told) => {
      const { journal, ledger } = history.place(told);
      return isOfJournal(told) ? journal <= to.journal : ledger <= to.ledger;
    };
    return watcher.received.filter(isWithin).map(({ text }) => text);
  }

  test('with conflate is told the newest of each key, and how many others there were', () => {
    let gaps = 0;
    fc.assert(
      fc.property(countedRuns, (run) => {
        const follower = follow(run, 'conflate');
        const left = new Set(history.between(follower.selection, START, history.end));
        let at = 0;
        for (const { frames } of follower.connections.flat()) {
          const gap = frames.findIndex(({ text }) => text.startsWith('{"type":"gap"'));
          if (gap >= 0) gaps++;
          for (const frame of frames.filter(isMessage)) {
            const { journal, ledger } = history.place(frame);
            expect(journal + ledger).toBeGreaterThan(at);
            at = journal + ledger;
            expect(left.delete(messageOf(frame))).toBe(true);
          }
        }
        for (const [from, to] of conflations(follower, run.queue.messages)) {
          for (const message of history.between(follower.selection, from, to)) left.delete(message);
        }
        expect([...left]).toEqual([]);
      }),
      RUNS,
    );
    expect(gaps).toBeGreaterThan(5);
  });

  const messageOf = (frame: Told): Message =>
    history.at(isOfJournal(frame) ? 'journal' : 'ledger', history.place(frame))!;

  /** Checks what came with each gap. @returns the places between which something may have been left out */
  function conflations({ connections, selection }: Follower, keptAtMost: number): [Cursor, Cursor][] {
    const key = conflationKey(undefined);
    return connections.flat().flatMap(({ frames: [notice, ...kept], at }): [Cursor, Cursor][] => {
      if (notice === undefined || !notice.text.startsWith('{"type":"gap"')) return [];
      const gap = JSON.parse(notice.text);
      const from = history.place(notice);
      const met = history.between(selection, from, at);
      const newest = new Map(met.map((message) => [key(message), message]));
      const told = Math.min(newest.size, keptAtMost);
      expect([gap.reason, gap.cursor, gap.skipped]).toEqual(['conflated', notice.id, met.length - told]);
      expect(gap.missing.toSorted(byStream)).toEqual(history.missing(selection, from, at).toSorted(byStream));
      // Some of the last may have been lost on the way.
      for (const frame of kept) expect(newest.get(key(messageOf(frame)))).toBe(messageOf(frame));
      return [[from, at]];
    });
  }
});
