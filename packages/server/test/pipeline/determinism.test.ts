import { rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import type { MappingPolicy } from '../../src/normalize/policy.ts';
import { itemsOf, type JournalEntry } from '../../src/store/journal.ts';
import type { Fault } from '../support/arrivals.ts';
import { Directories } from '../support/directories.ts';
import { Writer } from '../support/journal.ts';
import { configOf, everything, packetsOf, raw, raws, SOURCES, verifyStream } from '../support/ledger.ts';
import { Works } from '../support/passage.ts';

const directories = new Directories();
afterAll(() => directories.remove());

const POLICIES: MappingPolicy[] = [
  {},
  { required: ['t'] },
  { map: { t: 't' } },
  { constraints: { bounds: { t: { max: 2 } } } },
];

describe('bites', () => {
  const text = (id: number) => JSON.stringify({ id, ts: '2026-03-01T12:00:00Z', pad: 'x'.repeat(1_000_000) });

  /** Six bites, each of which seals a packet. */
  function large(works: Works): void {
    const writer = new Writer();
    const entries: JournalEntry[] = [writer.config(configOf('beta', 2, {}), 1)];
    for (let id = 0; id < 12; id++) entries.push(writer.events('beta', 'three', [{ id: `${id}`, text: text(id) }], id));
    works.journal.append(entries);
  }

  test('are committed one after the other', async () => {
    const works = new Works(directories.next());
    large(works);
    expect(await works.run()).toBe(true);
    expect(works.ledger.commits).toBeGreaterThan(3);
    expect(packetsOf(works, 'beta').map(({ start, end }) => end - start)).toEqual([2, 2, 2, 2, 2, 2]);
    verifyStream(works, 'beta');
    works.close();
  });

  test.each<Fault>(['failed', 'failed but persisted'])(
    'a commit that %s while the next bite is worked on ends the run, and nothing but the run',
    async (fault) => {
      const [calm, troubled] = [new Works(directories.next()), new Works(directories.next())];
      for (const works of [calm, troubled]) large(works);
      await calm.run();
      expect(await troubled.run(fault)).toBe(false);
      expect(await troubled.run()).toBe(true);
      expect(everything(troubled)).toEqual(everything(calm));
      for (const works of [calm, troubled]) works.close();
    },
  );
});

test('a packet that cannot be written to the disk is not committed, and neither is what follows it', async () => {
  const writer = new Writer();
  const entries = [
    writer.config(configOf('beta', 3, {}), 1),
    writer.events('beta', 'three', raws(10), 10),
    writer.config(configOf('gamma', 3, {}), 11),
  ];
  const [calm, troubled] = [new Works(directories.next()), new Works(directories.next())];
  for (const works of [calm, troubled]) works.journal.append(entries);
  await calm.run();
  // Where the folders of the packets should be, there are files.
  const folders = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
  const paths = folders.map((folder) => dirname(troubled.files.path(folder)));
  for (const path of paths) writeFileSync(path, '');
  await expect(troubled.run()).rejects.toThrow();
  expect([troubled.ledger.head(), troubled.ledger.cursor(), troubled.published]).toEqual([0, 1, []]);
  for (const path of paths) rmSync(path);
  troubled.restart();
  await troubled.run();
  expect(everything(troubled)).toEqual(everything(calm));
  for (const works of [calm, troubled]) works.close();
});

type Action =
  | { kind: 'events'; source: string; values: (number | undefined)[] }
  | { kind: 'cut'; stream: string }
  | { kind: 'config'; stream: string; maxEvents: number; policy: MappingPolicy };

const source = fc.constantFrom('one', 'two', 'three', 'four');
const stream = fc.constantFrom(...Object.keys(SOURCES));
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('events' as const),
      source,
      values: fc.array(fc.option(fc.nat(4), { nil: undefined }), { minLength: 1, maxLength: 12 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('cut' as const), stream }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('config' as const),
      stream,
      maxEvents: fc.integer({ min: 1, max: 15 }),
      policy: fc.constantFrom(...POLICIES),
    }),
  },
);

