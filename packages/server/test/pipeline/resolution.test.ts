import { readFileSync } from 'node:fs';
import { type ControlLeaf, type Leaf, type QuarantinedLeaf, verifyControl } from '@tidemark/proof';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import type { FusionPolicy } from '../../src/fuse/policy.ts';
import type { MappingPolicy } from '../../src/normalize/policy.ts';
import type { JournalEntry, ResolutionAction } from '../../src/store/journal.ts';
import type { OrderPolicy, StreamConfig } from '../../src/stream.ts';
import type { Fault } from '../support/arrivals.ts';
import { Directories } from '../support/directories.ts';
import { type Raw, Writer } from '../support/journal.ts';
import { everything, packetsOf, verifyStream } from '../support/ledger.ts';
import { streamConfig } from '../support/node.ts';
import { Works } from '../support/passage.ts';

const directories = new Directories();
afterAll(() => directories.remove());

const BASE = Date.parse('2026-03-01T12:00:00Z');
const STRICT: MappingPolicy = { required: ['v'] };
const LAX: MappingPolicy = {};
const ORDER: OrderPolicy = { bufferMs: 500, idleMs: 3000, futureMs: 10_000, late: 'next' };
const QUORUM: FusionPolicy = { strategy: 'quorum', key: ['k'], bucketMs: 400, min: 2, onNoQuorum: 'quarantine' };
/** By stream, and of the same name as its only source: without a stage, and with one of every kind. */
const STREAMS: Record<string, (policy: MappingPolicy) => Partial<StreamConfig>> = {
  plain: () => ({}),
  rising: (policy) => ({ sources: { rising: { ...policy, constraints: { monotonicFields: ['v'] } } } }),
  windowed: () => ({ publish: { ...streamConfig('x', {}, 7).publish, windowMs: 1000 }, order: ORDER }),
  fused: () => ({ order: ORDER, fusion: QUORUM }),
};

function configOf(stream: string, policy: MappingPolicy): StreamConfig {
  return { ...streamConfig(stream, { [stream]: policy }, 7), ...STREAMS[stream]?.(policy) };
}

const raw = (id: number, t: number, v?: number): Raw => ({
  id: `${id}`,
  text: JSON.stringify({ id, ts: new Date(BASE + t).toISOString(), k: 'k', v }),
});

interface Sealed {
  index: number;
  leaf: Leaf;
  payload?: unknown;
  window: { start: string; end: string; correction?: boolean } | undefined;
}

/** All leaves of a stream, with the window of their packet. */
function leavesOf(works: Works, stream: string): Sealed[] {
  return packetsOf(works, stream).flatMap(({ start, contentHash, manifest }) => {
    const { window } = (JSON.parse(manifest) as { content: Pick<Sealed, 'window'> }).content;
    const lines = readFileSync(works.files.path(contentHash), 'utf8').trimEnd().split('\n');
    return lines.map((line, place) => ({ ...(JSON.parse(line) as Sealed), index: start + place, window }));
  });
}

/** Journal entries one after the other, each taken by the pipeline. */
class Journaling {
  readonly works = new Works(directories.next());
  readonly writer = new Writer();
  readonly entries: JournalEntry[] = [];

  async add(...entries: JournalEntry[]): Promise<void> {
    this.works.journal.append(entries);
    this.entries.push(...entries);
    await this.works.run();
  }

  /** Position of the newest event that is in quarantine, about which nothing has been said. */
  waiting(): number | undefined {
    const { ledger, journal } = this.works;
    const rows = ledger.quarantinedBefore(Number.MAX_SAFE_INTEGER, 1000);
    return rows.map(({ position }) => position).find((position) => journal.resolution(position) === undefined);
  }
}

