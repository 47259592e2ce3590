import {
  anchorScript,
  beefBytes,
  beefOfEnvelope,
  bumpBytes,
  bumpOfEnvelope,
  fromHex,
  toHex,
  transactionId,
  versionId,
} from '@tidemark/proof';
import fc from 'fast-check';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  CatalogServer,
  type CatalogServerOptions,
  Chain,
  carrying,
  manifestOf,
  OWNER,
  STRANGER,
  signedManifest,
  transactionOf,
} from '../catalog/made.ts';
import { Directories } from '../support/directories.ts';
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
  chain = new Chain(dir);
  server = await open();
});
afterEach(async () => {
  await server.close();
  chain.store.close();
});

const ready = async (id: string) => (await server.get(`/ready?versionId=${id}`)).body;
const submitted = (manifest: Json, raw: Buffer, vout = 0) => ({
  ...{ status: 'success', type: 'DLM1', versionId: versionId(manifest), txid: transactionId(raw), vout },
});
const refusal = async (reply: Promise<{ status: number; body: Json }>) => {
  const { status, body } = await reply;
  return [status, body.error];
};

describe('POST /submit', () => {
  test('a manifest and its transaction, unproven until an envelope comes', async () => {
    const manifest = signedManifest({ lineage: { parents: [] } });
    const id = versionId(manifest);
    const raw = carrying([manifest]);
    const answer = submitted(manifest, raw);
    expect((await server.post('/submit', { rawTx: raw.toString('hex'), manifest })).body).toEqual(answer);
    const unproven = { ready: false, reason: 'missing-envelope', confirmations: 0, confsUsed: 1, bestHeight: 100 };
    expect(await ready(id)).toEqual(unproven);
    expect((await server.get(`/bundle?versionId=${id}`)).body).toMatchObject({
      graph: { nodes: [{ versionId: id, manifestHash: id, txo: `${answer.txid}:0` }], edges: [] },
      ...{ manifests: [{ manifestHash: id, manifest }], proofs: [], frontier: [], confsUsed: 1, bestHeight: 100 },
    });
    const { envelopes } = chain.add([raw]);
    chain.add();
    const proven = await server.post('/submit', {
      rawTx: raw.toString('hex'),
      envelope: { ...envelopes[0], confirmations: 99 },
    });
    expect(proven.body).toEqual(answer);
    expect(await ready(id)).toEqual({ ready: true, confirmations: 2, confsUsed: 1, bestHeight: 102 });
    const [proof] = (await server.get(`/bundle?versionId=${id}`)).body.proofs;
    expect(proof).toEqual({
      ...{ versionId: id, chain: 'regtest' },
      envelope: { ...envelopes[0], headerChain: chain.store.headersFrom(101, 7) },
    });
  });

  test('a BUMP, and a BEEF with topics, prove as much', async () => {
    const manifests = [manifestOf({ datasetId: 'by-bump' }), manifestOf({ datasetId: 'by-beef' })];
    const raws = manifests.map((manifest) => carrying([manifest]));
    const { envelopes } = chain.add(raws);
    const bump = toHex(bumpBytes(bumpOfEnvelope(envelopes[0], 101)));
    const byBump = await server.post('/submit', { rawTx: raws[0]!.toString('hex'), manifest: manifests[0], bump });
    expect(byBump.body).toEqual(submitted(manifests[0], raws[0]!));
    const beef = beefBytes(beefOfEnvelope(envelopes[1], 101));
    const headers = { 'content-type': 'application/octet-stream', 'x-topics': '["tm_dlm1"]' };
    expect(await refusal(server.post('/submit', beef, OWNER, headers))).toEqual([400, 'invalid-manifest']);
    await server.post('/submit/dlm1', { manifest: manifests[1] });
    const byBeef = await server.post('/submit', beef, OWNER, headers);
    expect([byBeef.status, byBeef.body]).toEqual([200, submitted(manifests[1], raws[1]!)]);
    for (const manifest of manifests) expect(await ready(versionId(manifest))).toMatchObject({ ready: true });
    for (const topics of ['', 'x', '[]', '[1]', '{}']) {
      const wrong = { ...headers, 'x-topics': topics };
      expect(await refusal(server.post('/submit', beef, OWNER, wrong))).toEqual([400, 'invalid-body']);
    }
    expect(await refusal(server.post('/submit', beef.subarray(1), OWNER, headers))).toEqual([400, 'invalid-rawtx']);
  });

  test('every output is looked at, in both forms of the script, and exactly one has to match', async () => {
    const manifest = manifestOf();
    const script = anchorScript({ mh: versionId(manifest), parents: [] });
    const payment = fromHex('76a914000000000000000000000000000000000000000088ac');
    const twoPushes = Buffer.concat([fromHex('6a04444c4d3126'), script.subarray(7)]);
    const other = anchorScript({ mh: 'c'.repeat(64), parents: [] });
    const send = (raw: Buffer) => server.post('/submit', { rawTx: raw.toString('hex'), manifest });
    const last = transactionOf([payment, other, script]);
    expect((await send(last)).body).toEqual(submitted(manifest, last, 2));
    const pushes = transactionOf([payment, twoPushes]);
    expect((await send(pushes)).body).toEqual(submitted(manifest, pushes, 1));
    const wrong = [
      [payment],
      [other],
      [script, script],
      [script, payment, twoPushes],
      [Buffer.concat([script, Buffer.of(0)])],
    ];
    for (const scripts of wrong)
      expect(await refusal(send(transactionOf(scripts)))).toEqual([409, 'onchain-mh-mismatch']);
  });

  const manifest = manifestOf();
  const raw = carrying([manifest]);
  const rawTx = raw.toString('hex');
  test.each<[string, unknown, [number, string], Record<string, string>?]>([
    ['no JSON', '[', [400, 'invalid-body']],
    ['a list', [], [400, 'invalid-body']],
    ['a member that is not known', { rawTx, manifest, beef: '' }, [400, 'invalid-body']],
    ['an envelope and a BUMP', { rawTx, manifest, envelope: {}, bump: '' }, [400, 'invalid-body']],
    ['an envelope that is text', { rawTx, manifest, envelope: 'x' }, [400, 'invalid-body']],
    ['a BUMP that is an object', { rawTx, manifest, bump: {} }, [400, 'invalid-body']],
    ['another media type', 'x', [415, 'unsupported-media-type'], { 'content-type': 'application/xml' }],
    ['no transaction', { manifest }, [400, 'invalid-rawtx']],
    ['an empty one', { rawTx: '', manifest }, [400, 'invalid-rawtx']],
    ['upper-case hex', { rawTx: rawTx.toUpperCase(), manifest }, [400, 'invalid-rawtx']],
    ['half a byte', { rawTx: rawTx.slice(1), manifest }, [400, 'invalid-rawtx']],
    ['trailing bytes', { rawTx: `${rawTx}00`, manifest }, [400, 'invalid-rawtx']],
    [
      'a transaction of 64 bytes',
      { rawTx: transactionOf([Buffer.alloc(4)]).toString('hex'), manifest },
      [400, 'invalid-rawtx'],
    ],
    ['a transaction that is too long', { rawTx: '00'.repeat(1024 * 1024 + 1), manifest }, [400, 'invalid-rawtx']],
    [
      'too many outputs',
      { rawTx: transactionOf(Array.from({ length: 10_001 }, () => Buffer.of(0x6a))).toString('hex'), manifest },
      [400, 'invalid-rawtx'],
    ],
    ['a body that is too long', { rawTx: '00'.repeat(4 * 1024 * 1024), manifest }, [413, 'body-too-large']],
    ['no manifest of the kind', { rawTx, manifest: {} }, [400, 'invalid-manifest']],
    ['a manifest that is text', { rawTx, manifest: 'x' }, [400, 'invalid-manifest']],
    ['a manifest that is not known', { rawTx }, [400, 'invalid-manifest']],
    [
      'no output that carries one',
      { rawTx: transactionOf([Buffer.of(0x6a)]).toString('hex') },
      [409, 'onchain-mh-mismatch'],
    ],
    ['another versionId', { rawTx, manifest: { ...manifest, versionId: 'b'.repeat(64) } }, [422, 'versionId-mismatch']],
    ['another manifest', { rawTx, manifest: manifestOf({ datasetId: 'other' }) }, [409, 'onchain-mh-mismatch']],
    [
      'a foreign dataset',
      { rawTx: carrying([signedManifest()]).toString('hex'), manifest: signedManifest({}, OWNER, STRANGER) },
      [403, 'producer-unproven'],
    ],
    ['an empty envelope', { rawTx, manifest, envelope: {} }, [409, 'spv-verification-failed']],
    ['an empty BUMP', { rawTx, manifest, bump: '' }, [409, 'spv-verification-failed']],
  ])('refuses %s, and keeps nothing', async (_what, body, answer, headers = {}) => {
    expect(await refusal(server.post('/submit', body, OWNER, headers))).toEqual(answer);
    expect((await server.get('/search')).body.items).toEqual([]);
  });

  test('says in the words of the contract why a proof is none', async () => {
    const block = chain.add([raw, carrying([manifestOf({ datasetId: 'beside' })])]);
    const [envelope, other] = block.envelopes;
    const changed = (changes: object) =>
      server.post('/submit', { rawTx, manifest, envelope: { ...envelope, ...changes } });
    const reasonOf = async (reply: ReturnType<typeof changed>) => {
      const { status, body } = await reply;
      return [status, body.error, body.reason];
    };
    const cases: [object, string][] = [
      [{ txid: 'a'.repeat(64) }, 'txid-mismatch-top-level-vs-proof'],
      [other, 'txid-mismatch-rawtx-vs-proof'],
      [{ txid: undefined, proof: { ...envelope.proof, txid: 'a'.repeat(64) } }, 'txid-mismatch-rawtx-vs-proof'],
      [{ block: { blockHeader: 'zz' } }, 'invalid-block-header'],
      [{ block: { blockHash: 'a'.repeat(64), blockHeight: 101 } }, 'unknown-block-hash'],
      [{ block: { blockHash: block.hash, blockHeight: 102 } }, 'block-height-mismatch'],
      [{ proof: { ...envelope.proof, path: [] } }, 'invalid-merkle-path'],
      [
        { proof: { ...envelope.proof, path: [{ ...envelope.proof.path[0], position: 'left' }] } },
        'invalid-merkle-path',
      ],
      [{ more: 1 }, 'malformed'],
    ];
    for (const [changes, reason] of cases) {
      expect([reason, ...(await reasonOf(changed(changes)))]).toEqual([reason, 409, 'spv-verification-failed', reason]);
    }
    const ahead = toHex(bumpBytes(bumpOfEnvelope(envelope, 102)));
    expect(await reasonOf(server.post('/submit', { rawTx, manifest, bump: ahead }))).toEqual([
      409,
      'spv-verification-failed',
      'unknown-block-hash',
    ]);
    expect((await server.get('/search')).body.items).toEqual([]);
    expect((await changed({ block: { blockHash: block.hash, blockHeight: 101 } })).status).toBe(200);
    expect(await ready(versionId(manifest))).toMatchObject({ ready: true, confirmations: 1 });
  });

  test('the same call gives the same answer: at once, many times over, after a restart', async () => {
    const { envelopes } = chain.add([raw]);
    const body = { rawTx, manifest, envelope: envelopes[0] };
    const answers = await Promise.all(Array.from({ length: 8 }, () => server.post('/submit', body)));
    for (const answer of answers) expect([answer.status, answer.body]).toEqual([200, submitted(manifest, raw)]);
    await server.close();
    server = await open();
    expect((await server.post('/submit', body)).body).toEqual(submitted(manifest, raw));
    expect((await server.get('/search')).body.items).toHaveLength(1);
    expect(await ready(versionId(manifest))).toMatchObject({ ready: true, confirmations: 1 });
  });

  test('without a chain there is nothing to check a proof by', async () => {
    const { envelopes } = chain.add([raw]);
    await server.close();
    server = await open({ headers: undefined });
    const { status, body } = await server.post('/submit', { rawTx, manifest, envelope: envelopes[0] });
    expect([status, body.error, body.reason]).toEqual([409, 'spv-verification-failed', 'headers-unavailable']);
    expect((await server.post('/submit', { rawTx, manifest })).status).toBe(200);
    expect(await ready(versionId(manifest))).toEqual({
      ...{ ready: false, reason: 'headers-unavailable', confirmations: 0, confsUsed: 1, bestHeight: null },
    });
  });

  test('an identity may take up its share and no more; others have theirs', async () => {
    await server.close();
    server = await open({ shareBytes: 8000 });
    const long = (n: number) => ({ manifest: manifestOf({ description: 'x'.repeat(1500), datasetId: `long-${n}` }) });
    expect((await server.post('/submit/dlm1', long(1))).status).toBe(200);
    expect((await server.post('/submit/dlm1', long(1))).status).toBe(200);
    expect(await refusal(server.post('/submit/dlm1', long(2)))).toEqual([413, 'catalog-share-used-up']);
    expect((await server.get('/search')).body.items).toHaveLength(1);
    expect((await server.post('/submit/dlm1', long(2), STRANGER)).status).toBe(200);
    for (const n of [3, 4, 5]) expect((await server.post('/submit/dlm1', long(n), 'admin')).status).toBe(200);
  });
});

