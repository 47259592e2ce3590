/** A server that stops and starts again on the same directory goes on as if it had not. */

import { verifyProof } from '@tidemark/proof';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { ServerProcess } from '../support/server-process.ts';
import { get, type Json, post } from './client.ts';
import {
  AT_ONCE,
  anchoredProof,
  makeDataDir,
  NEVER,
  pinsOf,
  removeDataDir,
  settled,
  startWith,
  wholeFeed,
} from './server.ts';
import { Watcher } from './watcher.ts';

const settings = {
  sources: [{ id: 'steady', policy: { constraints: { bounds: { n: { max: 90 } } } } }, { id: 'waiting' }],
  streams: [
    { id: 'steady', publish: AT_ONCE },
    { id: 'waiting', publish: NEVER },
  ],
  anchorIntervalMs: 100,
};

const dataDir = makeDataDir();
let server: ServerProcess;
/** What the first server answered, by path. */
const before: Record<string, Json> = {};
let feedBefore: Json[];
let watchedBefore: Watcher;
let idsBefore: string[];
let waitingId: string;

const events = Array.from({ length: 100 }, (_, n) => ({ id: `e${n}`, n }));

async function send(sourceId: string, batch: object[]): Promise<Json> {
  const { status, body } = await post(server.url, { sourceId, events: batch });
  expect(status).toBe(200);
  return body;
}

/** Everything about an event that a restart must not change. */
function lasting({ evidence, ...event }: Json): Json {
  return { ...event, evidence: evidence.filter(({ step }: Json) => step !== 'anchor') };
}

beforeAll(async () => {
  server = await startWith(dataDir, settings);
  idsBefore = (await send('steady', events)).inserted;
  await send('steady', [{ id: 'e1', n: 1000 }]);
  waitingId = (await send('waiting', [{ id: 'not sealed' }])).inserted[0];
  await anchoredProof(server.url, idsBefore[1]!);
  for (const id of idsBefore.slice(0, 5)) before[id] = await settled(server.url, id);
  feedBefore = await wholeFeed(server.url);
  before.cursor = (await get(server.url, '/feed?limit=40')).body.nextCursor;
  watchedBefore = await Watcher.open(server.url, '?since=earliest&type=certified,quarantined', {}, 20_000);
  await watchedBefore.until(({ ended }) => ended);
  expect(await server.stop()).toBe(0);
  server = await startWith(dataDir, settings);
});

afterAll(async () => {
  await (server as ServerProcess | undefined)?.stop();
  removeDataDir(dataDir);
});

describe('after a restart', () => {
  it('every old event is what and where it was, under the same versionId', async () => {
    expect((await wholeFeed(server.url)).slice(0, feedBefore.length)).toEqual(feedBefore);
    for (const id of idsBefore.slice(0, 5)) {
      expect(lasting((await get(server.url, `/ingest/events/${id}`)).body)).toEqual(lasting(before[id]));
    }
  });

  it('a cursor of /feed goes on where it was', async () => {
    const { status, body } = await get(server.url, `/feed?limit=1000&cursor=${before.cursor}`);
    expect(status).toBe(200);
    expect(body.items.slice(0, feedBefore.length - 40)).toEqual(feedBefore.slice(40));
  });

  it('a cursor of /watch goes on where it was, without a gap', async () => {
    const resumed = await Watcher.open(server.url, `?type=certified,quarantined&since=${watchedBefore.lastId}`);
    onTestFinished(() => resumed.close());
    const seenBefore = watchedBefore.messages();
    expect(seenBefore.length).toBeGreaterThan(0);
    expect(seenBefore.length).toBeLessThan(feedBefore.length);
    await resumed.until((one) => seenBefore.length + one.messages().length >= feedBefore.length);
    expect(resumed.messages('gap')).toEqual([]);
    const all = [...seenBefore, ...resumed.messages()].map(({ stream, leafIndex }) => `${stream}/${leafIndex}`);
    expect(new Set(all).size).toBe(all.length);
    for (const { stream, leafIndex } of feedBefore) expect(all).toContain(`${stream}/${leafIndex}`);
  });

  it('a resend is still known, and a revision still names what it revises', async () => {
    expect(await send('steady', events)).toMatchObject({ inserted: idsBefore, duplicates: 100 });
    const { inserted } = await send('steady', [{ id: 'e2', n: 7 }]);
    const { versions } = await settled(server.url, inserted[0]);
    expect(versions.map(({ seq }: Json) => seq)).toEqual([3, 102]);
  });

  it('an event that waited for its packet is certified without waiting on', async () => {
    expect(await settled(server.url, waitingId)).toMatchObject({ status: 'certified', leafIndex: 1 });
  });

  it('the log goes on: the next packet names the one before, and an old proof holds under the same keys', async () => {
    const { inserted } = await send('steady', [{ id: 'new', n: 1 }]);
    const event = await settled(server.url, inserted[0]);
    const trace = (await get(server.url, `/ingest/events/${event.eventId}/trace`)).body.versions[0];
    const steady = (await wholeFeed(server.url, '&stream=steady')).filter(
      ({ versionId }) => versionId !== event.versionId,
    );
    expect(trace.manifest.lineage.parents).toEqual([steady.at(-1).versionId]);
    const proof = await anchoredProof(server.url, idsBefore[5]!);
    const { publisher, logKey } = pinsOf(dataDir, 'steady');
    expect(verifyProof(proof, { dev: true, publisher, logKey })).toMatchObject({ valid: true, level: 'anchored' });
  });
});

describe('after a start with another policy', () => {
  it('old events stay as they were, and new ones follow the new policy', async () => {
    const whole = await wholeFeed(server.url);
    expect(await server.stop()).toBe(0);
    const policy = { constraints: { bounds: { n: { max: 5 } } } };
    server = await startWith(dataDir, { ...settings, sources: [{ id: 'steady', policy }, { id: 'waiting' }] });
    expect((await wholeFeed(server.url)).slice(0, whole.length)).toEqual(whole);
    const { inserted } = await send('steady', [{ id: 'stricter', n: 6 }]);
    expect(await settled(server.url, inserted[0])).toMatchObject({ lastError: 'bounds-max:n:6>5' });
    const old = (await get(server.url, `/ingest/events/${idsBefore[50]}`)).body;
    expect(old).toMatchObject({ status: 'certified', normalized: { id: 'e50', n: 50 }, lastError: null });
  });
});
