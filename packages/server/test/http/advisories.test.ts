/** Advisories as clients see them, and what `/ready` makes of them. */
import { createHash } from 'node:crypto';
import { fromHex, verifyEcdsa, versionId } from '@tidemark/proof';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  ADVISOR,
  CatalogServer,
  type CatalogServerOptions,
  Chain,
  carrying,
  manifestOf,
  OWNER,
  type Sender,
  STRANGER,
  signedManifest,
} from '../catalog/made.ts';
import { NOW } from '../headers/chain.ts';
import { Directories } from '../support/directories.ts';
import type { Json } from './client.ts';

const directories = new Directories();
afterAll(() => directories.remove());

const MANIFEST = signedManifest();
const ID = versionId(MANIFEST);
const NEXT = signedManifest({ description: 'corrected' });
const NEXT_ID = versionId(NEXT);

let dir: string;
let chain: Chain;
let server: CatalogServer;

const open = (options: CatalogServerOptions = {}) =>
  new CatalogServer(dir, { headers: chain.store, ...options }).open();

beforeEach(async () => {
  dir = directories.next();
  chain = new Chain(dir);
  server = await open();
  const raw = carrying([MANIFEST]);
  const { envelopes } = chain.add([raw]);
  expect(
    (await server.post('/submit', { rawTx: raw.toString('hex'), manifest: MANIFEST, envelope: envelopes[0] })).status,
  ).toBe(200);
  await server.post('/submit/dlm1', { manifest: NEXT });
});
afterEach(async () => {
  await server.close();
  chain.store.close();
});

const advise = (changes: object, by: Sender = OWNER) =>
  server.post('/advisories', { versionId: ID, type: 'WARN', reason: 'a gauge was dry', ...changes }, by);
const ready = async (): Promise<Json> => (await server.get(`/ready?versionId=${ID}`)).body;
const list = async (query = ''): Promise<Json> => (await server.get(`/advisories?versionId=${ID}${query}`)).body;
const READY = { ready: true, confirmations: 1, confsUsed: 1, bestHeight: 101 };

describe('what counts', () => {
  test.each<[string, Sender, string]>([
    ['the owner of the dataset', OWNER, 'owner'],
    ['the administrator', 'admin', 'admin'],
    ['a configured advisor', ADVISOR, 'advisor'],
  ])('%s blocks, and is shown', async (_who, by, role) => {
    const { status, body } = await advise({ type: 'BLOCK' }, by);
    expect([status, body.status, body.advisory.applied, body.advisory.author.role]).toEqual([200, 'ok', true, role]);
    expect(await ready()).toEqual({ ...READY, ready: false, reason: 'advisory-blocked' });
    expect((await list()).items).toEqual([body.advisory]);
  });

  test('anybody else is shown and does not count, of another dataset of the same name too', async () => {
    const other = signedManifest({}, STRANGER);
    await server.post('/submit/dlm1', { manifest: other }, STRANGER);
    const { body } = await advise({ type: 'BLOCK', recalled: true, supersededBy: versionId(other) }, STRANGER);
    expect(body.advisory).toMatchObject({ applied: false, author: { role: 'other', identityKey: STRANGER.publicKey } });
    expect(await ready()).toEqual(READY);
    expect((await list()).items).toEqual([body.advisory]);
    expect((await server.get(`/resolve?versionId=${ID}`)).body).toMatchObject({ recalled: false, blocked: false });
  });

  test('nobody owns the dataset of a manifest without a producer', async () => {
    const nameless = versionId(manifestOf());
    await server.post('/submit/dlm1', { manifest: manifestOf() });
    expect((await advise({ versionId: nameless, type: 'BLOCK' })).body.advisory.applied).toBe(false);
    expect((await advise({ versionId: nameless, type: 'BLOCK' }, 'admin')).body.advisory.applied).toBe(true);
  });

  test('reasons in their order: recalled, blocked, superseded, then what the chain says', async () => {
    await advise({});
    expect(await ready()).toEqual(READY);
    await advise({ supersededBy: NEXT_ID });
    expect(await ready()).toEqual({ ...READY, ready: false, reason: 'superseded', supersededBy: NEXT_ID });
    await advise({ type: 'BLOCK' });
    expect((await ready()).reason).toBe('advisory-blocked');
    await advise({ recalled: true });
    expect(await ready()).toEqual({ ...READY, ready: false, reason: 'recalled' });
    const { body } = await server.get(`/resolve?versionId=${ID}`);
    expect(body).toMatchObject({ recalled: true, blocked: true, supersededBy: NEXT_ID });
    await server.close();
    server = await open({ headers: undefined });
    expect(await ready()).toMatchObject({ reason: 'recalled', confirmations: 0, bestHeight: null });
  });

  test('until it expires, to the millisecond, and after a restart', async () => {
    await advise({ type: 'BLOCK', expiresAt: new Date(NOW + 1000).toISOString() });
    server.time = NOW + 999;
    expect((await ready()).ready).toBe(false);
    expect((await list()).items[0].applied).toBe(true);
    server.time = NOW + 1000;
    expect(await ready()).toEqual(READY);
    expect((await list()).items).toMatchObject([{ applied: false, expiresAt: new Date(NOW + 1000).toISOString() }]);
    await server.close();
    server = await open();
    expect((await ready()).reason).toBe('advisory-blocked');
  });

  test('where nobody has to say who they are, those who do not count as the operator', async () => {
    await server.close();
    server = await open({ required: false });
    expect((await advise({ type: 'BLOCK' }, STRANGER)).body.advisory.applied).toBe(false);
    const { body } = await advise({ type: 'BLOCK' }, 'nobody');
    expect(body.advisory).toMatchObject({ applied: true, author: { role: 'admin', identityKey: null }, signed: null });
    expect((await ready()).reason).toBe('advisory-blocked');
    await server.close();
    server = await open();
    expect((await list()).items.map(({ applied }: Json) => applied)).toEqual([false, false]);
    expect(await ready()).toEqual(READY);
  });
});

