/** Server-sent events and WebSocket are two ways to read one feed. */
import { cpSync, rmSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Json, post } from './client.ts';
import { randomNumbers } from './random.ts';
import { AT_ONCE, makeDataDir, removeDataDir, settled, startWith, useServer, wholeFeed } from './server.ts';
import { SocketWatcher } from './socket-watcher.ts';
import { Watcher } from './watcher.ts';

const SETTINGS = {
  sources: ['red', 'blue'].map((id) => ({ id, policy: { constraints: { bounds: { n: { max: 900 } } } } })),
  streams: ['red', 'blue'].map((id) => ({ id, publish: AT_ONCE })),
  anchorIntervalMs: 100,
  ingestSseHeartbeatMs: 100,
};

async function send(url: string, sourceId: string, from: number, count: number): Promise<string[]> {
  const events = Array.from({ length: count }, (_, k) => ({
    ...{ id: `e${from + k}`, n: from + k, hue: `hue${(from + k) % 7}` },
    text: 'U+2028:\u2028 CR:\r LF:\n quote:" astral:😀',
  }));
  const { status, body } = await post(url, { sourceId, events });
  expect(status).toBe(200);
  return body.inserted;
}

function events(watcher: Watcher, ...types: string[]): Json[] {
  const own = ['hello', 'heartbeat', 'gap'];
  return watcher.frames
    .filter(({ data }) => (types.length > 0 ? types.includes(data?.type) : data && !own.includes(data.type)))
    .map(({ id, data }) => ({ id, ...data }));
}

const certified = (messages: Json[]) => messages.filter(({ type }) => type === 'certified');

