/** What readers learn of events that a stage has ordered, held, refused, fused and fused again. */
import { hash } from 'node:crypto';
import { canonicalize, fusedEventId } from '@tidemark/proof';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Position } from '../../src/event.ts';
import type { MappingPolicy } from '../../src/normalize/policy.ts';
import type { JournalEntry } from '../../src/store/journal.ts';
import { Directories } from '../support/directories.ts';
import { fillDirectory } from '../support/feed.ts';
import { BASE, fusedConfig, QUORUM, weather } from '../support/fused.ts';
import { Writer } from '../support/journal.ts';
import { streamConfig } from '../support/node.ts';
import { openReaders, type Readers } from '../support/readers.ts';

const directories = new Directories();
afterAll(() => directories.remove());

type Shown = Record<string, unknown>;
const ALL = 1_000_000;
const iso = (t: number) => new Date(BASE + t).toISOString();
const policyHashOf = (policy: object) => hash('sha256', canonicalize(policy), 'hex');

async function open(groups: JournalEntry[][]): Promise<Readers> {
  const dir = directories.next();
  await fillDirectory(dir, groups);
  return openReaders(dir);
}

const recordAt = ({ events }: Readers, position: Position) => events.record(position)!;

function evidenceAt(readers: Readers, position: Position): Shown[] {
  const record = recordAt(readers, position);
  return readers.evidence.of(record, readers.reconstruction.of(record)) as Shown[];
}

const feedOf = ({ feed, ledger }: Readers) => feed.page(0, ledger.head(), ALL, {}).items;

describe('a stream in event time', () => {
  const MONOTONIC = { map: { n: 'n' }, constraints: { monotonicFields: ['n'] } };
  const order = { bufferMs: 100, idleMs: 600, futureMs: 60_000 };
  let readers: Readers;
  beforeAll(async () => {
    const writer = new Writer();
    const stream = (id: string, policy: object, late: 'next' | 'quarantine') => {
      const config = streamConfig(id, { [id]: policy });
      return { ...config, publish: { ...config.publish, windowMs: 1000 }, order: { ...order, late } };
    };
    const reading = (id: string, t: number, n: number) => weather(id, t, { n });
    readers = await open([
      [
        writer.config(stream('lenient', { ...MONOTONIC, onIssue: 'certify' }, 'next'), BASE), // 1
        writer.config(stream('strict', MONOTONIC, 'quarantine'), BASE), // 2
        writer.events('lenient', 'lenient', [reading('a', 10, 5), reading('b', 20, 4), reading('c', 2500, 6)], BASE), // 3
        writer.events('strict', 'strict', [reading('a', 10, 5), reading('b', 20, 4), reading('c', 2500, 6)], BASE), // 6
        writer.events('lenient', 'lenient', [reading('late', 30, 5)], BASE + 10), // 9
        writer.events('strict', 'strict', [reading('late', 30, 5)], BASE + 10), // 10
        ...['lenient', 'strict'].map((id) => writer.cut(id, BASE + 6000)),
      ],
    ]);
  });
  afterAll(() => readers.close());

  const late = `late:${iso(30)}<${iso(2400)}`;

  test.each<[string, Position, string, string[]]>([
    ['is certified and falls', 4, 'certified', ['monotonic:n:4<5']],
    ['is certified and late', 9, 'certified', [late]],
    ['is refused because it falls', 7, 'quarantined', ['monotonic:n:4<5']],
    ['is refused because it is late', 10, 'quarantined', [late]],
  ])('an event that %s has it in its evidence, after what its policy says', (_, position, status, issues) => {
    expect(readers.events.item(recordAt(readers, position)).status).toBe(status);
    const steps = evidenceAt(readers, position);
    expect(steps.map(({ step }) => step)).toEqual(['received', 'normalize', 'order', 'certify', 'anchor']);
    expect([steps[1]?.issues, steps[2]?.issues]).toEqual([[], issues]);
  });

  test('an event without anything to say of its order has no such step', () => {
    expect(evidenceAt(readers, 3).map(({ step }) => step)).toEqual(['received', 'normalize', 'certify', 'anchor']);
  });

  test('an event that is refused after its policy let it pass shows what the policy made of it', () => {
    const { normalized } = readers.reconstruction.of(recordAt(readers, 10));
    expect(normalized?.payload).toEqual({ n: 5 });
    expect(readers.events.item(recordAt(readers, 10))).toMatchObject({ normalized: null, contentHash: null });
  });
});

