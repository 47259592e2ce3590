import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cursor } from '../../src/live/cursor.ts';
import type { Message } from '../../src/live/messages.ts';
import type { Wanted } from '../../src/live/selection.ts';
import type { JournalEntry } from '../../src/store/journal.ts';
import { SqliteJournal } from '../../src/store/sqlite/journal.ts';
import { Directories } from '../support/directories.ts';
import { Feed, fillDirectory } from '../support/feed.ts';
import { Writer } from '../support/journal.ts';
import { streamConfig } from '../support/node.ts';
import { type Told, Watcher } from './watcher.ts';

const directories = new Directories();
afterAll(() => directories.remove());

const EVERYTHING: Wanted = {};
const START: Cursor = { journal: 0, ledger: 0 };

let feed: Feed;
let expected: { journal: Message[]; ledger: Message[] };
let heads: { journal: number[]; ledger: number[] };

/** Events of about 500 bytes, so that a packet's messages take several chunks; every seventh is quarantined. */
function event(id: number) {
  const t = id % 7 === 0 ? undefined : id;
  return { id: `${id}`, text: JSON.stringify({ id, ts: '2026-03-01T12:00:00Z', t, pad: 'x'.repeat(450) }) };
}

beforeAll(async () => {
  const dir = directories.next();
  const writer = new Writer();
  const policy = { required: ['t'] };
  const events = (stream: string, source: string, from: number, count: number) =>
    writer.events(
      stream,
      source,
      Array.from({ length: count }, (_, place) => event(from + place)),
      from,
    );
  const groups: JournalEntry[][] = [
    [
      writer.config(streamConfig('alpha', { one: policy, two: policy }), 0),
      writer.config(streamConfig('beta', { three: policy }), 0),
    ],
    [events('alpha', 'one', 1, 150), events('beta', 'three', 1, 3), writer.cut('alpha', 200), writer.cut('beta', 200)],
    [events('alpha', 'two', 1000, 400), events('alpha', 'one', 2000, 300), writer.cut('alpha', 3000)],
  ];
  for (let round = 0; round < 10; round++) {
    groups.push([events('beta', 'three', 3000 + 10 * round, 1 + (round % 3)), writer.cut('beta', 4000 + round)]);
  }
  await fillDirectory(dir, groups);
  feed = new Feed(dir);
  expected = feed.expected();
  heads = feed.heads();
}, 60_000);
afterAll(() => feed.close());

function passes({ types, streams, sources }: Wanted, message: Message): boolean {
  return (
    (types?.has(message.type) ?? true) &&
    (streams?.has(message.stream) ?? true) &&
    (sources === undefined || message.sources.some((source) => sources.has(source)))
  );
}

/** Every message after the cursor, once, those of the journal and those of the ledger each in order. */
function check(received: readonly { text: string }[], filter: Wanted, from: Cursor): void {
  const after = (messages: Message[], position: number) =>
    messages.filter((message) => message.position > position && passes(filter, message)).map(({ text }) => text);
  const texts = received.map(({ text }) => text);
  const isReceived = (text: string) => text.startsWith('{"type":"received"');
  expect(texts.filter(isReceived)).toEqual(after(expected.journal, from.journal));
  expect(texts.filter((text) => !isReceived(text))).toEqual(after(expected.ledger, from.ledger));
}

const end = () => ({ journal: heads.journal.at(-1)!, ledger: heads.ledger.at(-1)! });
const openHub = () => {
  const hub = feed.hub();
  hub.advance(end());
  return hub;
};

test('there is enough to see', () => {
  expect(expected.ledger.length).toBeGreaterThan(1500);
  expect(new Set(expected.ledger.map(({ type }) => type))).toEqual(
    new Set(['normalized', 'certified', 'quarantined', 'anchored']),
  );
  const [, large] = expected.ledger.map(({ text }) => text.length);
  expect(large! * 1000).toBeGreaterThan(5 * 64 * 1024);
});

describe('a watcher', () => {
  test('from the beginning sees all there is before join returns', () => {
    check(new Watcher(openHub(), EVERYTHING, START).received, EVERYTHING, START);
  });

  test('from the end sees nothing, and then what comes', () => {
    const hub = feed.hub();
    const watcher = new Watcher(hub, EVERYTHING, START);
    expect(watcher.received).toEqual([]);
    hub.advance({ journal: heads.journal[2]! });
    expect(watcher.received).toHaveLength(1);
    hub.advance({ ledger: heads.ledger[0]! });
    expect(watcher.received.length).toBeGreaterThan(100);
    hub.advance(end());
    check(watcher.received, EVERYTHING, START);
  });

  test('resumes at each cursor it was given, and misses and repeats nothing', () => {
    const hub = openHub();
    const { received } = new Watcher(hub, EVERYTHING, START);
    for (let at = 0; at < received.length; at += 37) {
      const cursor = feed.codec.decode(received[at]!.id, hub.heads);
      expect(new Watcher(hub, EVERYTHING, cursor!).received).toEqual(received.slice(at + 1));
    }
    expect(received.at(-1)?.id).toBe(feed.codec.encode(end()));
  });

  test('that is blocked gets no more until it drains, and then the rest', () => {
    const hub = openHub();
    const watcher = new Watcher(hub, EVERYTHING, START, { full: () => true });
    const first = watcher.received.length;
    expect(first).toBeGreaterThan(0);
    hub.advance(end());
    expect(watcher.received.length).toBe(first);
    let drains = 0;
    while (watcher.blocked) {
      watcher.drain();
      drains++;
    }
    expect(drains).toBeGreaterThan(5);
    check(watcher.received, EVERYTHING, START);
  });

  test('that is blocked keeps nobody else waiting', () => {
    const hub = feed.hub();
    const slow = new Watcher(hub, EVERYTHING, START, { full: () => true });
    const others = Array.from({ length: 50 }, () => new Watcher(hub, EVERYTHING, START));
    hub.advance(end());
    for (const { received } of others) expect(received).toEqual(others[0]?.received);
    check(others[0]!.received, EVERYTHING, START);
    // No more than the first round.
    expect(slow.received.length).toBeLessThan(others[0]!.received.length / 2);
    expect(hub.size).toBe(51);
  });

  test('that wants nothing of a long past leaves the thread to others in between', () => {
    const turns: (() => void)[] = [];
    const hub = feed.hub((work) => turns.push(work));
    hub.advance(end());
    const watcher = new Watcher(hub, EVERYTHING, START);
    let taken = 0;
    for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) {
      turn();
      taken++;
    }
    expect(taken).toBeGreaterThan(1);
    check(watcher.received, EVERYTHING, START);
  });

  test('that has left gets nothing any more, even if its connection drains', () => {
    const hub = feed.hub();
    const watcher = new Watcher(hub, EVERYTHING, START);
    watcher.leave();
    hub.advance(end());
    watcher.drain();
    expect(watcher.received).toEqual([]);
    expect(hub.size).toBe(0);
  });

  test('that leaves in the middle of a message takes nobody along', () => {
    const hub = feed.hub();
    const watchers: Watcher[] = [];
    const leaver = () => {
      watchers[0]?.leave();
      return false;
    };
    watchers.push(new Watcher(hub, EVERYTHING, START, { full: leaver }), new Watcher(hub, EVERYTHING, START));
    hub.advance({ journal: heads.journal[2]! });
    hub.advance(end());
    expect(watchers[0]?.received).toHaveLength(1);
    check(watchers[1]!.received, EVERYTHING, START);
  });
});

