import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { get, ingest } from './client.ts';
import {
  eventually,
  makeDataDir,
  removeDataDir,
  report,
  residentMiB,
  settled,
  startWith,
  useServer,
} from './server.ts';
import { Watcher } from './watcher.ts';

async function watchersNow(url: string): Promise<number> {
  const { text } = await get(url, '/metrics');
  return Number(/^tidemark_watch_clients (\d+)$/m.exec(text)?.[1]);
}

describe('WATCH_MAX_CLIENTS', () => {
  const server = useServer({ watchMaxClients: 3 });

  it('turns away one too many with 503, and takes the next when one has left', async () => {
    const watchers = await Promise.all([1, 2, 3].map(() => Watcher.open(server.url)));
    onTestFinished(() => {
      for (const watcher of watchers) watcher.close();
    });
    const { status, headers, body } = await get(server.url, '/watch');
    expect([status, body.error]).toEqual([503, 'too-many-watchers']);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    watchers[0]!.close();
    await eventually(async () => expect(await watchersNow(server.url)).toBe(2));
    watchers[0] = await Watcher.open(server.url);
    expect(watchers[0].status).toBe(200);
  });
});

const BATCHES = 10;
const BATCH = 1000;
const EVENTS = BATCHES * BATCH;

/** About half a kilobyte an event: 5 MB of events are 15 MB of messages. */
async function publish(url: string, run = ''): Promise<void> {
  const filler = 'x'.repeat(500);
  let last = '';
  for (let batch = 0; batch < BATCHES; batch++) {
    const lines = Array.from({ length: BATCH }, (_, n) => JSON.stringify({ id: `${run}/${batch}/${n}`, filler }));
    const { status, body } = await ingest(url, lines.join('\n'), { 'content-type': 'application/x-ndjson' });
    expect(status).toBe(200);
    last = body.inserted.at(-1);
  }
  await settled(url, last);
}

/** Asks for everything and takes nothing. */
function stall(url: string): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined).pause();
  socket.write('GET /watch?since=earliest HTTP/1.1\r\nhost: localhost\r\n\r\n');
  onTestFinished(() => void socket.destroy());
  return socket;
}

async function allReach(watcher: Watcher): Promise<void> {
  await watcher.until(({ frames }) => frames.length > EVENTS);
  expect(new Set(watcher.messages('certified').map(({ eventId }) => eventId)).size).toBe(EVENTS);
}

describe('clients that take nothing', () => {
  const server = useServer({ anchor: 'none' });

  async function liveClientGets(run: string): Promise<number> {
    const live = await Watcher.open(server.url, '?type=certified');
    onTestFinished(() => live.close());
    const startedAt = performance.now();
    await publish(server.url, run);
    await allReach(live);
    return performance.now() - startedAt;
  }

  it('cost the others nothing, and the server no memory', async () => {
    await publish(server.url, 'warm-up');
    const alone = await liveClientGets('alone');
    const before = residentMiB(server.process.pid);
    const stalled = Array.from({ length: 30 }, () => stall(server.url));
    await eventually(async () => expect(await watchersNow(server.url)).toBe(31));
    const among = await liveClientGets('among');
    expect(await watchersNow(server.url)).toBe(32);
    const after = residentMiB(server.process.pid);
    report(`${EVENTS} events to a live client: ${alone.toFixed(0)} ms alone, ${among.toFixed(0)} ms among 30 stalled`);
    if (before === undefined || after === undefined) return;
    report(`resident memory: ${before.toFixed(0)} MiB before, ${after.toFixed(0)} MiB with 30 stalled clients`);
    // Each is some 30 MB behind. What is bounded: the shared messages, and for each a chunk and its socket's buffer.
    expect(after - before).toBeLessThan(250);
    for (const socket of stalled) socket.destroy();
  });

  it('and begin to read later, get everything from storage', async () => {
    const late = await Watcher.open(server.url, '?since=earliest&type=certified');
    onTestFinished(() => late.close());
    await late.until(({ frames }) => frames.length > 3 * EVENTS);
    expect(new Set(late.messages('certified').map(({ eventId }) => eventId)).size).toBe(3 * EVENTS);
  });
});

describe('clients that take nothing for four heartbeats', () => {
  const server = useServer({ anchor: 'none', ingestSseHeartbeatMs: 250 });

  it('are closed, and those that read are not', async () => {
    await publish(server.url);
    const live = await Watcher.open(server.url, '?type=certified');
    onTestFinished(() => live.close());
    stall(server.url);
    await eventually(async () => expect(await watchersNow(server.url)).toBe(2));
    await eventually(async () => expect(await watchersNow(server.url)).toBe(1));
    expect(live.ended).toBe(false);
  });
});

describe('shutdown', () => {
  it('ends every stream with a word to come back, and the process with 0', async () => {
    const dataDir = makeDataDir();
    onTestFinished(() => removeDataDir(dataDir));
    const server = await startWith(dataDir, {});
    const watchers = await Promise.all([1, 2, 3].map(() => Watcher.open(server.url, '?since=earliest')));
    expect(await server.stop()).toBe(0);
    for (const watcher of watchers) {
      await watcher.until(({ ended }) => ended);
      expect(watcher.frames.at(-1)?.comments).toEqual([': the server is going down; come back with Last-Event-ID']);
    }
  });

  it('does not wait for a client that takes nothing', async () => {
    const dataDir = makeDataDir();
    onTestFinished(() => removeDataDir(dataDir));
    const server = await startWith(dataDir, {});
    await publish(server.url);
    stall(server.url);
    await eventually(async () => expect(await watchersNow(server.url)).toBe(1));
    expect(await server.stop()).toBe(0);
  });
});
