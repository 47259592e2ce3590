/** The certifier's webhook against agents that answer, lie, fail and hang: a fault table. */
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { requestDigest, toHex, verifyEcdsa } from '@tidemark/proof';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CertifierDesk } from '../../src/certifier/desk.ts';
import { CertifierWebhook } from '../../src/certifier/webhook.ts';
import { IdentityKey } from '../../src/keys.ts';
import { Directories } from '../support/directories.ts';
import { Writer } from '../support/journal.ts';
import { IDENTITY, streamConfig } from '../support/node.ts';
import { Works } from '../support/passage.ts';

const directories = new Directories();
afterAll(() => directories.remove());

interface Call {
  headers: Record<string, string>;
  body: string;
  payload: { versionId: string; contentHash: string; manifest: object; outputs: { scriptHex: string }[] };
}

type Answer = object | string | number | 'hang' | 'hang up';

/** What the agent answers, call by call; the last one stands. */
let answers: ((call: Call) => Answer)[];
let calls: Call[];
let agent: Server;
let works: Works;
let writer: Writer;
let now: number;
let anchored: [string, unknown][];
/** What the headers have against the evidence. */
let wrong: string | undefined;

const RETRY = { max: 2, baseMs: 1000, factor: 3 };

beforeEach(async () => {
  [answers, calls, anchored, now] = [[], [], [], 1_772_366_400_000];
  wrong = undefined;
  agent = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    const call = { headers: request.headers as Call['headers'], body, payload: JSON.parse(body).payload };
    calls.push(call);
    const answer = (answers[calls.length - 1] ?? answers.at(-1))!(call);
    if (answer === 'hang') return;
    if (answer === 'hang up') request.socket.destroy();
    else if (typeof answer === 'number') response.writeHead(answer).end();
    else response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
  }).listen(0, '127.0.0.1');
  await once(agent, 'listening');
  works = new Works(directories.next());
  writer = new Writer();
  works.journal.append([writer.config(streamConfig('alpha', { alpha: {} }), 0)]);
  await works.run();
});
afterEach(async () => {
  works.close();
  agent.closeAllConnections();
  agent.close();
  await once(agent, 'close');
});

/** Seals a packet. @returns its versionId */
async function packet(id: string): Promise<string> {
  works.journal.append([writer.events('alpha', 'alpha', [{ id, text: `{"id":"${id}"}` }], 1), writer.cut('alpha', 2)]);
  await works.run();
  return works.ledger.stream('alpha')?.head ?? '';
}

function open(timeoutMs = 2000): CertifierDesk {
  const url = `http://127.0.0.1:${(agent.address() as AddressInfo).port}/certify?x=1`;
  const webhook = new CertifierWebhook({ url, timeoutMs, signForm: '2' }, IDENTITY, () => now);
  const desk = new CertifierDesk({
    ...{ ledger: works.ledger, webhook, retry: RETRY, now: () => now, random: () => 1 },
    anchored: (versionId, envelope) => {
      anchored.push([versionId, envelope]);
      return wrong;
    },
  });
  return desk;
}

/** A desk that has taken note of where the ledger ends. */
async function ready(timeoutMs?: number): Promise<CertifierDesk> {
  const desk = open(timeoutMs);
  await desk.run();
  return desk;
}

const certified = ({ payload }: Call) => ({ versionId: payload.versionId });
const ENVELOPE = {
  rawTx: '00',
  proof: { txid: '0'.repeat(64), merkleRoot: '0'.repeat(64), path: [] },
  block: { blockHash: '0'.repeat(64), blockHeight: 1 },
};

describe('a packet', () => {
  test('is called for once, signed by the node, from the first start with a webhook on', async () => {
    await packet('before');
    const desk = await ready();
    const [one, two] = [await packet('1'), await packet('2')];
    answers = [certified];
    expect([await desk.run(), await desk.run()]).toEqual([true, false]);
    expect(calls.map(({ payload }) => payload.versionId).sort()).toEqual([one, two].sort());
    expect(await open().run()).toBe(false);
    expect(works.ledger.certifierCalls.one(one)).toBeUndefined();

    const [{ headers, body, payload }] = calls as [Call];
    const { host } = headers;
    const digest = requestDigest({
      ...{ form: '2', method: 'POST', host: host!, target: '/certify?x=1', nonce: headers['x-nonce']! },
      timestamp: Number(headers['x-timestamp']),
      bodyHash: hash('sha256', body),
    });
    const signature = Buffer.from(headers['x-signature']!, 'hex');
    expect(verifyEcdsa(digest, signature, Buffer.from(headers['x-identity-key']!, 'hex'))).toBe(true);
    const stored = works.ledger.packet(payload.versionId)!;
    expect(payload).toMatchObject({ contentHash: stored.contentHash, manifest: JSON.parse(stored.manifest) });
    expect(payload.outputs).toMatchObject([{ scriptHex: expect.stringContaining(payload.versionId), satoshis: 0 }]);
  });

  test('may come back with an anchor, which is handed on, and with the signature of its producer', async () => {
    const desk = await ready();
    const versionId = await packet('1');
    const signature = toHex(IDENTITY.sign(Buffer.from(versionId, 'hex')));
    answers = [() => ({ versionId, signature, rawTx: '00', envelope: ENVELOPE })];
    await desk.run();
    expect(anchored).toEqual([[versionId, ENVELOPE]]);
  });

  test('whose block is not known yet is asked for again; one that proves nothing is given up', async () => {
    const desk = await ready();
    const versionId = await packet('1');
    answers = [() => ({ versionId, envelope: ENVELOPE })];
    wrong = 'unknown-block-hash';
    expect(await desk.run()).toBe(false);
    expect(works.ledger.certifierCalls.one(versionId)).toMatchObject({ state: 'pending', attempts: 1 });
    wrong = 'invalid-merkle-path';
    now += 1000;
    expect(await desk.run()).toBe(true);
    expect(works.ledger.certifierCalls.one(versionId)).toMatchObject({
      state: 'dead',
      reason: 'failed(invalid-merkle-path)',
    });
    expect(anchored).toHaveLength(2);
  });

  test('is called for again after a restart in the middle', async () => {
    await ready();
    const versionId = await packet('1');
    answers = [() => 500, certified];
    await open().run();
    expect(works.ledger.certifierCalls.one(versionId)).toMatchObject({ state: 'pending', attempts: 1 });
    now += 1000;
    expect(await open().run()).toBe(true);
    expect(calls).toHaveLength(2);
  });
});

