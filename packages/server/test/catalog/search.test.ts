/** Search and resolve over submitted manifests and own streams, page by page while more come in. */
import { versionId } from '@tidemark/proof';
import fc from 'fast-check';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SqliteLedgerReader } from '../../src/store/sqlite/ledger-reader.ts';
import type { Json } from '../http/client.ts';
import { Directories } from '../support/directories.ts';
import { Writer } from '../support/journal.ts';
import { raws, SOURCES } from '../support/ledger.ts';
import { IDENTITY, streamConfig } from '../support/node.ts';
import { Works } from '../support/passage.ts';
import { CatalogServer, manifestOf, OWNER, STRANGER, signedManifest } from './made.ts';

const directories = new Directories();
afterAll(() => directories.remove());

/** Packets of three leaves, a journal entry at a time. */
class Node {
  readonly works: Works;
  readonly #writer = new Writer();
  #count = 0;

  constructor(dir: string, streams: readonly string[]) {
    this.works = new Works(dir);
    for (const stream of streams) {
      const config = streamConfig(stream, Object.fromEntries(SOURCES[stream]!.map((source) => [source, {}])), 3);
      const described = { ...config, datasetId: `set-${stream}`, description: `Töne of ${stream}` };
      this.works.journal.append([this.#writer.config(described, 0)]);
    }
  }

  async certify(stream: string, leaves: number, at: number): Promise<void> {
    const from = this.#count + 1;
    this.#count += leaves;
    this.works.journal.append([this.#writer.events(stream, SOURCES[stream]![0]!, raws(leaves, from), at)]);
    await this.works.run();
  }
}

let dir: string;
let server: CatalogServer;
let node: Node;

beforeEach(async () => {
  dir = directories.next();
  node = new Node(dir, ['alpha', 'beta']);
  server = await new CatalogServer(dir, { shareBytes: 1 << 28 }).open();
});
afterEach(async () => {
  await server.close();
  node.works.close();
});

const declare = async (manifest: Json, by = OWNER) => {
  expect((await server.post('/submit/dlm1', { manifest }, by)).status).toBe(200);
  return versionId(manifest);
};
const search = async (query = ''): Promise<Json> => {
  const { status, body } = await server.get(`/search${query}`);
  expect(status).toBe(200);
  return body;
};
const found = async (query: string): Promise<string[]> =>
  (await search(query)).items.map(({ versionId: id }: Json) => id);

/** Every page, with `between` done before each but the first. */
async function walk(query: string, between: () => Promise<unknown> = async () => undefined): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor = ''; ; ) {
    const { items, nextCursor } = await search(`?limit=3${query}${cursor}`);
    ids.push(...items.map(({ versionId: id }: Json) => id));
    if (nextCursor === null) return ids;
    expect(items).toHaveLength(3);
    cursor = `&cursor=${nextCursor}`;
    await between();
  }
}

describe('what is found', () => {
  test('by the beginnings of words in id, description and tags; all of them', async () => {
    const river = await declare(manifestOf({ datasetId: 'river-levels', description: 'Über dem Pegel' }));
    const lake = await declare(
      manifestOf({ datasetId: 'lake-levels', content: { contentHash: 'b'.repeat(64), tags: ['Deep Water'] } }),
    );
    expect(await found('?q=level')).toEqual([lake, river]);
    expect(await found('?q=RIVER-lev')).toEqual([river]);
    expect(await found('?q=uber%20water')).toEqual([river]);
    expect(await found('?q=deep')).toEqual([lake]);
    expect(await found('?q=evel')).toEqual([]);
    expect(await found('?tag=water')).toEqual([river]);
    expect(await found('?tag=Water')).toEqual([]);
    expect(await found(`?tag=${encodeURIComponent('Deep Water')}&q=lake`)).toEqual([lake]);
    expect(await found('?datasetId=river-levels')).toEqual([river]);
    expect(await found('?datasetId=river')).toEqual([]);
    expect(await found('?datasetId=river-levels&q=lake')).toEqual([]);
  });

  test.each([
    '"',
    '" OR "',
    'words : x',
    'NEAR(a b)',
    '*',
    'a*',
    '-',
    '^level',
    "'; DROP TABLE versions",
    '!!!',
    'level AND',
  ])('nothing in a word is an operator: %s', async (q) => {
    await declare(manifestOf({ datasetId: 'river-levels' }));
    expect((await server.get(`/search?q=${encodeURIComponent(q)}`)).status).toBe(200);
  });

  test('an item says what it is and where its content is', async () => {
    const locations = [{ url: 'https://data.example/1' }];
    const provenance = { createdAt: '2025-01-01T00:00:00+01:00', locations };
    const id = await declare(signedManifest({ provenance }));
    expect((await search()).items).toEqual([
      {
        versionId: id,
        ...{ datasetId: 'demo-dataset', identityKey: OWNER.publicKey, description: 'Measured at the river' },
        ...{ tags: ['water', 'Level'], createdAt: provenance.createdAt, stream: null },
        content: { contentHash: 'a'.repeat(64), sizeBytes: 7, mimeType: 'text/csv', locations },
      },
    ]);
  });

  test('own packets among them, newest first by when they were sealed and submitted', async () => {
    await node.certify('alpha', 3, server.time - 3000);
    const one = await declare(manifestOf({ datasetId: 'one' }));
    await node.certify('beta', 3, server.time + 1000);
    server.time += 2000;
    const two = await declare(manifestOf({ datasetId: 'two' }));
    const items = (await search()).items;
    expect(items.map(({ stream, versionId: id }: Json) => stream ?? id)).toEqual([two, 'beta', one, 'alpha']);
    expect((await search('?q=t%C3%B6ne')).items.every(({ stream }: Json) => stream !== null)).toBe(true);
    expect((await search('?q=tone%20alpha')).items.map(({ stream }: Json) => stream)).toContain('alpha');
    expect((await search('?datasetId=set-beta')).items[0]).toMatchObject({
      datasetId: 'set-beta',
      identityKey: IDENTITY.publicKey,
      stream: 'beta',
    });
    expect((await search('?tag=water')).items).toHaveLength(2);
  });

  test.each([
    '?q=',
    '?q=%00',
    `?q=${'x'.repeat(301)}`,
    `?q=${'a%20'.repeat(17)}`,
    '?limit=0',
    '?limit=201',
    '?cursor=%20',
    '?cursor=a~b',
    '?cursor=A',
    `?cursor=${'z'.repeat(12)}`,
    '?x=1',
    '?q=a&q=b',
    '?datasetId=',
  ])('refuses %s', async (query) => {
    expect((await server.get(`/search${query}`)).status).toBe(400);
  });
});

test('pages: nothing twice, nothing left out, in order, whatever comes in between', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('alpha', 'beta', 'submitted'), { minLength: 1, maxLength: 12 }),
      fc.infiniteStream(fc.constantFrom('alpha', 'beta', 'submitted')),
      async (before, after) => {
        const add = async (what: string) => {
          server.time += 1000;
          if (what === 'submitted') await declare(manifestOf({ datasetId: `n-${server.time}` }));
          else await node.certify(what, 3, server.time);
        };
        for (const what of before) await add(what);
        const all = await walk('');
        expect(new Set(all).size).toBe(all.length);
        const whole = (await search('?limit=200')).items.map(({ versionId: id }: Json) => id);
        expect(all).toEqual(whole.slice(0, all.length));
        let left = 6;
        const walked = await walk('', async () => (left-- > 0 ? add(after.next().value) : undefined));
        expect(new Set(walked).size).toBe(walked.length);
        expect(walked.filter((id) => all.includes(id))).toEqual(all);
      },
    ),
    { numRuns: 8, seed: 7 },
  );
});

