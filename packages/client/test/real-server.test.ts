import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AT_ONCE,
  eventually,
  makeDataDir,
  pinsOf,
  removeDataDir,
  useServer,
  wholeFeed,
} from '../../server/test/http/server.ts';
import { type ServerProcess, start } from '../../server/test/support/server-process.ts';
import { type CertifiedMessage, SseParser, Tidemark, type WatchMessage } from '../src/index.ts';
import { failureOf } from './stand-in.ts';

const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, place) => ({ id: `e${from + place}`, n: from + place, word: 'größer €' }));

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe('a real server', () => {
  const server = useServer({
    sources: [{ id: 'meter' }, { id: 'other' }],
    streams: [
      { id: 'meter', publish: { ...AT_ONCE, maxEvents: 100 } },
      { id: 'other', publish: AT_ONCE },
    ],
  });
  let tidemark: Tidemark;
  let ids: string[];
  beforeAll(async () => {
    tidemark = new Tidemark({ url: server.url });
    const { inserted } = await tidemark.publish(numbered(0, 250), { sourceId: 'meter', maxEvents: 60 });
    ids = inserted;
    await tidemark.publish(numbered(0, 5), { sourceId: 'other', format: 'json' });
    await eventually(async () => expect(await wholeFeed(server.url)).toHaveLength(255));
  });

  it('knows what is sent again', async () => {
    const answer = await tidemark.publish(numbered(0, 3), { sourceId: 'meter' });
    expect(answer).toMatchObject({ inserted: ids.slice(0, 3), count: 3, duplicates: 3, rejected: [] });
  });

  it('knows a repeated call by its key, where its events have no identity', async () => {
    const events = [{ word: 'nameless' }, { word: 'nameless' }];
    const options = { sourceId: 'other', idempotencyKey: 'once' };
    const one = await tidemark.publish(events, options);
    const other = await tidemark.publish(events, options);
    expect(other).toMatchObject({ inserted: one.inserted, duplicates: 2 });
    expect(new Set(one.inserted).size).toBe(2);
  });

  it('gives receipts, one for each request', async () => {
    const { receipts, inserted } = await tidemark.publish(numbered(900, 904), {
      ...{ sourceId: 'other', receipt: true, maxEvents: 2 },
    });
    expect(inserted).toHaveLength(4);
    expect(receipts.map(({ from, to }) => to - from)).toEqual([1, 1]);
    expect(receipts[0]).toMatchObject({ source: 'other' });
  });

  it('says of each event why it was not taken', async () => {
    const { count, rejected } = await tidemark.publish([{ id: 2 ** 60 }, { id: 'fine' }], { sourceId: 'other' });
    expect([count, rejected.map(({ index }) => index)]).toEqual([1, [0]]);
    const none = await tidemark.publish([{ id: 2 ** 60 }], { sourceId: 'other' });
    expect([none.count, none.rejected.map(({ index }) => index)]).toEqual([0, [0]]);
  });

  it('refuses a source that there is not', async () => {
    const failure = await failureOf(tidemark.publish([{ id: 'a' }], { sourceId: 'nobody' }));
    expect(failure).toMatchObject({ code: 'refused', status: 404, problem: 'source-not-found-or-disabled' });
  });

  it('has the same in its feed, whatever the size of the pages', async () => {
    const expected = await wholeFeed(server.url, '&stream=meter');
    for (const limit of [1000, 37]) {
      const items = await all(tidemark.feed({ stream: 'meter', limit }));
      expect(items).toEqual(expected);
    }
    expect(expected.map(({ eventId }) => eventId)).toEqual(ids);
  });

  it('has a feed that is gone on with later', async () => {
    const pages = await all(tidemark.feed({ sourceId: 'meter', limit: 100 }).pages());
    const { nextCursor: cursor } = pages[0]!;
    const rest = await all(tidemark.feed({ sourceId: 'meter', cursor }));
    expect([...pages[0]!.items, ...rest].map(({ eventId }) => eventId)).toEqual(ids);
  });

  it('has a feed of those that are asked for, and of the members that are', async () => {
    const wanted = { stream: 'meter', filter: 'normalized.n >= 100', fields: ['leafIndex', 'normalized.n'] };
    const items = await all(tidemark.feed(wanted));
    expect(items).toEqual(Array.from({ length: 150 }, (_, n) => ({ leafIndex: 101 + n, normalized: { n: 100 + n } })));
  });

  it('is watched for those that are asked for, and for the members that are', async () => {
    const wanted = { type: 'certified', filter: 'normalized.n >= 100', fields: ['leafIndex', 'normalized.n'] } as const;
    const seen: object[] = [];
    for await (const { id: _, ...message } of tidemark.watch({ ...wanted, stream: 'meter', since: 'earliest' })) {
      if (seen.push(message) === 150) break;
    }
    const expected = (n: number) => ({ type: 'certified', leafIndex: 101 + n, normalized: { n: 100 + n } });
    expect(seen).toEqual(Array.from({ length: 150 }, (_, n) => expected(n)));
  });

  it('refuses a filter that is none, in its words', async () => {
    for (const transport of ['sse', 'websocket'] as const) {
      const failure = await failureOf(tidemark.watch({ filter: 'normalized.n >', transport }).next());
      expect(failure).toMatchObject({ code: 'refused', status: 400 });
    }
  });

  it('sends bytes that the parser reads as a plain split does', async () => {
    const stop = new AbortController();
    const response = await fetch(`${server.url}/watch?since=earliest`, { signal: stop.signal });
    const chunks: Uint8Array[] = [];
    const certifiedIn = (text: string) => text.split('"type":"certified"').length - 1;
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      if (certifiedIn(Buffer.concat(chunks).toString()) >= 255) break;
    }
    stop.abort();
    const bytes = Buffer.concat(chunks);
    const blocks = bytes.toString().split('\n\n').slice(0, -1);
    const split = blocks.flatMap((block) => {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
      const data = field('data');
      return data === undefined ? [] : [{ data, id: field('id') }];
    });
    for (const size of [bytes.length, 1, 7, 4096]) {
      const parser = new SseParser();
      const read: unknown[] = [];
      for (let at = 0; at < bytes.length; at += size) {
        for (const { data, id } of parser.push(bytes.subarray(at, at + size))) read.push({ data, id });
      }
      expect(read).toEqual(split);
    }
  });

  it('verifies by event id and as a file, and keeps the proof', async () => {
    const { publisher, logKey } = pinsOf(server.dataDir, 'meter');
    const options = { publisher, logKey, dev: true };
    const report = await tidemark.verify(ids[7], options);
    expect(report).toMatchObject({ valid: true, index: 8 });
    expect(await tidemark.verify(report.proof, options)).toMatchObject({ valid: true, index: 8 });
    const lie = { ...(report.proof as object), index: 9 };
    expect(await tidemark.verify(lie, options)).toMatchObject({ valid: false, reason: 'inclusion-mismatch' });
  });

  it('has the proof of an event that is not certified yet before long', async () => {
    const { inserted } = await tidemark.publish([{ id: 'fresh' }], { sourceId: 'other' });
    expect(await tidemark.verify(inserted[0], { dev: true })).toMatchObject({ valid: true });
    expect(await tidemark.event(inserted[0]!)).toMatchObject({ eventId: inserted[0], status: 'certified' });
  });

  it('shows nothing of an event that there is not', async () => {
    expect(await failureOf(tidemark.verify('0'.repeat(32)))).toMatchObject({ code: 'refused', status: 404 });
    expect(await failureOf(tidemark.verify('e1'))).toMatchObject({ code: 'invalid-argument' });
  });
});