function journalOf(actions: readonly Action[]): JournalEntry[] {
  const writer = new Writer();
  const streamOf = (source: string) => Object.keys(SOURCES).find((name) => SOURCES[name]?.includes(source)) ?? '';
  const entries: JournalEntry[] = Object.keys(SOURCES).map((name) => writer.config(configOf(name, 10, {}), 0));
  let id = 0;
  for (const [at, action] of actions.entries()) {
    if (action.kind === 'cut') entries.push(writer.cut(action.stream, at));
    else if (action.kind === 'config')
      entries.push(writer.config(configOf(action.stream, action.maxEvents, action.policy), at));
    else {
      const events = action.values.map((value) => raw(id++, value));
      entries.push(writer.events(streamOf(action.source), action.source, events, at));
    }
  }
  return entries;
}

/** What happens to a process while the journal grows: so many entries more, then a run that may fail, then a restart. */
const turn = fc.record({
  entries: fc.nat(6),
  fault: fc.option(fc.constantFrom<Fault>('failed', 'failed but persisted'), { freq: 2, nil: undefined }),
  restart: fc.boolean(),
});

describe('the ledger is a function of the journal', () => {
  test('however often the process ends, wherever a commit fails, and however the journal is bitten', async () => {
    let failures = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { maxLength: 40 }),
        fc.array(turn, { maxLength: 25 }),
        async (actions, turns) => {
          const entries = journalOf(actions);
          const calm = new Works(directories.next());
          calm.journal.append(entries);
          await calm.run();
          const troubled = new Works(directories.next());
          const left = [...entries];
          for (const { entries: count, fault, restart } of turns) {
            troubled.journal.append(left.splice(0, count));
            if (!(await troubled.run(fault))) failures++;
            if (restart) troubled.restart();
          }
          troubled.journal.append(left);
          await troubled.run();
          expect(everything(troubled)).toEqual(everything(calm));
          for (const name of Object.keys(SOURCES)) verifyStream(calm, name);
          for (const works of [calm, troubled]) works.close();
        },
      ),
      { numRuns: 40 },
    );
    expect(failures).toBeGreaterThan(10);
  }, 120_000);

  test('with a restart after every single entry', async () => {
    const values = [1, undefined, 3];
    const actions: Action[] = [];
    for (let round = 0; round < 6; round++) {
      for (const name of ['one', 'three', 'two', 'four']) actions.push({ kind: 'events', source: name, values });
      actions.push({ kind: 'cut', stream: round % 2 === 0 ? 'alpha' : 'gamma' });
    }
    actions.push({ kind: 'config', stream: 'beta', maxEvents: 3, policy: { required: ['t'] } });
    actions.push({ kind: 'events', source: 'three', values: [...values, ...values] });
    const entries = journalOf(actions);
    const [calm, troubled] = [new Works(directories.next()), new Works(directories.next())];
    calm.journal.append(entries);
    await calm.run();
    for (const entry of entries) {
      troubled.journal.append([entry]);
      await troubled.run();
      troubled.restart();
    }
    await troubled.run();
    expect(troubled.journal.next).toBe(entries.reduce((sum, entry) => sum + itemsOf(entry), 1));
    expect(everything(troubled)).toEqual(everything(calm));
    for (const works of [calm, troubled]) works.close();
  });

  test('past a full tile', async () => {
    const writer = new Writer();
    const entries: JournalEntry[] = [writer.config(configOf('beta', 100, {}), 0)];
    for (let round = 0; round < 12; round++) entries.push(writer.events('beta', 'three', raws(60, 60 * round), round));
    const [calm, troubled] = [new Works(directories.next()), new Works(directories.next())];
    calm.journal.append(entries);
    await calm.run();
    for (const entry of entries) {
      troubled.journal.append([entry]);
      await troubled.run();
      troubled.restart();
    }
    expect(everything(troubled)).toEqual(everything(calm));
    const size = calm.ledger.stream('beta')?.size;
    expect(size).toBe(700);
    expect(calm.ledger.tile('beta', 0, 1)).toHaveLength(256 * 32);
    expect(calm.ledger.tile('beta', 0, 2)).toHaveLength((700 - 512) * 32);
    for (const works of [calm, troubled]) works.close();
  });
});
