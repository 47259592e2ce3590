import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { get, type Json, post } from './client.ts';
import { AT_ONCE, NEVER, settled, useServer, wholeFeed } from './server.ts';

const server = useServer({
  sources: [
    { id: 'alpha', stream: 'shared', policy: { constraints: { bounds: { n: { max: 90 } } } } },
    { id: 'beta', stream: 'shared' },
    { id: 'gamma' },
    { id: 'waiting' },
  ],
  streams: [
    ...['shared', 'gamma', 'default'].map((id) => ({ id, publish: AT_ONCE })),
    { id: 'waiting', publish: NEVER },
  ],
});

const ids: Record<string, string[]> = {};
const HASH = expect.stringMatching(/^[0-9a-f]{64}$/);
const SECONDS = expect.any(Number);

async function send(sourceId: string, events: object[]): Promise<string[]> {
  const { status, body } = await post(server.url, { sourceId, events });
  expect(status).toBe(200);
  return body.inserted;
}

beforeAll(async () => {
  const numbers = Array.from({ length: 100 }, (_, n) => ({ id: `e${n}`, n }));
  ids.alpha = await send('alpha', numbers);
  ids.beta = await send('beta', numbers.slice(0, 10));
  ids.gamma = await send('gamma', numbers.slice(0, 5));
  for (const source of ['alpha', 'beta', 'gamma']) await settled(server.url, ids[source]!.at(-1)!);
  ids.waiting = await send('waiting', [{ id: 'later' }]);
});

const names = (items: Json[]) => items.map(({ eventId }) => eventId);

describe('/ingest/feed', () => {
  const feed = async (query: string) => (await get(server.url, `/ingest/feed${query}`)).body.items;

  it('is newest first, with all that there is to say of an event', async () => {
    const { headers, body } = await get(server.url, '/ingest/feed?limit=1&sourceId=beta');
    expect(headers['cache-control']).toBe('max-age=1');
    const raw = { id: 'e9', n: 9 };
    expect(body.items).toEqual([
      {
        eventId: ids.beta!.at(-1),
        ...{ sourceId: 'beta', stream: 'shared', status: 'certified', versionId: HASH, leafIndex: 110 },
        contentHash: createHash('sha256').update(JSON.stringify(raw)).digest('hex'),
        normalized: raw,
        ...{ eventTime: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/), createdAt: SECONDS, updatedAt: SECONDS },
      },
    ]);
    expect(Number.isInteger(body.items[0].createdAt)).toBe(true);
  });

  it('shows what is not certified yet', async () => {
    const [newest] = await feed('?limit=1');
    const empty = { contentHash: null, versionId: null, leafIndex: null, eventTime: null, normalized: null };
    expect(newest).toMatchObject({ eventId: ids.waiting![0], status: 'received', ...empty });
  });

  it('selects by source, by status, and by both', async () => {
    expect(names(await feed('?sourceId=gamma'))).toEqual(ids.gamma!.toReversed());
    expect(names(await feed('?status=quarantined'))).toEqual(ids.alpha!.slice(91).toReversed());
    expect(names(await feed('?status=received'))).toEqual(ids.waiting);
    expect(names(await feed('?status=certified&sourceId=alpha&limit=1000'))).toEqual(
      ids.alpha!.slice(0, 91).toReversed(),
    );
    expect(await feed('?status=quarantined&sourceId=beta')).toEqual([]);
    expect(await feed('?sourceId=nobody')).toEqual([]);
    expect(await feed('?sourceId=__proto__')).toEqual([]);
  });

  it('gives pages by limit and offset, fifty without being asked', async () => {
    const all = ids.alpha!.toReversed();
    expect(names(await feed('?sourceId=alpha'))).toEqual(all.slice(0, 50));
    expect(names(await feed('?sourceId=alpha&limit=7&offset=93'))).toEqual(all.slice(93));
    expect(names(await feed('?sourceId=alpha&limit=30&offset=40&status=certified'))).toEqual(
      ids.alpha!.slice(0, 91).toReversed().slice(40, 70),
    );
    expect(await feed('?sourceId=alpha&offset=100')).toEqual([]);
  });

  it.each([
    'limit=0',
    'limit=1001',
    'limit=ten',
    'limit=1e2',
    'limit=-1',
    'limit=',
    'offset=-1',
    'offset=100001',
    'offset=0x10',
    'status=fine',
    'limit=1&limit=2',
    'cursor=x',
    '__proto__=1',
  ])('%s is 400', async (query) => {
    const { status, body } = await get(server.url, `/ingest/feed?${query}`);
    expect([status, body.error, body.instance]).toEqual([400, 'bad-request', '/ingest/feed']);
  });
});