describe('both transports', () => {
  const server = useServer(SETTINGS);

  async function watch(query = '', headers: Record<string, string> = {}): Promise<Watcher> {
    const watcher = await Watcher.open(server.url, query, headers);
    onTestFinished(() => watcher.close());
    return watcher;
  }

  function watchSocket(query = '', headers: Record<string, string> = {}): SocketWatcher {
    const watcher = new SocketWatcher(server.url, query, headers);
    onTestFinished(() => watcher.cut());
    return watcher;
  }

  it('tell the same with the same cursors, to this library and to the WebSocket of the platform', async () => {
    const other = new WebSocket(`${server.url.replace('http', 'ws')}/watch?since=earliest&type=received,certified`);
    const messages: Json[] = [];
    other.addEventListener('message', ({ data }) => messages.push(JSON.parse(data)));
    onTestFinished(() => other.close());
    const query = '?since=earliest&type=received,certified';
    const [events1, socket] = [await watch(query), watchSocket(query)];
    for (let batch = 0; batch < 10; batch++) await send(server.url, batch % 2 === 0 ? 'red' : 'blue', batch * 20, 20);
    await events1.until((one) => one.messages('certified').length === 200);
    await socket.until((one) => one.messages('certified').length === 200);
    const late = watchSocket(query);
    await late.until((one) => one.messages('certified').length === 200);
    const told = (list: Json[]) => list.filter(({ type }) => ['received', 'certified'].includes(type));
    expect(told(socket.all)).toEqual(events(events1));
    expect(told(messages)).toEqual(events(events1));
    // From storage it is the same, of the journal and then of the ledger.
    expect(certified(late.all).map(({ id: _, ...rest }) => rest)).toEqual(
      certified(socket.all).map(({ id: _, ...rest }) => rest),
    );
    expect(socket.all[0]).toMatchObject({ type: 'hello', heartbeatMs: 100, id: expect.any(String) });
    expect(certified(socket.all)[0].normalized.text).toBe('U+2028:\u2028 CR:\r LF:\n quote:" astral:😀');
    expect(Object.keys(certified(socket.all)[0])[0]).toBe('id');
    await socket.until((one) => one.messages('heartbeat').length > 0);
  });

  it('can be changed over from one to the other at any message', async () => {
    const feed = await wholeFeed(server.url);
    const random = randomNumbers(7);
    const told: Json[] = [];
    let since = 'earliest';
    for (let turn = 0; told.length < feed.length; turn++) {
      const query = `?type=certified,quarantined&since=${since}`;
      if (turn % 2 === 0) {
        const watcher = await Watcher.open(server.url, query, {}, 1 + Math.floor(random() * 30_000));
        await watcher.until((one) => one.ended || told.length + one.messages().length === feed.length);
        watcher.close();
        told.push(...watcher.messages());
        since = watcher.lastId ?? since;
      } else {
        const enough = 1 + Math.floor(random() * 30);
        const watcher = new SocketWatcher(server.url, query);
        await watcher.until((one) => one.messages().length >= Math.min(enough, feed.length - told.length));
        const taken = watcher.all.slice();
        watcher.cut();
        told.push(...taken.filter(({ type }) => type === 'certified' || type === 'quarantined'));
        since = taken.findLast(({ id }) => id !== undefined)?.id ?? since;
      }
    }
    expect(told.map(({ eventId }) => eventId)).toEqual(feed.map(({ eventId }) => eventId));
  });

  it('share a consumer group: each event goes to one of its members, and one key to the same', async () => {
    const feed = await wholeFeed(server.url, '&stream=red');
    const members = [0, 1, 2].map((n) => `?stream=red&type=certified&since=earliest&split=${n}/3&key=hue`);
    const [one, two, three] = [await watch(members[0]), watchSocket(members[1]), await watch(members[2])];
    const shares = () => [one, two, three].map((watcher) => watcher.messages('certified'));
    await three.until(() => shares().flat().length >= feed.length);
    const all = shares();
    const places = all.map((list) => list.map(({ leafIndex }) => leafIndex));
    expect(places.flat().toSorted((a, b) => a - b)).toEqual(feed.map(({ leafIndex }) => leafIndex));
    const keys = all.map((list) => new Set(list.map(({ normalized }) => normalized.hue)));
    expect(keys.reduce((sum, { size }) => sum + size, 0)).toBe(7);
    for (const share of places) expect(share).toEqual(share.toSorted((a, b) => a - b));
  });

  it('give the fields that are wanted, and what a filter lets through', async () => {
    const query = `?since=earliest&type=certified,received&fields=${encodeURIComponent('eventId,count,normalized.n')}&filter=${encodeURIComponent('n < 3 and sourceId == "red"')}`;
    const [one, two] = [await watch(query), watchSocket(query)];
    await one.until((watcher) => watcher.messages('certified').length === 3);
    await two.until((watcher) => watcher.messages('certified').length === 3);
    expect(one.messages('certified').map(({ normalized }) => normalized)).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }]);
    for (const message of one.messages('certified')) {
      expect(Object.keys(message)).toEqual(['type', 'eventId', 'normalized']);
    }
    // It stands for many: what is said of the payload does not apply, what is said of the source does.
    expect(one.messages('received')).toEqual(Array(5).fill({ type: 'received', count: 20 }));
    expect(two.messages()).toEqual(events(one));
  });

  it('begin with the newest, or at a time, or now', async () => {
    const feed = await wholeFeed(server.url);
    const snapshot = watchSocket('?type=certified&snapshot=5&stream=blue');
    await snapshot.until((one) => one.messages().length >= 5);
    const blue = feed.filter(({ stream }) => stream === 'blue');
    expect(snapshot.messages().map(({ eventId }) => eventId)).toEqual(blue.slice(-5).map(({ eventId }) => eventId));

    await new Promise((resolve) => setTimeout(resolve, 50));
    const time = new Date().toISOString();
    const [id] = await send(server.url, 'red', 800, 1);
    await settled(server.url, id!);
    const since = watchSocket(`?type=received,certified&since=${time}`);
    await since.until((one) => one.messages('certified').length === 1);
    expect(since.messages('received').map(({ eventIds }) => eventIds)).toEqual([[id]]);
    expect(since.messages('certified')[0].eventId).toBe(id);
    const future = watchSocket('?type=certified&since=2999-01-01T00:00:00Z');
    await future.until((one) => one.all.length > 0);
    const [next] = await send(server.url, 'red', 801, 1);
    await future.until((one) => one.messages().length === 1);
    expect(future.messages()[0].eventId).toBe(next);
    const header = watchSocket('', { 'last-event-id': since.messages('certified')[0].id });
    await header.until((one) => one.messages('certified').length === 1);
    expect(header.messages('certified')[0].eventId).toBe(next);
  });
});

