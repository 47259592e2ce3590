/** What can be shown of an event and its packet: before certification, after it, and once there is an anchor. */
import { describe, expect, it } from 'vitest';
import { get, type Json, post } from './client.ts';
import { AT_ONCE, anchoredProof, eventually, NEVER, type Running, settled, useServer } from './server.ts';

const DAY_MS = 86_400_000;
const streams = [{ id: 'default', publish: AT_ONCE }];
const HASH = expect.stringMatching(/^[0-9a-f]{64}$/);

async function send(server: Running, id: string, sourceId = 'default'): Promise<string> {
  const { status, body } = await post(server.url, { sourceId, events: [{ id }] });
  expect(status).toBe(200);
  return body.inserted[0];
}

/** As many packets as `count`, each with one event; their versionIds, oldest first. */
async function sendPackets(server: Running, name: string, count: number): Promise<string[]> {
  const versionIds: string[] = [];
  for (let n = 0; n < count; n++) {
    versionIds.push((await settled(server.url, await send(server, `${name}-${n}`))).versionId);
  }
  return versionIds;
}

function ready(server: Running, versionId: string): Promise<Json> {
  return get(server.url, `/ready?versionId=${versionId}`).then(({ body }) => body);
}

describe('with a development chain', () => {
  const server = useServer({
    sources: [{ id: 'waiting' }],
    streams: [...streams, { id: 'waiting', publish: NEVER }],
    anchorIntervalMs: 100,
    policyMinConfs: 2,
    bundleMaxDepth: 5,
  });

  it('an event that is not certified has no proof yet: 409, come again', async () => {
    const eventId = await send(server, 'early', 'waiting');
    const { status, headers, body } = await get(server.url, `/ingest/events/${eventId}/proof`);
    expect([status, body.error]).toEqual([409, 'not-certified-yet']);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
  });

  it('an anchored one has a whole proof, in the members of the contract and no others', async () => {
    const proof = await anchoredProof(server.url, await send(server, 'anchored'));
    const members = [
      'format',
      'leaf',
      'payload',
      'index',
      'inclusion',
      'manifest',
      'versionId',
      'checkpoint',
      'anchor',
    ];
    expect(Object.keys(proof).toSorted()).toEqual(members.toSorted());
    expect(proof).toMatchObject({ format: 'tidemark-proof/1', payload: { id: 'anchored' }, versionId: HASH });
    expect(proof.anchor).toMatchObject({ chain: 'tidemark-dev', vout: 0, envelope: { proof: { txid: HASH } } });
    expect(Object.keys(proof.anchor.envelope).toSorted()).toEqual(['block', 'headerChain', 'proof', 'rawTx', 'txid']);
  });

  it('a packet is ready when it has the confirmations, by its own anchor or a later one', async () => {
    const [older, newer] = await sendPackets(server, 'ready', 2);
    // Nothing more comes in, so there is no block after the one of the newer packet.
    const first = await eventually(async () => {
      const readiness = await ready(server, newer!);
      expect(readiness.confirmations).toBe(1);
      return readiness;
    });
    const { bestHeight: height } = first;
    const waiting = { ready: false, reason: 'insufficient-confs', confirmations: 1, confsUsed: 2, bestHeight: height };
    expect(first).toEqual(waiting);
    const last = await eventually(async () => {
      await send(server, `one more block ${performance.now()}`);
      const readiness = await ready(server, newer!);
      expect(readiness.ready).toBe(true);
      return readiness;
    }, 100);
    const { bestHeight } = last;
    expect(last).toEqual({ ready: true, confirmations: bestHeight - height + 1, confsUsed: 2, bestHeight });
    expect(await ready(server, older!)).toMatchObject({ ready: true, confsUsed: 2 });
  });

  it('a bundle goes as deep as it is asked to, and says where it stopped', async () => {
    const versionIds = (await sendPackets(server, 'bundle', 8)).toReversed();
    const [target] = versionIds;
    await eventually(async () => expect((await ready(server, target!)).confirmations).toBe(1));
    for (const depth of [0, 1, 3, 5]) {
      const { status, body } = await get(server.url, `/bundle?versionId=${target}&depth=${depth}`);
      expect([status, body.bundleType, body.target]).toEqual([200, 'datasetLineageBundle', target]);
      expect(body.graph.nodes.map(({ versionId }: Json) => versionId)).toEqual(versionIds.slice(0, depth + 1));
      expect(body.graph.edges).toEqual(
        versionIds.slice(0, depth + 1).map((child, place) => ({ child, parent: versionIds[place + 1] })),
      );
      expect(body.frontier).toEqual([versionIds[depth + 1]]);
      expect(body.manifests.map(({ manifestHash }: Json) => manifestHash)).toEqual(versionIds.slice(0, depth + 1));
      for (const { versionId, txo, provenBy } of body.graph.nodes) {
        const proof = body.proofs.find((one: Json) => one.versionId === (provenBy ?? versionId));
        if (provenBy === undefined) expect(txo).toBe(`${proof.envelope.proof.txid}:0`);
        else expect(txo).toBeNull();
      }
      expect(body).toMatchObject({ confsUsed: 2, bestHeight: expect.any(Number) });
    }
    const { body } = await get(server.url, `/bundle?versionId=${target}`);
    expect(body.graph.nodes.length).toBe(6);
  });

  it('the first packet of a log has no parents, and its bundle no frontier', async () => {
    const { body: feed } = await get(server.url, '/feed?stream=default&limit=1');
    const { body } = await get(server.url, `/bundle?versionId=${feed.items[0].versionId}`);
    expect([body.graph.nodes.length, body.graph.edges, body.frontier]).toEqual([1, [], []]);
  });

  it.each([
    ['/bundle', 400, 'bad-request'],
    ['/bundle?versionId=', 400, 'bad-request'],
    ['/bundle?versionId=abc', 400, 'bad-request'],
    [`/bundle?versionId=${'A'.repeat(64)}`, 400, 'bad-request'],
    [`/bundle?versionId=${'a'.repeat(64)}&depth=6`, 404, 'not-found'],
    [`/bundle?versionId=${'a'.repeat(64)}`, 404, 'not-found'],
    [`/bundle?versionId=${'a'.repeat(64)}&versionId=${'b'.repeat(64)}`, 400, 'bad-request'],
    ['/ready', 400, 'bad-request'],
    [`/ready?versionId=${'a'.repeat(63)}`, 400, 'bad-request'],
    [`/ready?versionId=${'a'.repeat(64)}`, 404, 'not-found'],
    [`/ready?versionId=${'a'.repeat(64)}&depth=1`, 400, 'bad-request'],
  ])('%s is %i', async (path, status, error) => {
    const reply = await get(server.url, path);
    expect([reply.status, reply.body.error]).toEqual([status, error]);
  });

  it.each(['-1', '6', '1.5', 'x', ''])('a depth of "%s" is 400', async (depth) => {
    const { body: feed } = await get(server.url, '/feed?limit=1');
    const { status, body } = await get(server.url, `/bundle?versionId=${feed.items[0].versionId}&depth=${depth}`);
    expect([status, body.error]).toEqual([400, 'bad-request']);
  });
});

