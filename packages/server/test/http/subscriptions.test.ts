import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import { CERTIFICATE, KEY } from '../subscriptions/certificate.ts';
import { bodyOf, Receiver } from '../subscriptions/receiver.ts';
import { filesWith } from '../support/directories.ts';
import { type ServerProcess, start } from '../support/server-process.ts';
import { call, type Json, post, type Reply } from './client.ts';
import { AT_ONCE, eventually, makeDataDir, removeDataDir, settled, startWith, useServer, wholeFeed } from './server.ts';
import { Watcher } from './watcher.ts';

const QUICK = {
  subscriptionsAllowCidrs: '127.0.0.0/8',
  ...{ subscriptionsBackoffBaseMs: 5, subscriptionsBackoffFactor: 1, subscriptionsProbeMs: 20, subscriptionsMax: 6 },
};
const SETTINGS = {
  sources: [{ id: 'gauge' }, { id: 'visits', stream: 'patients' }],
  streams: [
    { id: 'gauge', publish: AT_ONCE },
    { id: 'patients', publish: AT_ONCE, salted: true },
  ],
  anchorIntervalMs: 100,
  ...QUICK,
};

function as(server: ServerProcess) {
  const authorization = `Bearer ${readFileSync(server.adminTokenFile, 'utf8').trim()}`;
  const send = (method: string, path: string, body?: unknown): Promise<Reply> =>
    call(server.url, path, {
      method,
      headers: { authorization, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  return {
    get: (path: string) => send('GET', path),
    post: (path: string, body: unknown = {}) => send('POST', path, body),
    patch: (path: string, body: unknown) => send('PATCH', path, body),
    remove: (path: string) => send('DELETE', path),
  };
}

describe('on a running server', () => {
  const server = useServer(SETTINGS);
  let receiver: Receiver;
  let admin: ReturnType<typeof as>;
  beforeAll(() => {
    admin = as(server.process);
  });
  beforeEach(async () => {
    receiver = await Receiver.open();
  });
  afterEach(async () => {
    const { body } = await admin.get('/subscriptions');
    for (const { id } of body.items) expect((await admin.remove(`/subscriptions/${id}`)).status).toBe(204);
    await receiver.close();
  });

  const subscribe = async (more: object = {}): Promise<Json> => {
    const { status, body, headers } = await admin.post('/subscriptions', { url: receiver.url, ...more });
    expect(status).toBe(201);
    expect(headers.location).toBe(`/subscriptions/${body.id}`);
    expect(headers['cache-control']).toBe('no-store');
    return body;
  };

  it('sends what /watch shows', async () => {
    const types = ['normalized', 'certified', 'anchored'];
    const watcher = await Watcher.open(server.url, `?type=${types.join(',')}&stream=gauge`);
    await subscribe({ types, streams: ['gauge'], order: 'stream' });
    await post(server.url, {
      sourceId: 'gauge',
      events: [
        { id: 1, v: 1 },
        { id: 2, v: 2 },
      ],
    });
    await eventually(() => expect(new Set(receiver.received.map((one) => bodyOf(one).data.type)).size).toBe(3));
    const sent = receiver.received.map((one) => {
      const { cursor, ...data } = bodyOf(one).data;
      expect(cursor).toMatch(/^[0-9a-f]+-/);
      return data;
    });
    await eventually(() => expect(watcher.messages(...types).slice(0, sent.length)).toEqual(sent));
    watcher.close();
  });

  it('gives out cursors from which /watch goes on, and not from the beginning', async () => {
    await subscribe();
    for (const id of ['before-1', 'before-2']) await post(server.url, { sourceId: 'gauge', events: [{ id }] });
    await eventually(() => expect(receiver.received).toHaveLength(2));
    const cursor = receiver.received.map((one) => bodyOf(one).data.cursor).at(-1);
    const { body } = await post(server.url, { sourceId: 'gauge', events: [{ id: 'after' }] });
    const watcher = await Watcher.open(server.url, `?type=received&since=${cursor}`);
    await eventually(() => expect(watcher.messages('received')).not.toEqual([]));
    expect(watcher.messages('received')[0]).toMatchObject({ eventIds: body.inserted });
    watcher.close();
  });

  const bad = 'https://10.0.0.1/';
  test.each<[string, unknown, RegExp]>([
    ['', { url: bad }, /SUBSCRIPTIONS_ALLOW_CIDRS/],
    ['', { url: 'https://a.test/', types: [] }, /"types" is a list of one or more of normalized, .*anchored/],
    ['/ID/replay', { since: 'zzz' }, /"since" is an RFC 3339 time, earliest, or a cursor/],
    ['/ID/deliveries?cursor=zz', undefined, /"cursor" is the nextCursor .* without it, the newest/],
  ])('what is taken instead is said: %s %j', async (path, body, words) => {
    const { id } = await subscribe({ enabled: false });
    const at = `/subscriptions${path.replace('ID', id)}`;
    const reply = await (body === undefined ? admin.get(at) : admin.post(at, body));
    expect(reply).toMatchObject({ status: 400, body: { hint: expect.stringMatching(words) } });
  });

  test.each(['2026-01-01T00:00:00Z', 'zzz'])('a subscription since "%s" hears what is taken', async (since) => {
    const { body } = await admin.post('/subscriptions', { url: receiver.url, since });
    expect(body.hint).toMatch(/^"since" is latest, earliest, or a cursor/);
  });

  it('sends again from the beginning', async () => {
    const { id } = await subscribe({ since: 'latest' });
    const { body } = await admin.post(`/subscriptions/${id}/replay`, { since: 'earliest' });
    expect(body.replayed).toBeGreaterThan(0);
    const told = (await wholeFeed(server.url)).length;
    await eventually(() => expect(receiver.ids).toHaveLength(told));
  });

  it('answers with all there is to know', async () => {
    const made = await subscribe({ description: 'mine', filter: 'v > 1', concurrency: 3, order: 'none' });
    expect(made).toMatchObject({
      ...{ description: 'mine', filter: 'v > 1', concurrency: 3, order: 'none', url: receiver.url },
      ...{ types: ['certified'], enabled: true, paused: null, pending: 0, dead: 0, lastSuccess: null },
      breaker: { state: 'closed', failures: 0 },
      secret: expect.stringMatching(/^whsec_/),
    });
    const { secret: _, ...shown } = made;
    expect((await admin.get(`/subscriptions/${made.id}`)).body).toEqual(shown);
    await post(server.url, {
      sourceId: 'gauge',
      events: [
        { id: 3, v: 1 },
        { id: 4, v: 2 },
      ],
    });
    await eventually(async () => {
      const { body } = await admin.get(`/subscriptions/${made.id}`);
      expect(body.lastSuccess).toBeGreaterThan(0);
    });
    const { body: log } = await admin.get(`/subscriptions/${made.id}/deliveries?status=delivered`);
    expect(log).toMatchObject({
      items: [{ id: receiver.ids[0], status: 'delivered', stream: 'gauge', attempts: [{ status: 204 }] }],
      nextCursor: null,
    });
    const { body: replayed } = await admin.post(`/subscriptions/${made.id}/replay`, { deliveries: [receiver.ids[0]] });
    expect(replayed).toEqual({ status: 'ok', replayed: 1, unknown: [] });
    await eventually(() => expect(receiver.ids).toEqual([log.items[0].id, log.items[0].id]));
    const since = await admin.post(`/subscriptions/${made.id}/replay`, {
      since: new Date(made.createdAt).toISOString(),
    });
    expect(since.body).toMatchObject({ replayed: 1 });
    await eventually(() => expect(receiver.ids).toHaveLength(3));
    expect((await admin.post(`/subscriptions/${made.id}/test`)).body).toMatchObject({ delivered: true, status: 204 });
    const rotated = await admin.post(`/subscriptions/${made.id}/rotate`, { overlapMs: 1000 });
    expect(rotated.body.secret).not.toBe(made.secret);
    const changed = await admin.patch(`/subscriptions/${made.id}`, {
      filter: null,
      enabled: false,
      types: ['anchored'],
    });
    expect(changed.body).toMatchObject({ enabled: false, paused: 'disabled', types: ['anchored'] });
    expect(changed.body).not.toHaveProperty('filter');
    expect((await admin.post(`/subscriptions/${made.id}/discard`, { dead: true })).body).toEqual({
      ...{ status: 'ok', discarded: 0 },
    });
    expect(filesWith(server.dataDir, made.secret)).toEqual([]);
    expect(server.process.output().stderr).not.toContain('whsec_');
  });

  it('sends nothing of an event that is erased meanwhile, and keeps nothing of it', async () => {
    receiver.behave = () => ({ status: 503 });
    const made = await subscribe({ streams: ['patients'] });
    const mark = 'pulse-of-4711';
    const { body } = await post(server.url, { sourceId: 'visits', events: [{ id: 'visit', mark }] });
    await eventually(() => expect(receiver.received.length).toBeGreaterThan(0));
    expect(receiver.received[0]?.text).toContain(mark);
    const [id] = body.inserted;
    const erased = await admin.post(`/ingest/events/${id}/erase`, { reason: 'asked for' });
    expect(erased.body).toMatchObject({ complete: true });
    const before = receiver.received.length;
    receiver.behave = () => ({});
    await eventually(() => expect(receiver.taken).toHaveLength(1));
    // One that was on its way when the word came may still have had it.
    const after = receiver.received.at(-1)!;
    expect(receiver.received.length).toBeGreaterThan(before);
    expect(after.id).toBe(receiver.ids[0]);
    expect(after.text).not.toContain(mark);
    expect(bodyOf(after).data).toMatchObject({ type: 'certified', eventId: id });
    expect(filesWith(server.dataDir, mark)).toEqual([]);
    await admin.remove(`/subscriptions/${made.id}`);
  });

  const url = 'https://127.0.0.1/';
  test.each<[string, string, unknown, number, string]>([
    ['POST', '', {}, 400, 'bad-request'],
    ['POST', '', { url: 'ftp://a' }, 400, 'bad-request'],
    ['POST', '', { url: 'https://u:p@a.example/' }, 400, 'bad-request'],
    ['POST', '', { url: 5 }, 400, 'bad-request'],
    ['POST', '', { url: 'https://10.0.0.1/' }, 400, 'url-not-allowed'],
    ['POST', '', { url: 'https://0xa.1/' }, 400, 'url-not-allowed'],
    ['POST', '', { url: 'http://[::ffff:169.254.169.254]/' }, 400, 'url-not-allowed'],
    ['POST', '', { url, types: ['received'] }, 400, 'bad-request'],
    ['POST', '', { url, types: [] }, 400, 'bad-request'],
    ['POST', '', { url, filter: 'v >' }, 400, 'filter-invalid'],
    ['POST', '', { url, order: 'any' }, 400, 'bad-request'],
    ['POST', '', { url, concurrency: 65 }, 400, 'bad-request'],
    ['POST', '', { url, since: 'ffffffff-0-1' }, 400, 'bad-request'],
    ['POST', '', { url, enabled: 'yes' }, 400, 'bad-request'],
    ['POST', '', { url, streams: 'gauge' }, 400, 'bad-request'],
    ['POST', '', { url, more: 1 }, 400, 'bad-request'],
    ['PATCH', '/ID', { url: null }, 400, 'bad-request'],
    ['PATCH', '/ID', { since: 'latest' }, 400, 'bad-request'],
    ['PATCH', '/ID', { url: 'https://[fd00::1]/' }, 400, 'url-not-allowed'],
    ['POST', '/ID/replay', {}, 400, 'bad-request'],
    ['POST', '/ID/replay', { dead: true, since: '2026-01-01T00:00:00Z' }, 400, 'bad-request'],
    ['POST', '/ID/replay', { dead: false }, 400, 'bad-request'],
    ['POST', '/ID/replay', { since: '2020-01-01T00:00:00Z' }, 409, 'log-too-short'],
    ['POST', '/ID/replay', { since: 'nowhere' }, 400, 'bad-request'],
    ['POST', '/ID/rotate', { overlapMs: -1 }, 400, 'bad-request'],
    ['GET', '/ID/deliveries?status=lost', undefined, 400, 'bad-request'],
    ['GET', '/ID/deliveries?cursor=x', undefined, 400, 'bad-request'],
    ['GET', '/sub_0000000000000000', undefined, 404, 'not-found'],
    ['PATCH', '/sub_0000000000000000', { enabled: false }, 404, 'not-found'],
    ['DELETE', '/sub_0000000000000000', undefined, 404, 'not-found'],
    ['POST', '/sub_0000000000000000/replay', { dead: true }, 404, 'not-found'],
    ['POST', '/sub_0000000000000000/test', {}, 404, 'not-found'],
  ])('%s /subscriptions%s %j is answered with %i %s', async (method, path, body, status, error) => {
    const { id } = await subscribe({ enabled: false });
    const at = `/subscriptions${path.replace('ID', id)}`;
    const reply = await (method === 'GET'
      ? admin.get(at)
      : method === 'DELETE'
        ? admin.remove(at)
        : method === 'PATCH'
          ? admin.patch(at, body)
          : admin.post(at, body));
    expect(reply.body).toMatchObject({ status, error });
    expect(reply.status).toBe(status);
  });

  it('is for the administrator alone, on loopback too', async () => {
    for (const [method, path] of [
      ['GET', '/subscriptions'],
      ['POST', '/subscriptions'],
      ['GET', '/subscriptions/sub_0'],
      ['PATCH', '/subscriptions/sub_0'],
      ['DELETE', '/subscriptions/sub_0'],
      ['POST', '/subscriptions/sub_0/rotate'],
      ['GET', '/subscriptions/sub_0/deliveries'],
      ['POST', '/subscriptions/sub_0/replay'],
      ['POST', '/subscriptions/sub_0/discard'],
      ['POST', '/subscriptions/sub_0/test'],
    ] as const) {
      expect((await call(server.url, path, { method })).body).toMatchObject({ error: 'token-required' });
    }
  });

  it('has as many as there may be', async () => {
    for (let count = 0; count < 6; count++) await subscribe({ enabled: false });
    const { body } = await admin.post('/subscriptions', { url: receiver.url });
    expect(body).toMatchObject({ status: 409, error: 'too-many-subscriptions' });
  });
});

it('delivers over TLS to whom a certificate is good for', async () => {
  const dataDir = makeDataDir();
  const authority = `${dataDir}.pem`;
  writeFileSync(authority, CERTIFICATE);
  const ids: unknown[] = [];
  const secure = createServer({ key: KEY, cert: CERTIFICATE }, (request, response) => {
    ids.push(request.headers['webhook-id']);
    request.resume().on('end', () => response.end());
  });
  await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve));
  const { port } = secure.address() as AddressInfo;
  const env = { SUBSCRIPTIONS_ALLOW_CIDRS: '127.0.0.0/8', NODE_EXTRA_CA_CERTS: authority };
  const server = await start(dataDir, env);
  const admin = as(server);
  const { body: made } = await admin.post('/subscriptions', { url: `https://127.0.0.1:${port}/` });
  await post(server.url, { events: [{ id: 1 }] });
  await eventually(async () => {
    expect((await admin.get(`/subscriptions/${made.id}`)).body).toMatchObject({
      pending: 0,
      lastSuccess: expect.any(Number),
    });
  });
  expect(ids).toHaveLength(1);
  expect(await server.stop()).toBe(0);
  secure.closeAllConnections();
  secure.close();
  rmSync(authority);
  removeDataDir(dataDir);
});

describe('over kills', () => {
  const KILLS = 3;
  const EVENTS_A_ROUND = 250;
  let dataDir: string;
  let receiver: Receiver;
  beforeAll(async () => {
    dataDir = makeDataDir();
    let count = 0;
    // Now and then it fails, so that retries are under way when the server dies.
    receiver = await Receiver.open(() => ({ status: ++count % 17 === 0 ? 500 : 204 }));
  });
  afterAll(async () => {
    await receiver.close();
    removeDataDir(dataDir);
  });

  it('delivers all that the log has, in its order, each always under the same id', { timeout: 120_000 }, async () => {
    const stream = { sources: [{ id: 'gauge' }], streams: [{ id: 'gauge', publish: AT_ONCE }], ...QUICK };
    let server = await startWith(dataDir, stream);
    const made: Json[] = [];
    for (const order of ['stream', 'none']) {
      made.push((await as(server).post('/subscriptions', { url: receiver.url, order, since: 'earliest' })).body);
    }
    for (let kill = 0; kill <= KILLS; kill++) {
      const events = Array.from({ length: EVENTS_A_ROUND }, (_, place) => ({ id: `${kill}-${place}` }));
      const { body } = await post(server.url, { sourceId: 'gauge', events });
      expect(body.count).toBe(EVENTS_A_ROUND);
      const before = receiver.ids.length;
      await eventually(() => expect(receiver.ids.length).toBeGreaterThan(before + 50 + 40 * kill));
      if (kill === KILLS) break;
      await server.kill();
      server = await startWith(dataDir, stream);
    }
    await settled(server.url, (await wholeFeed(server.url)).at(-1)!.eventId);
    const feed = (await wholeFeed(server.url)).map(({ eventId }) => eventId);
    expect(feed).toHaveLength((KILLS + 1) * EVENTS_A_ROUND);
    for (const { id } of made) {
      await eventually(async () => {
        const { body } = await as(server).get(`/subscriptions/${id}`);
        expect(body).toMatchObject({ pending: 0, underWay: 0, lag: 0, dead: 0 });
      });
    }
    const eventOf = new Map<string, string>();
    for (const one of receiver.received) {
      const { eventId } = bodyOf(one).data;
      expect(eventOf.get(one.id) ?? eventId).toBe(eventId);
      eventOf.set(one.id, eventId);
    }
    const taken = new Set(receiver.taken);
    for (const { id } of made) {
      const own = [...taken].filter((name) => name.startsWith(id)).map((name) => eventOf.get(name));
      expect(own.toSorted()).toEqual(feed.toSorted());
    }
    const [ordered] = made;
    const firsts = [...new Set(receiver.taken.filter((name) => name.startsWith(ordered.id)))];
    expect(firsts.map((name) => eventOf.get(name))).toEqual(feed);
    // No more was repeated than what was not yet stored when the server died, and what had failed.
    expect(receiver.ids.length).toBeGreaterThan(taken.size);
    expect(await server.stop()).toBe(0);
  });
});
