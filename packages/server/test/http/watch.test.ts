import { createHash } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { call, get, type Json, post } from './client.ts';
import { AT_ONCE, settled, useServer, wholeFeed } from './server.ts';
import { Watcher } from './watcher.ts';

const server = useServer({
  sources: [
    { id: 'north', stream: 'readings', policy: { constraints: { bounds: { t: { max: 50 } } } } },
    { id: 'south', stream: 'readings' },
    { id: 'other' },
  ],
  streams: ['readings', 'other', 'default'].map((id) => ({ id, publish: AT_ONCE })),
  ingestSseHeartbeatMs: 100,
  anchorIntervalMs: 100,
});

async function watch(query = '', headers: Record<string, string> = {}): Promise<Watcher> {
  const watcher = await Watcher.open(server.url, query, headers);
  onTestFinished(() => watcher.close());
  return watcher;
}

async function send(sourceId: string, ...events: object[]): Promise<string[]> {
  const { status, body } = await post(server.url, { sourceId, events });
  expect(status).toBe(200);
  return body.inserted;
}

/** After it, what had happened before is either here or will not come. */
async function oneMoreBeat(watcher: Watcher): Promise<void> {
  const beats = watcher.messages('heartbeat').length;
  await watcher.until((one) => one.messages('heartbeat').length > beats);
}

const HASH = expect.stringMatching(/^[0-9a-f]{64}$/);
const COUNT = expect.any(Number);

