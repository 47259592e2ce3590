/** The publish route of a real server, which publishes over a real Redis. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import type { PublishRow } from '../../src/notify/event-publish-row.ts';
import { needed, runTable, type Subject } from '../notify/event-publish-runner.ts';
import { ADMIN_TOKEN, type Profile, type ProfileName, RECEIVED_TS, ROWS } from '../notify/event-publish-table.ts';
import { hasRedis, type RedisServer, startRedis } from '../support/redis.ts';
import { call, get, type Json } from './client.ts';
import { eventually, makeDataDir, removeDataDir, startWith } from './server.ts';

const MISSING = hasRedis() ? undefined : 'no redis-server: scripts/install-services.sh installs it';
/** What only a port that is made for it does, or a store that fails. */
const ELSEWHERE: readonly ProfileName[] = [
  ...(['nothing kept', 'rows cannot be kept', 'nothing can be published', 'the mirror fails', 'held'] as const),
];
const CHANNELS = ['ingest_updates', 'embed_updates', 'own'];

function settingsOf(
  { settings: { tokens, allowedChannels, maxMessageBytes, schema } }: Profile,
  redisUrl: string,
): object {
  return {
    ...{ edgeToken: tokens.join(','), allowedChannels: allowedChannels.join(','), maxMessageBytes },
    ...{ eventSchema: schema, redisUrl },
  };
}

async function open(profile: Profile): Promise<Subject> {
  const redis = await startRedis();
  const dataDir = makeDataDir();
  const server = await startWith(dataDir, settingsOf(profile, redis.url));
  const adminToken = readFileSync(server.adminTokenFile, 'utf8').trim();
  const subscriber = new Redis(redis.url);
  const heard: [string, string][] = [];
  await subscriber.subscribe(...CHANNELS, 'test:end');
  let end = Promise.withResolvers<void>();
  subscriber.on('message', (channel, message) => {
    if (channel === 'test:end') end.resolve();
    else heard.push([channel, message]);
  });
  const publisher = new Redis(redis.url);
  await unlockAll(server.url, publisher, adminToken);
  heard.length = 0;
  const db = new DatabaseSync(join(dataDir, 'batches.db'), { readOnly: true });
  let seen = Number(db.prepare('SELECT coalesce(max(seq), 0) AS seq FROM ingest_events').get()?.seq);
  return {
    url: `${server.url}/event-publish`,
    call: (request) => fetch(profile.admits === undefined ? request : withToken(request, adminToken)),
    observed: async () => {
      // Messages of one Redis come in the order in which they were published.
      end = Promise.withResolvers<void>();
      await publisher.publish('test:end', '');
      await end.promise;
      const rows = db.prepare('SELECT * FROM ingest_events WHERE seq > ? ORDER BY seq').all(seen) as Json[];
      seen = rows.at(-1)?.seq ?? seen;
      return { kept: rows.map(toRow), published: heard.splice(0) };
    },
    close: async () => {
      db.close();
      publisher.disconnect();
      subscriber.disconnect();
      expect(await server.stop()).toBe(0);
      await redis.stop();
      removeDataDir(dataDir);
    },
  };
}

