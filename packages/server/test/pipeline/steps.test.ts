import { afterAll, describe, expect, test } from 'vitest';
import type { JournalEntry } from '../../src/store/journal.ts';
import type { StreamConfig } from '../../src/stream.ts';
import type { Fault } from '../support/arrivals.ts';
import { Directories } from '../support/directories.ts';
import { type Raw, Writer } from '../support/journal.ts';
import { everything, packetsOf, verifyStream } from '../support/ledger.ts';
import { streamConfig } from '../support/node.ts';
import { Works } from '../support/passage.ts';

const directories = new Directories();
afterAll(() => directories.remove());

const BASE = Date.parse('2026-03-01T12:00:00Z');
const PACKETS = 200;
const order = { bufferMs: 0, idleMs: 1000, futureMs: PACKETS * 60_000, late: 'correct' as const };
const publish = { ...streamConfig('x', {}).publish, windowMs: 60_000 };

const raw = (id: string, minute: number): Raw => ({
  id,
  text: JSON.stringify({ id, ts: new Date(BASE + minute * 60_000).toISOString() }),
});
const minutes = (name: string, count: number) => Array.from({ length: count }, (_, n) => raw(`${name}${n}`, n));

/** One journal entry each that makes hundreds of packets. */
const STREAMS: Record<string, { config: StreamConfig; entries: (writer: Writer) => JournalEntry[] }> = {
  'packets of one leaf': {
    config: streamConfig('steps', { a: {} }, 1),
    entries: (writer) => [writer.events('steps', 'a', minutes('e', PACKETS), BASE)],
  },
  'windows of one event': {
    config: { ...streamConfig('steps', { a: {} }), publish, order },
    entries: (writer) => [
      writer.events('steps', 'a', minutes('e', PACKETS), BASE),
      writer.cut('steps', BASE + 30 * 86_400_000),
    ],
  },
  'late events of many windows': {
    config: { ...streamConfig('steps', { a: {} }), publish, order },
    entries: (writer) => [
      writer.events('steps', 'a', [raw('first', 0), raw('last', PACKETS)], BASE),
      writer.cut('steps', BASE + 30 * 86_400_000),
      writer.events('steps', 'a', minutes('late', PACKETS), BASE + 30 * 86_400_000),
    ],
  },
};

describe.each(Object.entries(STREAMS))('%s', (_, { config, entries }) => {
  function filled(): Works {
    const works = new Works(directories.next(), undefined, { snapshotItems: 1 });
    const writer = new Writer();
    works.journal.append([writer.config(config, BASE), ...entries(writer)]);
    return works;
  }

  test('are committed in steps, each of which lets other streams and the disk go on', async () => {
    const works = filled();
    await works.run();
    expect(packetsOf(works, 'steps').length).toBeGreaterThanOrEqual(PACKETS);
    expect(Math.max(...works.published.map((packets) => packets.length))).toBeLessThanOrEqual(65);
    verifyStream(works, 'steps');
    works.close();
  });

  test.each<[Fault]>([['failed'], ['failed but persisted']])(
    'are the same when a commit in their midst %s, and when the process ends there',
    async (fault) => {
      const [calm, troubled] = [filled(), filled()];
      await calm.run();
      expect(await troubled.run(fault)).toBe(false);
      const before = packetsOf(troubled, 'steps').length;
      expect(before).toBeLessThan(PACKETS);
      troubled.stop();
      await troubled.run();
      troubled.restart();
      await troubled.run();
      expect({ ...everything(troubled), cursor: 0 }).toEqual({ ...everything(calm), cursor: 0 });
      for (const works of [calm, troubled]) works.close();
    },
  );
});

test('an operator’s word has no effect on what a decision has taken in meanwhile', async () => {
  const fusion = { strategy: 'quorum' as const, min: 2, key: ['k'], bucketMs: 1000 };
  const config = { ...streamConfig('steps', { a: { map: { k: 'k' } }, b: { map: { k: 'k' } } }), order, fusion };
  const said = (id: string, ms: number): Raw => ({
    id,
    text: JSON.stringify({ id, ts: new Date(BASE + ms).toISOString(), k: 'x' }),
  });
  const works = new Works(directories.next());
  const writer = new Writer();
  works.journal.append([
    writer.config(config, BASE),
    writer.events('steps', 'a', [said('1', 0)], BASE),
    writer.cut('steps', BASE + 5000),
  ]);
  await works.run();
  expect(works.ledger.reasons(2)).toEqual([expect.stringMatching(/^no-quorum:[0-9a-f]{64}$/)]);
  works.journal.append([
    writer.events('steps', 'b', [said('1', 1)], BASE + 6000),
    writer.resolution('steps', 2, 'release', BASE + 6001),
    writer.cut('steps', BASE + 7000),
  ]);
  await works.run();
  const [, fused] = packetsOf(works, 'steps');
  expect([fused?.start, fused?.end]).toEqual([2, 3]);
  expect(works.ledger.placement(2)).toEqual({ stream: 'steps', leaf: 2 });
  works.close();
});
