/** Against the ecosystem's own client, over the wire. */
import {
  AuthFetch,
  type AuthMessage,
  Peer,
  PrivateKey,
  ProtoWallet,
  SimplifiedFetchTransport,
  type WalletInterface,
} from '@bsv/sdk';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { PeerKey } from '../../src/access/peer-key.ts';
import { Sessions } from '../../src/access/sessions.ts';
import { type Guarded, guarded, NOW } from './guarded.ts';

const SERVER_SECRET = new Uint8Array(32).fill(0x11);
const serverKey = new PeerKey(SERVER_SECRET);
const clientSecret = new PrivateKey(Array(32).fill(0x22));
const clientKey = clientSecret.toPublicKey().toString();
const BODY = '{"manifest":{"n":1}}';
const JSON_TYPE = { 'content-type': 'application/json' };
const PROTOCOL: [2, string] = [2, 'auth message signature'];

/** Signs and derives, which is all that this protocol asks of a wallet. */
const walletOf = (secret: PrivateKey) => new ProtoWallet(secret) as unknown as WalletInterface;

let clock = NOW;
let server: Guarded;
beforeAll(async () => {
  server = await guarded({ peerSecret: SERVER_SECRET, now: () => clock });
});
afterAll(() => server.close());

interface Sent {
  url: string;
  init: { method: string; headers: Record<string, string>; body?: string };
}

/** The client's general message as it would have gone out, changed by `change` and sent as often as wanted. */
async function captured(url: string, payload = generalPayload('/submit', BODY)): Promise<Sent> {
  const held = Promise.withResolvers<Sent>();
  const transport = new SimplifiedFetchTransport(url, async (target, init) => {
    if (String(target).endsWith('/.well-known/auth')) return fetch(target, init);
    held.resolve({ url: String(target), init: init as Sent['init'] });
    return new Promise(() => {});
  });
  const peer = new Peer(walletOf(clientSecret), transport);
  void peer.toPeer(payload);
  return held.promise;
}

const part = (text: string) => [text.length, ...Buffer.from(text, 'latin1')];
const ABSENT = Array<number>(9).fill(0xff);

/** A POST with 32 times 7 as its id and a JSON body, each part under 253 bytes. */
function generalPayload(path: string, body: string): number[] {
  const headers = [1, ...part('content-type'), ...part('application/json')];
  return [...Array(32).fill(7), ...part('POST'), ...part(path), ...ABSENT, ...headers, ...part(body)];
}

async function answerTo({ url, init }: Sent, change: Partial<Sent['init']> = {}) {
  const answer = await fetch(url, { ...init, ...change });
  return { status: answer.status, body: await answer.json(), signed: answer.headers.has('x-bsv-auth-signature') };
}

const passed = { status: 200, body: { caller: { kind: 'identity', key: clientKey }, body: BODY }, signed: true };
const refused = (error: string) => ({ status: 401, body: { error, hint: expect.any(String) }, signed: false });

describe('the ecosystem’s client', () => {
  it('is known by its identity key, and has verified the answer', async () => {
    const client = new AuthFetch(walletOf(clientSecret));
    const answer = await client.fetch(`${server.url}/submit?b=2&a=1`, {
      method: 'POST',
      headers: { ...JSON_TYPE, 'x-bsv-z': 'z', 'x-bsv-app-name': 'tests' },
      body: BODY,
    });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual(passed.body);
    expect(answer.headers.get('x-bsv-auth-identity-key')).toBe(serverKey.publicKey);
  });

  it('asks again on one session, without a body, and with a large one', async () => {
    const client = new AuthFetch(walletOf(clientSecret));
    const got = await client.fetch(`${server.url}/submit`);
    expect(await got.json()).toEqual({ caller: passed.body.caller, body: '' });
    for (const length of [252, 253, 65_535, 65_536, 200_000]) {
      const body = 'x'.repeat(length);
      const headers = { 'content-type': 'text/plain; charset=utf-8' };
      const answer = await client.fetch(`${server.url}/submit`, { method: 'POST', headers, body });
      expect(await answer.json()).toEqual({ caller: passed.body.caller, body });
    }
  });

  it('shakes hands again when its session is over', async () => {
    const client = new AuthFetch(walletOf(clientSecret));
    expect((await client.fetch(`${server.url}/submit`)).status).toBe(200);
    clock += 3_600_001;
    expect((await client.fetch(`${server.url}/submit`)).status).toBe(200);
  });
});