/** Rows are told one by one, whatever those before have said of the same batch. */
async function unlockAll(url: string, publisher: Redis, adminToken: string): Promise<void> {
  const tags = new Set(ROWS.flatMap(({ published }) => published.flatMap(([, message]) => tagIn(message))));
  for (const tag of tags) {
    await eventually(async () => {
      const event = { event: 'gate.open', batch_tag: tag, spool: '/', bytes: 0, count: 0, pii: false };
      await publisher.publish('ingest_updates', JSON.stringify(event));
      await publisher.publish('own', JSON.stringify(event));
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${adminToken}` };
      const body = '{"reason":"for the test"}';
      const path = `/batches/${encodeURIComponent(tag)}/unlock`;
      expect((await call(url, path, { method: 'POST', headers, body })).status).toBe(200);
    }, 50);
  }
}

function tagIn(message: string): string[] {
  const tag = /"batch_tag":"([A-Za-z0-9][A-Za-z0-9._:-]*)"/.exec(message)?.[1];
  return tag === undefined ? [] : [tag];
}

function withToken(request: Request, adminToken: string): Request {
  if (request.headers.get('authorization') !== `Bearer ${ADMIN_TOKEN}`) return request;
  const headers = new Headers(request.headers);
  headers.set('authorization', `Bearer ${adminToken}`);
  return new Request(request, { headers });
}

function toRow({ seq: _, received_at: receivedAt, told: __, pii, ts, ...row }: Json): PublishRow {
  const received = Math.floor(receivedAt / 1000);
  return { ...row, ts: ts === received ? RECEIVED_TS : ts, pii: pii === null ? null : pii === 1 };
}

describe('the publish route', () => {
  runTable({ open, without: ELSEWHERE, missing: MISSING });
});

describe('with a Redis that comes and goes', () => {
  let redis: RedisServer | undefined;
  let server: Awaited<ReturnType<typeof startWith>> | undefined;
  const dataDir = makeDataDir();
  const settings = (url: string) => ({
    redisUrl: url,
    edgeToken: 'edge-token-of-the-test',
    batchRoutesJson: [
      { name: 'away', webhook: 'http://127.0.0.1:1/' },
      { name: 'done', event: 'gate.done', queue: 'done-batches' },
    ],
  });
  beforeAll(async () => {
    if (MISSING !== undefined) return;
    redis = await startRedis();
    server = await startWith(dataDir, settings(redis.url));
  });
  afterAll(async () => {
    await server?.kill();
    await redis?.stop();
    removeDataDir(dataDir);
  });

  const publish = (event: object) => {
    const message = JSON.stringify(event);
    const headers = { 'content-type': 'application/json', authorization: 'Bearer edge-token-of-the-test' };
    const body = JSON.stringify({ action: 'publish', channel: 'ingest_updates', message });
    return call(server!.url, '/functions/v1/event-publish', { method: 'POST', headers, body });
  };
  const queued = async () => {
    const client = new Redis(redis!.url);
    const entries = await client.xrange('done-batches', '-', '+');
    client.disconnect();
    return entries.map(([, fields]) =>
      Object.fromEntries(fields.flatMap((name, at) => (at % 2 === 0 ? [[name, fields[at + 1]!]] : []))),
    );
  };

  it('says 502 while it is away, and publishes when it is back', async (context) => {
    needed(MISSING, context);
    await redis!.kill();
    const failed = await publish({ event: 'gate.open', batch_tag: 'one', pii: false, ts: 1 });
    expect([failed.status, failed.body]).toEqual([502, { error: 'publish failed' }]);
    await redis!.restart();
    await eventually(async () => {
      const { status } = await publish({ event: 'gate.open', batch_tag: 'one', pii: false, ts: 1 });
      expect(status).toBe(200);
    }, 100);
    expect((await get(server!.url, '/batches/one')).body.state).toBe('open');
  });

  it('takes messages that an edge elsewhere has published', async (context) => {
    needed(MISSING, context);
    const client = new Redis(redis!.url);
    await eventually(async () => {
      const sent = { event: 'gate.done', batch_tag: 'elsewhere', status: 'success', processed: 3, pii: true, ts: 7 };
      await client.publish('ingest_updates', JSON.stringify(sent));
      expect((await get(server!.url, '/batches/elsewhere')).body).toMatchObject({
        ...{ state: 'ingested', processed: 3, pii: true, locked: true, stream: null, versionId: null },
      });
    }, 200);
    client.disconnect();
  });

  it('keeps those for whoever was away', async (context) => {
    needed(MISSING, context);
    const { items } = (await get(server!.url, '/batch-events?limit=1000')).body;
    expect(items.filter(({ batchTag }: Json) => batchTag === 'elsewhere')).toMatchObject([
      { event: 'gate.done', ts: 7 },
    ]);
  });

  it('routes events to a queue, each under its key', async (context) => {
    needed(MISSING, context);
    await eventually(async () => {
      expect((await queued()).map(({ key }) => key)).toContain('gate.done:elsewhere');
    });
    await publish({ event: 'gate.done', batch_tag: 'two', status: 'failed', processed: 0, pii: false, ts: 9 });
    await publish({ event: 'gate.done', batch_tag: 'two', status: 'failed', processed: 0, pii: false, ts: 9 });
    await eventually(async () => {
      const ofTwo = (await queued()).filter(({ key }) => key === 'gate.done:two');
      expect(ofTwo).toHaveLength(1);
      expect(ofTwo[0]?.channel).toBe('ingest_updates');
      expect(JSON.parse(ofTwo[0]?.event ?? '')).toMatchObject({
        event: 'gate.done',
        batch_tag: 'two',
        status: 'failed',
      });
    });
  });
});

test('a body that never ends is refused, and its connection does no harm', async () => {
  const dataDir = makeDataDir();
  const server = await startWith(dataDir, { edgeToken: 'edge-token-of-the-test' });
  async function* endless() {
    for (;;) yield Buffer.alloc(65_536, 0x20);
  }
  const headers = { 'content-type': 'application/json', authorization: 'Bearer edge-token-of-the-test' };
  const answer = await call(server.url, '/event-publish', { method: 'POST', headers, body: endless() });
  expect([answer.status, answer.body]).toEqual([413, { error: 'Message too large' }]);
  expect((await get(server.url, '/health/live')).status).toBe(200);
  expect(await server.stop()).toBe(0);
  removeDataDir(dataDir);
});
