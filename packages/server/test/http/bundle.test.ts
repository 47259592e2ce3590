/** Bundles and readiness over own packets, rollups and what was submitted, as blocks come and go. */
import { parseManifest, verifyEnvelope, versionId } from '@tidemark/proof';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { followed } from '../../src/anchor/followed.ts';
import { SqliteLedgerReader } from '../../src/store/sqlite/ledger-reader.ts';
import {
  CatalogServer,
  type CatalogServerOptions,
  Chain,
  carrying,
  manifestOf,
  signedManifest,
} from '../catalog/made.ts';
import { Directories } from '../support/directories.ts';
import { makeRolledUp } from '../support/rolled-up.ts';
import type { Json } from './client.ts';

const directories = new Directories();
afterAll(() => directories.remove());

let dir: string;
let chain: Chain;
let server: CatalogServer;

const open = (options: CatalogServerOptions = {}) =>
  new CatalogServer(dir, { headers: chain.store, ...options }).open();

beforeEach(async () => {
  dir = directories.next();
  await makeRolledUp(dir);
  chain = new Chain(dir);
  server = await open();
});
afterEach(async () => {
  await server.close();
  chain.store.close();
});

const ready = async (id: string): Promise<Json> => (await server.get(`/ready?versionId=${id}`)).body;
const bundle = async (id: string, query = ''): Promise<Json> =>
  (await server.get(`/bundle?versionId=${id}${query}`)).body;
const child = (datasetId: string, ...parents: Json[]) =>
  signedManifest({ datasetId, lineage: { parents: parents.map(versionId) } });

/** The node's own, oldest first. */
function own(): { packets: Json[]; rollups: Json[] } {
  const ledger = new SqliteLedgerReader(dir);
  const packets = ledger.packetsFrom('hall', 0, 100).map(({ manifest }) => JSON.parse(manifest));
  const rollups = ledger.rollups
    .before('hall', undefined, 100)
    .map(({ manifest }) => JSON.parse(manifest))
    .reverse();
  ledger.close();
  return { packets, rollups };
}

/** @param known whether the manifest is here already, and need not be sent */
async function prove(manifest: Json, known = false, raw = carrying([manifest])): Promise<Buffer> {
  const { envelopes } = chain.add([raw]);
  const body = { rawTx: raw.toString('hex'), ...(known ? {} : { manifest }), envelope: envelopes[0] };
  expect((await server.post('/submit', body)).status).toBe(200);
  return raw;
}

describe('lineage', () => {
  test('over what was submitted and own packets alike; the proofs hold for a stranger', async () => {
    const { packets } = own();
    const middle = child('middle', packets[1]);
    const target = child('target', middle, packets[0]);
    for (const manifest of [middle, target]) await prove(manifest);
    const body = await bundle(versionId(target), '&depth=2');
    const ids = [target, middle, packets[0], packets[1]].map(versionId);
    expect(body.graph.nodes.map(({ versionId: id }: Json) => id)).toEqual(ids);
    expect(body.graph.edges).toEqual([
      { child: ids[0], parent: ids[1] },
      { child: ids[0], parent: ids[2] },
      { child: ids[1], parent: ids[3] },
      { child: ids[3], parent: ids[2] },
    ]);
    expect(body.manifests).toEqual(
      [target, middle, packets[0], packets[1]].map((manifest) => ({ manifestHash: versionId(manifest), manifest })),
    );
    for (const { manifest, manifestHash } of body.manifests)
      expect(versionId(parseManifest(manifest))).toBe(manifestHash);
    expect(body.proofs.map(({ versionId: id }: Json) => id)).toEqual(ids.slice(0, 2));
    for (const { versionId: id, envelope } of body.proofs) {
      const node = body.graph.nodes.find((one: Json) => one.versionId === id);
      const vout = Number(node.txo.split(':')[1]);
      expect(verifyEnvelope(envelope, { versionId: id, vout, chain: followed(chain.store) })).toMatchObject({
        valid: true,
      });
    }
    expect(body.frontier).toEqual([]);
  });

  test('a frontier past the depth; unknown ancestors within it are a 409 that names them', async () => {
    const unknown = manifestOf({ datasetId: 'never-sent' });
    const [older, newer] = [child('older', unknown), child('newer', child('older', unknown))];
    for (const manifest of [older, newer]) await server.post('/submit/dlm1', { manifest });
    expect((await bundle(versionId(newer), '&depth=0')).frontier).toEqual([versionId(older)]);
    expect((await bundle(versionId(newer), '&depth=1')).frontier).toEqual([versionId(unknown)]);
    const { status, body } = await server.get(`/bundle?versionId=${versionId(newer)}&depth=2`);
    expect([status, body.error, body.missing]).toEqual([409, 'incomplete-lineage', [versionId(unknown)]]);
    await server.post('/submit/dlm1', { manifest: unknown });
    expect((await bundle(versionId(newer), '&depth=2')).graph.nodes).toHaveLength(3);
  });

  test('a parent of a thousand children is there once', async () => {
    const root = manifestOf({ datasetId: 'root' });
    const children = Array.from({ length: 30 }, (_, n) => child(`child-${n}`, root));
    for (const manifest of [root, ...children]) await server.post('/submit/dlm1', { manifest });
    const top = child('top', ...children);
    await server.post('/submit/dlm1', { manifest: top });
    const body = await bundle(versionId(top));
    expect([body.graph.nodes.length, body.graph.edges.length, body.manifests.length]).toEqual([32, 60, 32]);
  });

  test('the default and the highest depth are the configured one', async () => {
    await server.close();
    server = await open({ bundleMaxDepth: 2 });
    const { packets } = own();
    const newest = versionId(packets.at(-1));
    expect((await bundle(newest)).graph.nodes).toHaveLength(3);
    expect((await server.get(`/bundle?versionId=${newest}&depth=3`)).status).toBe(400);
    expect((await server.get(`/bundle?versionId=${'a'.repeat(64)}`)).status).toBe(404);
  });
});

