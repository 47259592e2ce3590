import { createHash } from 'node:crypto';
import { eventId, fusedEventId } from '@tidemark/proof';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LedgerMessages, type Message } from '../../src/live/messages.ts';
import type { Wanted } from '../../src/live/selection.ts';
import { SqliteJournalReader } from '../../src/store/sqlite/journal.ts';
import { SqliteLedgerReader } from '../../src/store/sqlite/ledger-reader.ts';
import { Directories } from '../support/directories.ts';
import { Feed, fillDirectory } from '../support/feed.ts';
import { BASE, fillFused, fusedConfig, QUORUM, weather } from '../support/fused.ts';
import { Writer } from '../support/journal.ts';
import { linesOf, openReaders } from '../support/readers.ts';
import { type Told as Frame, Watcher } from './watcher.ts';

const directories = new Directories();
afterAll(() => directories.remove());

type Told = Record<string, unknown>;
const parse = ({ text }: Message) => JSON.parse(text) as Told;
const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');
const BUCKET = '2026-03-01T12:00:00.000Z';
const START = { journal: 0, ledger: 0 };

/** What a watcher of the ledger gets, with the cursors. */
function watch(feed: Feed, wanted: Wanted, from = START): Frame[] {
  const hub = feed.hub();
  const { journal, ledger } = feed.heads();
  hub.advance({ journal: journal.at(-1)!, ledger: ledger.at(-1)! });
  return new Watcher(hub, wanted, from).received;
}

describe('two streams that fuse', () => {
  let feed: Feed;
  let messages: Message[];
  let told: Told[];
  let dir: string;
  beforeAll(async () => {
    dir = directories.next();
    await fillFused(dir);
    feed = new Feed(dir);
    messages = feed.expected().ledger;
    told = messages.map(parse);
  });
  afterAll(() => feed.close());

  const about = (city: string, stream = 'weather') => {
    const id = fusedEventId(stream, [city], BUCKET);
    return told.filter((message) => message.eventId === id);
  };

  test('tell of each fused record once as normalized and once as certified, of a conflict in between', () => {
    const [normalized, conflict, certified, ...rest] = about('Rome');
    expect(rest).toEqual([]);
    const sources = ['w-a', 'w-b', 'w-c'];
    const payload = { city: 'Rome', temp: 25, wind: 1 };
    const decision = conflict?.decisionId as string;
    const event = { eventId: fusedEventId('weather', ['Rome'], BUCKET), stream: 'weather', sources };
    const fused = { sourceId: 'w-c', eventTime: BUCKET, decision, conflict: true, normalized: payload };
    const versionId = expect.stringMatching(/^[0-9a-f]{64}$/);
    const place = { leafIndex: 3, packet: { start: 0, end: 6 }, versionId };
    expect(normalized).toEqual({ type: 'normalized', ...event, ...fused });
    const contentHash = hashOf('{"city":"Rome","temp":25,"wind":1}');
    expect(certified).toEqual({ type: 'certified', ...event, ...fused, ...place, contentHash });
    const candidate = (source: string, seq: number, at: number, temp: number) => ({
      ...{ eventId: eventId(source, 'r1'), sourceId: source, seq, eventTime: new Date(BASE + at).toISOString() },
      contentHash: hashOf(JSON.stringify({ city: 'Rome', temp, wind: 1 })),
    });
    expect(conflict).toEqual({
      ...{ type: 'conflict', ...event, ...place, decisionId: decision, key: ['Rome'], bucket: BUCKET },
      candidates: [candidate('w-a', 2, 20, 25), candidate('w-b', 2, 25, 40), candidate('w-c', 1, 22, 25)],
      ...{ rule: 'quorum', winner: ['w-c', 1], outcome: 'resolved' },
      losers: [
        ['w-a', 2],
        ['w-b', 2],
      ],
      reason: expect.stringContaining('Against: w-b (temp 40, not 25).'),
    });
  });

  test('tell of agreement without a conflict, and of its correction with one that supersedes it', () => {
    const paris = about('Paris');
    expect(paris.map(({ type, conflict }) => [type, conflict])).toEqual([
      ['normalized', false],
      ['certified', false],
      ['normalized', true],
      ['conflict', undefined],
      ['certified', true],
    ]);
    const [, first, , conflict, second] = paris;
    expect(first).not.toHaveProperty('supersedes');
    expect([second?.supersedes, conflict?.supersedes]).toEqual([first?.decision, first?.decision]);
    expect([first?.sources, second?.sources]).toEqual([
      ['w-a', 'w-b'],
      ['w-a', 'w-b', 'w-c'],
    ]);
  });

  test('tell of a conflict that held its candidates back, and of each of those', () => {
    const [conflict, ...rest] = about('Oslo');
    expect(rest).toEqual([]);
    expect(conflict).toMatchObject({ type: 'conflict', outcome: 'quarantined', winner: null, leafIndex: 1 });
    const held = told.filter(({ type }) => type === 'quarantined');
    const noQuorum = [`no-quorum:${conflict?.decisionId}`];
    expect(held.map(({ sourceId, leafIndex, reasons }) => [sourceId, leafIndex, reasons])).toEqual([
      ['w-a', 1, noQuorum],
      ['w-c', 2, noQuorum],
      ['w-a', 5, ['required-missing:temp']],
    ]);
  });

  test('name no source where each field was decided by itself', () => {
    const [normalized, , certified] = about('Lima', 'places');
    expect([normalized?.sourceId, certified?.sourceId]).toEqual([null, null]);
    expect(certified).toMatchObject({ sources: ['w-x', 'w-y'], normalized: { city: 'Lima', temp: 19, wind: 7 } });
  });

  test('give every message a position of its own, and every conflict one message', () => {
    const positions = messages.map(({ position }) => position);
    expect(new Set(positions).size).toBe(positions.length);
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
    expect(messages.filter(({ type }) => type === 'conflict')).toHaveLength(4);
    // 6 leaves and 2 conflicts, 2 leaves and 1 conflict, two anchors, 1 leaf and 1 conflict, an anchor.
    expect(feed.heads().ledger).toEqual([14, 19, 20, 21, 24, 25]);
  });

  test('lose and repeat nothing to a watcher that comes back, whatever its last message was', () => {
    const seen = watch(feed, {});
    expect(seen.length).toBe(told.length + 7);
    for (const [place, { id }] of seen.entries()) {
      const from = feed.codec.decode(id, { journal: 1000, ledger: 1000 })!;
      expect(watch(feed, {}, from)).toEqual(seen.slice(place + 1));
    }
  });

  test('can be followed from any place that the feed names', () => {
    const readers = openReaders(dir);
    const head = readers.ledger.head();
    const leafOf = ({ text }: { text: string }) => (JSON.parse(text) as { leafIndex: number }).leafIndex;
    const certified = (from = START) => watch(feed, { types: new Set(['certified']) }, from);
    for (let count = 1; count <= certified().length; count++) {
      const place = certified()[count - 1]!;
      const page = readers.feed.page(0, head, 100, {}).items;
      const items = page.filter(({ status }) => status === 'certified');
      const limit = page.indexOf(items[count - 1]!) + 1;
      const { next } = readers.feed.page(0, head, limit, {});
      expect(certified({ journal: 0, ledger: next })).toEqual(certified().slice(count));
      expect(items[count - 1]?.leafIndex).toBe(leafOf(place));
    }
    readers.close();
  });

  test.each<[string, Partial<Wanted>, string[]]>([
    ['the conflicts', { types: new Set(['conflict']) }, ['Oslo', 'Rome', 'Lima', 'Paris']],
    ['those of a stream', { types: new Set(['conflict']), streams: new Set(['places']) }, ['Lima']],
    ['those of a source that lost', { types: new Set(['conflict']), sources: new Set(['w-b']) }, ['Rome', 'Paris']],
    ['records of a source that did not win', { types: new Set(['certified']), sources: new Set(['w-x']) }, ['Lima']],
  ])('can be filtered for %s', (_, filter, cities) => {
    const seen = watch(feed, filter).map(({ text }) => JSON.parse(text) as Told);
    const cityOf = ({ key, normalized }: Told) => (key as string[] | undefined)?.[0] ?? (normalized as Told).city;
    expect(seen.map(cityOf)).toEqual(cities);
  });
});

