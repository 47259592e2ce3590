/** The spool and a real server, both killed; the target of its messages, which is away for a while; a real Redis. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Packr } from 'msgpackr';
import { expect, test } from 'vitest';
import { fsck } from '../../src/fsck/index.ts';
import { replay } from '../../src/replay/index.ts';
import { get, type Json } from '../http/client.ts';
import { eventually, makeDataDir, packetLines, removeDataDir, startWith } from '../http/server.ts';
import { needed } from '../notify/event-publish-runner.ts';
import { Directories } from '../support/directories.ts';
import { hasRedis, startRedis } from '../support/redis.ts';
import { startSpool, throughKills } from './kills.ts';
import { tree } from './spools.ts';

const RECORDS = 100_000;
const FILES = 5;
const packr = new Packr({ useRecords: false });
const TOPICS = ['the river', 'a ferry', 'the bakery', 'wolves', 'a reactor', 'the harbour office'];

/** As fine-tuning sets have them: an instruction or a text, where it is from, and the hash of its content. */
function record(n: number): object {
  const text = `Report ${n}: ${TOPICS[n % TOPICS.length]} was seen again, ${n % 97} times in ${n % 31} days, said observer ${n % 1009}.`;
  const metadata = {
    content_hash: createHash('sha256').update(text).digest('hex'),
    page: n % 500,
    tags: ['report', `t${n % 7}`],
  };
  return n % 3 === 0 ? { instruction: text, metadata } : { text, metadata, source: `feed-${n % 5}` };
}

function fill(dir: string): void {
  mkdirSync(join(dir, 'incoming'), { recursive: true });
  const each = RECORDS / FILES;
  for (let file = 0; file < FILES; file++) {
    const records = Array.from({ length: each }, (_, n) => record(file * each + n));
    writeFileSync(join(dir, 'incoming', `part-${file}.msgpack`), packr.pack({ records, source: 'crawl' }));
  }
}

/** Passes requests on to the server, wherever that is by now, or breaks all of them off. */
async function gateway(target: () => string) {
  let down = false;
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const { method = 'GET', url = '/' } = request;
    const { authorization, 'content-type': type } = request.headers;
    const headers = { ...(authorization && { authorization }), ...(type && { 'content-type': type }) };
    const body = method === 'GET' ? {} : { body: Buffer.concat(parts) };
    try {
      if (down) throw new RangeError('down');
      const answer = await fetch(new URL(url, target()), { method, headers, ...body });
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
    } catch {
      request.socket.destroy();
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    goDown: () => {
      down = true;
    },
    comeUp: () => {
      down = false;
    },
    close: () => server.close(),
  };
}

test('100,000 records through twenty kills: each once, one certificate, each message in its order', async (context) => {
  needed(hasRedis() ? undefined : 'no redis-server: scripts/install-services.sh installs it', context);
  const directories = new Directories();
  const redis = await startRedis();
  const dataDir = makeDataDir();
  const settings = {
    edgeToken: 'edge-token-of-the-test',
    redisUrl: redis.url,
    streams: [{ id: 'spool', search: [] }],
    sources: [{ id: 'spool', dedup: 'first' }],
  };
  const server = await startWith(dataDir, settings);
  const target = await gateway(() => server.url);
  target.goDown();
  const subscriber = new Redis(redis.url);
  const heard: Json[] = [];
  await subscriber.subscribe('ingest_updates', 'embed_updates');
  subscriber.on('message', (_, message) => heard.push(JSON.parse(message)));

  const dir = directories.next();
  fill(dir);
  const env = {
    ...{
      SPOOL_DIR: dir,
      SPOOL_URL: server.url,
      SPOOL_SETTLE_MS: '1',
      SPOOL_BATCH_TAG: 'crawl',
      SPOOL_NOTIFY_WAIT: '0',
    },
    ...{ EDGE_URL: `${target.url}/event-publish`, EDGE_TOKEN: 'edge-token-of-the-test' },
  };
  const args = ['--once', '--json'];
  const killed = await throughKills({ args, env, kills: 20, withinMs: 700, seed: 20_261_122 });
  expect(killed.kills).toBe(20);
  // Done, and its messages wait.
  expect(killed.code).toBe(3);
  // Nobody has been told anything: the target was away all the time.
  expect(heard).toEqual([]);
  target.comeUp();
  const { code } = await startSpool(args, { ...env, SPOOL_NOTIFY_WAIT: '60' }).ended;
  expect(code).toBe(0);
  await eventually(() => expect(heard.map(({ event }) => event)).toContain('embed.start'));

  const { body: batch } = await get(server.url, '/batches/crawl');
  expect(batch).toMatchObject({ state: 'embedding', certified: true, records: RECORDS, processed: RECORDS });
  expect(new Set(heard.map(({ event, batch_tag }) => `${event}:${batch_tag}`))).toEqual(
    new Set(['gate.open:crawl', 'gate.done:crawl', 'embed.start:crawl']),
  );
  expect([...new Set(heard.map(({ event }) => event))]).toEqual(['gate.open', 'gate.done', 'embed.start']);
  expect(heard.find(({ event }) => event === 'gate.done')).toMatchObject({
    ...{ status: 'success', processed: RECORDS, inserted: RECORDS, duplicates: 0, version_id: batch.versionId },
  });
  expect(tree(dir).sort()).toEqual(Array.from({ length: FILES }, (_, n) => `archive/crawl/part-${n}.msgpack`));

  expect(await server.stop()).toBe(0);
  const texts = packetLines(dataDir).flatMap(({ leaf, payload }) => (leaf.kind === 'record' ? [payload?.text] : []));
  expect(texts).toHaveLength(RECORDS);
  expect(new Set(texts).size).toBe(RECORDS);
  expect(fsck(dataDir).violations).toEqual([]);
  expect((await replay(dataDir)).equal).toBe(true);
  subscriber.disconnect();
  target.close();
  await redis.stop();
  removeDataDir(dataDir);
  directories.remove();
}, 300_000);

test('a server that is killed with the batch half way costs nothing but time', async () => {
  const directories = new Directories();
  const dataDir = makeDataDir();
  let server = await startWith(dataDir, { streams: [{ id: 'spool', search: [] }] });
  const front = await gateway(() => server.url);
  const dir = directories.next();
  mkdirSync(join(dir, 'incoming'), { recursive: true });
  const lines = Array.from({ length: 60_000 }, (_, n) => JSON.stringify({ text: `line ${n}` }));
  writeFileSync(join(dir, 'incoming', 'lines.ndjson'), lines.join('\n'));
  const env = {
    ...{ SPOOL_DIR: dir, SPOOL_URL: front.url, SPOOL_SETTLE_MS: '1', SPOOL_BATCH_TAG: 'lines' },
    TIDEMARK_DATA: dataDir,
  };
  const spool = startSpool(['--once', '--json'], env);
  await eventually(async () => expect((await get(server.url, '/batches/lines')).body.leaves).not.toBeNull());
  for (let kill = 0; kill < 3; kill++) {
    await server.kill();
    server = await startWith(dataDir, { streams: [{ id: 'spool', search: [] }] });
  }
  const { code, stdout } = await spool.ended;
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ batch_tag: 'lines', status: 'success', inserted: 60_000 });
  const { body } = await get(server.url, '/batches/lines');
  expect(body).toMatchObject({ certified: true, records: 60_000, processed: 60_000 });
  expect(await server.stop()).toBe(0);
  expect(fsck(dataDir).violations).toEqual([]);
  expect(tree(dir)).toEqual(['archive/lines/lines.ndjson']);
  front.close();
  removeDataDir(dataDir);
  directories.remove();
}, 300_000);