describe('who says it', () => {
  test('a stranger can check the signature from what is shown', async () => {
    const { body } = await advise({ type: 'BLOCK' });
    const { author, signed } = body.advisory;
    const bodyHash = createHash('sha256').update(signed.body).digest('hex');
    const { method, host, target, timestamp, nonce } = signed;
    const text = `tidemark-req|v2|${method}|${host}|${target}|${timestamp}|${nonce}|${bodyHash}`;
    const digest = createHash('sha256').update(text).digest();
    expect(verifyEcdsa(digest, fromHex(signed.signature), fromHex(author.identityKey))).toBe(true);
    expect(JSON.parse(signed.body)).toEqual({ versionId: ID, type: 'BLOCK', reason: 'a gauge was dry' });
  });

  test('nobody speaks for another', async () => {
    const { status, body } = await advise({}, 'nobody');
    expect([status, body.error]).toEqual([401, 'identity-required']);
    expect((await list()).items).toEqual([]);
  });
});

test('the same again is the same; oldest first, page by page', async () => {
  const ids: number[] = [];
  for (const reason of ['one', 'two', 'three', 'two']) ids.push((await advise({ reason })).body.advisory.id);
  expect(ids[3]).toBe(ids[1]);
  const first = await list('&limit=2');
  expect(first.items.map(({ reason }: Json) => reason)).toEqual(['one', 'two']);
  const rest = await list(`&limit=2&cursor=${first.nextCursor}`);
  expect([rest.items.map(({ reason }: Json) => reason), rest.nextCursor]).toEqual([['three'], null]);
});

test.each<[string, object | string, [number, string]]>([
  ['an unknown version', { versionId: 'a'.repeat(64) }, [404, 'not-found']],
  ['an unknown successor', { supersededBy: 'a'.repeat(64) }, [404, 'not-found']],
  ['itself as the successor', { supersededBy: ID }, [400, 'bad-request']],
  ['no versionId', { versionId: undefined }, [400, 'bad-request']],
  ['another type', { type: 'block' }, [400, 'bad-request']],
  ['recalled as text', { recalled: 'true' }, [400, 'bad-request']],
  ['no reason', { reason: ' ' }, [400, 'bad-request']],
  ['a reason that is too long', { reason: 'x'.repeat(2001) }, [400, 'bad-request']],
  ['half of a surrogate pair', { reason: '\ud800' }, [400, 'bad-request']],
  ['an end in the past', { expiresAt: new Date(NOW).toISOString() }, [400, 'bad-request']],
  ['an end that is no time', { expiresAt: 'soon' }, [400, 'bad-request']],
  ['an end as a number', { expiresAt: 1e12 }, [400, 'bad-request']],
  ['a member that is not known', { severity: 1 }, [400, 'bad-request']],
  ['a body that is too long', { more: 'x'.repeat(17_000) }, [413, 'body-too-large']],
])('refuses %s', async (_what, changes, answer) => {
  const { status, body } = await advise(changes as object);
  expect([status, body.error]).toEqual(answer);
  expect((await list()).items).toEqual([]);
});

test.each(['', '?versionId=abc', `?versionId=${ID}&limit=0`, `?versionId=${ID}&cursor=x`, `?versionId=${ID}&x=1`])(
  'the list refuses %s',
  async (query) => {
    expect((await server.get(`/advisories${query}`)).body.error).toBe('bad-request');
  },
);

test('the list of an unknown version is not found', async () => {
  expect((await server.get(`/advisories?versionId=${'a'.repeat(64)}`)).status).toBe(404);
});