describe('/feed', () => {
  it('has every sealed event once, in log order, whatever the size of the page', async () => {
    const whole = await wholeFeed(server.url);
    expect(names(whole).toSorted()).toEqual([...ids.alpha!, ...ids.beta!, ...ids.gamma!].toSorted());
    for (const limit of [1, 7, 64]) expect(names(await wholeFeed(server.url, '', limit))).toEqual(names(whole));
    const shared = whole.filter(({ stream }) => stream === 'shared');
    // Leaf 0 is the log's header.
    expect(shared.map(({ leafIndex }) => leafIndex)).toEqual(Array.from({ length: 110 }, (_, n) => n + 1));
  });

  it('selects by stream and by source', async () => {
    for (const limit of [3, 1000]) {
      expect(names(await wholeFeed(server.url, '&stream=gamma', limit))).toEqual(ids.gamma);
      expect(names(await wholeFeed(server.url, '&stream=shared', limit))).toEqual([...ids.alpha!, ...ids.beta!]);
      expect(names(await wholeFeed(server.url, '&sourceId=beta', limit))).toEqual(ids.beta);
      expect(await wholeFeed(server.url, '&stream=shared&sourceId=gamma', limit)).toEqual([]);
    }
  });

  it('keeps its pages while more comes in: the cursor moves for nobody', async () => {
    const before = (await get(server.url, '/feed?limit=60')).body;
    const added = await send('beta', [{ id: 'during' }]);
    await settled(server.url, added[0]!);
    expect((await get(server.url, '/feed?limit=60')).body.items).toEqual(before.items);
    const rest = await wholeFeed(server.url, '', 10);
    const after = await get(server.url, `/feed?limit=1000&cursor=${before.nextCursor}`);
    expect(names([...before.items, ...after.body.items])).toEqual(names(rest));
    expect(names(after.body.items).at(-1)).toBe(added[0]);
    const end = (await get(server.url, `/feed?cursor=${after.body.nextCursor}`)).body;
    expect(end.items).toEqual([]);
    const [next] = await send('gamma', [{ id: 'after-the-end' }]);
    await settled(server.url, next!);
    expect(names((await get(server.url, `/feed?cursor=${end.nextCursor}`)).body.items)).toEqual([next]);
  });

  it.each(['cursor=nonsense', 'cursor=00000000-1-1', 'cursor=', 'limit=0', 'limit=1001', 'offset=1', 'filtre=n%3E5'])(
    '%s is 400',
    async (query) => {
      const { status, body } = await get(server.url, `/feed?${query}`);
      expect([status, body.error]).toEqual([400, 'bad-request']);
    },
  );
});

