import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import type { FusionPolicy } from '../../src/fuse/policy.ts';
import type { MappingPolicy } from '../../src/normalize/policy.ts';
import type { JournalEntry } from '../../src/store/journal.ts';
import type { OrderPolicy, RollupPolicy, StreamConfig } from '../../src/stream.ts';
import type { Fault } from '../support/arrivals.ts';
import { Directories } from '../support/directories.ts';
import { type Raw, Writer } from '../support/journal.ts';
import { everything, packetsOf, verifyStream } from '../support/ledger.ts';
import { streamConfig } from '../support/node.ts';
import { Works } from '../support/passage.ts';
import { verifyRollups } from '../support/rollups.ts';

const directories = new Directories();
afterAll(() => directories.remove());

const BASE = Date.parse('2026-03-01T12:00:00Z');
const BUFFER_MS = 500;
const ORDER: OrderPolicy = { bufferMs: BUFFER_MS, idleMs: 600, futureMs: 10_000, late: 'correct' };
const POLICY: MappingPolicy = { map: { k: 'k', v: 'v' }, required: ['v'] };
const QUORUM: FusionPolicy = { strategy: 'quorum', key: ['k'], bucketMs: 400, min: 2, tolerance: { v: 1 } };
const ROLLUP: RollupPolicy = { windowMs: 3000, fields: ['v', 'k'], quantiles: [0, 0.5, 0.9] };
const BY_ID: FusionPolicy = { strategy: 'priority', priority: ['h', 'g'] };

/** Streams with a stage of every kind, and one without. */
function configs(changes: Partial<Record<string, Partial<StreamConfig>>> = {}): StreamConfig[] {
  const stream = (id: string, sources: string[], policy: MappingPolicy, more: Partial<StreamConfig>): StreamConfig => {
    const config = streamConfig(id, Object.fromEntries(sources.map((source) => [source, policy])), 7);
    return { ...config, ...more, ...changes[id] };
  };
  const windows = { ...streamConfig('x', {}, 7).publish, windowMs: 1000 };
  return [
    stream('windows', ['a', 'b'], POLICY, { publish: windows, order: { ...ORDER, late: 'next' }, rollup: ROLLUP }),
    stream('corrected', ['c'], POLICY, { publish: windows, order: ORDER, rollup: { ...ROLLUP, windowMs: 1000 } }),
    stream('fused', ['d', 'e', 'f'], POLICY, { order: ORDER, fusion: { ...QUORUM, onNoQuorum: 'quarantine' } }),
    stream('by-id', ['g', 'h'], POLICY, { order: ORDER, fusion: BY_ID }),
    stream('both', ['i', 'j'], POLICY, {
      publish: windows,
      order: ORDER,
      fusion: { ...QUORUM, onNoQuorum: 'unresolved', deadlineMs: 900 },
      rollup: ROLLUP,
    }),
    stream('rising', ['m'], { ...POLICY, constraints: { monotonicFields: ['v'], monotonicKey: ['k'] } }, {}),
    stream('plain', ['p'], POLICY, {}),
  ];
}

const STREAM_OF = new Map(configs().flatMap(({ id, sources }) => Object.keys(sources).map((source) => [source, id])));

interface Reading {
  /** Milliseconds after the base. */
  t: number;
  k: string;
  /** Absent: the policy refuses it. */
  v: number | undefined;
}

const reading = (limit: number): fc.Arbitrary<Reading> =>
  fc.record({
    t: fc.nat(limit),
    k: fc.constantFrom('x', 'y'),
    v: fc.option(fc.nat(4), { freq: 8, nil: undefined }),
  });

const raw = (id: string, { t, k, v }: Reading): Raw => ({
  id,
  text: JSON.stringify({ id, ts: new Date(BASE + t).toISOString(), k, v }),
});

type Action =
  | { kind: 'events'; source: string; readings: Reading[]; after: number }
  | { kind: 'cut'; stream: string; after: number }
  | { kind: 'config'; bucketMs: number; windowMs: number; rollup: RollupPolicy | undefined };

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('events' as const),
      // The one whose late events are corrected in packets of their own is fed by itself, so it gets a larger share.
      source: fc.constantFrom(...STREAM_OF.keys(), 'c', 'c', 'c'),
      readings: fc.array(reading(6000), { minLength: 1, maxLength: 6 }),
      after: fc.nat(400),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('cut' as const),
      stream: fc.constantFrom(...STREAM_OF.values()),
      after: fc.constantFrom(10, 100, 4000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('config' as const),
      bucketMs: fc.constantFrom(400, 700),
      windowMs: fc.constantFrom(1000, 1500),
      rollup: fc.constantFrom(ROLLUP, { ...ROLLUP, fields: [] }, { ...ROLLUP, windowMs: 6000 }, undefined),
    }),
  },
);

const sends = (source: string, ...readings: Reading[]): Action => ({ kind: 'events', source, readings, after: 1 });
/** What happens in any case, in the end: a decision is corrected. */
const ALWAYS: Action[] = [
  sends('i', { t: 100, k: 'x', v: 1 }, { t: 5900, k: 'x', v: 1 }),
  sends('j', { t: 5900, k: 'x', v: 1 }),
  sends('j', { t: 120, k: 'x', v: 1 }),
  { kind: 'cut', stream: 'both', after: 4000 },
  { kind: 'cut', stream: 'both', after: 9000 },
];

