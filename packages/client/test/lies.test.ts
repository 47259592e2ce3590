/** What a server can say that is not so. */
import { describe, expect, it } from 'vitest';
import { wholeFeed } from '../../server/test/http/server.ts';
import { type LogError, Tidemark, type WatchMessage } from '../src/index.ts';
import { type Alterations, type Between, between } from './between.ts';
import { flipped, inPath, LEAVES, OTHER, ofLeaf, useLevels } from './levels.ts';
import { failureOf } from './stand-in.ts';

const levels = useLevels();

const ENTRIES = '/tile/entries/';

describe('a lie is found, before anything of a later packet is yielded', () => {
  const lies: [string, Alterations, Partial<LogError>][] = [
    ['a record is left out', ofLeaf(40, () => []), { code: 'record-missing', leafIndex: 40 }],
    ['the first record is left out', ofLeaf(1, () => []), { code: 'record-missing', leafIndex: 1 }],
    [
      'a whole packet is left out',
      { message: (one) => (one.packet?.end > 300 && one.packet.end < 500 ? [] : [one]) },
      { code: 'record-missing' },
    ],
    [
      'a payload is changed',
      ofLeaf(40, (one) => [{ ...one, normalized: { ...one.normalized, n: 41 } }]),
      { code: 'record-altered', leafIndex: 40 },
    ],
    [
      'a payload is left out',
      ofLeaf(40, ({ normalized: _, ...one }) => [one]),
      { code: 'record-altered', leafIndex: 40 },
    ],
    ...(
      [
        ['eventId', 'ab'.repeat(16)],
        ['contentHash', OTHER],
        ['sourceId', 'other'],
        ['seq', 7],
        ['eventTime', '2020-01-01T00:00:00.000Z'],
      ] as const
    ).map(([name, value]): [string, Alterations, Partial<LogError>] => [
      `the ${name} is changed`,
      ofLeaf(40, (one) => [{ ...one, [name]: value }]),
      { code: 'record-altered', leafIndex: 40 },
    ]),
    [
      'payload and content hash are changed, alike',
      ofLeaf(40, (one) => [{ ...one, normalized: {}, contentHash: OTHER }]),
      { code: 'record-altered', leafIndex: 40 },
    ],
    [
      'something is made up, in place of the header',
      ofLeaf(1, (one) => [{ ...one, leafIndex: 0 }, one]),
      { code: 'record-altered', leafIndex: 0 },
    ],
    [
      'a quarantined event is said to be certified',
      ofLeaf(302, (one) => [{ ...one, leafIndex: 301, packet: { start: 301, end: 302 } }, one]),
      { code: 'record-altered', leafIndex: 301 },
    ],
    [
      'a record comes twice, in two packets',
      ofLeaf(302, (one) => [{ ...one, leafIndex: 40, packet: { start: 1, end: 51 } }]),
      { code: 'record-altered' },
    ],
    [
      'a packet that the log does not have',
      ofLeaf(LEAVES - 1, (one) => [
        { ...one, leafIndex: LEAVES + 50, packet: { start: one.packet.start, end: LEAVES + 51 } },
      ]),
      { code: 'record-missing', leafIndex: LEAVES - 1 },
    ],
    ['a leaf is changed', inPath(ENTRIES, (bytes) => flipped(bytes, 3000)), { code: 'root-mismatch' }],
    [
      'a leaf is left out',
      inPath(ENTRIES, (bytes) => bytes.subarray(2 + bytes[0]! * 256 + bytes[1]!)),
      { code: 'malformed' },
    ],
    ['a bundle ends within a leaf', inPath(ENTRIES, (bytes) => bytes.subarray(0, -1)), { code: 'malformed' }],
    ['a tile is changed', inPath('/tile/1/', (bytes) => flipped(bytes, 33)), { code: 'root-mismatch' }],
    ['a tile is cut short', inPath('/tile/1/', (bytes) => bytes.subarray(0, 32)), { code: 'malformed' }],
    ['the checkpoint is of another size', inPath('/checkpoint', sized(LEAVES + 1)), { code: 'signature-invalid' }],
    ['the checkpoint is none', inPath('/checkpoint', () => 'hello'), { code: 'malformed' }],
    ['the manifest is another', inPath('/manifest', renamed), { code: 'signature-invalid' }],
    ['there is no manifest', inPath('/manifest', () => '{}'), { code: 'malformed' }],
  ];

  it.each(lies)('%s', async (_what, alterations, expected) => {
    const lying: Between = await between(levels.server.url, alterations);
    const failure = await failureOf(levels.follow(lying.url));
    expect(failure).toMatchObject({ name: 'LogError', stream: 'levels', ...expected });
  });

  it('names what it is about', async () => {
    const { url } = await between(
      levels.server.url,
      ofLeaf(40, () => []),
    );
    const seen: WatchMessage[] = [];
    const watch = new Tidemark({ url }).watch({
      stream: 'levels',
      type: 'certified',
      since: 'earliest',
      verify: levels.pins,
    });
    const failure = await failureOf(
      (async () => {
        for await (const message of watch) seen.push(message);
      })(),
    );
    const eventId = (await wholeFeed(levels.server.url, '&stream=levels')).find(
      ({ leafIndex }) => leafIndex === 40,
    )?.eventId;
    expect(failure).toMatchObject({ leafIndex: 40, eventId, message: expect.stringContaining('leaf 40') });
    const packetOf40 = seen.find((message) => message.type === 'certified' && message.packet.end > 40);
    const last = seen.at(-1) as { packet?: unknown };
    expect(last.packet).toEqual((packetOf40 as { packet?: unknown }).packet);
  });
});

function sized(size: number): (bytes: Uint8Array) => string {
  return (bytes) => Buffer.from(bytes).toString().replace(`\n${LEAVES}\n`, `\n${size}\n`);
}

function renamed(bytes: Uint8Array): string {
  const answer = JSON.parse(Buffer.from(bytes).toString()) as { manifest: { datasetId: string } };
  answer.manifest.datasetId = 'another';
  return JSON.stringify(answer);
}