describe('a filter', () => {
  test.each<[string, Partial<Wanted>]>([
    ['one type', { types: new Set(['certified']) }],
    ['no received', { types: new Set(['anchored', 'quarantined']) }],
    ['received alone', { types: new Set(['received']) }],
    ['one stream', { streams: new Set(['beta']) }],
    ['one source, which excludes what is about whole packets', { sources: new Set(['two']) }],
    [
      'all three',
      { types: new Set(['normalized', 'received']), streams: new Set(['alpha']), sources: new Set(['one', 'three']) },
    ],
    ['nothing', { streams: new Set(['gamma']) }],
  ])('for %s', (_, some) => {
    const filter = { ...EVERYTHING, ...some };
    const { received } = new Watcher(openHub(), filter, START);
    check(received, filter, START);
    expect(received.length < expected.journal.length + expected.ledger.length).toBe(true);
  });
});

const subsetOf = (...all: string[]) =>
  fc.option(
    fc.subarray(all).map((some) => new Set(some)),
    { nil: undefined },
  );
const filter = fc.record({
  types: subsetOf('received', 'normalized', 'certified', 'quarantined', 'anchored'),
  streams: subsetOf('alpha', 'beta'),
  sources: subsetOf('one', 'two', 'three'),
});
const step = fc.record({
  journal: fc.nat(4),
  ledger: fc.nat(4),
  drain: fc.boolean(),
  reconnect: fc.boolean(),
});

test('however messages arrive, connections fill up and break: each is seen once, in order', () => {
  fc.assert(
    fc.property(
      filter,
      fc.array(step, { maxLength: 20 }),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }),
      (filter, steps, fullness) => {
        const hub = feed.hub();
        let asked = 0;
        const full = () => fullness[asked++ % fullness.length]!;
        const seen: Told[] = [];
        let watcher = new Watcher(hub, filter, START, { full });
        const reached = { journal: -1, ledger: -1 };
        for (const { journal, ledger, drain, reconnect } of steps) {
          reached.journal = Math.min(reached.journal + journal, heads.journal.length - 1);
          reached.ledger = Math.min(reached.ledger + ledger, heads.ledger.length - 1);
          hub.advance({ journal: heads.journal[reached.journal] ?? 0, ledger: heads.ledger[reached.ledger] ?? 0 });
          if (drain) watcher.drain();
          if (!reconnect) continue;
          watcher.leave();
          seen.push(...watcher.received);
          const last = seen.at(-1);
          const from = last === undefined ? START : feed.codec.decode(last.id, hub.heads);
          expect(from).toBeDefined();
          watcher = new Watcher(hub, filter, from!, { full });
        }
        hub.advance(end());
        for (let drains = 0; drains < 10_000; drains++) watcher.drain();
        seen.push(...watcher.received);
        check(seen, filter, START);
      },
    ),
    { numRuns: 60 },
  );
});

test('messages that are kept are made anew once they are to be forgotten', async () => {
  const dir = directories.next();
  const writer = new Writer();
  const config = { ...streamConfig('safe', { one: {} }), salted: true as const };
  const raws = [{ id: 'a', text: '{"id":"a","name":"Ada"}' }];
  await fillDirectory(dir, [
    [writer.config(config, 0), writer.events('safe', 'one', raws, 1, true), writer.cut('safe', 2)],
  ]);
  const safe = new Feed(dir);
  const hub = safe.hub();
  const { ledger } = safe.heads();
  hub.advance({ ledger: ledger.at(-1)! });
  const watch = () => {
    const watcher = new Watcher(hub, EVERYTHING, START);
    watcher.leave();
    return watcher.received.filter(({ text }) => text.includes('Ada')).length;
  };
  expect(watch()).toBe(2);
  const journal = new SqliteJournal(dir);
  journal.append([writer.erasure('safe', 2, 3)]);
  journal.close();
  expect(watch()).toBe(2);
  hub.forget();
  expect(watch()).toBe(0);
  safe.close();
});