describe('/ingest/events/:id', () => {
  it('has the raw event, what became of it, and the evidence step by step', async () => {
    const eventId = ids.alpha![5]!;
    const raw = { id: 'e5', n: 5 };
    const hash = createHash('sha256').update(JSON.stringify(raw)).digest('hex');
    const { body } = await get(server.url, `/ingest/events/${eventId}`);
    expect(body).toMatchObject({ eventId, sourceId: 'alpha', status: 'certified', raw, normalized: raw });
    expect(body).toMatchObject({ contentHash: hash, versionId: HASH, leafIndex: 6, lastError: null });
    expect(body).not.toHaveProperty('versions');
    expect(body.evidence.slice(0, 3)).toEqual([
      { step: 'received', at: expect.any(String), journalPosition: expect.any(Number), seq: 6, rawHash: hash },
      { step: 'normalize', policyHash: HASH, issues: [] },
      {
        ...{ step: 'certify', at: expect.any(String), versionId: body.versionId, leafIndex: 6 },
        packet: { start: 0, end: expect.any(Number) },
      },
    ]);
  });

  it('shows an event that waits as received, and what its policy will make of it', async () => {
    const { body } = await get(server.url, `/ingest/events/${ids.waiting![0]}`);
    expect(body).toMatchObject({
      status: 'received',
      raw: { id: 'later' },
      normalized: { id: 'later' },
      versionId: null,
    });
    expect(body.evidence.map(({ step }: Json) => step)).toEqual(['received', 'normalize']);
  });

  it('answers the newest version, lists all of them, and the leaf names the one that it revises', async () => {
    const [eventId] = await send('gamma', [{ id: 'revised', n: 1 }]);
    await send('gamma', [{ id: 'revised', n: 2 }]);
    await send('gamma', [
      { id: 'revised', n: 1 },
      { id: 'revised', n: 3 },
    ]);
    const event = await settled(server.url, eventId!);
    expect(event.raw).toEqual({ id: 'revised', n: 3 });
    const seqs = event.versions.map(({ seq }: Json) => seq);
    expect(seqs).toEqual([seqs[0], seqs[0] + 1, seqs[0] + 2]);
    const rawHash = (n: number) =>
      createHash('sha256')
        .update(JSON.stringify({ id: 'revised', n }))
        .digest('hex');
    expect(event.versions).toEqual(
      [1, 2, 3].map((n, place) => ({ sourceId: 'gamma', seq: seqs[place], rawHash: rawHash(n), versionId: HASH })),
    );
    for (const [place, seq] of seqs.entries()) {
      const version = (await get(server.url, `/ingest/events/${eventId}?seq=${seq}`)).body;
      expect(version).toMatchObject({ raw: { id: 'revised', n: place + 1 }, versions: event.versions });
      const { leaf } = (await get(server.url, `/ingest/events/${eventId}/proof?seq=${seq}`)).body;
      expect(leaf.seq).toBe(seq);
    }
    const { body } = await get(server.url, `/ingest/events/${eventId}/trace`);
    const supersedes = body.versions.map(({ leaf }: Json) => leaf.supersedes);
    expect(supersedes).toEqual([undefined, ['gamma', seqs[0]], ['gamma', seqs[1]]]);
  });

  it.each([
    ['1000000', 404, 'not-found'],
    ['0', 400, 'bad-request'],
    ['x', 400, 'bad-request'],
  ])('seq=%s is %i', async (seq, status, error) => {
    for (const route of ['', '/proof']) {
      const reply = await get(server.url, `/ingest/events/${ids.gamma![0]}${route}?seq=${seq}`);
      expect([reply.status, reply.body.error]).toEqual([status, error]);
    }
  });

  it('/trace has every id, hash and time of the path', async () => {
    const eventId = ids.gamma![0]!;
    const { body } = await get(server.url, `/ingest/events/${eventId}/trace`);
    expect(body).toMatchObject({ eventId, versions: [{ sourceId: 'gamma', stream: 'gamma' }] });
    const { leaf, manifest, checkpoint, steps } = body.versions[0];
    expect(leaf).toMatchObject({ kind: 'record', source: 'gamma', seq: 1, eventId });
    expect(manifest).toMatchObject({ type: 'datasetVersionManifest', datasetId: 'gamma' });
    expect(checkpoint.split('\n').slice(0, 2)).toEqual([manifest.content.log.origin, `${manifest.content.log.end}`]);
    expect(steps.map(({ step }: Json) => step).slice(0, 3)).toEqual(['received', 'normalize', 'certify']);
  });

  it.each([
    ['an id nobody has', '0'.repeat(32), 404, 'not-found'],
    ['upper case', 'A'.repeat(32), 400, 'bad-request'],
    ['one digit too few', '0'.repeat(31), 400, 'bad-request'],
    ['an external id', 'e5', 400, 'bad-request'],
    ['a path', '..%2f..%2fadmin-token', 400, 'bad-request'],
    ['300 characters', '0'.repeat(300), 414, 'bad-request'],
  ])('%s is refused alike on all three routes', async (_what, id, status, error) => {
    for (const route of ['', '/trace', '/proof']) {
      const reply = await get(server.url, `/ingest/events/${id}${route}`);
      expect([reply.status, reply.body.error]).toEqual([status, error]);
    }
  });
});
