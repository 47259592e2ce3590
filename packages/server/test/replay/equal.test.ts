import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fsck } from '../../src/fsck/index.ts';
import { replay } from '../../src/replay/index.ts';
import { Copy } from '../fsck/made.ts';
import { Directories } from '../support/directories.ts';
import { Writer } from '../support/journal.ts';
import { Works } from '../support/passage.ts';
import { BASE, configs, eventsIn, makeResolved, makeStaged, stagedEntries } from './made.ts';

const directories = new Directories();
const original = directories.next();
const entries = stagedEntries();
afterAll(() => directories.remove());
beforeAll(() => makeStaged(original, entries));

const rows = (sql: string) => new Copy(original, directories).rows('ledger.db', sql);
const sizes = () =>
  rows('SELECT stream, count(*) AS packets, max("end") AS leaves FROM packets GROUP BY stream ORDER BY stream');

describe('a ledger that is what the journal gives', () => {
  test('is equal, packet by packet, in streams of every kind', async () => {
    const report = await replay(original);
    const streams = sizes();
    expect(streams.map(({ stream }) => stream)).toEqual(['corrected', 'fused', 'plain', 'rising', 'windows']);
    expect(report).toEqual({
      equal: true,
      events: eventsIn(entries),
      onTrust: 0,
      packets: rows('SELECT 1 FROM packets').length,
      leaves: streams.reduce((sum, { leaves }) => sum + Number(leaves), 0),
      streams: streams.map(({ stream, packets, leaves }) => ({
        ...{ stream, packets, leaves },
        pending: 0,
        difference: undefined,
      })),
    });
  });

  test('has decisions, corrections, windows and late events to compare', () => {
    const count = (sql: string) => rows(sql).length;
    expect(count("SELECT 1 FROM decisions WHERE audit LIKE '%supersedes%'")).toBeGreaterThan(0);
    expect(count("SELECT 1 FROM decisions WHERE json_extract(audit, '$.outcome') = 'resolved'")).toBeGreaterThan(3);
    expect(count("SELECT 1 FROM decisions WHERE json_extract(audit, '$.outcome') = 'quarantined'")).toBeGreaterThan(3);
    expect(count('SELECT 1 FROM moves')).toBeGreaterThan(0);
    expect(count('SELECT 1 FROM notes')).toBeGreaterThan(3);
    expect(count("SELECT 1 FROM packets WHERE json_extract(manifest, '$.content.window.correction')")).toBeGreaterThan(
      0,
    );
  });

  test.each([1, 10_000])('is equal with snapshots of its stages every %i items', async (items) => {
    const dir = directories.next();
    await makeStaged(dir, entries, items);
    expect(await replay(dir)).toMatchObject({ equal: true, packets: rows('SELECT 1 FROM packets').length });
  });

  test('may be behind the journal', async () => {
    const dir = directories.next();
    await makeStaged(dir, entries.slice(0, -60));
    const works = new Works(dir);
    works.journal.append(entries.slice(-60));
    works.close();
    const report = await replay(dir);
    expect(report).toMatchObject({ equal: true });
    expect(report.streams.reduce((sum, { pending }) => sum + pending, 0)).toBeGreaterThan(0);
  });

  test('comes of a stage that was dropped and made anew in one go, after a restart too', async () => {
    const dir = directories.next();
    const writer = new Writer();
    const [windows] = configs(100).filter(({ id }) => id === 'windows');
    const { order: _, publish, ...unordered } = windows!;
    const { windowMs: __, ...uncut } = publish;
    const works = new Works(dir);
    const event = (n: number) => ({ id: `${n}`, text: `{"id":"${n}","ts":${BASE + n},"v":1}` });
    works.journal.append([writer.config(windows!, BASE), writer.events('windows', 'two', [event(1)], BASE)]);
    await works.run();
    works.journal.append([
      writer.config({ ...unordered, publish: uncut }, BASE + 10),
      writer.config(windows!, BASE + 20),
      writer.events('windows', 'two', [event(30)], BASE + 30),
    ]);
    await works.run();
    works.restart();
    works.journal.append([writer.cut('windows', BASE + 9000)]);
    await works.run();
    works.close();
    expect(fsck(dir).violations).toEqual([]);
    expect(await replay(dir)).toMatchObject({ equal: true, packets: 4, leaves: 5 });
  });

  test('may be empty', async () => {
    const dir = directories.next();
    const works = new Works(dir);
    works.close();
    expect(await replay(dir)).toEqual({ equal: true, events: 0, onTrust: 0, packets: 0, leaves: 0, streams: [] });
  });

  test("keeps operators' words, with the signature that only the log key could make", async () => {
    const dir = directories.next();
    await makeResolved(dir);
    expect(await replay(dir)).toMatchObject({ equal: true, packets: 3, leaves: 8 });
  });
});

