/** A Redis of a test's own: a real `redis-server` on a free port of loopback, which keeps nothing. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, type TestContext } from 'vitest';

/** The server ended before it was ready; the message has what it wrote. */
export class RedisServerError extends Error {
  readonly code = 'ended-early';

  constructor(message: string) {
    super(message);
    this.name = 'RedisServerError';
  }
}

export interface RedisServer {
  url: string;
  port: number;
  readonly pid: number;
  /** An orderly end; its directory is deleted. */
  stop(): Promise<void>;
  /** SIGKILL. Settles when the process is gone. */
  kill(): Promise<void>;
  /** After `kill`, on the same port. */
  restart(): Promise<void>;
}

/** Another process may take a port between the moment that it is found free and its use. */
const ATTEMPTS = 5;

/** @param args more arguments for `redis-server` */
export async function startRedis(args: readonly string[] = []): Promise<RedisServer> {
  const dir = mkdtempSync(join(tmpdir(), 'tidemark-redis-'));
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    try {
      return serverOf(port, dir, args, await launch(port, dir, args));
    } catch (error) {
      if (attempt < ATTEMPTS) continue;
      rmSync(dir, { recursive: true, force: true });
      throw error;
    }
  }
}

/** Whether there is a `redis-server` here. */
export function hasRedis(): boolean {
  return spawnSync('redis-server', ['--version']).status === 0;
}

/** Starts one, or skips the test with a message; where services are required it fails. */
export async function redisOrSkip({ skip }: Pick<TestContext, 'skip'>): Promise<RedisServer> {
  const missing = 'no redis-server: scripts/install-services.sh installs it';
  const found = hasRedis();
  if (process.env.REQUIRE_SERVICES === '1') expect(found, missing).toBe(true);
  skip(!found, missing);
  return startRedis();
}

function serverOf(port: number, dir: string, args: readonly string[], first: ChildProcess): RedisServer {
  let child = first;
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return child.pid!;
    },
    stop: async () => {
      await end('SIGTERM');
      rmSync(dir, { recursive: true, force: true });
    },
    kill: () => end('SIGKILL'),
    restart: async () => {
      child = await launch(port, dir, args);
    },
  };
}

/** @throws RedisServerError */
async function launch(port: number, dir: string, args: readonly string[]): Promise<ChildProcess> {
  const own = ['--bind', '127.0.0.1', '--port', String(port), '--dir', dir, '--save', '', '--appendonly', 'no'];
  const child = spawn('redis-server', [...own, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const killNow = () => child.kill('SIGKILL');
  process.once('exit', killNow);
  child.once('exit', () => process.off('exit', killNow));
  const spawned = Promise.withResolvers<void>();
  child.once('spawn', spawned.resolve);
  child.once('error', spawned.reject);
  await spawned.promise;
  const output: string[] = [];
  for await (const line of createInterface({ input: child.stdout! })) {
    output.push(line);
    if (!line.includes('Ready to accept connections')) continue;
    // What it writes from now on is let go, lest it should wait for a reader.
    child.stdout?.resume();
    return child;
  }
  throw new RedisServerError(output.join('\n'));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