describe.each(Object.keys(STREAMS))('in a stream of the kind "%s"', (stream) => {
  /** Events 2 and 3 and an odd one, and their packet. */
  async function filled(policy: MappingPolicy): Promise<Journaling> {
    const journaling = new Journaling();
    const { writer } = journaling;
    await journaling.add(
      writer.config(configOf(stream, policy), BASE),
      writer.events(stream, stream, [raw(1, 0, 5), raw(2, 10), raw(3, 20, 6)], BASE + 20),
      writer.cut(stream, BASE + 200),
      writer.cut(stream, BASE + 8000),
    );
    return journaling;
  }

  test('a released event is a record that supersedes its quarantine, under the policy now in force', async () => {
    const journaling = await filled(STRICT);
    const { works, writer } = journaling;
    expect(works.ledger.reasons(3)).toEqual(['required-missing:v']);
    const before = leavesOf(works, stream).length;
    await journaling.add(writer.config(configOf(stream, LAX), BASE + 9000));
    await journaling.add(writer.resolution(stream, 3, 'release', BASE + 9001), writer.cut(stream, BASE + 9500));
    const [change, released, ...more] = leavesOf(works, stream).slice(before);
    expect([change?.leaf.kind, more]).toEqual(['control', []]);
    const quarantined = quarantinedLeaf(works);
    expect(released?.leaf).toEqual({
      ...{ v: 1, kind: 'record', stream, source: stream, seq: 2, supersedes: [stream, 2] },
      eventId: quarantined.eventId,
      eventTime: '2026-03-01T12:00:00.010Z',
      rawHash: quarantined.rawHash,
      policyHash: expect.not.stringMatching(quarantined.policyHash),
      payloadHash: expect.any(String),
    });
    expect(released?.payload).toMatchObject({ id: 2 });
    expect(works.ledger.placement(3)).toEqual({ stream, leaf: released?.index });
    expect(through(works)).toEqual({ [stream]: 3 });
    verifyStream(works, stream);
    works.close();
  });

  test('one that its policy still refuses stays where it is, and the stream goes on', async () => {
    const journaling = await filled(STRICT);
    const { works, writer } = journaling;
    const place = works.ledger.placement(3);
    await journaling.add(writer.resolution(stream, 3, 'release', BASE + 9000), writer.cut(stream, BASE + 9500));
    expect(works.ledger.placement(3)).toEqual(place);
    await journaling.add(
      writer.events(stream, stream, [raw(4, 9900, 7)], BASE + 9900),
      writer.cut(stream, BASE + 20_000),
    );
    expect(through(works)).toEqual({ [stream]: 4 });
    works.close();
  });

  test('a discarded event has a control leaf that says so, signed by the log key', async () => {
    const journaling = await filled(STRICT);
    const { works, writer } = journaling;
    await journaling.add(writer.resolution(stream, 3, 'discard', BASE + 9000), writer.cut(stream, BASE + 9500));
    const { index, leaf, payload } = leavesOf(works, stream).at(-1)!;
    const { eventId } = quarantinedLeaf(works);
    expect(leaf).toEqual({
      ...{ v: 1, kind: 'control', stream, action: 'quarantine-discarded', signature: expect.any(String) },
      data: { source: stream, seq: 2, eventId, by: 'admin', reason: `said at ${BASE + 9000}` },
    });
    expect(payload).toBeUndefined();
    expect(verifyControl(leaf as ControlLeaf, configOf(stream, STRICT).logKey)).toBe(true);
    expect(works.ledger.placement(3)).toEqual({ stream, leaf: index });
    expect(through(works)).toEqual({ [stream]: 3 });
    verifyStream(works, stream);
    works.close();
  });

  /** The leaf of event 2. */
  function quarantinedLeaf(works: Works): QuarantinedLeaf {
    const leaves = leavesOf(works, stream).map(({ leaf }) => leaf);
    return leaves.filter((leaf) => leaf.kind === 'quarantined').find(({ seq }) => seq === 2)!;
  }

  function through({ ledger }: Works): Record<string, number> {
    const manifest = packetsOf({ ledger } as Works, stream).at(-1)?.manifest ?? '';
    return (JSON.parse(manifest) as { content: { log: { through: Record<string, number> } } }).content.log.through;
  }
});

