import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fsck } from '../../src/fsck/index.ts';
import { replay } from '../../src/replay/index.ts';
import { call, get, type Json } from './client.ts';
import { AT_ONCE, eventually, makeDataDir, packetLines, removeDataDir, startWith, useServer } from './server.ts';

const SETTINGS = {
  sources: [
    { id: 'closed', secret: 'a-secret-of-the-source', stream: 'closed' },
    { id: 'left', stream: 'pair' },
    { id: 'right', stream: 'pair' },
  ],
  streams: [{ id: 'pair', publish: AT_ONCE, fusion: { strategy: 'latest' } }],
  edgeToken: 'new-edge-token,old-edge-token',
};
const server = useServer(SETTINGS);
const JSON_TYPE = { 'content-type': 'application/json' };

function send(method: string, path: string, body: object, token?: string) {
  const headers = token === undefined ? JSON_TYPE : { ...JSON_TYPE, authorization: `Bearer ${token}` };
  return call(server.url, path, { method, headers, body: JSON.stringify(body) });
}

const open = (tag: string, body: object = {}, token?: string) => send('PUT', `/batches/${tag}`, body, token);
const end = (tag: string, body: object = { status: 'success' }, token?: string) =>
  send('POST', `/batches/${tag}/end`, body, token);

async function ingest(texts: readonly string[], source = 'spool'): Promise<Json> {
  const body = texts.map((text) => JSON.stringify({ eventId: text, text })).join('\n');
  const headers = { 'content-type': 'application/x-ndjson' };
  return (await call(server.url, `/ingest/events?sourceId=${source}`, { method: 'POST', headers, body })).body;
}

function admin(): string {
  return readFileSync(server.process.adminTokenFile, 'utf8').trim();
}

async function certified(tag: string): Promise<Json> {
  return eventually(async () => {
    const { body } = await get(server.url, `/batches/${tag}?until=certified&waitMs=1000`);
    expect(body.certified).toBe(true);
    return body;
  });
}

