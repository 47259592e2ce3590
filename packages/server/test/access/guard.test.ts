import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { fromHex, toHex } from '@tidemark/proof';
import secp256k1 from 'secp256k1';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newNonce, type OutgoingForm, signRequest } from '../../src/access/outgoing.ts';
import { IdentityKey } from '../../src/keys.ts';
import { ADMIN_TOKEN, type Guarded, guarded, NOW } from './guarded.ts';

const key = new IdentityKey(new Uint8Array(32).fill(0x5a));
const stranger = new IdentityKey(new Uint8Array(32).fill(0x5b));
const BODY = '{"manifest":{"n":1}}';

interface Sending {
  method?: string;
  /** Of what is signed; what is sent differs in tests of refusals. */
  signed?: { url?: string; method?: string; body?: string; now?: number; nonce?: string; form?: OutgoingForm };
  path?: string;
  body?: string | Buffer;
  /** Over, or in place of, the signed headers; a list is sent as so many headers. */
  headers?: Record<string, string | string[] | undefined>;
}

/** As it is written: a client that tidies up would hide what is tested here. */
async function send(url: string, { method = 'POST', signed = {}, path = '/submit', body = BODY, headers }: Sending) {
  const { form = '2', nonce = newNonce(), now = NOW } = signed;
  const signedBody = Buffer.from(signed.body ?? (typeof body === 'string' ? body : ''));
  const target = new URL(signed.url ?? path, url);
  const made = signRequest(key, form, { method: signed.method ?? method, url: target, body: signedBody, nonce, now });
  const all = Object.entries({ ...made, ...headers }).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  const sent = httpRequest(`${url}${path}`, { method, headers: Object.fromEntries(all) });
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: answer.statusCode, body: JSON.parse(await text(answer)) };
}

const passed = { status: 200, body: { caller: { kind: 'identity', key: key.publicKey }, body: BODY } };
const refused = (error: string) => ({ status: 401, body: { error, hint: expect.any(String) } });

let server: Guarded;
beforeAll(async () => {
  server = await guarded();
});
afterAll(() => server.close());

