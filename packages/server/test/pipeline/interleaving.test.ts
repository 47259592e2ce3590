import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import type { StreamConfig } from '../../src/stream.ts';
import { Desk, lines } from '../support/arrivals.ts';
import { Directories } from '../support/directories.ts';
import { Writer } from '../support/journal.ts';
import { packetsOf, verifyStream } from '../support/ledger.ts';
import { sourceOf, streamConfig } from '../support/node.ts';
import { Works } from '../support/passage.ts';
import { verifyRollups } from '../support/rollups.ts';

const directories = new Directories();
afterAll(() => directories.remove());

const BASE = Date.parse('2026-03-01T12:00:00Z');
const BUFFER_MS = 500;
/** Between two events of a source, on average; and how many each has. */
const STEP_MS = 130;
const EVENTS = 24;
/** Each source ends with an event so much later that nothing is held any more. */
const END_MS = 20_000;

const order = { bufferMs: BUFFER_MS, idleMs: 1_000_000, futureMs: 1_000_000, late: 'quarantine' as const };
const QUORUM = { strategy: 'quorum' as const, key: ['k'], bucketMs: 400, min: 2, tolerance: { v: 1 } };
const windowed = { ...streamConfig('x', {}).publish, windowMs: 1000 };
const SOURCES: Record<string, string[]> = {
  windows: ['win-a', 'win-b'],
  'fused-live': ['live-a', 'live-b', 'live-c'],
  'fused-windows': ['both-a', 'both-b', 'both-c'],
  'by-id': ['id-a', 'id-b'],
};
/** Two in which all events are but the last of each source, which is held to the end. */
const ROLLUPS = 2;
const rollup = { windowMs: 3000, fields: ['v'], quantiles: [0.5] };
const STREAMS: StreamConfig[] = [
  stream('windows', { publish: windowed, order, rollup }),
  stream('fused-live', { order, fusion: { ...QUORUM, onNoQuorum: 'quarantine' } }),
  stream('fused-windows', {
    publish: windowed,
    order,
    fusion: { strategy: 'weighted', key: ['k'], bucketMs: 300 },
    rollup,
  }),
  stream('by-id', { order, fusion: { strategy: 'priority', priority: ['id-b', 'id-a'] } }),
];

function stream(id: string, more: Partial<StreamConfig>): StreamConfig {
  const sources = Object.fromEntries(
    SOURCES[id]!.map((source) => [source, { map: { k: 'k', v: 'v' }, required: ['v'] }]),
  );
  return { ...streamConfig(id, sources, 9), ...more };
}

interface Input {
  source: string;
  /** In the order in which the source sends them, which keeps to the allowed lateness. */
  events: object[];
}

const input = (source: string): fc.Arbitrary<Input> =>
  fc
    .array(
      fc.record({
        jitter: fc.integer({ min: 0, max: BUFFER_MS }),
        k: fc.constantFrom('x', 'y'),
        v: fc.option(fc.nat(4), { freq: 12, nil: undefined }),
      }),
      { minLength: EVENTS, maxLength: EVENTS },
    )
    .map((readings) => {
      const at = (ms: number) => new Date(BASE + ms).toISOString();
      const events = readings.map(({ jitter, k, v }, n) => ({ id: `${n}`, ts: at(n * STEP_MS + jitter), k, v }));
      return { source, events: [...events, { id: 'end', ts: at(END_MS), k: 'end', v: 0 }] };
    });

const inputs = fc.tuple(...Object.values(SOURCES).flat().map(input));

/** How the inputs come: whose turn it is, how many at once, what is sent twice, where the process ends. */
const course = fc.record({
  turns: fc.infiniteStream(fc.nat(1_000_000)),
  sizes: fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
  again: fc.infiniteStream(fc.nat(3)),
  cuts: fc.infiniteStream(fc.nat(5)),
  restarts: fc.infiniteStream(fc.nat(7)),
});
type Course = typeof course extends fc.Arbitrary<infer T> ? T : never;

/** Runs everything from intake to sealed packets. */
async function run(all: readonly Input[], { turns, sizes, again, cuts, restarts }: Course): Promise<Works> {
  const dir = directories.next();
  const sources = STREAMS.flatMap(({ id, sources }) =>
    Object.keys(sources).map((name) => sourceOf(name, { stream: id })),
  );
  const desk = new Desk(dir, { sources });
  const writer = new Writer();
  desk.journal.append(STREAMS.map((config) => writer.config(config, BASE)));
  let works = new Works(dir, undefined, { snapshotItems: 1 });
  const sent = new Map(all.map(({ source }) => [source, 0]));
  for (let clock = BASE; sent.size > 0; clock++) {
    const [source = '', from = 0] = [...sent][next(turns) % sent.size] ?? [];
    const { events } = all.find((one) => one.source === source)!;
    const to = from + next(sizes);
    // What was sent before comes once more, in other words: a duplicate all the same.
    const repeated = events.slice(Math.max(0, from - next(again)), from).map(reordered);
    const [outcome] = desk.accept([lines(source, [...repeated, ...events.slice(from, to)])], clock);
    expect(outcome).toMatchObject({ duplicates: repeated.length });
    if (to >= events.length) sent.delete(source);
    else sent.set(source, to);
    if (next(cuts) === 0) cutAll(desk, clock);
    if (next(restarts) === 0) {
      await works.run();
      if (next(again) === 0) await works.rollUp();
      works.close();
      works = new Works(dir, undefined, { snapshotItems: 1 });
    }
  }
  cutAll(desk, BASE);
  desk.close();
  await works.run();
  await works.rollUp();
  return works;
}

function cutAll({ journal }: Desk, at: number): void {
  journal.append(STREAMS.map(({ id }, place) => ({ kind: 'cut', first: journal.next + place, stream: id, at })));
}

function next<T>(values: fc.Stream<T>): T {
  return values.next().value as T;
}

function reordered(event: object): object {
  return Object.fromEntries(Object.entries(event).reverse());
}

/** What must be the same: packets where they are cut in event time, records where they are cut live. */
function outcome(works: Works): object {
  const result: Record<string, string[]> = {};
  for (const { id, publish, rollup } of STREAMS) {
    verifyStream(works, id);
    const packets = packetsOf(works, id);
    result[id] =
      publish.windowMs === undefined
        ? packets.flatMap(({ contentHash }) =>
            readFileSync(works.files.path(contentHash), 'utf8').trimEnd().split('\n'),
          )
        : packets.map(({ versionId }) => versionId);
    if (rollup === undefined) continue;
    expect(verifyRollups(works, id, STREAMS)).toBe(ROLLUPS);
    result[`${id} rollups`] = works.ledger.rollups.before(id, undefined, 1000).map(({ versionId }) => versionId);
  }
  works.close();
  return result;
}

const INTERLEAVINGS = 25;
const SEEDS = 4;

test('a hundred interleavings, batchings, repetitions and restarts give the same versionIds', async () => {
  let lines = 0;
  for (let seed = 0; seed < SEEDS; seed++) {
    const [all] = fc.sample(inputs, { numRuns: 1, seed });
    const courses = fc.sample(course, { numRuns: INTERLEAVINGS, seed: seed + 1 });
    let first: object | undefined;
    for (const one of courses) {
      const given = outcome(await run(all!, one));
      first ??= given;
      expect(given).toEqual(first);
    }
    lines += Object.values(first ?? {}).flat().length;
  }
  expect(lines).toBeGreaterThan(250);
}, 600_000);