describe('an agent', () => {
  const other = new IdentityKey(Buffer.alloc(32, 3));
  test.each<[string, (call: Call) => Answer, string]>([
    ['is out of order', () => 503, 'status 503'],
    ['redirects', () => 302, 'status 302'],
    ['hangs up', () => 'hang up', 'other side closed'],
    ['hangs', () => 'hang', 'no answer in 200 ms'],
    ['says what is no JSON', () => '<html>', 'the answer is no JSON'],
    ['says what is no object', () => [1], 'the answer is malformed: it is no object'],
    [
      'says more than it may',
      (call) => ({ ...certified(call), fee: 1 }),
      'the answer is malformed: unknown member "fee"',
    ],
    [
      'sends no transaction',
      (call) => ({ ...certified(call), rawTx: 'x' }),
      'the answer is malformed: "rawTx" is no hex',
    ],
    [
      'sends no envelope',
      (call) => ({ ...certified(call), envelope: {} }),
      'the answer is malformed: "envelope" is none',
    ],
  ])('that %s is asked again, ever later, and then no more', async (_, answer, reason) => {
    const desk = await ready(200);
    const versionId = await packet('1');
    answers = [answer];
    const dues = [];
    for (let attempt = 0; attempt < 3; attempt++) {
      await desk.run();
      await desk.run();
      const call = works.ledger.certifierCalls.one(versionId)!;
      dues.push([calls.length, call.attempts, call.state, call.dueAt - now]);
      now = Math.max(now, call.dueAt);
    }
    expect(dues).toEqual([
      [1, 1, 'pending', 1000],
      [2, 2, 'pending', 3000],
      [3, 3, 'dead', 0],
    ]);
    expect(works.ledger.certifierCalls.dead(undefined, 9)).toMatchObject([{ versionId, reason }]);
    expect(desk.trouble).toBe(`a call of the certifier was given up: ${reason}`);
    // By hand, once it is well again.
    answers = [certified];
    expect([desk.retry(versionId), await desk.run()]).toEqual([true, true]);
    expect([works.ledger.certifierCalls.one(versionId), desk.trouble, desk.retry(versionId)]).toEqual([
      ...[undefined, undefined, false],
    ]);
  });

  test.each<[string, (call: Call) => Answer, string]>([
    ['another version', () => ({ versionId: 'f'.repeat(64) }), 'failed(versionId-mismatch)'],
    ['no version', () => ({}), 'failed(versionId-mismatch)'],
    [
      'the signature of another key',
      ({ payload: { versionId } }) => ({ versionId, signature: toHex(other.sign(Buffer.from(versionId, 'hex'))) }),
      'failed(signature-invalid)',
    ],
    ['a signature that is none', (call) => ({ ...certified(call), signature: 'xyz' }), 'failed(signature-invalid)'],
  ])('that answers with %s is not asked again', async (_, answer, reason) => {
    const desk = await ready();
    const versionId = await packet('1');
    answers = [answer];
    expect(await desk.run()).toBe(true);
    now += 1e9;
    await desk.run();
    expect([calls.length, works.ledger.certifierCalls.one(versionId)?.reason]).toEqual([1, reason]);
    expect(anchored).toEqual([]);
  });

  test('that fails for one packet is asked for the others', async () => {
    const desk = await ready();
    const bad = await packet('1');
    const good = await packet('2');
    answers = [(call) => (call.payload.versionId === bad ? 500 : certified(call))];
    await desk.run();
    expect(works.ledger.certifierCalls.one(good)).toBeUndefined();
    expect(works.ledger.certifierCalls.one(bad)).toMatchObject({ state: 'pending', attempts: 1, reason: 'status 500' });
  });
});