describe('a packet with more conflicts than are read at a time', () => {
  const COUNT = 123;
  let dir: string;
  beforeAll(async () => {
    dir = directories.next();
    const writer = new Writer();
    const said = (temp: number) =>
      Array.from({ length: COUNT }, (_, n) => weather(`${n}`, 10, { city: `c${n}`, temp: n % 2 === 0 ? temp : 7 }));
    const fusion = { ...QUORUM, onNoQuorum: 'unresolved' } as const;
    await fillDirectory(dir, [
      [writer.config(fusedConfig('weather', ['w-a', 'w-b'], fusion), BASE)],
      [
        writer.events('weather', 'w-a', said(1), BASE + 100),
        writer.events('weather', 'w-b', said(2), BASE + 110),
        writer.cut('weather', BASE + 3000),
      ],
    ]);
  });

  test('tells each of them once, in the order of the log, from any place on', () => {
    const feed = new Feed(dir);
    const conflicts = watch(feed, { types: new Set(['conflict']) });
    const leaves = conflicts.map(({ text }) => (JSON.parse(text) as { leafIndex: number }).leafIndex);
    expect(leaves).toHaveLength(62);
    expect(leaves).toEqual(leaves.toSorted((a, b) => a - b));
    const certified = watch(feed, { types: new Set(['certified']) }).map(({ text }) => JSON.parse(text) as Told);
    expect(certified.filter(({ conflict }) => conflict).map(({ leafIndex }) => leafIndex)).toEqual(leaves);
    expect(certified).toHaveLength(COUNT);
    expect(certified.find(({ conflict }) => conflict)).toMatchObject({ sourceId: null, normalized: null });
    const from = feed.codec.decode(conflicts[54]!.id, { journal: 1000, ledger: 1000 })!;
    expect(watch(feed, { types: new Set(['conflict']) }, from)).toEqual(conflicts.slice(55));
    feed.close();
  });

  test('is damaged when one of them is missing', () => {
    class Forgetful extends SqliteLedgerReader {
      override conflictsIn() {
        return [];
      }
    }
    const ledger = new Forgetful(dir);
    const journal = new SqliteJournalReader(dir);
    const messages = new LedgerMessages(ledger, linesOf(dir, journal, ledger));
    const [entry] = ledger.read(1, 1);
    // The header has a leaf, too.
    expect(() => messages.part(entry!, entry!.first + COUNT + 1)).toThrow(
      expect.objectContaining({ name: 'StoreError', code: 'damaged' }),
    );
    journal.close();
    ledger.close();
  });
});