describe('a server that is killed again and again', () => {
  const dataDir = makeDataDir();
  let server: ServerProcess | undefined;
  afterAll(async () => {
    await server?.kill();
    removeDataDir(dataDir);
  });

  it('has every event once, and every watcher sees each once, in the order of the log', async () => {
    const total = 3000;
    server = await start(dataDir);
    const { url } = server;
    const tidemark = new Tidemark({ url, retryForMs: Number.POSITIVE_INFINITY });
    async function* events() {
      for (const event of numbered(0, total)) {
        if (event.n % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
        yield event;
      }
    }
    const breaks = { sse: 0, websocket: 0 };
    const follow = async (transport: 'sse' | 'websocket') => {
      const seen: WatchMessage[] = [];
      const onRetry = () => breaks[transport]++;
      const wanted = { since: 'earliest', type: ['certified', 'gap'] as const, transport, onRetry };
      for await (const message of tidemark.watch(wanted)) {
        seen.push(message);
        if (seen.length === total) break;
      }
      return seen;
    };
    const following = [follow('sse'), follow('websocket')];
    const published: string[] = [];
    let kills = 0;
    for await (const batch of tidemark.publishFrom(events(), { maxEvents: 100, inFlight: 2 })) {
      published.push(...batch.inserted);
      if (kills === 2 || published.length < 1000 * (kills + 1)) continue;
      kills++;
      await server.kill();
      server = await start(dataDir, {}, ['--port', new URL(url).port]);
    }
    const log = await wholeFeed(url);
    expect(log.map(({ leafIndex }) => leafIndex)).toEqual(Array.from({ length: total }, (_, n) => n + 1));
    expect(new Set(published)).toEqual(new Set(log.map(({ eventId }) => eventId)));
    const expected = log.map(({ leafIndex, eventId }) => ({ type: 'certified', leafIndex, eventId }));
    for (const seen of await Promise.all(following)) expect(seen.map(placed)).toEqual(expected);
    expect(breaks.sse).toBeGreaterThanOrEqual(kills);
    expect(breaks.websocket).toBeGreaterThanOrEqual(kills);
  });

  it('goes on over the other transport, as often as one likes', async () => {
    const tidemark = new Tidemark({ url: server!.url });
    const seen: WatchMessage[] = [];
    for (let turn = 0; seen.length < 2000; turn++) {
      const transport = turn % 2 === 0 ? 'sse' : 'websocket';
      const since = seen.at(-1)?.id ?? 'earliest';
      const before = seen.length;
      for await (const message of tidemark.watch({ type: 'certified', since, transport })) {
        if (seen.push(message) === before + 250) break;
      }
    }
    expect(seen.map((message) => (message as CertifiedMessage).leafIndex)).toEqual(
      Array.from({ length: 2000 }, (_, n) => n + 1),
    );
  });
});

describe('a server that tells nothing of what is older than a second', () => {
  const dataDir = makeDataDir();
  let server: ServerProcess | undefined;
  afterAll(async () => {
    await server?.kill();
    removeDataDir(dataDir);
  });

  it('is followed and verified from where it begins', async () => {
    server = await start(dataDir, { WATCH_HISTORY_MS: '1000' });
    const tidemark = new Tidemark({ url: server.url });
    const [id] = (await tidemark.publish(numbered(0, 3))).inserted;
    await tidemark.verify(id, {});
    const watch = () => tidemark.watch({ since: 'earliest', type: 'certified', verify: {} });
    const missing = [{ stream: 'default', start: 0, end: 4 }];
    await eventually(async () => {
      const messages = watch();
      const { value: gap } = await messages.next();
      await messages.return();
      expect(gap).toMatchObject({ type: 'gap', reason: 'expired-cursor', missing });
    });
    const messages = watch();
    expect((await messages.next()).value).toMatchObject({ type: 'gap', missing });
    await tidemark.publish(numbered(3, 6));
    for (const leafIndex of [4, 5, 6]) expect((await messages.next()).value).toMatchObject({ leafIndex });
    await messages.return();
  });
});

function placed(message: WatchMessage): object {
  const { type, leafIndex, eventId } = message as CertifiedMessage;
  return { type, leafIndex, eventId };
}