describe('what is compared', () => {
  test('can be one stream, and the others are not derived', async () => {
    const whole = await replay(original);
    const report = await replay(original, { stream: 'windows' });
    expect(report.streams).toEqual(whole.streams.filter(({ stream }) => stream === 'windows'));
    const own = entries.filter((entry) => entry.stream === 'windows');
    expect(report.events).toBe(eventsIn(own));
  });

  const packets = () => rows('SELECT "start", "end", sealed_at FROM packets WHERE stream = \'plain\' ORDER BY "start"');

  test('can be the packets with certain leaves; what comes after is not derived', async () => {
    const all = packets();
    const [first, second, third] = all.map(({ start }) => Number(start)).slice(3);
    const options = { stream: 'plain', from: `${first! + 1}`, to: `${third! - 1}` };
    const report = await replay(original, options);
    expect(report).toMatchObject({ equal: true, packets: 2, leaves: third! - first! });
    expect(second).toBeLessThan(third!);
    expect(report.events).toBeGreaterThanOrEqual(third! - 1);
    expect(report.events).toBeLessThanOrEqual((await replay(original, { stream: 'plain' })).events);
  });

  test('can be the packets of certain times', async () => {
    const all = packets();
    const times = all.map(({ sealed_at: at }) => new Date(Number(at)).toISOString());
    const within = (from?: string, to?: string) =>
      replay(original, { stream: 'plain', ...(from && { from }), ...(to && { to }) });
    expect(await within(times[2], times[4])).toMatchObject({ packets: 3 });
    expect(await within(times[2]?.replace('Z', '+00:00'))).toMatchObject({ packets: all.length - 2 });
    expect(await within(undefined, times[4])).toMatchObject({ packets: 5 });
    expect(await within('2030-01-01T00:00:00Z')).toMatchObject({ packets: 0, equal: true });
  });

  test('goes by the window where packets are cut in event time', async () => {
    // A packet that says how the configuration changes is of no window: it has the time at which it was sealed.
    const windows = rows("SELECT manifest, sealed_at FROM packets WHERE stream = 'windows'").map(
      ({ manifest, sealed_at: at }): { start: string; end: string } =>
        JSON.parse(String(manifest)).content.window ?? {
          start: new Date(Number(at)).toISOString(),
          end: new Date(Number(at) + 1).toISOString(),
        },
    );
    const { start, end } = windows[4]!;
    const inside = new Date(Date.parse(start) + 1).toISOString();
    const own = windows.filter((window) => window.start === start && window.end === end).length;
    expect(await replay(original, { stream: 'windows', from: inside, to: inside })).toMatchObject({ packets: own });
    const after = windows.filter((window) => window.end > end).length;
    expect(await replay(original, { stream: 'windows', from: end })).toMatchObject({ packets: after });
  });

  test.each([
    ['a bound that is none', { from: 'yesterday' }, 'range-invalid'],
    ['bounds of two kinds', { from: '5', to: '2026-03-01T12:00:00Z' }, 'range-invalid'],
    ['bounds the wrong way round', { from: '5', to: '4' }, 'range-invalid'],
    ['an unknown stream', { stream: 'nowhere' }, 'no-such-stream'],
  ])('cannot be %s', async (_, options, code) => {
    await expect(replay(original, options)).rejects.toMatchObject({ name: 'ReplayError', code });
  });
});
