/** The edges of the live feed: from pages to live, requests that are refused, what waits for a client and is erased. */
import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { call, get, post } from './client.ts';
import { RawConnection, upgrade } from './raw-connection.ts';
import { AT_ONCE, makeDataDir, removeDataDir, settled, startWith, useServer, wholeFeed } from './server.ts';
import { Watcher } from './watcher.ts';

describe('a change from the pages to the live feed', () => {
  const server = useServer({ anchor: 'none', streams: [{ id: 'default', publish: AT_ONCE }] });

  it('tells nothing again of what was received before the end of the pages', async () => {
    const { body } = await post(server.url, { events: [{ id: 'a' }, { id: 'b' }] });
    for (const id of body.inserted) await settled(server.url, id);
    const { nextCursor } = (await get(server.url, '/feed')).body;
    const watcher = await Watcher.open(server.url, `?since=${nextCursor}`);
    onTestFinished(() => watcher.close());
    const sent = await post(server.url, { events: [{ id: 'c' }] });
    await watcher.until((one) => one.messages('certified').length > 0);
    expect(watcher.messages('gap')).toEqual([]);
    expect(watcher.messages('received').flatMap(({ eventIds }) => eventIds)).toEqual(sent.body.inserted);
  });

  it('in the middle of them, tells of nothing that was received before the last page', async () => {
    const batches = await Promise.all(
      ['d', 'e', 'f'].map((id) => post(server.url, { sourceId: 'default', events: [{ id }] })),
    );
    for (const { body } of batches) await settled(server.url, body.inserted[0]);
    const all = await wholeFeed(server.url);
    const { items, nextCursor } = (await get(server.url, `/feed?limit=${all.length - 1}`)).body;
    const watcher = await Watcher.open(server.url, `?since=${nextCursor}`);
    onTestFinished(() => watcher.close());
    await watcher.until((one) => one.messages('certified').length > 0);
    const known = new Set(items.map(({ eventId }: { eventId: string }) => eventId));
    const again = watcher
      .messages('received')
      .flatMap(({ eventIds }) => eventIds.filter((id: string) => known.has(id)));
    expect(again).toEqual([]);
  });

  it.each(['since=yesterday', 'since=now', 'since=', 'since=2026-03-01T12:00:00+01:00', 'since=00000000-1'])(
    'is refused from a place that is none: %s',
    async (query) => {
      const { status, body } = await get(server.url, `/watch?${query}`);
      expect([status, body.error]).toEqual([400, 'bad-request']);
      expect(body.hint).toContain('%2B');
    },
  );

  it('a place that is taken by somebody who is refused is given back', async () => {
    const crowded = await startWith(makeDataDirForTest(), { anchor: 'none', watchMaxClients: 1 });
    onTestFinished(async () => void (await crowded.kill()));
    for (let n = 0; n < 3; n++) expect((await get(crowded.url, '/watch?since=never')).status).toBe(400);
    const watcher = await Watcher.open(crowded.url);
    onTestFinished(() => watcher.close());
    expect(watcher.status).toBe(200);
  });

  it('pages take several streams and sources', async () => {
    const all = await wholeFeed(server.url);
    expect(await wholeFeed(server.url, '&stream=default,other')).toEqual(all);
    expect(await wholeFeed(server.url, '&sourceId=other,default')).toEqual(all);
    expect(await wholeFeed(server.url, '&stream=other,another')).toEqual([]);
    expect((await get(server.url, '/ingest/feed?sourceId=a,b')).status).toBe(400);
  });
});

describe('a token that passes', () => {
  const server = useServer({ anchor: 'none', readTokens: [{ id: 'acme', token: 'acme-acme-acme-acme' }] });

  it('does not renew itself', async () => {
    const headers = { authorization: 'Bearer acme-acme-acme-acme' };
    const { body } = await call(server.url, '/watch/token', { method: 'POST', headers });
    const again = await call(server.url, `/watch/token?token=${body.token}`, { method: 'POST' });
    expect([again.status, again.body.error]).toEqual([400, 'bad-request']);
  });
});

describe('an upgrade behind another request', () => {
  it('is refused, and keeps no server from ending', async () => {
    const server = await startWith(makeDataDirForTest(), { anchor: 'none' });
    const connection = new RawConnection(server.url);
    connection.send('GET /health HTTP/1.1', 'host: localhost', '', ...upgrade('/watch'));
    await connection.until(({ text }) => text.includes(' 400 '));
    expect(connection.text).not.toContain(' 101 ');
    expect(await server.stop()).toBe(0);
  });
});

describe('what is erased while it waits for a slow client', () => {
  const server = useServer({
    sources: [{ id: 'visits' }],
    streams: [{ id: 'visits', salted: true, publish: AT_ONCE }],
    anchor: 'none',
    watchQueueBytes: 65_536,
  });

  it('is not told any more', async () => {
    const client = new RawConnection(server.url);
    client.send('GET /watch?type=certified&slow=conflate&key=eventId HTTP/1.1', 'host: localhost');
    await client.until(({ text }) => text.includes('"hello"'));
    client.stall();
    const filler = 'x'.repeat(20_000);
    const tooSlow = async () => {
      const { text } = await get(server.url, '/metrics');
      return Number(/^tidemark_watch_too_slow_total (\d+)$/m.exec(text)?.[1]);
    };
    for (let n = 0; (await tooSlow()) === 0; n++) {
      const events = Array.from({ length: 50 }, (_, place) => ({ id: `${n}/${place}`, filler }));
      const { body } = await post(server.url, { sourceId: 'visits', events });
      await settled(server.url, body.inserted.at(-1));
    }
    const { body } = await post(server.url, { sourceId: 'visits', events: [{ id: 'victim', name: 'Ada Lovelace' }] });
    await settled(server.url, body.inserted[0]);
    const erased = await call(server.url, `/ingest/events/${body.inserted[0]}/erase`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${readFileSync(server.process.adminTokenFile, 'utf8').trim()}`,
      },
      body: '{"reason":"asked for"}',
    });
    expect(erased.body.complete).toBe(true);
    client.socket.resume();
    await client.until(({ text }) => text.includes('"reason":"conflated"'));
    const { body: last } = await post(server.url, { sourceId: 'visits', events: [{ id: 'last' }] });
    await client.until(({ text }) => text.includes(last.inserted[0]));
    expect(client.text).not.toContain('Ada Lovelace');
  });
});

function makeDataDirForTest(): string {
  const dataDir = makeDataDir();
  onTestFinished(() => removeDataDir(dataDir));
  return dataDir;
}