describe('a batch', () => {
  test('from its beginning to its certificate', async () => {
    const begun = await open('first', { spool: '/data/processing', bytes: 12, count: 2 });
    expect(begun.status).toBe(200);
    expect(begun.body).toMatchObject({
      ...{ batchTag: 'first', stream: 'spool', sourceId: 'spool', state: 'open', pii: false, locked: false },
      ...{ spool: '/data/processing', bytes: 12, count: 2, endedAt: null, certified: false, versionId: null },
    });
    expect(await ingest(['one', 'two', 'one', 'three'])).toMatchObject({ count: 4, duplicates: 1 });
    const ended = await end('first', { status: 'success', processed: 4, inserted: 3, duplicates: 1, rejected: 0 });
    expect(ended.body).toMatchObject({ state: 'ingested', processed: 4, inserted: 3, duplicates: 1, rejected: 0 });
    const batch = await certified('first');
    const rollup = (await get(server.url, `/rollups/${batch.versionId}`)).body;
    expect(rollup.aggregates).toMatchObject({ batch: 'first', records: 3, quarantined: 0 });
    expect(rollup.leaves).toEqual(batch.leaves);
    expect(batch.records).toBe(3);
    const texts = packetLines(server.dataDir).flatMap(({ leaf, payload }) =>
      leaf.stream === 'spool' ? (payload?.text ?? []) : [],
    );
    expect(texts).toEqual(['one', 'two', 'three']);
    expect(batch.timeline.map(({ event }: Json) => event)).toEqual(['opened', 'ended']);
  });

  test('what another brought already is no part of it', async () => {
    await open('second');
    expect(await ingest(['two', 'three'])).toMatchObject({ duplicates: 2 });
    await end('second', { status: 'success', processed: 2 });
    const counts = { processed: 2, records: 0, quarantined: 0, inserted: 0, duplicates: 2 };
    expect(await certified('second')).toMatchObject({ leaves: null, versionId: null, ...counts });
  });

  test('says the same however often it is said', async () => {
    const once = (await open('third', { count: 1 })).body;
    expect((await open('third', { count: 1 })).body).toEqual(once);
    await ingest(['four']);
    const ended = (await end('third')).body;
    const again = (await end('third', { status: 'failed', reason: 'too late' })).body;
    expect(again).toMatchObject({ state: 'ingested', endedAt: ended.endedAt, timeline: ended.timeline });
  });

  test.each<[string, () => ReturnType<typeof open>, number, string]>([
    ['is not begun again', () => open('first'), 409, 'batch-ended'],
    ['of no tag', () => open('-x'), 400, 'bad-request'],
    ['of a source that is not', () => open('new', { sourceId: 'nobody' }), 404, 'source-not-found-or-disabled'],
    ['of a source with a secret', () => open('new', { sourceId: 'closed' }), 401, 'source-auth-required'],
    ['with another secret', () => open('new', { sourceId: 'closed' }, 'guessed'), 401, 'source-auth-invalid'],
    ['of a stream that fuses', () => open('new', { sourceId: 'left' }), 409, 'stream-not-for-batches'],
    ['with a member nobody knows', () => open('new', { colour: 'red' }), 400, 'bad-request'],
    ['with a flag that is text', () => open('new', { pii: 'yes' }), 400, 'bad-request'],
    ['ends with a word', () => end('first', {}), 400, 'bad-request'],
    ['that never began does not end', () => end('never'), 404, 'batch-not-found'],
    [
      'is not shown to whoever shows the wrong secret',
      () => get(server.url, '/batches/first?sourceId=closed'),
      401,
      'source-auth-required',
    ],
    [
      'is not shown for a source that is not',
      () => get(server.url, '/batches/first?sourceId=nobody'),
      404,
      'source-not-found-or-disabled',
    ],
    ['ends with numbers', () => end('first', { status: 'success', processed: -1 }), 400, 'bad-request'],
    ['is not known', () => get(server.url, '/batches/never'), 404, 'batch-not-found'],
    ['is not waited for in vain', () => get(server.url, '/batches/first?until=monday'), 400, 'bad-request'],
    [
      'is not waited for for ever',
      () => get(server.url, '/batches/first?until=certified&waitMs=60001'),
      400,
      'bad-request',
    ],
  ])('%s', async (_, asking, status, error) => {
    const answer = await asking();
    expect([answer.status, answer.body.error]).toEqual([status, error]);
  });

  test('events that are sent for it are taken while it is open, and at no other time', async () => {
    const sendFor = (batch: string) =>
      call(server.url, `/ingest/events?sourceId=spool&batch=${batch}`, {
        ...{
          method: 'POST',
          headers: { 'content-type': 'application/x-ndjson' },
          body: '{"eventId":"late","text":"late"}',
        },
      });
    expect((await sendFor('named')).body.error).toBe('batch-not-open');
    await open('named');
    expect((await sendFor('other')).body.error).toBe('batch-not-open');
    expect((await sendFor('named')).body).toMatchObject({ count: 1, duplicates: 0 });
    await end('named');
    const refused = await sendFor('named');
    expect([refused.status, refused.body.error]).toEqual([409, 'batch-not-open']);
    expect(await certified('named')).toMatchObject({ records: 1 });
  });

  test('is its owner’s, however many begin it at once', async () => {
    const answers = await Promise.all(['a', 'b', 'c'].map((owner) => open('owned', { owner })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    const owner = ['a', 'b', 'c'][answers.findIndex(({ status }) => status === 200)];
    expect((await open('owned', { owner })).status).toBe(200);
    expect((await open('owned')).body.error).toBe('batch-taken');
    await end('owned');
  });

  test('a stream has one at a time, and names it', async () => {
    await open('fourth');
    const refused = await open('fifth');
    expect([refused.status, refused.body.error, refused.body.batchTag]).toEqual([409, 'batch-open', 'fourth']);
    expect((await open('of-another', { sourceId: 'closed' }, 'a-secret-of-the-source')).status).toBe(200);
    await end('fourth', { status: 'failed', reason: 'a file could not be read' });
    expect((await open('fifth')).status).toBe(200);
    await end('fifth');
    expect((await get(server.url, '/batches/fourth')).body.state).toBe('failed');
  });

  test('is shown to its source, where others have to be allowed to read', async () => {
    const dataDir = makeDataDir();
    const sources = [
      { id: 'mine', secret: 'my-secret' },
      { id: 'yours', secret: 'your-secret' },
    ];
    const running = await startWith(dataDir, { host: '0.0.0.0', sources });
    const url = running.url.replace('0.0.0.0', '127.0.0.1');
    const ask = async (path: string, secret?: string) => {
      const headers = secret === undefined ? {} : { authorization: `Bearer ${secret}` };
      return (await call(url, path, { headers })).status;
    };
    const headers = { ...JSON_TYPE, authorization: 'Bearer my-secret' };
    const begun = await call(url, '/batches/one', { method: 'PUT', headers, body: '{"sourceId":"mine"}' });
    expect(begun.status).toBe(200);
    const asked = [
      ask('/batches/one'),
      ask('/batches/one', 'my-secret'),
      ask('/batches/one?sourceId=mine', 'my-secret'),
      ask('/batches/other?sourceId=mine', 'my-secret'),
      ask('/batches/one?sourceId=yours', 'your-secret'),
      ask('/batches/one?sourceId=mine', 'your-secret'),
      ask('/batches', 'my-secret'),
      ask('/batches/one', readFileSync(running.adminTokenFile, 'utf8').trim()),
    ];
    expect(await Promise.all(asked)).toEqual([401, 401, 200, 404, 401, 401, 401, 200]);
    expect(await running.stop()).toBe(0);
    removeDataDir(dataDir);
  });

  test('all are listed, newest first, by state and page by page', async () => {
    const all = (await get(server.url, '/batches')).body.items.map(({ batchTag }: Json) => batchTag);
    expect(all).toEqual(['fifth', 'of-another', 'fourth', 'owned', 'named', 'third', 'second', 'first']);
    const failed = (await get(server.url, '/batches?state=failed')).body.items;
    expect(failed.map(({ batchTag }: Json) => batchTag)).toEqual(['fourth']);
    const paged: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { body }: Json = await get(server.url, `/batches?limit=4${cursor === '' ? '' : `&cursor=${cursor}`}`);
      paged.push(...body.items.map(({ batchTag }: Json) => batchTag));
      cursor = body.nextCursor;
    }
    expect(paged).toEqual(all);
  });
});

describe('a batch with personal data', () => {
  const publish = (event: object, token = 'new-edge-token') =>
    send(
      'POST',
      '/event-publish',
      { action: 'publish', channel: 'embed_updates', message: JSON.stringify(event) },
      token,
    );

  test('is locked, whatever is published, until an administrator unlocks it', async () => {
    expect((await open('private', { pii: true })).body).toMatchObject({ pii: true, locked: true });
    await ingest(['a confidential text about penguins']);
    await end('private');
    await certified('private');
    const start = { event: 'embed.start', batch_tag: 'private', pii: false, ts: 5 };
    const held = await publish(start, 'old-edge-token');
    expect([held.status, held.body]).toEqual([202, { status: 'held', channel: 'embed_updates', persisted: true }]);
    for (const event of ['gate.open', 'gate.done']) {
      await publish({ event, batch_tag: 'private', pii: false, status: 'success', unlock: true });
    }
    expect((await get(server.url, '/batches/private')).body).toMatchObject({ locked: true, state: 'ingested' });
    expect((await get(server.url, '/search?mode=fulltext&q=penguins')).body.items).toEqual([]);
    expect((await send('POST', '/batches/private/unlock', { reason: 'x' })).status).toBe(401);
    expect((await send('POST', '/batches/private/unlock', { reason: 'x' }, 'new-edge-token')).status).toBe(401);
    expect((await send('POST', '/batches/private/unlock', {}, admin())).status).toBe(400);

    const waiting = get(server.url, '/batches/private?until=unlocked&waitMs=30000');
    const unlocked = await send('POST', '/batches/private/unlock', { reason: 'looked at it' }, admin());
    expect(unlocked.body).toMatchObject({ locked: false });
    expect((await waiting).body.locked).toBe(false);
    const published = await eventually(async () => {
      const { items } = (await get(server.url, '/batch-events?limit=1000')).body;
      const found = items.filter(({ message }: Json) => message === JSON.stringify(start));
      expect(found).toHaveLength(1);
      return found[0];
    });
    expect(published).toMatchObject({ channel: 'embed_updates', ts: 5, event: 'embed.start', batchTag: 'private' });
    await eventually(async () => {
      expect((await get(server.url, '/batches/private')).body).toMatchObject({ state: 'embedded', embedded: 1 });
    });
    const again = await send('POST', '/batches/private/embed', {}, admin());
    expect([again.status, again.body.embedding]).toEqual([200, 'due']);
    expect((await send('POST', '/batches/of-another/embed', {}, admin())).body.error).toBe('not-embedding');
    await eventually(async () => {
      expect((await get(server.url, '/batches/private')).body).toMatchObject({ embedding: 'done', embedded: 1 });
    });
    const [hit] = (await get(server.url, '/search?mode=fulltext&q=penguins')).body.items;
    expect(hit).toMatchObject({ text: 'a confidential text about penguins', batchTag: 'private' });
    expect((await get(server.url, hit.proof)).body.payload.text).toBe(hit.text);
    expect(hit.versionId).toBe((await get(server.url, `/ingest/events/${hit.eventId}`)).body.versionId);
  });

  test('is not found by searches at any moment of its life', async () => {
    const seen: number[] = [];
    let over = false;
    const searching = (async () => {
      while (!over) seen.push((await get(server.url, '/search?mode=fulltext&q=walrus')).body.items.length);
    })();
    for (let round = 0; round < 5; round++) {
      await open(`walrus-${round}`, { pii: true });
      for (let part = 0; part < 3; part++)
        await ingest(Array.from({ length: 200 }, (_, n) => `walrus ${round} ${part} ${n}`));
      await end(`walrus-${round}`);
      await certified(`walrus-${round}`);
    }
    over = true;
    await searching;
    expect(seen.length).toBeGreaterThan(5);
    expect(new Set(seen)).toEqual(new Set([0]));
  });

  test('is locked by an administrator, too, and disappears from searches', async () => {
    await send('POST', '/batches/private/lock', { reason: 'second thoughts' }, admin());
    expect((await get(server.url, '/search?mode=fulltext&q=penguins')).body.items).toEqual([]);
    expect((await get(server.url, '/search?mode=semantic&q=penguins')).body.items).toEqual([]);
    await send('POST', '/batches/private/unlock', { reason: 'after all' }, admin());
    expect((await get(server.url, '/search?mode=semantic&q=birds of the south pole')).body.items).toHaveLength(1);
    const { timeline } = (await get(server.url, '/batches/private')).body;
    const words = timeline
      .filter(({ by }: Json) => by !== undefined)
      .map(({ event, by, reason }: Json) => [event, by, reason]);
    expect(words).toEqual([
      ['locked', 'pii', undefined],
      ['unlocked', 'admin', 'looked at it'],
      ['locked', 'admin', 'second thoughts'],
      ['unlocked', 'admin', 'after all'],
    ]);
  });
});

describe('after kill -9', () => {
  test('an open batch goes on, what was held is still held, and the directory is whole', async () => {
    const dataDir = makeDataDir();
    let running = await startWith(dataDir, SETTINGS);
    const say = (method: string, path: string, body: object, token?: string) => {
      const headers = token === undefined ? JSON_TYPE : { ...JSON_TYPE, authorization: `Bearer ${token}` };
      return call(running.url, path, { method, headers, body: JSON.stringify(body) });
    };
    const ingestThere = (text: string) =>
      say('POST', '/ingest/events', { sourceId: 'spool', events: [{ eventId: text, text }] });
    await say('PUT', '/batches/one', { pii: true });
    await ingestThere('before');
    const message = JSON.stringify({ event: 'embed.start', batch_tag: 'one' });
    await say('POST', '/event-publish', { action: 'publish', channel: 'embed_updates', message }, 'new-edge-token');
    await running.kill();
    running = await startWith(dataDir, SETTINGS);
    await ingestThere('after');
    await say('PUT', '/batches/one', { pii: true });
    await say('POST', '/batches/one/end', { status: 'success' });
    await eventually(async () => {
      const { body } = await get(running.url, '/batches/one');
      expect(body).toMatchObject({ certified: true, locked: true });
      const rollup = (await get(running.url, `/rollups/${body.versionId}`)).body;
      expect(rollup.aggregates.records).toBe(2);
    });
    await running.kill();
    running = await startWith(dataDir, SETTINGS);
    const token = readFileSync(running.adminTokenFile, 'utf8').trim();
    await say('POST', '/batches/one/unlock', { reason: 'fine' }, token);
    await eventually(async () => {
      expect((await get(running.url, '/batches/one')).body).toMatchObject({ state: 'embedded', embedded: 2 });
    });
    expect(await running.stop()).toBe(0);
    expect(fsck(dataDir).violations).toEqual([]);
    expect((await replay(dataDir)).equal).toBe(true);
    removeDataDir(dataDir);
  });
});
