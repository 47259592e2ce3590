import { createHash } from 'node:crypto';
import { canonicalize, fromHex, parseManifest, verifyEcdsa, versionId } from '@tidemark/proof';
import { beforeAll, describe, expect, test } from 'vitest';
import { fsck } from '../../src/fsck/index.ts';
import { PacketFiles } from '../../src/store/packets.ts';
import { linesIn, naively } from '../support/rollups.ts';
import { get, type Json, post } from './client.ts';
import { eventually, pinsOf, useServer, wholeFeed } from './server.ts';

const ZERO = Date.parse('2026-03-01T12:00:00Z');
const POLICY = { fields: ['t', 'at.h'], quantiles: [0.1, 0.5, 1] };
const windowed = (id: string) => ({
  ...{ id, publish: { windowMs: 1000, maxEvents: 20 }, order: { bufferMs: 100, idleMs: 60_000 } },
  rollup: { windowMs: 3000, ...POLICY },
});

const server = useServer({
  sources: [
    { id: 'plant', policy: { required: ['t'] } },
    { id: 'other', policy: {} },
  ],
  streams: [windowed('plant'), windowed('other')],
});

/** One event every 50 ms for 10 seconds: three rollups, and a fourth that stays open. */
const EVENTS = Array.from({ length: 200 }, (_, n) => ({
  id: `e${n}`,
  ts: new Date(ZERO + 50 * n).toISOString(),
  ...(n % 40 === 7 ? {} : { t: (n * 37) % 101 }),
  at: { h: n % 3 === 0 ? n / 8 : 'no' },
}));

async function list(query = ''): Promise<Json> {
  const { status, body } = await get(server.url, `/rollups${query}`);
  expect(status).toBe(200);
  return body;
}

beforeAll(async () => {
  for (let from = 0; from < EVENTS.length; from += 50) {
    await post(server.url, { sourceId: 'plant', events: EVENTS.slice(from, from + 50) });
  }
  await post(server.url, { sourceId: 'other', events: [EVENTS[0], EVENTS[100]] });
  await eventually(async () => expect((await list()).items).toHaveLength(4));
});

