import { createHash } from 'node:crypto';
import { eventId } from '@tidemark/proof';
import { afterAll, expect, test } from 'vitest';
import { Directories } from '../support/directories.ts';
import { Feed, fillDirectory } from '../support/feed.ts';
import { Writer } from '../support/journal.ts';
import { streamConfig } from '../support/node.ts';

const directories = new Directories();
afterAll(() => directories.remove());

test('what watchers see of one batch: received, normalized or quarantined, certified, anchored', async () => {
  const dir = directories.next();
  const writer = new Writer();
  const time = '2026-03-01T12:00:00.250Z';
  const events = [
    { id: 'a', text: `{"id":"a","ts":"${time}","t":"1.5"}` },
    { id: 'b', text: `{"id":"b","ts":"${time}"}` },
  ];
  await fillDirectory(dir, [
    [
      writer.config(streamConfig('alpha', { one: { map: { t: 't' }, required: ['t'] } }), 0),
      writer.events('alpha', 'one', events, 10),
      writer.cut('alpha', 20),
    ],
  ]);
  const feed = new Feed(dir);
  const { journal, ledger } = feed.expected();
  feed.close();
  const [a, b] = [eventId('one', 'a'), eventId('one', 'b')];
  const texts = [...journal, ...ledger].map(({ text }) => JSON.parse(text) as Record<string, unknown>);
  const versionId = texts.at(-1)?.versionId;
  const event = { stream: 'alpha', sourceId: 'one', eventTime: time };
  const packet = { start: 0, end: 3 };
  const contentHash = createHash('sha256').update('{"t":"1.5"}').digest('hex');
  expect(texts).toEqual([
    { type: 'received', sourceId: 'one', stream: 'alpha', count: 2, eventIds: [a, b] },
    { type: 'normalized', ...event, eventId: a, seq: 1, normalized: { t: '1.5' } },
    {
      ...{ type: 'quarantined', ...event, eventId: b, seq: 2, leafIndex: 2, packet, versionId },
      reasons: ['required-missing:t'],
    },
    {
      ...{ type: 'certified', ...event, eventId: a, seq: 1, leafIndex: 1, packet, versionId, contentHash },
      normalized: { t: '1.5' },
    },
    {
      type: 'anchored',
      stream: 'alpha',
      packet,
      versionId,
      txid: expect.stringMatching(/^[0-9a-f]{64}$/),
      height: 1,
      chain: 'tidemark-dev',
    },
  ]);
  expect(versionId).toMatch(/^[0-9a-f]{64}$/);
  // Leaf 0 is the header: it has its positions, and no message. The packet has 6, the anchor is the 7th.
  expect(journal.map(({ position }) => position)).toEqual([3]);
  expect(ledger.map(({ position, sources }) => [position, sources])).toEqual([
    [2, ['one']],
    [3, ['one']],
    [5, ['one']],
    [7, []],
  ]);
});
