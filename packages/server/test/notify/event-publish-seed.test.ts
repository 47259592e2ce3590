/** The subscribers that users have, word for word as they were given (`seed/`), hear what the handler publishes. */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';
import { afterEach, expect, it, type TestContext, vi } from 'vitest';
import { eventPublish } from '../../src/notify/event-publish.ts';
import { type RedisServer, redisOrSkip } from '../support/redis.ts';
import { needed, requestOf } from './event-publish-runner.ts';
import { PROFILES, ROWS } from './event-publish-table.ts';

const SEED = join(import.meta.dirname, 'seed');
const PYTHON = '/usr/bin/python3';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Subscriber {
  command: string;
  args: readonly string[];
  env: (redis: RedisServer) => Record<string, string>;
  /** A line that it prints of a message. */
  line: (channel: string, event: string) => RegExp;
}

const python: Subscriber = {
  command: PYTHON,
  args: ['-u', '-'],
  env: ({ port }) => ({ REDIS_HOST: '127.0.0.1', REDIS_PORT: String(port) }),
  line: (channel, event) => new RegExp(`^chan= b'${channel}' evt= \\{'event': '${event}', 'batch_tag': 't'.*\\}$`),
};
const node: Subscriber = {
  command: process.execPath,
  args: ['--input-type=module', '-'],
  env: ({ url }) => ({ REDIS_URL: url, NO_COLOR: '1' }),
  line: (channel, event) => new RegExp(`^${channel} \\{`.concat(`.*event: '${event}',.*batch_tag: 't'`)),
};

/** Publishes through the handler, one after the other, when the subscriber is there: it is not at once. */
async function publishAll(redis: RedisServer, hears: (text: string) => boolean): Promise<void> {
  const client = new Redis(redis.url);
  closing.push(() => client.disconnect());
  const handler = eventPublish(PROFILES.usual.settings, {
    publish: async ({ channel, message }) => {
      await client.publish(channel, message);
      return 'published';
    },
    warn: (message) => expect.fail(message),
    now: Date.now,
  });
  await vi.waitFor(
    async () => {
      await client.publish('ingest_updates', '"anybody?"');
      expect(hears('anybody?')).toBe(true);
    },
    { timeout: 20_000 },
  );
  for (const name of ['gate.open', 'gate.done', 'embed.start']) {
    const row = ROWS.find((one) => one.name === name)!;
    expect((await handler(requestOf(row, 'http://tidemark.example/event-publish'))).status).toBe(200);
  }
}

/** What it prints of those three messages. */
async function heard(file: string, { command, args, env }: Subscriber, redis: RedisServer): Promise<string[]> {
  const child = spawn(command, args, {
    cwd: import.meta.dirname,
    env: { PATH: process.env.PATH, ...env(redis) },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = new Promise((resolve) => child.once('close', resolve));
  closing.push(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  child.stdin.end(readFileSync(join(SEED, file)));
  let output = '';
  createInterface({ input: child.stdout }).on('line', (line) => {
    output += `${line}\n`;
  });
  await publishAll(redis, (text) => output.includes(text));
  await vi.waitFor(() => expect(output).toContain('embed.start'), { timeout: 20_000 });
  // Node prints what is long over several lines.
  const lines = output
    .replaceAll(/\n(?=[ }])/g, ' ')
    .trimEnd()
    .split('\n');
  return lines.filter((line) => !line.includes('anybody?'));
}

const EVENTS = [
  ['ingest_updates', 'gate.open'],
  ['ingest_updates', 'gate.done'],
  ['embed_updates', 'embed.start'],
] as const;

async function check(file: string, subscriber: Subscriber, context: TestContext): Promise<void> {
  const redis = await redisOrSkip(context);
  closing.push(() => redis.stop());
  const lines = await heard(file, subscriber, redis);
  expect(lines).toHaveLength(EVENTS.length);
  for (const [index, [channel, event]] of EVENTS.entries()) {
    expect(lines[index]?.replaceAll(/ +/g, ' ')).toMatch(subscriber.line(channel, event));
  }
}

it('the one in Python hears them', async (context) => {
  const found = spawnSync(PYTHON, ['-c', 'import redis']).status === 0;
  needed(found ? undefined : 'no redis-py: scripts/install-services.sh installs it', context);
  await check('subscriber.py', python, context);
});

it('the one in Node hears them', async (context) => {
  await check('subscriber-node.txt', node, context);
});