describe('a general message', () => {
  test('passes once', async () => {
    const sent = await captured(server.url);
    expect(await answerTo(sent)).toEqual(passed);
    expect(await answerTo(sent)).toEqual(refused('nonce-reused'));
  });

  test('of the same sent many times at once, one passes', async () => {
    const sent = await captured(server.url);
    const answers = await Promise.all(Array.from({ length: 10 }, () => answerTo(sent)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(401)]);
  });

  const other = new PeerKey(new Uint8Array(32).fill(0x33)).publicKey;
  test.each<[string, string, Record<string, string>]>([
    ['another identity key', 'signature-invalid', { 'x-bsv-auth-identity-key': other }],
    ['another nonce', 'signature-invalid', { 'x-bsv-auth-nonce': Buffer.alloc(32).toString('base64') }],
    ['another request id', 'signature-invalid', { 'x-bsv-auth-request-id': Buffer.alloc(32).toString('base64') }],
    ['a short request id', 'signature-invalid', { 'x-bsv-auth-request-id': 'AAAA' }],
    ['a signature of zeros', 'signature-invalid', { 'x-bsv-auth-signature': '00'.repeat(70) }],
    ['a signature that is no hex', 'signature-invalid', { 'x-bsv-auth-signature': 'no hex' }],
    ['another content type', 'signature-invalid', { 'content-type': 'text/plain' }],
    ['a header that was added', 'signature-invalid', { 'x-bsv-extra': '1' }],
    ['an unknown session', 'identity-required', { 'x-bsv-auth-your-nonce': Buffer.alloc(48).toString('base64') }],
    ['another version', 'identity-required', { 'x-bsv-auth-version': '0.2' }],
  ])('with %s is refused, and good afterwards', async (_, code, headers) => {
    const sent = await captured(server.url);
    const changed = { headers: { ...sent.init.headers, ...headers } };
    expect(await answerTo(sent, changed)).toEqual(refused(code));
    expect(await answerTo(sent)).toEqual(passed);
  });

  test('with another body, method or path is refused', async () => {
    const sent = await captured(server.url);
    expect(await answerTo(sent, { body: BODY.replace('1', '2') })).toEqual(refused('signature-invalid'));
    const elsewhere = { ...sent, url: `${sent.url}?a=1` };
    expect(await answerTo(elsewhere)).toEqual(refused('signature-invalid'));
    const { body: _, ...bodiless } = sent.init;
    expect(await answerTo({ ...sent, init: bodiless })).toEqual(refused('signature-invalid'));
    expect(await answerTo({ ...sent, init: { ...bodiless, method: 'GET' } })).toEqual(refused('signature-invalid'));
    expect(await answerTo(sent)).toEqual(passed);
  });

  test('cannot be read as the request that its body spells', async () => {
    const spelt = [...part('GET'), ...part('/submit'), ...ABSENT, 0, ...ABSENT];
    const payload = generalPayload('/elsewhere', Buffer.from(spelt).toString('latin1'));
    const { init } = await captured(server.url, payload);
    const before = Buffer.from(payload.slice(0, -spelt.length)).toString('base64');
    const { 'content-type': _, ...rest } = init.headers;
    const headers = { ...rest, 'x-bsv-auth-request-id': before };
    const answer = await answerTo({ url: `${server.url}/submit`, init: { method: 'GET', headers } });
    expect(answer).toEqual(refused('signature-invalid'));
  });

  test('without one of its headers is refused', async () => {
    const sent = await captured(server.url);
    for (const name of ['identity-key', 'nonce', 'your-nonce', 'signature', 'request-id']) {
      const { [`x-bsv-auth-${name}`]: _, ...headers } = sent.init.headers;
      expect(await answerTo(sent, { headers })).toEqual(refused('identity-required'));
    }
  });

  test('of a session whose hour is over is refused', async () => {
    const sent = await captured(server.url);
    clock += 3_600_000;
    expect(await answerTo(sent)).toEqual(refused('identity-required'));
  });

  test('is not looked at where mutual authentication is off', async () => {
    const sent = await captured(server.url);
    const without = await guarded();
    expect(await answerTo({ ...sent, url: `${without.url}/submit` })).toEqual(refused('identity-required'));
    await without.close();
  });
});

