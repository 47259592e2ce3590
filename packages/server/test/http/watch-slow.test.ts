/** Clients whose sockets really take nothing for a while, or for good, on either transport. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { get, ingest, type Json } from './client.ts';
import { RawConnection, upgrade } from './raw-connection.ts';
import { AT_ONCE, eventually, makeDataDir, removeDataDir, settled, startWith, useServer } from './server.ts';
import { SocketWatcher } from './socket-watcher.ts';
import { Watcher } from './watcher.ts';

const SETTINGS = { anchor: 'none', streams: [{ id: 'default', publish: AT_ONCE }] };
const BATCHES = 16;
const BATCH = 500;
const FILLER = 'x'.repeat(2000);

async function watchersNow(url: string): Promise<number> {
  const { text } = await get(url, '/metrics');
  return Number(/^tidemark_watch_clients (\d+)$/m.exec(text)?.[1]);
}

/** 16 MB of events in 20 hues, more than sockets of this machine hold. @returns ids in the order of the log */
async function publish(url: string, run: string): Promise<string[]> {
  const ids: string[] = [];
  for (let batch = 0; batch < BATCHES; batch++) {
    const events = Array.from({ length: BATCH }, (_, n) => ({
      id: `${run}/${batch}/${n}`,
      hue: n % 20,
      filler: FILLER,
    }));
    const lines = events.map((event) => JSON.stringify(event)).join('\n');
    const { status, body } = await ingest(url, lines, { 'content-type': 'application/x-ndjson' });
    expect(status).toBe(200);
    ids.push(...body.inserted);
    // One after the other, so that a slow client is slow in several rounds.
    await settled(url, ids.at(-1)!);
  }
  return ids;
}

type Reader = Watcher | SocketWatcher;
const messagesOf = (reader: Reader): Json[] =>
  reader instanceof SocketWatcher
    ? reader.all
    : reader.frames.filter(({ data }) => data !== undefined).map(({ id, data }) => ({ id, ...data }));

describe('a client that stalls while much is told', () => {
  const server = useServer({ ...SETTINGS, watchQueueBytes: 65_536 });

  /** Pauses until all is published, then reads. */
  async function stallDuring(query: string): Promise<{ client: SocketWatcher; ids: string[] }> {
    const client = new SocketWatcher(server.url, query);
    onTestFinished(() => client.cut());
    await client.until(({ all }) => all.length > 0);
    client.socket.pause();
    const ids = await publish(server.url, query);
    client.socket.resume();
    return { client, ids };
  }

  it('with complete reads on from storage', async () => {
    const { client, ids } = await stallDuring('?type=certified&slow=complete');
    await client.until((one) => one.messages('certified').length === ids.length);
    expect(client.messages('certified').map(({ eventId }) => eventId)).toEqual(ids);
    expect(client.messages('gap')).toEqual([]);
  });

  it('with close hears why once it reads, and comes back for the rest', async () => {
    const { client, ids } = await stallDuring('?type=certified&slow=close');
    await client.until(({ closed }) => closed !== undefined);
    expect(client.closed).toEqual({ code: 1013, reason: expect.stringContaining('too much waits') });
    const told = client.messages('certified');
    expect(told.length).toBeLessThan(ids.length);
    const back = new SocketWatcher(server.url, `?type=certified&since=${client.lastId}`);
    onTestFinished(() => back.cut());
    await back.until((one) => told.length + one.messages('certified').length === ids.length);
    expect([...told, ...back.messages('certified')].map(({ eventId }) => eventId)).toEqual(ids);
  });

  it('with close hears why in a comment of the event stream', async () => {
    const connection = new RawConnection(server.url).send(
      'GET /watch?type=certified&slow=close HTTP/1.1',
      'host: localhost',
    );
    await connection.until(({ text }) => text.includes('hello'));
    connection.stall();
    await publish(server.url, 'comment');
    await eventually(async () => expect(await watchersNow(server.url)).toBe(0));
    connection.socket.resume();
    // Nobody may come back on the connection that he was turned away from.
    await connection.until(({ ended }) => ended);
    expect(connection.text).toMatch(/^connection: close\r$/m);
    expect(connection.text).toMatch(
      /\n\n\r\n[0-9a-f]+\r\n: too much waits for this connection[^\n]*\n\n\r\n0\r\n\r\n$/,
    );
  });

  it('with thin is told how much it misses, and can read it again', async () => {
    const { client, ids } = await stallDuring('?type=certified&slow=thin');
    const count = () =>
      client.all.reduce((sum, { type, skipped }) => sum + (type === 'certified' ? 1 : (skipped ?? 0)), 0);
    await client.until(() => count() >= ids.length);
    const gaps = client.messages('gap');
    expect(gaps.length).toBeGreaterThan(0);
    const told: string[] = [];
    for (const message of client.all) {
      if (message.type === 'certified') told.push(message.eventId);
      if (message.type !== 'gap') continue;
      expect(message.reason).toBe('slow');
      const again = new SocketWatcher(server.url, `?type=certified&since=${message.cursor}`);
      await again.until((one) => one.messages('certified').length >= message.skipped);
      const skipped = again.messages('certified').slice(0, message.skipped);
      again.cut();
      const leaves = message.missing.reduce((sum: number, { start, end }: Json) => sum + end - start, 0);
      expect(leaves).toBe(message.skipped);
      told.push(...skipped.map(({ eventId }) => eventId));
    }
    expect(told).toEqual(ids);
  });

  it('with conflate is told the newest of each key', async () => {
    const { client, ids } = await stallDuring('?type=certified&slow=conflate&key=hue');
    await client.until(({ all }) => all.at(-1)?.eventId === ids.at(-1));
    const gap = client.all.findLast(({ type }) => type === 'gap');
    expect(gap.reason).toBe('conflated');
    const after = client.all.slice(client.all.indexOf(gap) + 1).filter(({ type }) => type === 'certified');
    const last = new Map(after.map(({ eventId, normalized }) => [normalized.hue, eventId]));
    expect(last.size).toBe(20);
    expect(new Set(last.values())).toEqual(new Set(ids.slice(-20)));
    const told = client.messages('certified').length;
    const skipped = client.messages('gap').reduce((sum, { skipped }) => sum + skipped, 0);
    expect(told + skipped).toBe(ids.length);
  });
});

