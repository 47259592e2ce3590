/** The whole server on a chain that others mine: a real node in process, through ARC and by somebody else's wallet. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { anchorScript, HeaderChain, parseHeader, parseHeaders, verifyProof } from '@tidemark/proof';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fundingCoins } from '../../src/anchor/arc/funding.ts';
import { paymentScript, signedTransaction } from '../../src/anchor/raw-transaction.ts';
import { fsck } from '../../src/fsck/index.ts';
import { IdentityKey } from '../../src/keys.ts';
import { ArcStandIn, mined } from '../support/arc-stand-in.ts';
import { BcashNode } from '../support/bcash.ts';
import type { ServerProcess } from '../support/server-process.ts';
import { runTidemark } from '../support/tidemark.ts';
import { call, get, type Json, post } from './client.ts';
import { AT_ONCE, eventually, makeDataDir, removeDataDir, settled, startWith } from './server.ts';

let node: BcashNode;
let arc: ArcStandIn;
const dataDirs: string[] = [];
const servers: ServerProcess[] = [];

beforeAll(async () => {
  node = await BcashNode.start();
  arc = await ArcStandIn.start(node);
});
afterAll(async () => {
  for (const server of servers) expect(await server.stop()).toBe(0);
  await arc.close();
  await node.close();
  for (const dir of dataDirs) removeDataDir(dir);
});

const pin = () => {
  const { hash } = parseHeader(node.blocks[1]!.header);
  return { height: 1, hash, floorBits: 0x207fffff };
};
const headers = () => Buffer.concat(node.blocks.slice(1).map(({ header }) => header));

/** A directory, and settings for it; `mirror` brings its headers up to date with the node. */
function place(anchoring: object) {
  const dataDir = makeDataDir();
  dataDirs.push(dataDir);
  const headersFile = `${dataDir}.headers`;
  const mirror = () => writeFileSync(headersFile, headers());
  mirror();
  const following = { headersFile, headersChain: 'regtest', headersPinJson: pin(), anchorIntervalMs: 100 };
  const settings = { streams: [{ id: 'default', publish: AT_ONCE }], ...following, ...anchoring };
  const start = async () => {
    const server = await startWith(dataDir, settings);
    servers.push(server);
    return server;
  };
  const stop = async () => expect(await servers.pop()?.stop()).toBe(0);
  return { dataDir, mirror, start, stop };
}

/** Certifies one event. @returns its id, and the versionId of its packet */
async function certified(url: string, id: string): Promise<{ eventId: string; versionId: string }> {
  const { body } = await post(url, { events: [{ id }] });
  const [eventId] = body.inserted;
  return { eventId, versionId: (await settled(url, eventId)).versionId };
}

/** Nothing is wrong with what it leaves behind. */
function intact(dataDir: string): void {
  expect(fsck(dataDir)).toMatchObject({ violations: [], notes: [] });
}

const stateOf = async (url: string, versionId: string): Promise<Json> =>
  (await get(url, `/anchors?versionId=${versionId}`)).body;

/** Waits for the state, while blocks are found. */
async function reaches(url: string, versionId: string, wanted: object): Promise<Json> {
  return eventually(async () => {
    const state = await stateOf(url, versionId);
    expect(state).toMatchObject(wanted);
    return state;
  }, 50);
}

/** As a stranger checks it: from the pin, over all headers. */
async function verified(url: string, eventId: string, minConfs = 1): Promise<Json> {
  const { body } = await get(url, `/ingest/events/${eventId}/proof`);
  return verifyProof(body, { headers: headers(), pins: { regtest: pin() }, minConfs });
}