describe('in a stream that is cut in event time, what an operator lets go', () => {
  const stream = 'windowed';
  const AHEAD = 3_600_000;

  async function ahead(): Promise<Journaling> {
    const journaling = new Journaling();
    const { writer } = journaling;
    await journaling.add(
      writer.config(configOf(stream, LAX), BASE),
      writer.events(stream, stream, [raw(1, 0), raw(2, AHEAD), raw(3, AHEAD), raw(4, 1100)], BASE + 1100),
    );
    return journaling;
  }

  test('opens no window ahead of its time, and shares a packet of corrections with what follows it', async () => {
    const journaling = await ahead();
    const { works, writer } = journaling;
    await journaling.add(writer.cut(stream, BASE + 8000));
    expect(works.ledger.reasons(3)).toEqual([expect.stringMatching(/^future:/)]);
    await journaling.add(
      writer.resolution(stream, 3, 'release', BASE + 9000),
      writer.resolution(stream, 4, 'discard', BASE + 9000),
      writer.cut(stream, BASE + 9001),
    );
    const window = { start: '2026-03-01T12:00:01.000Z', end: '2026-03-01T12:00:02.000Z', correction: true };
    expect(leavesOf(works, stream).slice(-2)).toMatchObject([
      { leaf: { kind: 'record', eventTime: '2026-03-01T13:00:00.000Z' }, window },
      { leaf: { kind: 'control' }, window },
    ]);
    expect(packetsOf(works, stream).at(-1)).toMatchObject({ sealedAt: BASE + 2000 });
    await journaling.add(writer.events(stream, stream, [raw(5, 9500)], BASE + 9500), writer.cut(stream, BASE + 20_000));
    expect(leavesOf(works, stream).at(-1)?.window).toEqual({
      start: '2026-03-01T12:00:09.000Z',
      end: '2026-03-01T12:00:10.000Z',
    });
    works.close();
  });

  test('goes into the open window, if there is one', async () => {
    const journaling = await ahead();
    const { works, writer } = journaling;
    await journaling.add(writer.cut(stream, BASE + 8000));
    await journaling.add(
      writer.events(stream, stream, [raw(5, 9100), raw(6, 9700)], BASE + 9700),
      writer.resolution(stream, 3, 'release', BASE + 9701),
      writer.cut(stream, BASE + 20_000),
    );
    expect(leavesOf(works, stream).slice(-3)).toMatchObject([
      { leaf: { eventTime: '2026-03-01T12:00:09.100Z' }, window: { start: '2026-03-01T12:00:09.000Z' } },
      { leaf: { eventTime: '2026-03-01T13:00:00.000Z' }, window: { start: '2026-03-01T12:00:09.000Z' } },
      { leaf: { eventTime: '2026-03-01T12:00:09.700Z' }, window: { start: '2026-03-01T12:00:09.000Z' } },
    ]);
    works.close();
  });
});

type Action =
  | { kind: 'events'; stream: string; readings: { t: number; v: number | undefined }[] }
  | { kind: 'cut'; stream: string; after: number }
  | { kind: 'config'; stream: string; strict: boolean }
  /** `mended`: under a policy that refuses nothing any more. */
  | { kind: 'word'; action: ResolutionAction; mended: boolean };

const stream = fc.constantFrom(...Object.keys(STREAMS));
const reading = fc.record({ t: fc.nat(3000), v: fc.option(fc.nat(9), { freq: 2, nil: undefined }) });
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('events' as const),
      stream,
      readings: fc.array(reading, { minLength: 1, maxLength: 5 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('cut' as const), stream, after: fc.constantFrom(100, 4000) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('config' as const), stream, strict: fc.boolean() }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('word' as const),
      action: fc.constantFrom<ResolutionAction>('release', 'discard'),
      mended: fc.boolean(),
    }),
  },
);

