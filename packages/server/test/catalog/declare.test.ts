/** `/submit/dlm1` as clients see it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeAnchorScript, fromHex, transactionId, versionId } from '@tidemark/proof';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { newNonce, signRequest } from '../../src/access/outgoing.ts';
import { NOW } from '../headers/chain.ts';
import { call, type Json } from '../http/client.ts';
import { Directories } from '../support/directories.ts';
import {
  CatalogServer,
  type CatalogServerOptions,
  Chain,
  carrying,
  manifestOf,
  OWNER,
  STRANGER,
  signedManifest,
} from './made.ts';

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

describe('POST /submit/dlm1', () => {
  const vectors = JSON.parse(readFileSync(join(import.meta.dirname, '../../../../vectors/dlm1.json'), 'utf8')) as Json;

  test.each(vectors.vectors as Json[])('answers as the golden vector says: $name', async (vector) => {
    const { status, body } = await server.post('/submit/dlm1', { manifest: vector.manifest });
    const script = fromHex(vector.scriptSinglePush);
    expect([status, body]).toEqual([
      200,
      {
        status: 'ok',
        versionId: vector.versionId,
        manifestHash: vector.versionId,
        parents: vector.manifest.lineage?.parents ?? [],
        outputs: [{ scriptHex: vector.scriptSinglePush, satoshis: 0 }],
        opReturnScriptHex: vector.scriptSinglePush,
        opReturnOutputBytes: 8 + 1 + script.length,
      },
    ]);
    expect(decodeAnchorScript(script)?.mh).toBe(vector.versionId);
  });

  test('what is declared is known, and not proven; its transaction needs no manifest any more', async () => {
    const manifest = signedManifest();
    const id = versionId(manifest);
    const first = await server.post('/submit/dlm1', { manifest });
    expect((await server.post('/submit/dlm1', { manifest })).body).toEqual(first.body);
    expect(await ready(id)).toMatchObject({ ready: false, reason: 'missing-envelope' });
    const raw = carrying([manifest]);
    expect((await server.post('/submit', { rawTx: raw.toString('hex') })).body).toEqual(submitted(manifest, raw));
  });

  test.each<[string, unknown, [number, string], Record<string, string>?]>([
    ['no JSON', '{', [400, 'invalid-input']],
    ['a list', [], [400, 'invalid-input']],
    ['no manifest', {}, [400, 'invalid-input']],
    ['a manifest that is text', { manifest: '{}' }, [400, 'invalid-input']],
    ['a member that is not known', { manifest: manifestOf(), more: 1 }, [400, 'invalid-input']],
    [
      'bytes that are no UTF-8',
      Buffer.from('7b226d616e6966657374223a7b2261223a22ff227d7d', 'hex'),
      [400, 'invalid-input'],
    ],
    ['another media type', 'x', [415, 'unsupported-media-type'], { 'content-type': 'text/plain' }],
    ['an empty manifest', { manifest: {} }, [422, 'schema-validation-failed']],
    ['an unknown top-level key', { manifest: { ...manifestOf(), x: 1 } }, [422, 'schema-validation-failed']],
    ['another type', { manifest: manifestOf({ type: 'x' }) }, [422, 'schema-validation-failed']],
    ['a short datasetId', { manifest: manifestOf({ datasetId: 'ab' }) }, [422, 'schema-validation-failed']],
    [
      'no day',
      { manifest: manifestOf({ provenance: { createdAt: '2025-02-30T00:00:00Z' } }) },
      [422, 'schema-validation-failed'],
    ],
    ['a long datasetId', { manifest: manifestOf({ datasetId: 'x'.repeat(257) }) }, [422, 'schema-validation-failed']],
    [
      'an integer-like key',
      { manifest: manifestOf({ policy: { license: 'x', classification: 'public', 7: 1 } }) },
      [422, 'schema-validation-failed'],
    ],
    [
      '__proto__',
      `{"manifest":${JSON.stringify(manifestOf()).replace('"policy":{', '"policy":{"__proto__":{"a":1},')}}`,
      [422, 'schema-validation-failed'],
    ],
    [
      'half of a surrogate pair',
      `{"manifest":${JSON.stringify(manifestOf()).replace('at the river', '\\ud800')}}`,
      [422, 'schema-validation-failed'],
    ],
    [
      'signatures below the top',
      { manifest: manifestOf({ lineage: { parents: [], x: { signatures: {} } } }) },
      [422, 'schema-validation-failed'],
    ],
    [
      'versionId below the top',
      { manifest: manifestOf({ lineage: { parents: [], x: [{ versionId: 1 }] } }) },
      [422, 'schema-validation-failed'],
    ],
    [
      'a parent twice',
      { manifest: manifestOf({ lineage: { parents: ['a'.repeat(64), 'a'.repeat(64)] } }) },
      [422, 'schema-validation-failed'],
    ],
    [
      'too many parents',
      {
        manifest: manifestOf({
          lineage: { parents: Array.from({ length: 1001 }, (_, n) => n.toString(16).padStart(64, '0')) },
        }),
      },
      [422, 'schema-validation-failed'],
    ],
    [
      'a manifest that is too long',
      { manifest: manifestOf({ policy: { license: 'x', classification: 'public', text: 'y'.repeat(256 * 1024) } }) },
      [422, 'schema-validation-failed'],
    ],
    [
      'a manifest that is too deep',
      `{"manifest":${'{"a":'.repeat(30_000)}1${'}'.repeat(30_000)}}`,
      [422, 'schema-validation-failed'],
    ],
    ['a body that is too long', `{"manifest":"${'y'.repeat(600_000)}"}`, [413, 'body-too-large']],
    ['another versionId', { manifest: { ...manifestOf(), versionId: 'b'.repeat(64) } }, [422, 'versionId-mismatch']],
    [
      'a producer that has not signed',
      { manifest: { ...signedManifest(), signatures: {} } },
      [403, 'producer-unproven'],
    ],
    [
      'a producer whom another signs for',
      { manifest: signedManifest({}, OWNER, STRANGER) },
      [403, 'producer-unproven'],
    ],
    [
      'the signature of another manifest',
      { manifest: { ...signedManifest(), description: 'changed' } },
      [403, 'producer-unproven'],
    ],
    [
      'a signature and no producer',
      { manifest: { ...manifestOf(), signatures: signedManifest().signatures } },
      [422, 'schema-validation-failed'],
    ],
    [
      'an endorsement that does not hold',
      {
        manifest: {
          ...manifestOf(),
          signatures: { endorsements: [{ role: 'auditor', ...signedManifest().signatures.producer }] },
        },
      },
      [422, 'schema-validation-failed'],
    ],
  ])('refuses %s', async (_what, body, answer, headers = {}) => {
    expect(await refusal(server.post('/submit/dlm1', body, OWNER, headers))).toEqual(answer);
    expect((await server.get('/search')).body.items).toEqual([]);
  });

  test('who may not sign yet hears what there is to sign', async () => {
    const { signatures: _, ...manifest } = signedManifest();
    const { body } = await server.post('/submit/dlm1', { manifest });
    expect(body).toMatchObject({
      error: 'producer-unproven',
      versionId: versionId(manifest),
      producer: OWNER.publicKey,
    });
  });

  test('the request is signed, or by the administrator', async () => {
    const body = { manifest: manifestOf() };
    expect(await refusal(server.post('/submit/dlm1', body, 'nobody'))).toEqual([401, 'identity-required']);
    expect((await server.post('/submit/dlm1', body, 'admin')).status).toBe(200);
    const url = new URL('/submit/dlm1', server.url);
    const bytes = Buffer.from(JSON.stringify(body));
    const headers = signRequest(OWNER, '2', { method: 'POST', url, body: bytes, nonce: newNonce(), now: NOW });
    const sent = { method: 'POST', headers: { ...headers, 'content-type': 'application/json' } };
    expect(await refusal(call(server.url, '/submit/dlm1', { ...sent, body: `${bytes} ` }))).toEqual([
      401,
      'signature-invalid',
    ]);
    expect((await call(server.url, '/submit/dlm1', { ...sent, body: bytes })).status).toBe(200);
    expect(await refusal(call(server.url, '/submit/dlm1', { ...sent, body: bytes }))).toEqual([401, 'nonce-reused']);
  });
});