const REQUESTS: [string, string[]][] = [
  ['server-sent events', ['GET /watch?since=earliest HTTP/1.1', 'host: localhost']],
  ['WebSocket', upgrade('/watch?since=earliest')],
];

describe('clients that take nothing for good', () => {
  const server = useServer({ ...SETTINGS, ingestSseHeartbeatMs: 250, watchMaxClients: 2 });

  it.each(REQUESTS)('are cut after four heartbeats, over %s', async (transport, lines) => {
    await publish(server.url, transport);
    const live = await Watcher.open(server.url, '?type=certified');
    onTestFinished(() => live.close());
    new RawConnection(server.url).stall().send(...lines);
    await eventually(async () => expect(await watchersNow(server.url)).toBe(2));
    await eventually(async () => expect(await watchersNow(server.url)).toBe(1));
    // The connection is gone, and its place is free.
    await eventually(async () => {
      const next = await Watcher.open(server.url);
      next.close();
      expect(next.status).toBe(200);
    });
    expect(live.ended).toBe(false);
    live.close();
    await eventually(async () => expect(await watchersNow(server.url)).toBe(0));
  });
});

describe('a client that takes little at a time', () => {
  const server = useServer({ ...SETTINGS, ingestSseHeartbeatMs: 1000, watchQueueBytes: 32_000_000 });

  it('is not taken for one that takes nothing', async () => {
    const connection = new RawConnection(server.url);
    const { socket } = connection.send('GET /watch?type=certified&slow=thin HTTP/1.1', 'host: localhost');
    await connection.until(({ text }) => text.includes('hello'));
    connection.stall().socket.removeAllListeners('data');
    await publish(server.url, 'little');
    // A megabyte a second: what waits is one write to the socket, and takes more than four heartbeats.
    let taken = 0;
    const sip = setInterval(() => {
      taken += (socket.read(Math.min(socket.readableLength, 100_000)) ?? Buffer.alloc(0)).length;
    }, 100);
    onTestFinished(() => clearInterval(sip));
    socket.on('readable', () => undefined);
    await eventually(() => expect(connection.ended || taken > 15_000_000).toBe(true));
    expect(connection.ended).toBe(false);
  });
});

describe('shutdown', () => {
  it('ends both transports with a word, and does not wait for those that take nothing', async () => {
    const dataDir = makeDataDir();
    onTestFinished(() => removeDataDir(dataDir));
    const server = await startWith(dataDir, SETTINGS);
    await publish(server.url, 'before');
    const readers: Reader[] = [await Watcher.open(server.url), new SocketWatcher(server.url)];
    for (const [, lines] of REQUESTS) new RawConnection(server.url).stall().send(...lines);
    await eventually(async () => expect(await watchersNow(server.url)).toBe(4));
    await eventually(() => expect(readers.every((reader) => messagesOf(reader).length > 0)).toBe(true));
    expect(await server.stop()).toBe(0);
    const [events, socket] = readers as [Watcher, SocketWatcher];
    await events.until(({ ended }) => ended);
    expect(events.frames.at(-1)?.comments).toEqual([': the server is going down; come back with Last-Event-ID']);
    await socket.until(({ closed }) => closed !== undefined);
    expect(socket.closed).toEqual({ code: 1001, reason: 'the server is going down; come back with the last id' });
  });
});