describe('with a chain that has no block yet', () => {
  const server = useServer({ streams, anchorIntervalMs: DAY_MS });

  it('a certified event has a proof with no anchor, and its packet misses the envelope', async () => {
    const { eventId, versionId } = await settled(server.url, await send(server, 'certified'));
    const { status, body } = await get(server.url, `/ingest/events/${eventId}/proof`);
    expect([status, body.anchor, body.versionId]).toEqual([200, null, versionId]);
    const readiness = await ready(server, versionId);
    expect(readiness).toEqual({
      ...{ ready: false, reason: 'missing-envelope', confirmations: 0, confsUsed: 1 },
      bestHeight: expect.any(Number),
    });
    const bundle = (await get(server.url, `/bundle?versionId=${versionId}`)).body;
    expect([bundle.proofs, bundle.graph.nodes]).toEqual([[], [{ versionId, manifestHash: versionId, txo: null }]]);
  });
});

describe('without a chain', () => {
  const server = useServer({ streams, anchor: 'none' });

  it('a packet is certified and no more: there are no headers to count by', async () => {
    const { eventId, versionId } = await settled(server.url, await send(server, 'certified'));
    expect((await get(server.url, `/ingest/events/${eventId}/proof`)).body.anchor).toBeNull();
    const none = { reason: 'headers-unavailable', confirmations: 0, confsUsed: 1, bestHeight: null };
    expect(await ready(server, versionId)).toEqual({ ready: false, ...none });
  });
});
