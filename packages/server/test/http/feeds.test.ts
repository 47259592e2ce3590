/** The feeds, page by page: where they go on, what they select, and how long they are kept. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { call, get, type Json, post } from './client.ts';
import { AT_ONCE, eventually, settled, useServer } from './server.ts';

const SETTINGS = {
  sources: [
    { id: 'alpha', stream: 'numbers', policy: { constraints: { bounds: { n: { max: 90 } } } } },
    { id: 'beta', stream: 'numbers' },
    { id: 'secret' },
    { id: 'many' },
  ],
  streams: [
    { id: 'many', publish: AT_ONCE },
    { id: 'numbers', publish: AT_ONCE },
    { id: 'secret', publish: AT_ONCE, salted: true },
  ],
};

const names = (items: Json[]) => items.map(({ eventId }) => eventId);
const encode = (query: Record<string, string | number>) =>
  Object.entries(query)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&');

async function send(url: string, sourceId: string, events: object[]): Promise<string[]> {
  const { status, body } = await post(url, { sourceId, events });
  expect(status).toBe(200);
  for (const id of body.inserted) await settled(url, id);
  return body.inserted;
}

async function page(url: string, path: string, query: Record<string, string | number>): Promise<Json> {
  const { status, body } = await get(url, `${path}?${encode(query)}`);
  expect(status).toBe(200);
  return body;
}

function adminOf(dataDir: string): { authorization: string } {
  return { authorization: `Bearer ${readFileSync(join(dataDir, 'admin-token'), 'utf8').trim()}` };
}

describe('pages', () => {
  const server = useServer({ ...SETTINGS, feedCacheTtlMs: 0 });
  const numbers = (from: number, count: number) =>
    Array.from({ length: count }, (_, place) => ({ id: `n${from + place}`, n: from + place, at: { half: place % 2 } }));
  const sent: string[] = [];
  let between = 0;

  beforeAll(async () => {
    sent.push(...(await send(server.url, 'alpha', numbers(0, 40))));
  });

  it('newest first, go on below what was seen, whatever comes on top', async () => {
    const before = [...sent];
    const seen: string[] = [];
    for (let query: Record<string, string | number> = { limit: 7 }; ; ) {
      const { items, nextCursor } = await page(server.url, '/ingest/feed', query);
      seen.push(...names(items));
      if (nextCursor === null) break;
      sent.push(...(await send(server.url, 'beta', [{ n: 1, come: `${between++}` }])));
      query = { limit: 7, cursor: nextCursor };
    }
    expect(seen).toEqual(before.toReversed());
    expect(between).toBe(5);
  });

  it('in log order, have what comes meanwhile once, at the end', async () => {
    const seen: string[] = [];
    const pages = 6;
    let cursor = '';
    for (let n = 0; ; n++) {
      const { items, nextCursor } = await page(
        server.url,
        '/feed',
        cursor === '' ? { limit: 9 } : { limit: 9, cursor },
      );
      if (items.length === 0 && n > pages) break;
      seen.push(...names(items));
      cursor = nextCursor;
      if (n < pages) sent.push(...(await send(server.url, 'beta', [{ n: 2, come: `${between++}` }])));
    }
    expect(seen).toEqual(sent);
  });

  it('end where the last one is full', async () => {
    const query = { sourceId: 'alpha', limit: 20 };
    const first = await page(server.url, '/ingest/feed', query);
    const second = await page(server.url, '/ingest/feed', { ...query, cursor: first.nextCursor });
    expect(names([...first.items, ...second.items])).toEqual(sent.slice(0, 40).toReversed());
    expect(second.nextCursor).toBeNull();
  });

  it('go on from an offset, too', async () => {
    const { nextCursor } = await page(server.url, '/ingest/feed', { sourceId: 'alpha', limit: 3, offset: 10 });
    const { items } = await page(server.url, '/ingest/feed', { sourceId: 'alpha', limit: 2, cursor: nextCursor });
    expect(names(items)).toEqual(sent.slice(25, 27).toReversed());
  });

  it('of those in quarantine, leave out what has left it before its page', async () => {
    const { body } = await post(server.url, { sourceId: 'alpha', events: numbers(91, 5) });
    const refused: string[] = body.inserted;
    for (const id of refused) await settled(server.url, id);
    const first = await page(server.url, '/ingest/feed', { status: 'quarantined', limit: 2 });
    const discarding = { method: 'POST', headers: { 'content-type': 'application/json', ...adminOf(server.dataDir) } };
    for (const id of [refused[4], refused[1]]) {
      const path = `/ingest/events/${id}/discard`;
      expect((await call(server.url, path, { ...discarding, body: '{"reason":"test"}' })).status).toBe(200);
      await eventually(async () => {
        expect((await get(server.url, `/ingest/events/${id}`)).body.status).toBe('failed');
      });
    }
    const rest = await page(server.url, '/ingest/feed', { status: 'quarantined', cursor: first.nextCursor });
    expect([names(first.items), names(rest.items)]).toEqual([
      [refused[4], refused[3]],
      [refused[2], refused[0]],
    ]);
    expect(rest.nextCursor).toBeNull();
  });

  it.each([
    ['n >= 30 and n < 33', ['n30', 'n31', 'n32']],
    ['at.half == 1 and n in [1, 2, 3]', ['n1', 'n3']],
    ['sourceId == "alpha" and not exists come and n < 2', ['n0', 'n1']],
    ['id == "n5" or id == "n7" and leafIndex > 0', ['n5', 'n7']],
    ['normalized.n == 12 and eventTime > "2026-03-01T12:00:00+01:00"', ['n12']],
    ['status == "received"', []],
  ])('have what the filter %s says', async (filter, ids) => {
    const shown = (items: Json[]) => items.map(({ normalized }) => normalized.id);
    const { items } = await page(server.url, '/feed', { stream: 'numbers', filter, limit: 1000 });
    expect(shown(items)).toEqual(ids);
    const newest = await page(server.url, '/ingest/feed', { filter, limit: 1000 });
    expect(shown(newest.items)).toEqual(ids.toReversed());
    expect(newest.nextCursor).toBeNull();
    const offset = await page(server.url, '/ingest/feed', { filter, limit: 1000, offset: 1 });
    expect(shown(offset.items)).toEqual(ids.toReversed().slice(1));
  });

  it('have the fields that are named, and no more', async () => {
    const query = { fields: 'eventId,normalized.at.half, n,seq', filter: 'n == 13' };
    const shown = [{ eventId: sent[13], normalized: { at: { half: 1 }, n: 13 } }];
    expect((await page(server.url, '/feed', query)).items).toEqual(shown);
    expect((await page(server.url, '/ingest/feed', query)).items).toEqual(shown);
  });

  it('begin at a moment, at a cursor, at the beginning or at the end', async () => {
    const moment = Date.now() + 1;
    await eventually(() => expect(Date.now()).toBeGreaterThanOrEqual(moment), 1);
    const later = await send(server.url, 'beta', [{ later: 1 }, { later: 2 }]);
    const since = new Date(moment).toISOString();
    const items = async (start: string) => (await page(server.url, '/feed', { since: start, limit: 1000 })).items;
    expect(names(await items(since))).toEqual(later);
    expect(names(await items(since.replace('Z', '+00:00')))).toEqual(later);
    const { nextCursor } = await page(server.url, '/feed', { since, limit: 1 });
    expect(names(await items(nextCursor))).toEqual(later.slice(1));
    expect(names(await items('earliest')).slice(0, 40)).toEqual(sent.slice(0, 40));
    expect(names(await items('2001-01-01T00:00:00Z'))).toEqual(names(await items('earliest')));
    expect(await items('latest')).toEqual([]);
    expect(await items('2999-01-01T00:00:00Z')).toEqual([]);
    const end = await page(server.url, '/feed', { since: 'latest' });
    const [next] = await send(server.url, 'beta', [{ later: 3 }]);
    expect(names(await items(end.nextCursor))).toEqual([next]);
  });

  it('are short, or empty, where much has to be looked at, and go on', async () => {
    const many = Array.from({ length: 2300 }, (_, n) => ({ id: `m${n}`, end: n === 0 || n === 2299 }));
    const { body } = await post(server.url, { sourceId: 'many', events: many });
    await settled(server.url, body.inserted.at(-1));
    for (const [path, ids] of [
      ['/feed', [body.inserted[0], body.inserted.at(-1)]],
      ['/ingest/feed', [body.inserted.at(-1), body.inserted[0]]],
    ] as const) {
      const query = { sourceId: 'many', filter: 'end == true', limit: 10 };
      const first = await page(server.url, path, query);
      const second = await page(server.url, path, { ...query, cursor: first.nextCursor });
      expect([names(first.items), names(second.items)]).toEqual([[ids[0]], [ids[1]]]);
    }
    const { items } = await page(server.url, '/ingest/feed', { sourceId: 'many', limit: 2, offset: 2298 });
    expect(names(items)).toEqual([body.inserted[1], body.inserted[0]]);
  });

  it('are not kept by anybody', async () => {
    const { headers } = await get(server.url, '/feed');
    expect(headers['cache-control']).toBe('no-cache');
  });

  it.each([
    ['/feed', { filter: 'n >' }, 'filter-invalid', 3],
    ['/feed', { filter: '' }, 'filter-invalid', 0],
    ['/feed', { filter: 'x'.repeat(2049) }, 'filter-invalid', 2048],
    ['/ingest/feed', { filter: 'n > 1 and 3 < n' }, 'filter-invalid', 10],
    ['/feed', { fields: 'a,,b' }, 'fields-invalid', 2],
    ['/ingest/feed', { fields: '*' }, 'fields-invalid', 0],
    ['/feed', { since: 'yesterday' }, 'bad-request', undefined],
    ['/feed', { since: '2026-03-01' }, 'bad-request', undefined],
    ['/feed', { since: 'earliest', cursor: 'x' }, 'bad-request', undefined],
    ['/feed', { cursor: 'earliest' }, 'bad-request', undefined],
    ['/feed', { split: '0/2' }, 'bad-request', undefined],
    ['/ingest/feed', { cursor: 'x' }, 'bad-request', undefined],
    ['/ingest/feed', { cursor: '00000000-1-0' }, 'bad-request', undefined],
    ['/ingest/feed', { cursor: 'x', offset: 1 }, 'bad-request', undefined],
    ['/ingest/feed', { since: 'latest' }, 'bad-request', undefined],
  ])('%s %j is 400 %s', async (path, query, error, position) => {
    const { status, body } = await get(server.url, `${path}?${encode(query as Record<string, string>)}`);
    expect([status, body.error, body.position]).toEqual([400, error, position]);
  });

  it('newest first do not go on where those in log order are', async () => {
    const { nextCursor } = await page(server.url, '/feed', { limit: 1 });
    expect((await get(server.url, `/ingest/feed?${encode({ cursor: nextCursor })}`)).status).toBe(400);
  });
});

describe('answers that are kept', () => {
  const server = useServer({ ...SETTINGS, feedCacheTtlMs: 60_000 });

  it('have a tag of their bytes, and are not sent again to who has them', async () => {
    await send(server.url, 'beta', [{ n: 1 }]);
    for (const path of ['/feed?limit=5', '/ingest/feed?limit=5']) {
      const { headers, text } = await get(server.url, path);
      const etag = headers.etag!;
      expect(etag).toMatch(/^"[A-Za-z0-9_-]{43}"$/);
      expect(headers).toMatchObject({
        'cache-control': 'max-age=60',
        'content-type': 'application/json; charset=utf-8',
      });
      for (const tags of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
        const again = await get(server.url, path, { 'if-none-match': tags });
        expect([again.status, again.text]).toEqual([304, '']);
        expect(again.headers).toMatchObject({ etag, 'cache-control': 'max-age=60' });
      }
      const other = await get(server.url, path, { 'if-none-match': '"x"' });
      expect([other.status, other.text]).toEqual([200, text]);
      expect((await get(server.url, `${path}&fields=eventId`)).headers.etag).not.toBe(etag);
    }
  });

  it('are the same however the query is written', async () => {
    const kept = await page(server.url, '/ingest/feed', { filter: 'n==1', fields: 'n,eventId', limit: 50 });
    await send(server.url, 'beta', [{ n: 1, again: true }]);
    expect(await page(server.url, '/ingest/feed', { fields: 'eventId,payload.n', filter: ' (n = 1.0) ' })).toEqual(
      kept,
    );
    expect((await page(server.url, '/ingest/feed', { filter: 'n==1', limit: 49 })).items).toHaveLength(
      kept.items.length + 1,
    );
  });

  it('do not hold up who follows the log: an empty page at the end is not kept', async () => {
    const { nextCursor } = await page(server.url, '/feed', { since: 'latest' });
    expect((await page(server.url, '/feed', { cursor: nextCursor })).items).toEqual([]);
    const [next] = await send(server.url, 'beta', [{ n: 3 }]);
    expect(names((await page(server.url, '/feed', { cursor: nextCursor })).items)).toEqual([next]);
  });

  it('never show what has been erased', async () => {
    const [id] = await send(server.url, 'secret', [{ name: 'to-be-forgotten' }]);
    const paths = ['/feed?stream=secret', '/ingest/feed?sourceId=secret', '/feed?fields=normalized&stream=secret'];
    for (const path of paths) expect((await get(server.url, path)).text).toContain('to-be-forgotten');
    const headers = { 'content-type': 'application/json', ...adminOf(server.dataDir) };
    const erasing = { method: 'POST', headers, body: '{"reason":"asked for"}' };
    expect((await call(server.url, `/ingest/events/${id}/erase`, erasing)).status).toBe(200);
    for (const path of paths) expect((await get(server.url, path)).text).not.toContain('to-be-forgotten');
  });
});

describe('where reading takes a token', () => {
  const server = useServer({
    ...SETTINGS,
    host: '0.0.0.0',
    sources: SETTINGS.sources.map((source) => ({ ...source, secret: 'a-secret-of-the-source' })),
  });

  it('nobody may keep an answer for others', async () => {
    const url = server.url.replace('0.0.0.0', '127.0.0.1');
    for (const [path, keeping] of [
      // At the end of the log, there may be more at any moment.
      ['/feed', 'no-cache'],
      ['/ingest/feed', 'max-age=1'],
    ] as const) {
      expect((await get(url, path)).status).toBe(401);
      const { status, headers } = await get(url, path, adminOf(server.dataDir));
      expect([status, headers['cache-control']]).toEqual([200, `private, ${keeping}`]);
    }
  });
});