describe('form 2', () => {
  test('a signed request passes, and names who signed', async () => {
    expect(await send(server.url, {})).toEqual(passed);
  });

  test('by fetch', async () => {
    const url = new URL('/submit?versionId=a%20b&x', server.url);
    const body = Buffer.from(BODY);
    const headers = signRequest(key, '2', { method: 'POST', url, body, nonce: newNonce(), now: NOW });
    const answer = await fetch(url, { method: 'POST', body, headers });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual(passed.body);
  });

  test('a request without a body', async () => {
    const answer = await send(server.url, { method: 'GET', body: '' });
    expect(answer).toEqual({ status: 200, body: { ...passed.body, body: '' } });
  });

  test('a compressed body is signed as it was before', async () => {
    const gzip = { headers: { 'content-encoding': 'gzip' }, signed: { body: BODY } };
    expect(await send(server.url, { ...gzip, body: gzipSync(BODY) })).toEqual(passed);
  });

  test('64 bytes of r and s', async () => {
    const nonce = newNonce();
    const signed = { method: 'POST', url: new URL('/submit', server.url), body: Buffer.from(BODY), nonce, now: NOW };
    const der = signRequest(key, '2', signed)['x-signature'] ?? '';
    const signature = toHex(secp256k1.signatureImport(fromHex(der)));
    expect(signature).toHaveLength(128);
    expect(await send(server.url, { signed: { nonce }, headers: { 'x-signature': signature } })).toEqual(passed);
  });

  test.each<[string, string, Sending]>([
    ['another host', 'signature-invalid', { signed: { url: 'http://elsewhere.example/submit' } }],
    ['another port', 'signature-invalid', { signed: { url: 'http://127.0.0.1:1/submit' } }],
    ['another path', 'signature-invalid', { signed: { url: '/advisories' } }],
    ['another query', 'signature-invalid', { path: '/submit?a=1', signed: { url: '/submit?a=2' } }],
    ['a query in another order', 'signature-invalid', { path: '/submit?b=1&a=1', signed: { url: '/submit?a=1&b=1' } }],
    ['a query that was added', 'signature-invalid', { path: '/submit?a=1', signed: { url: '/submit' } }],
    ['another escape of one path', 'signature-invalid', { path: '/%73ubmit', signed: { url: '/submit' } }],
    ['another method', 'signature-invalid', { signed: { method: 'PUT' } }],
    ['another body', 'signature-invalid', { body: BODY.replace('1', '2'), signed: { body: BODY } }],
    ['a body that was dropped', 'signature-invalid', { body: '', signed: { body: BODY } }],
    ['another identity', 'signature-invalid', { headers: { 'x-identity-key': stranger.publicKey } }],
    ['another nonce', 'signature-invalid', { headers: { 'x-nonce': newNonce() } }],
    ['another time', 'signature-invalid', { headers: { 'x-timestamp': String(NOW / 1000 + 1) } }],
    ['a time too long past', 'timestamp-out-of-window', { signed: { now: NOW - 121_000 } }],
    ['a time too far ahead', 'timestamp-out-of-window', { signed: { now: NOW + 121_000 } }],
    ['milliseconds', 'signature-invalid', { headers: { 'x-timestamp': String(NOW) } }],
    ['no key', 'identity-required', { headers: { 'x-identity-key': undefined } }],
    ['no nonce', 'identity-required', { headers: { 'x-nonce': undefined } }],
    ['no signature', 'identity-required', { headers: { 'x-signature': undefined } }],
    ['no timestamp, form A being off', 'identity-required', { headers: { 'x-timestamp': undefined } }],
    ['form A, being off', 'identity-required', { signed: { form: 'A' } }],
    ['form B', 'identity-required', { signed: { form: 'B' } }],
    ['a key in upper case', 'signature-invalid', { headers: { 'x-identity-key': key.publicKey.toUpperCase() } }],
    ['a key twice', 'signature-invalid', { headers: { 'x-identity-key': [key.publicKey, key.publicKey] } }],
    ['a key off the curve', 'signature-invalid', { headers: { 'x-identity-key': `02${'0'.repeat(63)}5` } }],
    ['an empty signature', 'signature-invalid', { headers: { 'x-signature': '' } }],
  ])('refuses %s', async (_, code, sending) => {
    const { status, body } = await send(server.url, { path: '/submit', ...sending });
    if (status === 404) throw new TypeError('the route was not reached');
    expect({ status, body }).toEqual(refused(code));
  });

  test.each([-120_000, 120_000])('the clock may be %d ms off', async (off) => {
    expect(await send(server.url, { signed: { now: NOW + off } })).toEqual(passed);
  });

  test('the higher of the two s is refused', async () => {
    const nonce = newNonce();
    const signed = { method: 'POST', url: new URL('/submit', server.url), body: Buffer.from(BODY), nonce, now: NOW };
    const low = secp256k1.signatureImport(fromHex(signRequest(key, '2', signed)['x-signature'] ?? ''));
    const s = secp256k1.privateKeyNegate(low.slice(32));
    const high = toHex(secp256k1.signatureExport(Uint8Array.from([...low.slice(0, 32), ...s])));
    const upper = signRequest(key, '2', signed)['x-signature']?.toUpperCase();
    for (const signature of [high, upper]) {
      const answer = await send(server.url, { signed: { nonce }, headers: { 'x-signature': signature } });
      expect(answer).toEqual(refused('signature-invalid'));
    }
  });

  test('a nonce is good once, whatever it comes with', async () => {
    const nonce = newNonce();
    expect(await send(server.url, { signed: { nonce } })).toEqual(passed);
    expect(await send(server.url, { signed: { nonce } })).toEqual(refused('nonce-reused'));
    const other = { method: 'GET', body: '', signed: { nonce, now: NOW + 1000 } };
    expect(await send(server.url, other)).toEqual(refused('nonce-reused'));
  });

  test('a request that is refused spends no nonce', async () => {
    const nonce = newNonce();
    const wrong = await send(server.url, { signed: { nonce, body: 'another' } });
    expect(wrong).toEqual(refused('signature-invalid'));
    const claimed = await send(server.url, { signed: { nonce }, headers: { 'x-identity-key': stranger.publicKey } });
    expect(claimed).toEqual(refused('signature-invalid'));
    expect(await send(server.url, { signed: { nonce } })).toEqual(passed);
  });

  test('of the same request sent many times at once, one passes', async () => {
    const nonce = newNonce();
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(server.url, { signed: { nonce } })));
    expect(answers.filter(({ status }) => status === 200)).toEqual([passed]);
    expect(answers.filter(({ status }) => status !== 200)).toEqual(Array(19).fill(refused('nonce-reused')));
  });
});