test('whatever JSON is sent by whomever, it is refused or taken: never a defect of the server', async () => {
  const manifest = signedManifest();
  const raw = carrying([manifest]);
  const { envelopes } = chain.add([raw]);
  const whole: Json = { rawTx: raw.toString('hex'), manifest, envelope: envelopes[0] };
  const strange = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom('a'.repeat(64), -0, 2 ** 53, [], {}, null, '00', `{"__proto__":1}`),
  );
  /** One value somewhere in a good request, replaced. */
  const spoiled = fc.tuple(fc.nat(200), strange).map(([place, value]) => {
    let left = place;
    const copy = (part: Json): Json => {
      if (left-- === 0) return value;
      if (typeof part !== 'object' || part === null) return part;
      if (Array.isArray(part)) return part.map(copy);
      return Object.fromEntries(Object.entries(part).map(([name, member]) => [name, copy(member)]));
    };
    return copy(whole);
  });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('/submit', '/submit/dlm1', '/advisories'),
      fc.oneof(spoiled, strange),
      async (path, body) => {
        const sent = path === '/submit/dlm1' && body?.manifest !== undefined ? { manifest: body.manifest } : body;
        const { status, body: answer } = await server.post(path, JSON.stringify(sent) ?? '', 'admin');
        expect([200, 400, 403, 404, 409, 422]).toContain(status);
        if (status !== 200) expect(answer).toMatchObject({ error: expect.any(String), hint: expect.any(String) });
      },
    ),
    { numRuns: 400, seed: 11 },
  );
});