describe('what proves an own version', () => {
  test('a packet that somebody else has anchored proves itself and those before, and is handed over', async () => {
    const { packets } = own();
    const raw = await prove(packets[2], true);
    const [id] = [versionId(packets[2])];
    expect(server.handed).toEqual([
      {
        versionId: id,
        vout: 0,
        txid: expect.stringMatching(/^[0-9a-f]{64}$/),
        height: 101,
        envelope: expect.stringContaining(raw.toString('hex')),
      },
    ]);
    expect(await ready(id)).toEqual({ ready: true, confirmations: 1, confsUsed: 1, bestHeight: 101 });
    expect((await server.get('/search?q=demo')).body.items).toEqual([]);
  });

  test('one transaction for several of them: all are handed over, and the answer is of the first', async () => {
    const { packets, rollups } = own();
    const mine = [rollups[0], packets[3]];
    await prove(mine[0], true, carrying(mine));
    expect(server.handed.map(({ versionId: id, vout }) => [id, vout])).toEqual(
      mine.map((manifest, vout) => [versionId(manifest), vout]),
    );
  });

  test('an anchored rollup proves its packets, and no others', async () => {
    const { packets, rollups } = own();
    await prove(rollups[1], true);
    const covered: string[] = rollups[1].lineage.parents;
    for (const manifest of packets) {
      const id = versionId(manifest);
      expect([id, (await ready(id)).ready]).toEqual([id, covered.includes(id)]);
    }
    const body = await bundle(covered[0]!, '&depth=0');
    expect(body.graph.nodes[0]).toMatchObject({ txo: null, provenBy: versionId(rollups[1]) });
    expect(body.proofs.map(({ versionId: id }: Json) => id)).toEqual([versionId(rollups[1])]);
    expect((await ready(versionId(rollups[1]))).ready).toBe(true);
    expect((await ready(versionId(rollups[0]))).reason).toBe('missing-envelope');
  });
});

describe('as the chain goes on', () => {
  test('confirmations grow, a reorganization takes them, and the block of the other branch gives them back', async () => {
    await server.close();
    server = await open({ minConfirmations: 2 });
    const manifest = manifestOf();
    const id = versionId(manifest);
    const fork = chain.tip;
    const raw = await prove(manifest);
    expect(await ready(id)).toEqual({
      ready: false,
      reason: 'insufficient-confs',
      confirmations: 1,
      confsUsed: 2,
      bestHeight: 101,
    });
    chain.add();
    expect(await ready(id)).toEqual({ ready: true, confirmations: 2, confsUsed: 2, bestHeight: 102 });
    expect((await bundle(id)).bestHeight).toBe(102);
    chain.add([], fork);
    const again = chain.add([raw]);
    chain.add();
    expect(await ready(id)).toEqual({
      ready: false,
      reason: 'unknown-block-hash',
      confirmations: 0,
      confsUsed: 2,
      bestHeight: 103,
    });
    const { status, body } = await server.get(`/bundle?versionId=${id}`);
    expect([status, body.error, body.reason]).toEqual([409, 'invalid-envelope', 'unknown-block-hash']);
    const sent = await server.post('/submit', { rawTx: raw.toString('hex'), envelope: again.envelopes[0] });
    expect(sent.status).toBe(200);
    expect(await ready(id)).toEqual({ ready: true, confirmations: 2, confsUsed: 2, bestHeight: 103 });
    expect((await bundle(id)).proofs[0].envelope.headerChain).toEqual(chain.store.headersFrom(102, 7));
  });

  test('an answer has a tag that holds until something in it changes', async () => {
    const manifest = manifestOf();
    const id = versionId(manifest);
    await prove(manifest);
    const first = await server.get(`/bundle?versionId=${id}`);
    const etag = String(first.headers.etag);
    expect([first.status, etag]).toEqual([200, expect.stringMatching(/^"[A-Za-z0-9_-]{43}"$/)]);
    for (const tags of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const { status, text } = await server.get(`/bundle?versionId=${id}`, { 'if-none-match': tags });
      expect([status, text]).toEqual([304, '']);
    }
    chain.add();
    const next = await server.get(`/bundle?versionId=${id}`, { 'if-none-match': etag });
    expect([next.status, next.body.bestHeight]).toEqual([200, 102]);
    expect(next.headers.etag).not.toBe(etag);
  });

  test('without a chain a bundle has the proofs that there are, for others to check', async () => {
    const manifest = manifestOf();
    await prove(manifest);
    await server.close();
    server = await open({ headers: undefined });
    const body = await bundle(versionId(manifest));
    expect([body.bestHeight, body.proofs.length, body.proofs[0].envelope.headerChain]).toEqual([null, 1, undefined]);
  });

  test('headers carried along are limited', async () => {
    const manifest = manifestOf();
    await prove(manifest);
    for (let n = 0; n < 20; n++) chain.add();
    expect((await bundle(versionId(manifest))).proofs[0].envelope.headerChain).toHaveLength(7);
  });
});