test('a nonce is remembered for as long as its request could pass', async () => {
  let clock = NOW;
  const moving = await guarded({ now: () => clock });
  const signed = { nonce: newNonce(), now: NOW + 120_000 };
  expect(await send(moving.url, { signed })).toEqual(passed);
  clock = NOW + 240_000;
  // Each of them is an occasion to forget what is out of date.
  for (let i = 0; i < 3; i++) expect(await send(moving.url, { signed: { now: clock } })).toEqual(passed);
  expect(await send(moving.url, { signed })).toEqual(refused('nonce-reused'));
  clock += 1;
  expect(await send(moving.url, { signed })).toEqual(refused('timestamp-out-of-window'));
  await moving.close();
});

test('a request whose nonce cannot be stored is not let through', async () => {
  const broken = await guarded();
  await broken.loseNonces();
  const answer = await send(broken.url, {});
  expect(answer).toEqual({ status: 503, body: { error: 'storage-unavailable', hint: expect.any(String) } });
  expect(await send(broken.url, { signed: { body: 'another' } })).toEqual(refused('signature-invalid'));
  await broken.close();
});

describe('who is not signed for', () => {
  const post = async (url: string, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${url}/submit`, { method: 'POST', body: BODY, headers });
    return { status: answer.status, body: await answer.json() };
  };

  test('is refused', async () => {
    expect(await post(server.url)).toEqual(refused('identity-required'));
  });

  test('is the administrator, with the token', async () => {
    const answer = await post(server.url, { authorization: `Bearer ${ADMIN_TOKEN}` });
    expect(answer).toEqual({ status: 200, body: { caller: { kind: 'admin' }, body: BODY } });
    expect(await post(server.url, { authorization: 'Bearer wrong' })).toEqual(refused('token-required'));
  });

  test('is anyone where nothing is required; what is shown has to hold all the same', async () => {
    const open = await guarded({ required: false });
    expect(await post(open.url)).toEqual({ status: 200, body: { caller: { kind: 'anyone' }, body: BODY } });
    expect(await send(open.url, {})).toEqual(passed);
    expect(await send(open.url, { signed: { body: 'another' } })).toEqual(refused('signature-invalid'));
    expect(await post(open.url, { authorization: 'Bearer wrong' })).toEqual(refused('token-required'));
    await open.close();
  });
});

test('where PUBLIC_URL is set, its host is what is signed', async () => {
  const public_ = await guarded({ publicUrl: 'https://Node.example:443' });
  expect(await send(public_.url, { signed: { url: 'https://node.example/submit' } })).toEqual(passed);
  expect(await send(public_.url, {})).toEqual(refused('signature-invalid'));
  const told = { headers: { host: 'evil.example' }, signed: { url: 'http://evil.example/submit' } };
  expect(await send(public_.url, told)).toEqual(refused('signature-invalid'));
  await public_.close();
});

test('a Host header that is no host is refused, not an error of the server', async () => {
  const answer = await send(server.url, { headers: { host: 'a|b c' } });
  expect(answer).toEqual(refused('signature-invalid'));
});

describe('form A, where it is accepted', () => {
  let old: Guarded;
  beforeAll(async () => {
    old = await guarded({ accept: ['A'] });
  });
  afterAll(() => old.close());

  test('passes once, wherever it is sent to', async () => {
    const signed = { form: 'A' as const, nonce: newNonce(), url: 'http://elsewhere.example/' };
    expect(await send(old.url, { signed })).toEqual(passed);
    expect(await send(old.url, { signed })).toEqual(refused('nonce-reused'));
    expect(await send(old.url, { signed: { ...signed, nonce: newNonce() } })).toEqual(passed);
  });

  test('covers the body', async () => {
    const answer = await send(old.url, { signed: { form: 'A', body: 'another' } });
    expect(answer).toEqual(refused('signature-invalid'));
  });

  test('form 2 and form B do not pass for it', async () => {
    const asA = { headers: { 'x-timestamp': undefined } };
    expect(await send(old.url, asA)).toEqual(refused('signature-invalid'));
    expect(await send(old.url, { signed: { form: 'B' } })).toEqual(refused('signature-invalid'));
    expect(await send(old.url, {})).toEqual(refused('identity-required'));
  });
});