describe('a fused stream', () => {
  /** The policy changes while one event is held, and two have been fused. */
  const [BEFORE, AFTER] = [{ map: { city: 'city', temp: 'temp' } }, { map: { city: 'city', temp: { const: 0 } } }];
  const key = (city: string) => fusedEventId('weather', [city], iso(0));
  let readers: Readers;
  beforeAll(async () => {
    const writer = new Writer();
    const config = (policy: object, bufferMs = 500) => {
      const fused = fusedConfig('weather', ['w-a', 'w-b', 'w-c'], QUORUM);
      return {
        ...{ ...fused, order: { ...fused.order, bufferMs } },
        sources: { 'w-a': policy, 'w-b': policy, 'w-c': policy },
      };
    };
    const sent = (source: string, at: number, id: string, temp: number, t = 10, supersedes?: number) =>
      writer.events(
        'weather',
        source,
        [{ ...weather(id, t, { city: 'Oslo', temp }), ...(supersedes === undefined ? {} : { supersedes }) }],
        BASE + at,
      );
    readers = await open([
      [writer.config(config(BEFORE), BASE)], // 1
      // No quorum: both are held back.
      [sent('w-a', 100, 'o', 1), sent('w-b', 110, 'o', 9, 20), writer.cut('weather', BASE + 3000)], // 2, 3, 4
      // A third agrees with one of them, so they come to a record after all, under another policy of the sources.
      [writer.config(config(AFTER), BASE + 3100)], // 5
      [writer.config(config(BEFORE), BASE + 3200), sent('w-c', 3300, 'o', 9.2, 30)], // 6, 7
      [sent('w-a', 3400, 'o', 9.3, 40, 1), writer.cut('weather', BASE + 6000)], // 8, 9
      // Held: nobody else has been heard of for a while, but the bucket is not over.
      [writer.config(config(BEFORE, 3_600_000), BASE + 6100), sent('w-a', 6200, 'later', 3, 60_000)], // 10, 11
      [writer.config(config(AFTER, 3_600_000), BASE + 6300)], // 12
    ]);
  });
  afterAll(() => readers.close());

  test('an event is in the newest leaf that it is an input of, and was in quarantine before', () => {
    const versions = readers.fused.versions(key('Oslo'));
    expect(versions.map(({ audit, row }) => [audit.outcome, row.leaf])).toEqual([
      ['quarantined', 1],
      // Two changes of the configuration have a leaf each before it.
      ['resolved', 5],
      ['resolved', 6],
    ]);
    for (const position of [2, 3]) {
      expect(readers.events.item(recordAt(readers, position))).toMatchObject({ status: 'certified', leafIndex: 6 });
      expect(evidenceAt(readers, position).map(({ step }) => step)).not.toContain('order');
    }
    expect(readers.events.newest({ status: 'quarantined' }, { limit: 10, scanLimit: 100 }).items).toEqual([]);
  });

  test('a version that its source has revised is an input as well, and passed over', () => {
    const [first, revision] = [evidenceAt(readers, 2), evidenceAt(readers, 8)];
    const [fuse, fuseAgain] = [first, revision].map((steps) => steps.find(({ step }) => step === 'fuse'));
    expect([fuse?.result, fuseAgain?.decision]).toEqual(['loser', fuse?.decision]);
    expect(revision[0]).toMatchObject({ seq: 2, supersedes: 1 });
    const audit = readers.fused.versions(key('Oslo')).at(-1)?.audit;
    expect(audit?.candidates.map(({ source, seq, voice }) => [source, seq, voice])).toEqual([
      ['w-a', 1, false],
      ['w-a', 2, true],
      ['w-b', 1, true],
      ['w-c', 1, true],
    ]);
  });

  test('each leaf of the feed is what it was when it was sealed', () => {
    const items = feedOf(readers);
    expect(items.map(({ leafIndex, status, eventId }) => [leafIndex, status, eventId === key('Oslo')])).toEqual([
      [1, 'quarantined', false],
      [2, 'quarantined', false],
      [5, 'certified', true],
      [6, 'certified', true],
    ]);
  });

  test('an input is normalized by the policy of its own time, and so is what is held', () => {
    const rebuilt = [2, 7, 8, 11].map((position) => readers.reconstruction.of(recordAt(readers, position)));
    expect(rebuilt.map(({ policyHash }) => policyHash)).toEqual(Array(4).fill(policyHashOf(BEFORE)));
    expect(rebuilt.map(({ normalized }) => normalized?.payload)).toEqual(
      [1, 9.2, 9.3, 3].map((temp) => ({ city: 'Oslo', temp })),
    );
    expect(recordAt(readers, 11).certified).toBeUndefined();
    expect(evidenceAt(readers, 11).map(({ step }) => step)).toEqual(['received', 'normalize']);
  });
});