describe('the handshake', () => {
  const greeting = { version: '0.1', messageType: 'initialRequest', identityKey: clientKey };
  const initialNonce = Buffer.alloc(48, 1).toString('base64');
  const post = async (message: unknown, url = server.url) => {
    const body = typeof message === 'string' ? message : JSON.stringify(message);
    const answer = await fetch(`${url}/.well-known/auth`, { method: 'POST', headers: JSON_TYPE, body });
    return { status: answer.status, body: (await answer.json()) as AuthMessage };
  };

  test.each<[string, unknown]>([
    ['no JSON', '{'],
    ['no object', []],
    ['null', null],
    ['another version', { ...greeting, initialNonce, version: '1' }],
    ['a certificate request', { ...greeting, initialNonce, messageType: 'certificateRequest' }],
    ['no key', { ...greeting, initialNonce, identityKey: undefined }],
    ['a key off the curve', { ...greeting, initialNonce, identityKey: `02${'0'.repeat(63)}5` }],
    ['a key in upper case', { ...greeting, initialNonce, identityKey: clientKey.toUpperCase() }],
    ['a key that is a list', { ...greeting, initialNonce, identityKey: [clientKey] }],
    ['no nonce', greeting],
    ['a nonce that is no base64', { ...greeting, initialNonce: ' '.repeat(64) }],
    ['a nonce that is too long', { ...greeting, initialNonce: 'A'.repeat(500) }],
    ['too much', { ...greeting, initialNonce, padding: 'x'.repeat(20_000) }],
  ])('refuses %s', async (_, message) => {
    expect(await post(message)).toEqual({ status: 400, body: { error: 'bad-request', hint: expect.any(String) } });
  });

  test('is signed by the server for this client and these nonces', async () => {
    const { status, body } = await post({ ...greeting, initialNonce });
    expect(status).toBe(200);
    expect(body).toMatchObject({ messageType: 'initialResponse', yourNonce: initialNonce });
    expect(body.identityKey).toBe(serverKey.publicKey);
    const checked = await new ProtoWallet(clientSecret).verifySignature({
      data: [...Buffer.from(initialNonce, 'base64'), ...Buffer.from(body.initialNonce ?? '', 'base64')],
      signature: body.signature ?? [],
      protocolID: PROTOCOL,
      keyID: `${initialNonce} ${body.initialNonce}`,
      counterparty: serverKey.publicKey,
    });
    expect(checked.valid).toBe(true);
  });

  test('handshakes alone do not push out a session that is in use', async () => {
    const small = await guarded({ peerSecret: SERVER_SECRET, maxSessions: 2 });
    const client = new AuthFetch(walletOf(clientSecret));
    expect((await client.fetch(`${small.url}/submit`)).status).toBe(200);
    const early = await captured(small.url);
    for (let i = 0; i < 2; i++) expect((await post({ ...greeting, initialNonce }, small.url)).status).toBe(200);
    expect(await answerTo(early)).toEqual(refused('identity-required'));
    const greetings: string[] = [];
    client.peers[small.url]!.peer.listenForGeneralMessages((sender) => greetings.push(sender));
    expect((await client.fetch(`${small.url}/submit`)).status).toBe(200);
    // On the session it had: a new one would have come with a new peer.
    expect(greetings).toEqual([serverKey.publicKey]);
    await small.close();
  });
});

describe('keys derived by two', () => {
  const client = new ProtoWallet(clientSecret);
  const data = [...Buffer.from('what is said')];
  const keyID = 'nonce other';

  test('what we sign, the ecosystem’s wallet verifies', async () => {
    const signature = [...serverKey.sign(clientKey, keyID, Uint8Array.from(data))];
    const said = { protocolID: PROTOCOL, keyID, counterparty: serverKey.publicKey };
    expect(await client.verifySignature({ ...said, data, signature })).toEqual({ valid: true });
    await expect(client.verifySignature({ ...said, data: [1], signature })).rejects.toThrow('not valid');
  });

  test('what it signs, we verify, and nothing else', async () => {
    const said = { protocolID: PROTOCOL, keyID, counterparty: serverKey.publicKey, data };
    const signature = Uint8Array.from((await client.createSignature(said)).signature);
    const bytes = Uint8Array.from(data);
    expect(serverKey.verify(clientKey, keyID, bytes, signature)).toBe(true);
    expect(serverKey.verify(clientKey, 'other nonce', bytes, signature)).toBe(false);
    expect(serverKey.verify(clientKey, keyID, bytes.subarray(1), signature)).toBe(false);
    expect(serverKey.verify(serverKey.publicKey, keyID, bytes, signature)).toBe(false);
  });
});

test('sessions are bounded, the oldest going first', () => {
  const sessions = new Sessions(3);
  const session = (i: number) => ({ nonce: `n${i}`, peerNonce: 'p', identityKey: 'k', until: 100 });
  for (let i = 0; i < 10; i++) sessions.add(session(i));
  expect([6, 7, 8, 9].map((i) => sessions.find(`n${i}`, 0) !== undefined)).toEqual([false, true, true, true]);
  sessions.proved(sessions.find('n7', 0)!);
  for (let i = 10; i < 20; i++) sessions.add(session(i));
  expect(sessions.find('n7', 99)).toEqual(session(7));
  expect(sessions.find('n8', 99)).toBeUndefined();
  expect(sessions.size).toBe(4);
  expect(sessions.find('n7', 100)).toBeUndefined();
  expect(sessions.size).toBe(3);
});