describe('a server that is killed', () => {
  it('and started again goes on where each client was, over either transport', async () => {
    const dataDir = makeDataDir();
    let server = await startWith(dataDir, SETTINGS);
    onTestFinished(async () => {
      await server.stop();
      removeDataDir(dataDir);
    });
    const told: Json[][] = [[], []];
    let since = ['earliest', 'earliest'];
    for (let life = 0; life < 4; life++) {
      const query = (client: number) => `?type=received,certified,quarantined&since=${since[client]}`;
      const watcher = await Watcher.open(server.url, query(0));
      const socket = new SocketWatcher(server.url, query(1));
      for (let batch = 0; batch < 5; batch++) await send(server.url, 'red', life * 100 + batch * 20, 20);
      // In mid-stream: the last batches may be on their way, or not.
      await watcher.until((one) => one.messages('certified').length >= 40);
      await server.kill();
      await watcher.until(({ ended }) => ended);
      await socket.until(({ closed }) => closed !== undefined);
      told[0]!.push(...events(watcher));
      told[1]!.push(...socket.messages());
      since = [watcher.lastId ?? since[0]!, socket.lastId ?? since[1]!];
      server = await startWith(dataDir, SETTINGS);
    }
    const last = [0, 1].map((client) => new SocketWatcher(server.url, `?since=${since[client]}`));
    for (const [client, socket] of last.entries()) {
      const done = () => certified([...told[client]!, ...socket.messages()]).length === 400;
      await socket.until(done);
      told[client]!.push(...socket.messages('received', 'certified', 'quarantined'));
      expect(socket.messages('gap')).toEqual([]);
      socket.cut();
    }
    const feed = await wholeFeed(server.url);
    expect(feed).toHaveLength(400);
    for (const messages of told) {
      expect(certified(messages).map(({ eventId }) => eventId)).toEqual(feed.map(({ eventId }) => eventId));
      const received = messages.filter(({ type }) => type === 'received').flatMap(({ eventIds }) => eventIds);
      expect(received).toHaveLength(400);
      expect(new Set(received).size).toBe(400);
    }
  });

  it('and comes back with an older copy of its data says that it does not know the cursor', async () => {
    const [dataDir, copy] = [makeDataDir(), makeDataDir()];
    const server = await startWith(dataDir, { ...SETTINGS, anchor: 'none' });
    await settled(server.url, (await send(server.url, 'red', 0, 10)).at(-1)!);
    expect(await server.stop()).toBe(0);
    rmSync(copy, { recursive: true });
    cpSync(dataDir, copy, { recursive: true });
    const later = await startWith(dataDir, { ...SETTINGS, anchor: 'none' });
    await settled(later.url, (await send(later.url, 'red', 10, 10)).at(-1)!);
    const watcher = new SocketWatcher(later.url, '?since=earliest');
    await watcher.until((one) => one.messages('certified').length === 20);
    expect(await later.stop()).toBe(0);

    const restored = await startWith(copy, { ...SETTINGS, anchor: 'none' });
    onTestFinished(async () => {
      await restored.stop();
      for (const dir of [dataDir, copy]) removeDataDir(dir);
    });
    const back = new SocketWatcher(restored.url, `?stream=red&since=${watcher.lastId}`);
    await back.until((one) => one.messages('gap').length > 0);
    const [hello, gap] = back.all;
    // Whoever is cut off after the first of them alone is told of it again.
    expect([hello.type, hello.id]).toEqual(['hello', undefined]);
    const leaves = (await wholeFeed(restored.url)).at(-1)!.leafIndex + 1;
    expect(gap).toEqual({
      ...{ id: expect.any(String), type: 'gap', reason: 'unknown-cursor', cursor: watcher.lastId },
      ...{ missing: [{ stream: 'red', start: null, end: leaves }], hint: expect.any(String) },
    });
    const [id] = await send(restored.url, 'red', 500, 1);
    await back.until((one) => one.messages('certified').length > 0);
    expect(back.messages('certified').map(({ eventId }) => eventId)).toEqual([id]);
    back.cut();
  });
});

describe('WATCH_HISTORY_MS', () => {
  const server = useServer({ ...SETTINGS, anchor: 'none', watchHistoryMs: 5000 });

  it('is how far back the feed goes: older cursors are told of a gap, and then everything that is left', async () => {
    const ids = await send(server.url, 'red', 0, 5);
    await settled(server.url, ids.at(-1)!);
    const first = new SocketWatcher(server.url, '?since=earliest&stream=red');
    await first.until((one) => one.messages('certified').length === 5);
    const cursor = first.messages('received')[0].id;
    first.cut();
    const expired = async (query: string) => {
      const watcher = new SocketWatcher(server.url, query);
      // Whoever has been told everything stands still.
      await watcher.until((one) => {
        const [before, last] = one.messages('heartbeat').slice(-2);
        return last !== undefined && last.id === before?.id;
      });
      watcher.cut();
      return watcher;
    };
    const until = async () => {
      for (;;) if ((await expired(`?since=${cursor}&stream=red`)).messages('gap').length > 0) return;
    };
    await until();
    const next = await send(server.url, 'red', 5, 5);
    await settled(server.url, next.at(-1)!);
    const back = await expired(`?since=${cursor}&stream=red`);
    const told = back.messages('certified');
    expect(told.map(({ eventId }) => eventId)).toEqual(next);
    const [gap] = back.messages('gap');
    expect(gap).toMatchObject({ reason: 'expired-cursor', cursor });
    expect(gap.missing).toEqual([{ stream: 'red', start: null, end: told[0].leafIndex }]);
    // Nothing that this one wants has expired.
    const known = await expired(`?since=${back.lastId}&stream=red`);
    expect(known.messages('gap')).toEqual([]);
    // Nobody asked for a cursor, and a snapshot goes no further back.
    const newest = await expired('?snapshot=1000&type=certified&stream=red');
    expect(newest.messages('gap')).toEqual([]);
    expect(newest.messages().map(({ eventId }) => eventId)).toEqual(next);
    const earliest = await expired('?since=earliest&type=certified');
    expect(earliest.messages('certified').map(({ eventId }) => eventId)).toEqual(next);
    const missing = [{ stream: 'red', start: 0, end: told[0].leafIndex }];
    expect(earliest.messages('gap')).toMatchObject([{ reason: 'expired-cursor', cursor: 'earliest', missing }]);
  });
});