describe('a stream', () => {
  it('opens with headers for proxies, a time to come back after, and hello', async () => {
    const watcher = await (await watch()).until(({ frames }) => frames.length >= 1);
    expect(watcher.status).toBe(200);
    expect(watcher.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(watcher.headers.get('cache-control')).toMatch(/no-cache/);
    const { id, retry, data } = watcher.frames[0]!;
    expect(data).toEqual({ type: 'hello', ts: COUNT, heartbeatMs: 100, retryMs: Number(retry) });
    expect(Number(retry)).toBeGreaterThanOrEqual(1000);
    expect(id).toEqual(expect.any(String));
  });

  it('beats, and its cursor passes by what is not wanted', async () => {
    const watcher = await watch('?stream=quiet');
    const [id] = await send('other', { id: 'passed by' });
    await settled(server.url, id!);
    await oneMoreBeat(watcher);
    await oneMoreBeat(watcher);
    expect(watcher.messages()).toEqual([]);
    const resumed = await watch(`?type=certified,received&since=${watcher.lastId}`);
    await oneMoreBeat(resumed);
    expect(resumed.messages()).toEqual([]);
  });

  it('is not there for HEAD, and counts nobody for it', async () => {
    const { status, headers } = await call(server.url, '/watch', { method: 'HEAD' });
    expect([status, headers.allow]).toEqual([405, 'GET']);
  });
});

describe('messages', () => {
  it('say of one batch all that becomes of it, in order', async () => {
    const watcher = await watch('?stream=readings');
    const raw = { id: 'm1', t: 21.5, ts: '2026-03-01T12:00:00Z' };
    const [good, bad] = await send('north', raw, { id: 'm2', t: 99 });
    await watcher.until((one) => one.messages('anchored').length >= 1);
    const { leafIndex, versionId, evidence } = await settled(server.url, good!);
    const packet = evidence[2].packet;
    const about = { stream: 'readings', sourceId: 'north' };
    const common = { ...about, eventTime: '2026-03-01T12:00:00.000Z', seq: 1, eventId: good };
    const contentHash = createHash('sha256').update(JSON.stringify(raw)).digest('hex');
    expect(watcher.messages()).toEqual([
      { type: 'received', ...about, count: 2, eventIds: [good, bad] },
      { type: 'normalized', ...common, normalized: raw },
      {
        ...{ type: 'quarantined', ...about, seq: 2, eventId: bad, eventTime: expect.any(String) },
        ...{ leafIndex: leafIndex + 1, packet, versionId, reasons: ['bounds-max:t:99>50'] },
      },
      { type: 'certified', ...common, leafIndex, packet, versionId, contentHash, normalized: raw },
      { type: 'anchored', stream: 'readings', packet, versionId, txid: HASH, height: COUNT, chain: 'tidemark-dev' },
    ]);
  });

  it('come to a plain onmessage: no event has a name', async () => {
    const response = await fetch(`${server.url}/watch?since=earliest`);
    const reader = response.body!.getReader();
    let text = '';
    while (!text.includes('"certified"')) text += Buffer.from((await reader.read()).value!).toString('utf8');
    await reader.cancel();
    expect(text).not.toMatch(/^event:/m);
  });

  it('say nothing new of a duplicate', async () => {
    const [known] = await send('other', { id: 'd1' });
    await settled(server.url, known!);
    const watcher = await watch('?stream=other');
    await send('other', { id: 'd1' });
    const [id] = await send('other', { id: 'd2' }, { id: 'd1' });
    await watcher.until((one) => one.messages('certified').length > 0);
    expect(watcher.messages('received')).toEqual([
      { type: 'received', stream: 'other', sourceId: 'other', count: 1, eventIds: [id] },
    ]);
    expect(watcher.messages('certified').map(({ eventId }) => eventId)).toEqual([id]);
  });
});

describe('filters', () => {
  it('pass the wanted types, streams and sources, one or several of each', async () => {
    const watchers = {
      certified: await watch('?type=certified'),
      two: await watch('?type=received,quarantined'),
      south: await watch('?sourceId=south&type=received,certified'),
      both: await watch('?sourceId=south,other&type=certified'),
      other: await watch('?stream=other&type=certified'),
      neither: await watch('?stream=other&sourceId=south'),
      gaps: await watch('?type=certified,gap,conflict'),
    };
    const [n1, n2] = await send('north', { id: 'f1', t: 1 }, { id: 'f2', t: 99 });
    const [s1] = await send('south', { id: 'f1' });
    const [o1] = await send('other', { id: 'f1' });
    for (const id of [n1, n2, s1, o1]) await settled(server.url, id!);
    await Promise.all(Object.values(watchers).map(oneMoreBeat));
    await watchers.certified.until((one) => one.messages().length === 3);
    await watchers.two.until((one) => one.messages().length === 4);
    const ids = (watcher: Watcher) =>
      watcher.messages().map(({ type, eventId, eventIds }) => [type, eventId ?? eventIds]);
    expect(ids(watchers.certified).toSorted()).toEqual([n1, s1, o1].map((id) => ['certified', id]).toSorted());
    expect(ids(watchers.two).toSorted()).toEqual(
      [
        ['received', [n1, n2]],
        ['received', [s1]],
        ['received', [o1]],
        ['quarantined', n2],
      ].toSorted(),
    );
    expect(ids(watchers.south)).toEqual([
      ['received', [s1]],
      ['certified', s1],
    ]);
    expect(ids(watchers.both).toSorted()).toEqual(
      [
        ['certified', s1],
        ['certified', o1],
      ].toSorted(),
    );
    expect(ids(watchers.other)).toEqual([['certified', o1]]);
    expect(ids(watchers.neither)).toEqual([]);
    expect(ids(watchers.gaps).length).toBe(3);
  });

  it.each([
    'type=nonsense',
    'type=certified,nonsense',
    'type=',
    'type=certified,',
    'stream=',
    'sourceId=a,,b',
    'type=certified&type=received',
    'slow=never',
    'split=4/4',
    'key=eventId',
    'snapshot=0',
    'since=2026-13-01',
    'nonsense=1',
  ])('%s is 400', async (query) => {
    const { status, body } = await get(server.url, `/watch?${query}`);
    expect([status, body.error]).toEqual([400, 'bad-request']);
  });
});

describe('a place to begin', () => {
  it('is the end, unless something else is asked for', async () => {
    await settled(server.url, (await send('other', { id: 'before' }))[0]!);
    for (const query of ['?stream=other', '?stream=other&since=latest']) {
      const watcher = await watch(query);
      const [id] = await send('other', { id: `after${query}` });
      await watcher.until((one) => one.messages('certified').length > 0);
      expect(watcher.messages('certified').map(({ eventId }) => eventId)).toEqual([id]);
    }
  });

  it('is the beginning with since=earliest: every event of the log', async () => {
    const feed = (await wholeFeed(server.url)).filter(({ status }) => status === 'certified');
    const watcher = await watch('?since=earliest&type=certified');
    await watcher.until((one) => one.messages().length >= feed.length);
    const seen = (items: Json[]) => items.map(({ eventId, stream, leafIndex }) => `${stream}/${leafIndex}/${eventId}`);
    expect(seen(watcher.messages())).toEqual(seen(feed));
  });

  it('is the cursor of any frame, by header or query; the header wins, as EventSource sends it', async () => {
    const first = await watch('?since=earliest');
    await first.until((one) => one.messages('certified').length >= 3);
    const place = first.frames.findIndex(({ data }) => data.type === 'certified');
    const cursor = first.frames[place]!.id!;
    const next = first.frames.slice(place + 1).find(({ data }) => !['heartbeat', 'received'].includes(data.type))!.data;
    const resumed = [
      await watch('', { 'last-event-id': cursor }),
      await watch(`?last_event_id=${cursor}`),
      await watch(`?since=${cursor}`),
      await watch('?since=earliest', { 'last-event-id': cursor }),
    ];
    for (const watcher of resumed) {
      await watcher.until((one) => one.messages('certified').length > 0);
      const fromLedger = watcher.messages('normalized', 'quarantined', 'certified', 'anchored');
      expect(fromLedger[0]).toEqual(next);
    }
  });

  it('that nobody knows brings a gap, and then what is new', async () => {
    const [hello] = (await (await watch()).until(({ frames }) => frames.length > 0)).frames;
    const [instance] = hello!.id!.split('-');
    const far = Number.MAX_SAFE_INTEGER.toString(36);
    for (const cursor of [
      'nonsense',
      `00000000-1-1`,
      `${instance}-${far}-${far}`,
      `${instance}-1`,
      `${instance}--1-1`,
    ]) {
      const watcher = await watch('?stream=other', { 'last-event-id': cursor });
      const [id] = await send('other', { id: `gap-${cursor}` });
      await watcher.until((one) => one.messages('certified').length > 0);
      const gaps = watcher.messages('gap');
      const certified = watcher.messages('certified');
      expect(certified.map(({ eventId }) => eventId)).toEqual([id]);
      // Only the client knows what it has; what it is told from now on begins at the leaf named.
      const missing = [{ stream: 'other', start: null, end: certified[0].leafIndex }];
      expect(gaps).toEqual([{ type: 'gap', reason: 'unknown-cursor', cursor, missing, hint: expect.any(String) }]);
    }
  });
});