/** A word is about an event that is in quarantine by then, as whoever gives it has seen. */
async function journalOf(actions: readonly Action[]): Promise<Journaling> {
  const journaling = new Journaling();
  const { works, writer } = journaling;
  let at = BASE;
  let id = 0;
  await journaling.add(...Object.keys(STREAMS).map((name) => writer.config(configOf(name, STRICT), at)));
  for (const one of actions) {
    at += one.kind === 'cut' ? one.after : 100;
    if (one.kind === 'cut') await journaling.add(writer.cut(one.stream, at));
    else if (one.kind === 'config') {
      await journaling.add(writer.config(configOf(one.stream, one.strict ? STRICT : LAX), at));
    } else if (one.kind === 'events') {
      const raws = one.readings.map(({ t, v }) => raw(id++, at - BASE - t, v));
      await journaling.add(writer.events(one.stream, one.stream, raws, at));
    } else {
      const position = journaling.waiting();
      const place = position === undefined ? undefined : works.ledger.placement(position);
      if (position !== undefined && place !== undefined) {
        if (one.mended) await journaling.add(writer.config(configOf(place.stream, LAX), at));
        await journaling.add(writer.resolution(place.stream, position, one.action, at));
      }
    }
  }
  return journaling;
}

/** All but the cursor, which says how much is to be read again and hangs on when snapshots were taken. */
function outcome(works: Works): object {
  return { ...everything(works), cursor: undefined };
}

const turn = fc.record({
  entries: fc.nat(6),
  fault: fc.option(fc.constantFrom<Fault>('failed', 'failed but persisted'), { freq: 2, nil: undefined }),
  restart: fc.boolean(),
});

describe('the ledger is a function of the journal, with operators at work', () => {
  test('however often and wherever the process ends', async () => {
    const seen = { record: 0, control: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { minLength: 10, maxLength: 50 }),
        fc.array(turn, { maxLength: 25 }),
        fc.constantFrom(1, 20, 10_000),
        async (actions, turns, snapshotItems) => {
          const { works: calm, entries } = await journalOf(actions);
          const troubled = new Works(directories.next(), undefined, { snapshotItems });
          const left = [...entries];
          for (const { entries: count, fault, restart } of turns) {
            troubled.journal.append(left.splice(0, count));
            await troubled.run(fault);
            if (restart) troubled.restart();
          }
          troubled.journal.append(left);
          await troubled.run();
          expect(outcome(troubled)).toEqual(outcome(calm));
          for (const name of Object.keys(STREAMS)) {
            verifyStream(calm, name);
            for (const { leaf } of leavesOf(calm, name)) {
              if (leaf.kind === 'control') seen.control++;
              if (leaf.kind === 'record' && leaf.supersedes?.[1] === leaf.seq) seen.record++;
            }
          }
          for (const works of [calm, troubled]) works.close();
        },
      ),
      { numRuns: 40 },
    );
    expect(seen.record).toBeGreaterThan(10);
    expect(seen.control).toBeGreaterThan(10);
  }, 240_000);

  test('with a restart after every single entry', async () => {
    const round: Action[] = Object.keys(STREAMS).flatMap((name): Action[] => [
      { kind: 'events', stream: name, readings: [1, 2, undefined, 3].map((v, t) => ({ t: 50 - t, v })) },
      { kind: 'cut', stream: name, after: 4000 },
      { kind: 'word', action: 'release', mended: false },
      { kind: 'events', stream: name, readings: [{ t: 0, v: undefined }] },
      { kind: 'cut', stream: name, after: 4000 },
      { kind: 'word', action: 'discard', mended: false },
      { kind: 'word', action: 'release', mended: true },
      { kind: 'cut', stream: name, after: 4000 },
      { kind: 'config', stream: name, strict: true },
    ]);
    const { works: calm, entries } = await journalOf([...round, ...round]);
    const troubled = new Works(directories.next(), undefined, { snapshotItems: 1 });
    for (const entry of entries) {
      troubled.journal.append([entry]);
      await troubled.run();
      troubled.restart();
    }
    await troubled.run();
    expect(outcome(troubled)).toEqual(outcome(calm));
    expect(entries.filter(({ kind }) => kind === 'resolution').length).toBeGreaterThan(10);
    for (const works of [calm, troubled]) works.close();
  });
});