describe('GET /resolve', () => {
  const resolve = async (query: string) => (await server.get(`/resolve?${query}`)).body;

  test('a version: its manifest, its dataset, and the newest of that by its own time', async () => {
    const versions = ['2025-01-02', '2025-01-03', '2025-01-01'].map((day) =>
      signedManifest({ provenance: { createdAt: `${day}T00:00:00Z` } }),
    );
    const ids: string[] = [];
    // The oldest is sent last: sending again what is old makes nothing new.
    for (const manifest of versions) ids.push(await declare(manifest, STRANGER));
    await declare(signedManifest({ provenance: { createdAt: '2025-09-01T00:00:00Z' } }, STRANGER));
    expect(await resolve(`versionId=${ids[2]}`)).toEqual({
      ...{ versionId: ids[2], manifest: versions[2] },
      dataset: { datasetId: 'demo-dataset', identityKey: OWNER.publicKey },
      content: { contentHash: 'a'.repeat(64), sizeBytes: 7, mimeType: 'text/csv', locations: null },
      newest: { versionId: ids[1], createdAt: '2025-01-03T00:00:00.000Z' },
      ...{ recalled: false, blocked: false, supersededBy: null },
    });
  });

  test('a packet: the newest is the end of its log', async () => {
    await node.certify('alpha', 9, 1000);
    const ledger = new SqliteLedgerReader(dir);
    const packets = ledger.packetsFrom('alpha', 0, 10);
    ledger.close();
    expect(packets.length).toBeGreaterThan(2);
    const body = await resolve(`versionId=${packets[0]!.versionId}`);
    expect(body).toMatchObject({
      dataset: { datasetId: 'set-alpha', identityKey: IDENTITY.publicKey },
      newest: { versionId: packets.at(-1)!.versionId },
    });
    expect(await resolve('datasetId=set-alpha')).toEqual({
      items: [{ datasetId: 'set-alpha', identityKey: IDENTITY.publicKey, newest: body.newest, streams: ['alpha'] }],
      nextCursor: null,
    });
  });

  test('datasets of one id, one for each key, page by page', async () => {
    await node.certify('alpha', 3, 1000);
    const datasetId = 'set-alpha';
    await declare(manifestOf({ datasetId }));
    for (const key of [OWNER, STRANGER]) await declare(signedManifest({ datasetId }, key));
    const keys = [null, ...[OWNER, STRANGER, IDENTITY].map(({ publicKey }) => publicKey).sort()];
    for (const limit of [1, 2, 3, 4, 5]) {
      const seen: unknown[] = [];
      for (let cursor = ''; ; ) {
        const { items, nextCursor } = await resolve(`datasetId=${datasetId}&limit=${limit}${cursor}`);
        seen.push(...items.map(({ identityKey }: Json) => identityKey));
        if (nextCursor === null) break;
        cursor = `&cursor=${nextCursor}`;
      }
      expect([limit, ...seen]).toEqual([limit, ...keys]);
    }
    expect(await resolve('datasetId=nobody')).toEqual({ items: [], nextCursor: null });
  });

  test.each([
    ['', 400],
    [`versionId=${'a'.repeat(64)}`, 404],
    ['versionId=abc', 400],
    [`versionId=${'a'.repeat(64)}&datasetId=x`, 400],
    [`versionId=${'a'.repeat(64)}&limit=1`, 400],
    ['datasetId=', 400],
    ['datasetId=abc&cursor=x', 400],
    ['datasetId=abc&limit=0', 400],
  ])('%s: %i', async (query, status) => {
    expect((await server.get(`/resolve?${query}`)).status).toBe(status);
  });
});
