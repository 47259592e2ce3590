/** The Edge Function under Deno, with a Redis and what stands in for the project's PostgREST. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { Redis } from 'ioredis';
import type { PublishRow } from '../../src/notify/event-publish-row.ts';
import type { RedisServer } from '../support/redis.ts';
import type { Subject } from './event-publish-runner.ts';
import { type Profile, RECEIVED_TS } from './event-publish-table.ts';

const ROOT = join(import.meta.dirname, '../../../..');
const DENO = join(ROOT, 'node_modules/.bin/deno');
const FUNCTION = join(ROOT, 'supabase/functions/event-publish');
export const SERVICE_KEY = 'service-role-key';

export const hasDeno = existsSync(DENO);

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Receiver {
  url: string;
  received: Received[];
  close(): void;
}

/** An HTTP server that answers everything alike. */
export async function receiver(status: number): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    received.push({ path: request.url ?? '', headers: request.headers, body: await text(request) });
    response.writeHead(status).end();
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received, close };
}

export interface EdgeFunction {
  url: string;
  /** What it wrote to standard error. */
  log(): string;
  stop(): Promise<void>;
}

/** Nothing but the network of this machine is permitted. */
export async function startEdge(env: Record<string, string>): Promise<EdgeFunction> {
  const cache = mkdtempSync(join(tmpdir(), 'tidemark-deno-'));
  const flags = ['--no-remote', '--no-prompt', '--no-lock', '--allow-env', '--allow-net=127.0.0.1'];
  const own = { DENO_DIR: cache, DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1', DENO_SERVE_ADDRESS: 'tcp:127.0.0.1:0' };
  const child = spawn(DENO, ['run', ...flags, '--config', join(FUNCTION, 'deno.json'), join(FUNCTION, 'index.ts')], {
    env: { PATH: process.env.PATH, ...own, ...env },
    // What npm installs may be a script that starts Deno: both are ended.
    detached: true,
  });
  const killNow = () => endGroup(child.pid);
  process.once('exit', killNow);
  const exited = new Promise((resolve) => child.once('close', resolve));
  let log = '';
  const listening = Promise.withResolvers<string>();
  child.stdout.resume();
  createInterface({ input: child.stderr }).on('line', (line) => {
    log += `${line}\n`;
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line);
    if (url !== null) listening.resolve(url[0]);
  });
  const stop = async () => {
    killNow();
    await exited;
    process.off('exit', killNow);
    rmSync(cache, { recursive: true, force: true });
  };
  const url = await Promise.race([listening.promise, exited.then(() => undefined)]);
  if (url === undefined) {
    await stop();
    throw new EdgeEndedError(log);
  }
  return { url: `${url}/event-publish`, log: () => log, stop };
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // It has ended by itself.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** The function ended before it listened; the message has what it wrote. */
export class EdgeEndedError extends Error {
  readonly code = 'ended-early';
}

/** Published on any channel, in order. */
export class Listener {
  readonly #sub: Redis;
  readonly #pub: Redis;
  #messages: [string, string][] = [];
  #seen: (() => void) | undefined;

  constructor(url: string) {
    this.#sub = new Redis(url);
    this.#pub = new Redis(url);
    this.#sub.on('pmessage', (_pattern: string, channel: string, message: string) => {
      if (channel === 'so-far') this.#seen?.();
      else this.#messages.push([channel, message]);
    });
  }

  async begin(): Promise<void> {
    await this.#sub.psubscribe('*');
  }

  /** What was published by now: Redis keeps the order, and what it is told last it says last. */
  async take(): Promise<[string, string][]> {
    const seen = new Promise<void>((resolve) => {
      this.#seen = resolve;
    });
    await this.#pub.publish('so-far', '');
    await seen;
    const messages = this.#messages;
    this.#messages = [];
    return messages;
  }

  close(): void {
    this.#sub.disconnect();
    this.#pub.disconnect();
  }
}

/** The function as a profile says. */
export async function atTheEdge({ settings, keeps, fails }: Profile, redis: RedisServer): Promise<Subject> {
  const rest = await receiver(fails === 'persist' ? 500 : 201);
  const mirror = await receiver(fails === 'mirror' ? 500 : 204);
  const listener = new Listener(redis.url);
  await listener.begin();
  const startedAt = Math.floor(Date.now() / 1000);
  const edge = await startEdge({
    EDGE_TOKEN: settings.tokens.join(','),
    ALLOWED_CHANNELS: settings.allowedChannels.join(','),
    MAX_MESSAGE_BYTES: String(settings.maxMessageBytes),
    EVENT_SCHEMA: settings.schema,
    TIMESERIES_WEBHOOK_URL: mirror.url,
    // Nothing listens on the first port.
    REDIS_URL: fails === 'publish' ? 'redis://127.0.0.1:1' : redis.url,
    ...(keeps && { SUPABASE_URL: rest.url, SUPABASE_SERVICE_ROLE_KEY: SERVICE_KEY }),
  });
  const isNow = (ts: number) => ts >= startedAt && ts <= Date.now() / 1000;
  const rowFrom = ({ body }: Received): PublishRow => {
    const row = JSON.parse(body) as Omit<PublishRow, 'ts'> & { ts: string };
    const ts = Date.parse(row.ts) / 1000;
    return { ...row, ts: isNow(ts) ? RECEIVED_TS : ts };
  };
  return {
    url: edge.url,
    call: fetch,
    observed: async () => {
      const kept = fails === 'persist' ? [] : rest.received.splice(0).map(rowFrom);
      return { kept, published: await listener.take() };
    },
    close: async () => {
      await edge.stop();
      listener.close();
      rest.close();
      mirror.close();
    },
  };
}