/** Anything that can happen: late, ahead of the clock, out of order, idle sources, changing configurations. */
function journalOf(actions: readonly Action[]): JournalEntry[] {
  const writer = new Writer();
  let at = BASE;
  let id = 0;
  const entries: JournalEntry[] = configs().map((config) => writer.config(config, at));
  for (const action of [...actions, ...ALWAYS]) {
    if (action.kind === 'config') {
      const { bucketMs, windowMs, rollup } = action;
      const publish = { ...streamConfig('x', {}, 7).publish, windowMs };
      const fusion = { ...QUORUM, bucketMs };
      const rolled = rollup === undefined ? {} : { rollup };
      const changes = { windows: { publish, ...rolled }, fused: { fusion }, both: { publish, fusion, ...rolled } };
      for (const config of configs(changes)) {
        if (rollup === undefined && config.id in changes) delete config.rollup;
        entries.push(writer.config(config, at));
      }
      continue;
    }
    at += action.after;
    if (action.kind === 'cut') entries.push(writer.cut(action.stream, at));
    else {
      // Where the id says what an event is about, the same few come again and again.
      const raws = action.readings.map((one) => raw('gh'.includes(action.source) ? `${id++ % 9}` : `${id++}`, one));
      entries.push(writer.events(STREAM_OF.get(action.source) ?? '', action.source, raws, at));
    }
  }
  return entries;
}

const turn = fc.record({
  entries: fc.nat(6),
  fault: fc.option(fc.constantFrom<Fault>('failed', 'failed but persisted'), { freq: 2, nil: undefined }),
  restart: fc.boolean(),
  /** When rollups are made: not at all, or with such a fault. */
  rollUp: fc.option(fc.constantFrom<Fault | 'no fault'>('no fault', 'failed', 'failed but persisted'), { freq: 3 }),
});

/** All but the cursor, which says how much is to be read again and hangs on when snapshots were taken. */
function outcome(works: Works): object {
  const rollups = works.ledger.rollups.before(undefined, undefined, 100_000);
  expect(works.ledger.rollups.due(1)).toEqual([]);
  return { ...everything(works), rollups, cursor: undefined };
}

function configsIn(entries: readonly JournalEntry[], stream: string): StreamConfig[] {
  return entries
    .filter((entry) => entry.kind === 'config' && entry.stream === stream)
    .map((entry) => JSON.parse(entry.kind === 'config' ? entry.config : '') as StreamConfig);
}

test('the ledger is a function of the journal, however often and wherever the process ends', async () => {
  const seen = new Set<string>();
  let rollups = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { maxLength: 50 }),
      fc.array(turn, { maxLength: 25 }),
      fc.constantFrom(1, 20, 10_000),
      async (actions, turns, snapshotItems) => {
        const entries = journalOf(actions);
        const calm = new Works(directories.next());
        calm.journal.append(entries);
        await calm.run();
        await calm.rollUp();
        const troubled = new Works(directories.next(), undefined, { snapshotItems });
        const left = [...entries];
        for (const { entries: count, fault, restart, rollUp } of turns) {
          troubled.journal.append(left.splice(0, count));
          await troubled.run(fault);
          if (restart) troubled.restart();
          if (rollUp !== null) await troubled.rollUp(rollUp === 'no fault' ? undefined : rollUp);
        }
        troubled.journal.append(left);
        await troubled.run();
        await troubled.rollUp();
        expect(outcome(troubled)).toEqual(outcome(calm));
        for (const { id } of configs()) {
          verifyStream(calm, id);
          rollups += verifyRollups(calm, id, configsIn(entries, id));
          for (const kind of kindsIn(calm, id)) seen.add(kind);
        }
        for (const works of [calm, troubled]) works.close();
      },
    ),
    { numRuns: 60 },
  );
  // The actions reach every corner of it.
  expect(rollups).toBeGreaterThan(100);
  expect([...seen].sort()).toEqual([
    'control',
    'correction',
    'fused',
    'quarantined',
    'record',
    'superseding',
    'window',
  ]);
}, 240_000);

function kindsIn(works: Works, stream: string): string[] {
  const kinds: string[] = [];
  for (const packet of packetsOf(works, stream)) {
    const { content } = JSON.parse(packet.manifest) as { content: { window?: { correction?: boolean } } };
    if (content.window !== undefined) kinds.push(content.window.correction === true ? 'correction' : 'window');
    for (const line of readFileSync(works.files.path(packet.contentHash), 'utf8').trimEnd().split('\n')) {
      const { leaf } = JSON.parse(line) as { leaf: { kind: string; supersedes?: string } };
      if (leaf.kind !== 'header') kinds.push(leaf.kind);
      if (leaf.kind === 'fused' && leaf.supersedes !== undefined) kinds.push('superseding');
    }
  }
  return kinds;
}