describe('rollups over windows', () => {
  test('newest first, of all streams or of one, page by page', async () => {
    const { items, nextCursor } = await list('?stream=plant');
    expect(nextCursor).toBeNull();
    const seconds = items.map(({ window }: Json) =>
      [window.start, window.end].map((at) => (Date.parse(at) - ZERO) / 1000),
    );
    expect(seconds).toEqual([
      [6, 9],
      [3, 6],
      [0, 3],
    ]);
    expect(items[0].leaves.start).toBe(items[1].leaves.end);
    expect(items[2].leaves.start).toBe(0);
    const first = await list('?stream=plant&limit=2');
    expect(first).toEqual({ items: items.slice(0, 2), nextCursor: items[1].versionId });
    expect(await list(`?stream=plant&limit=2&cursor=${first.nextCursor}`)).toEqual({
      items: items.slice(2),
      nextCursor: null,
    });
    const all = (await list()).items;
    expect(all.map(({ stream }: Json) => stream).sort()).toEqual(['other', 'plant', 'plant', 'plant']);
    expect(await list('?stream=nobody')).toEqual({ items: [], nextCursor: null });
  });

  test('each is signed, names its packets, and holds what a stranger computes from their events', async () => {
    const { publisher } = pinsOf(server.dataDir, 'plant');
    const feed = await wholeFeed(server.url, '&stream=plant');
    const files = new PacketFiles(server.dataDir);
    for (const item of (await list('?stream=plant')).items) {
      const { status, body } = await get(server.url, `/rollups/${item.versionId}`);
      expect(status).toBe(200);
      const { manifest: raw, ...same } = body;
      expect(same).toEqual(item);
      const manifest = parseManifest(raw);
      expect(versionId(manifest)).toBe(item.versionId);
      const { publicKey, signature } = manifest.signatures!.producer!;
      expect(publicKey).toBe(publisher);
      expect(verifyEcdsa(fromHex(item.versionId), fromHex(signature), fromHex(publicKey))).toBe(true);
      expect(manifest.provenance.createdAt).toBe(item.window.end);
      expect(manifest.content).toMatchObject({
        contentHash: item.contentHash,
        mimeType: 'application/json',
        rollup: { start: item.leaves.start, end: item.leaves.end, window: item.window },
      });
      const { window, leaves, packets, stream, aggregates } = item;
      const content = canonicalize({ v: 1, kind: 'rollup', stream, window, leaves, packets, ...aggregates });
      expect(createHash('sha256').update(content).digest('hex')).toBe(item.contentHash);
      const { parents } = manifest.lineage!;
      expect(parents).toHaveLength(packets);
      const events = feed.filter(({ versionId }) => parents.includes(versionId));
      const numbers = events.flatMap(({ normalized }) => (normalized === null ? [] : [normalized.t]));
      expect(aggregates).toMatchObject({
        records: numbers.length,
        quarantined: events.length - numbers.length,
        fields: { t: { count: numbers.length, min: Math.min(...numbers), max: Math.max(...numbers) } },
      });
      const bundle = (await get(server.url, `/bundle?versionId=${item.versionId}&depth=1`)).body;
      const hashes = parents.map((parent) => contentHashIn(bundle, parent));
      const lines = hashes.flatMap((hash) => linesIn(files.path(hash)));
      const flat = lines.map(({ leaf, payload }) => ({ leaf, payload: payload && flattened(payload) }));
      expect(aggregates).toEqual(naively(flat, POLICY));
    }
  });

  test('its bundle has its packets as parents, as deep as asked for, and says where it stopped', async () => {
    const [, second, third] = (await list('?stream=plant')).items;
    const { manifest } = (await get(server.url, `/rollups/${second.versionId}`)).body;
    const { parents } = manifest.lineage;
    const shallow = (await get(server.url, `/bundle?versionId=${second.versionId}&depth=0`)).body;
    expect(shallow.graph.nodes).toEqual([{ versionId: second.versionId, manifestHash: second.versionId, txo: null }]);
    expect(shallow.frontier).toEqual(parents);
    expect(shallow.manifests).toEqual([{ manifestHash: second.versionId, manifest }]);
    const bundle = (await get(server.url, `/bundle?versionId=${second.versionId}&depth=1`)).body;
    expect(bundle.target).toBe(second.versionId);
    expect(bundle.graph.nodes.map(({ versionId }: Json) => versionId)).toEqual([second.versionId, ...parents]);
    // The packet before the first of them, which is in the rollup before.
    const before = (await get(server.url, `/rollups/${third.versionId}`)).body.manifest.lineage.parents.at(-1);
    expect(bundle.frontier).toEqual([before]);
    expect(bundle.graph.edges.filter(({ child }: Json) => child === second.versionId)).toHaveLength(parents.length);
    const deeper = (await get(server.url, `/bundle?versionId=${second.versionId}&depth=2`)).body;
    expect(deeper.graph.nodes.map(({ versionId }: Json) => versionId)).toEqual([second.versionId, ...parents, before]);
  });

  test('it is not ready by itself: it is its packets that are anchored', async () => {
    const [{ versionId }] = (await list()).items;
    expect((await get(server.url, `/ready?versionId=${versionId}`)).body).toMatchObject({
      ready: false,
      reason: 'missing-envelope',
    });
  });

  test.each([
    ['/rollups?limit=0', 400, 'bad-request'],
    ['/rollups?limit=201', 400, 'bad-request'],
    ['/rollups?cursor=abc', 400, 'bad-request'],
    ['/rollups?since=1', 400, 'bad-request'],
    [`/rollups/${'a'.repeat(64)}`, 404, 'not-found'],
    ['/rollups/x?depth=1', 400, 'bad-request'],
  ])('GET %s: %i', async (path, status, error) => {
    const answer = await get(server.url, path);
    expect([answer.status, answer.body.error]).toEqual([status, error]);
  });

  test('a cursor of another stream is none', async () => {
    const [{ versionId }] = (await list('?stream=other')).items;
    expect((await get(server.url, `/rollups?stream=plant&cursor=${versionId}`)).status).toBe(400);
  });

  test('fsck finds nothing to say of them', () => {
    const { violations, notes, checked } = fsck(server.dataDir);
    expect(violations).toEqual([]);
    expect(notes.filter(({ code }) => code === 'packet-file-unnamed')).toEqual([]);
    expect(checked.rollups).toBe(4);
  });
});

function contentHashIn(bundle: Json, versionId: string): string {
  return bundle.manifests.find(({ manifestHash }: Json) => manifestHash === versionId).manifest.content.contentHash;
}

/** With the nested field under the name that its path has. */
function flattened(payload: unknown): object {
  const { t, at } = payload as { t: number; at: { h: unknown } };
  return { t, 'at.h': at.h };
}
