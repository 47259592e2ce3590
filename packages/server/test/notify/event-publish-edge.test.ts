import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { hasRedis, type RedisServer, startRedis } from '../support/redis.ts';
import {
  atTheEdge,
  EdgeEndedError,
  hasDeno,
  Listener,
  receiver,
  SERVICE_KEY,
  startEdge,
} from './event-publish-edge.ts';
import { needed, requestOf, runTable } from './event-publish-runner.ts';
import { ROWS, TOKEN } from './event-publish-table.ts';

const missing = hasDeno
  ? hasRedis()
    ? undefined
    : 'no redis-server: scripts/install-services.sh installs it'
  : 'no deno among the installed packages: run npm install';

const row = ROWS.find(({ name }) => name === 'embed.start')!;
let redis: RedisServer;
beforeAll(async () => {
  if (missing === undefined) redis = await startRedis();
});
afterAll(() => redis?.stop());

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function edgeWith(env: Record<string, string>) {
  const edge = await startEdge({ EDGE_TOKEN: TOKEN, ...env });
  closing.push(() => edge.stop());
  return edge;
}

describe('the Edge Function on Deno', () => {
  // What is held back, and the administrator's token, are the server's alone.
  const without = ['held', 'the admin’s token too', 'no token but the admin’s'] as const;
  runTable({ open: (profile) => atTheEdge(profile, redis), without, missing });
});

it('inserts a row as the service role, through PostgREST', async (context) => {
  needed(missing, context);
  const rest = await receiver(201);
  closing.push(() => rest.close());
  const env = { REDIS_URL: redis.url, SUPABASE_URL: `${rest.url}/`, SUPABASE_SERVICE_ROLE_KEY: SERVICE_KEY };
  const edge = await edgeWith(env);
  expect((await fetch(requestOf(row, edge.url))).status).toBe(200);
  const [insert] = rest.received;
  expect(insert?.path).toBe('/rest/v1/ingest_events');
  expect(insert?.headers).toMatchObject({
    apikey: SERVICE_KEY,
    authorization: `Bearer ${SERVICE_KEY}`,
    'content-type': 'application/json',
    prefer: 'return=minimal',
  });
  expect(JSON.parse(insert?.body ?? '')).toEqual({ ...row.kept[0], ts: '2023-11-14T22:13:33.000Z' });
});

it('has a column for every member of a row', () => {
  const root = join(import.meta.dirname, '../../../..');
  const sql = readFileSync(join(root, 'supabase/migrations/20260910000000_ingest_events.sql'), 'utf8');
  const columns = [...sql.matchAll(/^ {2}(\w+) (?:text|bigint|timestamptz|boolean)/gm)].map(([, name]) => name);
  expect(new Set(columns)).toEqual(new Set(['id', ...Object.keys(row.kept[0] ?? {}), 'received_at']));
});

it('mirrors what it has published', async (context) => {
  needed(missing, context);
  const mirror = await receiver(204);
  closing.push(() => mirror.close());
  const edge = await edgeWith({ REDIS_URL: redis.url, TIMESERIES_WEBHOOK_URL: `${mirror.url}/series` });
  await fetch(requestOf(row, edge.url));
  await vi.waitFor(() => expect(mirror.received).toHaveLength(1), { timeout: 10_000 });
  const record = { ts: 1_700_000_013, channel: 'embed_updates', event: 'embed.start', batch_tag: 't' };
  expect(JSON.parse(mirror.received[0]?.body ?? '')).toEqual(record);
});

it('takes a usual environment for what is not set', async (context) => {
  needed(missing, context);
  const edge = await edgeWith({ REDIS_URL: redis.url });
  for (const channel of ['ingest_updates', 'embed_updates']) {
    const body = { action: 'publish', channel, message: 'x'.repeat(32_768) };
    const response = await fetch(requestOf({ ...row, request: { body } }, edge.url));
    expect(await response.json()).toEqual({ status: 'published', channel, persisted: false });
  }
});

it('does not start with a setting that is none', async (context) => {
  needed(missing, context);
  const failure = await edgeWith({ EVENT_SCHEMA: 'maybe' }).catch((error) => error);
  expect(failure).toBeInstanceOf(EdgeEndedError);
  expect(failure.message).toContain('EVENT_SCHEMA is off, warn or enforce, not maybe');
});

describe('Redis', () => {
  it('that goes away is 502, and that comes back is published to', async (context) => {
    needed(missing, context);
    const own = await startRedis();
    closing.push(() => own.stop());
    const edge = await edgeWith({ REDIS_URL: own.url });
    const publish = async () => (await fetch(requestOf(row, edge.url))).status;
    expect(await publish()).toBe(200);
    await own.kill();
    expect([await publish(), await publish()]).toEqual([502, 502]);
    await own.restart();
    const listener = new Listener(own.url);
    closing.push(() => listener.close());
    await listener.begin();
    expect(await publish()).toBe(200);
    // What failed is not published after all.
    expect(await listener.take()).toEqual(row.published);
    expect(edge.log()).toContain('publish failed on embed_updates: Redis is not reached');
  });

  it('whose connection is gone costs no message', async (context) => {
    needed(missing, context);
    const own = await startRedis();
    closing.push(() => own.stop());
    const edge = await edgeWith({ REDIS_URL: own.url });
    await fetch(requestOf(row, edge.url));
    await own.kill();
    await own.restart();
    const listener = new Listener(own.url);
    closing.push(() => listener.close());
    await listener.begin();
    expect((await fetch(requestOf(row, edge.url))).status).toBe(200);
    expect(await listener.take()).toEqual(row.published);
  });

  it('that takes connections and says nothing is 502', async (context) => {
    needed(missing, context);
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => sockets.add(socket)).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    closing.push(() => {
      silent.close();
      for (const socket of sockets) socket.destroy();
    });
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const edge = await edgeWith({ REDIS_URL: `redis://127.0.0.1:${port}` });
    // Aborted, and not answered, where it takes longer than it may.
    const response = await fetch(requestOf(row, edge.url), { signal: AbortSignal.timeout(5_000) });
    expect([response.status, await response.json()]).toEqual([502, { error: 'publish failed' }]);
    // The connection itself is given up, and not only waited for no longer.
    expect(edge.log()).toContain('Redis is not reached');
  });

  it('that is not configured is 502', async (context) => {
    needed(missing, context);
    const edge = await edgeWith({});
    expect((await fetch(requestOf(row, edge.url))).status).toBe(502);
    expect(edge.log()).toContain('REDIS_URL is not set');
  });
});