it('anchors through ARC, follows a reorganization, and anchors again', async () => {
  const { dataDir, mirror, start, stop } = place({ anchor: 'arc', arcUrl: arc.url });
  await start();
  await stop();
  const address = await runTidemark(['anchor', 'address', '--data', dataDir, '--chain', 'regtest']);
  const publicKey = /0[23][0-9a-f]{64}/.exec(address.stdout)?.[0] ?? '';
  const payment = join(dataDir, 'payment.hex');
  writeFileSync(payment, Buffer.from(await node.pay(publicKey, [50_000])).toString('hex'));
  // Deeper than the reorganization to come.
  await node.mine(5);
  const funded = await runTidemark(['anchor', 'fund', payment, '--data', dataDir, '--chain', 'regtest']);
  expect(funded).toMatchObject({ code: 0, stderr: '' });

  const { url } = await start();
  const { eventId, versionId } = await certified(url, 'one');
  const { txid } = await reaches(url, versionId, { state: 'submitted' });
  expect(await verified(url, eventId)).toMatchObject({ valid: false, reason: 'unanchored' });
  await node.mine();
  mirror();
  const anchored = await reaches(url, versionId, { state: 'anchored', chain: 'regtest', txid, confirmations: 1 });
  expect(await verified(url, eventId)).toMatchObject({ valid: true, level: 'anchored', txid, confirmations: 1 });
  expect((await get(url, `/ready?versionId=${versionId}`)).body).toMatchObject({ ready: true, confirmations: 1 });
  await node.mine();
  mirror();
  await reaches(url, versionId, { state: 'anchored', confirmations: 2 });

  await node.reorganize(3);
  mirror();
  await eventually(async () => expect((await stateOf(url, versionId)).state).not.toBe('anchored'), 50);
  expect((await get(url, `/ready?versionId=${versionId}`)).body).toMatchObject({ ready: false, confirmations: 0 });
  // It was forgotten with its block, and is sent again.
  await eventually(() => expect(node.isWaiting(txid)).toBe(true), 50);
  await node.mine();
  mirror();
  const again = await reaches(url, versionId, { state: 'anchored', txid });
  expect(again.height).toBeGreaterThan(anchored.height);
  expect(await verified(url, eventId)).toMatchObject({ valid: true, txid, height: again.height });
  await stop();
  intact(dataDir);
}, 120_000);

it('has no funds and says so, and certifies all the same', async () => {
  const { start } = place({ anchor: 'arc', arcUrl: arc.url });
  const { url } = await start();
  const { eventId, versionId } = await certified(url, 'poor');
  await eventually(async () => {
    const { body } = await get(url, '/health');
    expect(body).toMatchObject({ status: 'ok', headers: { chain: 'regtest', bestHeight: node.height, troubles: [] } });
    expect(body.anchoringTrouble).toContain('tidemark anchor fund');
  });
  expect(await stateOf(url, versionId)).toEqual({ state: 'certified' });
  expect(await verified(url, eventId, 0)).toMatchObject({ valid: true, level: 'certified' });
});

it("is anchored by somebody else's wallet", async () => {
  const { dataDir, mirror, start } = place({ anchor: 'wallet' });
  const { url } = await start();
  const { eventId, versionId } = await certified(url, 'two');
  const { body: offers } = await get(url, '/anchors/offers');
  expect(offers.items).toMatchObject([{ versionId, stream: 'default', outputs: [{ satoshis: 0 }] }]);
  const [{ outputs, parents }] = offers.items;
  expect(outputs[0].scriptHex).toBe(Buffer.from(anchorScript({ mh: versionId, parents })).toString('hex'));

  const wallet = new IdentityKey(Buffer.alloc(32, 11));
  const [coin] = fundingCoins(await node.pay(wallet.publicKey, [20_000]), 'regtest', wallet.publicKey);
  const rawTx = signedTransaction(
    [coin!],
    [
      { satoshis: 0, script: Buffer.from(outputs[0].scriptHex, 'hex') },
      { satoshis: 19_000, script: paymentScript(wallet.publicKey) },
    ],
    wallet,
  );
  await node.send(rawTx);
  await node.mine();
  mirror();
  const block = node.blocks.at(-1)!;
  const { merklePath: bump } = mined(block, block.txids.at(-1)!) as Json;
  const token = readFileSync(join(dataDir, 'admin-token'), 'utf8').trim();
  const submit = (body: object) =>
    call(url, '/submit', {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    });
  const raw = Buffer.from(rawTx).toString('hex');
  await eventually(async () => {
    const { status, body } = await submit({ rawTx: raw, bump });
    expect([status, body.versionId]).toEqual([200, versionId]);
  });
  await reaches(url, versionId, { state: 'anchored', chain: 'regtest', height: block.height });
  expect(await verified(url, eventId)).toMatchObject({ valid: true, level: 'anchored', height: block.height });
  expect((await get(url, '/anchors/offers')).body.items).toEqual([]);
  const chain = new HeaderChain(pin(), parseHeaders(headers()));
  expect(chain.tip.height).toBe(node.height);
});