test('what was noticed of an input is in its evidence, before and after a correction', async () => {
  const writer = new Writer();
  const constraints = { monotonicFields: ['n'] };
  const falling: MappingPolicy = { map: { city: 'city', n: 'n' }, constraints, onIssue: 'certify' };
  const config = fusedConfig('weather', ['w-a', 'w-b'], { strategy: 'first', key: ['city'], bucketMs: 1000 });
  const said = (id: string, t: number, n: number) => weather(id, t, { city: id, n });
  const readers = await open([
    [writer.config({ ...config, sources: { 'w-a': falling, 'w-b': {} } }, BASE)], // 1
    [
      writer.events('weather', 'w-a', [said('Rome', 10, 5), said('Oslo', 20, 4)], BASE),
      writer.cut('weather', BASE + 3000),
    ], // 2, 4
    [writer.events('weather', 'w-b', [said('Oslo', 15, 3)], BASE + 3100), writer.cut('weather', BASE + 6000)], // 5
  ]);
  expect(readers.events.item(recordAt(readers, 3)).leafIndex).toBe(3);
  const steps = evidenceAt(readers, 3);
  expect(steps.map(({ step }) => step)).toEqual(['received', 'normalize', 'order', 'fuse', 'certify', 'anchor']);
  expect([steps[2]?.issues, steps[3]?.result]).toEqual([['monotonic:n:4<5'], 'loser']);
  expect(evidenceAt(readers, 2).map(({ step }) => step)).not.toContain('order');
  readers.close();
});

describe('the audit trail', () => {
  /** Two sources that disagree about so many cities; each candidate's values take most of 4096 characters. */
  async function disagreeing(count: number): Promise<Readers> {
    const writer = new Writer();
    const config = fusedConfig('weather', ['w-a', 'w-b'], { ...QUORUM, min: 2 });
    const large = { ...config, sources: { 'w-a': {}, 'w-b': {} } };
    const said = (temp: number) =>
      Array.from({ length: count }, (_, n) => weather(`${n}`, 10, { city: `c${n}`, temp, pad: 'x'.repeat(3900) }));
    return open([
      [writer.config(large, BASE)],
      [
        writer.events('weather', 'w-a', said(1), BASE + 100),
        writer.events('weather', 'w-b', said(2), BASE + 110),
        writer.cut('weather', BASE + 3000),
      ],
    ]);
  }

  test('ends a page early before it gets too large to send, and goes on from there', async () => {
    const readers = await disagreeing(600);
    const seen: string[] = [];
    const lengths: number[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = readers.decisions.page({ conflictsOnly: true }, cursor, 1000)!;
      lengths.push(page.items.length);
      seen.push(...page.items.map(({ decisionId }) => decisionId));
      if (page.nextCursor === null) break;
      cursor = page.nextCursor;
    }
    expect(lengths).toHaveLength(2);
    expect(lengths[0]).toBeLessThan(500);
    expect(new Set(seen).size).toBe(600);
    const all = [...readers.decisions.newest({ conflictsOnly: false })];
    expect(seen).toEqual(all.map(({ decisionId }) => decisionId));
    expect(all.map(({ leafIndex }) => leafIndex)).toEqual(
      all.map(({ leafIndex }) => leafIndex).toSorted((a, b) => b - a),
    );
    readers.close();
  });
});
