import { readFileSync } from 'node:fs';
import { verifyControl, verifyProof } from '@tidemark/proof';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { fsck } from '../../src/fsck/index.ts';
import type { ServerProcess } from '../support/server-process.ts';
import { call, get, type Json, post, type Reply } from './client.ts';
import {
  AT_ONCE,
  anchoredProof,
  eventually,
  makeDataDir,
  packetLines,
  pinsOf,
  removeDataDir,
  settled,
  startWith,
} from './server.ts';
import { Watcher } from './watcher.ts';

const ORDER = { bufferMs: 50, idleMs: 200, futureMs: 10_000, late: 'next' };
const QUORUM = { strategy: 'quorum', key: ['k'], bucketMs: 100, min: 2, onNoQuorum: 'quarantine' };
const settings = (max: number, more: object = {}) => ({
  sources: [
    { id: 'sensor', policy: { required: ['v'], constraints: { bounds: { v: { max } } } } },
    { id: 'other', policy: { required: ['v'] } },
    { id: 'tide' },
    ...['left', 'right'].map((id) => ({ id, stream: 'pair' })),
  ],
  streams: [
    ...['sensor', 'other'].map((id) => ({ id, publish: AT_ONCE })),
    { id: 'tide', publish: { windowMs: 100 }, order: ORDER },
    { id: 'pair', publish: AT_ONCE, order: { ...ORDER, late: 'correct' }, fusion: QUORUM },
  ],
  anchorIntervalMs: 100,
  ...more,
});

const REASON = 'the limit was a typing error';
let dataDir: string;
let server: ServerProcess;

beforeAll(async () => {
  dataDir = makeDataDir();
  server = await startWith(dataDir, settings(10));
});
afterAll(async () => {
  expect(await server.stop()).toBe(0);
  removeDataDir(dataDir);
});

const token = () => readFileSync(server.adminTokenFile, 'utf8').trim();
const say = (path: string, body: unknown, authorization = `Bearer ${token()}`): Promise<Reply> =>
  call(server.url, path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization },
    body: JSON.stringify(body),
  });

/** Sends events and waits until each is in a packet. @returns their ids */
async function send(events: object[], sourceId = 'sensor'): Promise<string[]> {
  const { status, body } = await post(server.url, { sourceId, events });
  expect(status).toBe(200);
  for (const id of body.inserted) await settled(server.url, id);
  return body.inserted;
}

async function restart(max: number): Promise<void> {
  expect(await server.stop()).toBe(0);
  server = await startWith(dataDir, settings(max));
}

const eventOf = async (id: string): Promise<Json> => (await get(server.url, `/ingest/events/${id}`)).body;
const listed = async (query: string): Promise<Json> => (await get(server.url, `/ingest/quarantine${query}`)).body;
const clean = () => expect(fsck(dataDir).violations).toEqual([]);

describe('an event in quarantine', () => {
  it('stays there under the policy that refuses it, and is released under a corrected one', async () => {
    const [id = ''] = await send([{ id: 'too-high', v: 15 }]);
    const before = await eventOf(id);
    expect(before).toMatchObject({ status: 'quarantined', lastError: 'bounds-max:v:15>10' });

    const refused = await say(`/ingest/events/${id}/release`, { reason: REASON });
    expect([refused.status, refused.body.error, refused.body.reasons]).toEqual([
      422,
      'still-quarantined',
      ['bounds-max:v:15>10'],
    ]);
    expect(refused.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(refused.body.hint).toContain('tidemark policy check');

    await restart(20);
    const watcher = await Watcher.open(server.url, '?type=certified,quarantined');
    onTestFinished(() => watcher.close());
    const { status, body } = await say(`/ingest/events/${id}/release`, { reason: REASON });
    expect([status, body]).toEqual([
      200,
      { status: 'ok', eventId: id, seq: 1, action: 'release', position: expect.any(Number) },
    ]);
    const after = await eventually(async () => {
      const event = await eventOf(id);
      expect(event.status).toBe('certified');
      return event;
    });
    const resolution = { action: 'release', by: 'admin', reason: REASON, at: expect.any(String) };
    expect(after).toMatchObject({ normalized: { id: 'too-high', v: 15 }, lastError: null, resolution });
    expect(after.leafIndex).toBeGreaterThan(before.leafIndex);
    expect(after.evidence.map(({ step }: Json) => step).slice(0, 4)).toEqual([
      ...['received', 'normalize', 'resolve', 'certify'],
    ]);
    expect(after.evidence[2]).toEqual({ step: 'resolve', ...resolution, quarantinedFor: ['bounds-max:v:15>10'] });

    const proof = await anchoredProof(server.url, id);
    expect(proof.leaf).toMatchObject({ kind: 'record', seq: 1, supersedes: ['sensor', 1], eventId: id });
    expect(proof.payload).toEqual({ id: 'too-high', v: 15 });
    const pins = pinsOf(dataDir, 'sensor');
    expect(verifyProof(proof, { dev: true, ...pins })).toMatchObject({ valid: true, level: 'anchored' });
    await watcher.until((one) => one.messages().length > 0);
    expect(watcher.messages()).toMatchObject([{ type: 'certified', eventId: id, leafIndex: after.leafIndex }]);
    const feed = await get(server.url, '/feed?stream=sensor');
    expect(feed.body.items.map(({ status }: Json) => status)).toEqual(['quarantined', 'certified']);
  });

  it('is given up with a control leaf in the log, signed, and shows as failed', async () => {
    const [id = ''] = await send([{ id: 'hopeless', v: 'abc' }], 'other');
    expect(await send([{ id: 'nothing' }], 'other')).toHaveLength(1);
    const [bad = ''] = await send([{ id: 'none' }], 'other');
    const { status, body } = await say(`/ingest/events/${bad}/discard`, { reason: 'a test of the sender' });
    expect([status, body.action, body.eventId]).toEqual([200, 'discard', bad]);
    const after = await eventually(async () => {
      const event = await eventOf(bad);
      expect(event.status).toBe('failed');
      return event;
    });
    expect(after.lastError).toBe('discarded: a test of the sender; required-missing:v');
    expect(after).toMatchObject({ raw: { id: 'none' }, normalized: null, resolution: { action: 'discard' } });
    const proof = await anchoredProof(server.url, bad);
    expect(proof.leaf).toMatchObject({
      kind: 'control',
      action: 'quarantine-discarded',
      data: { source: 'other', seq: 3, eventId: bad, by: 'admin', reason: 'a test of the sender' },
    });
    const { publisher, logKey } = pinsOf(dataDir, 'other');
    expect(verifyControl(proof.leaf, logKey)).toBe(true);
    expect(verifyControl({ ...proof.leaf, data: { ...proof.leaf.data, seq: 2 } }, logKey)).toBe(false);
    expect(verifyProof(proof, { dev: true, publisher, logKey })).toMatchObject({ valid: true, level: 'anchored' });
    expect((await eventOf(id)).status).toBe('certified');
    const { body: failed } = await get(server.url, '/ingest/feed?status=failed');
    expect(failed.items.map(({ eventId }: Json) => eventId)).toEqual([bad]);
    const { body: trace } = await get(server.url, `/ingest/events/${bad}/trace`);
    expect(trace.versions[0].leaf.kind).toBe('control');
  });

  it('hears one word, and that stands, also when the process is killed right after the answer', async () => {
    const [id = ''] = await send([{ id: 'once' }], 'other');
    expect((await say(`/ingest/events/${id}/discard`, { reason: 'kill' })).status).toBe(200);
    await server.kill();
    server = await startWith(dataDir, settings(20));
    for (const action of ['discard', 'release']) {
      const { status, body } = await say(`/ingest/events/${id}/${action}`, { reason: 'again' });
      expect([status, body.error]).toEqual([409, 'already-resolved']);
      expect(body.resolution).toMatchObject({ action: 'discard', reason: 'kill', by: 'admin' });
    }
    await eventually(async () => expect((await eventOf(id)).status).toBe('failed'));
    const control = packetLines(dataDir).filter(({ leaf }) => leaf.kind === 'control' && leaf.data.eventId === id);
    expect(control).toHaveLength(1);
  });

  it('is one of several versions, and is named by its seq', async () => {
    const [id = ''] = await send([{ id: 'twice' }], 'other');
    await send([{ id: 'twice', v: 1 }], 'other');
    const newest = await say(`/ingest/events/${id}/discard`, { reason: 'x' });
    expect([newest.status, newest.body.error]).toEqual([409, 'not-quarantined']);
    const { seq } = (await listed('?sourceId=other')).items.find(({ eventId }: Json) => eventId === id);
    const first = await say(`/ingest/events/${id}/discard`, { reason: 'x', seq });
    expect([first.status, first.body.seq]).toEqual([200, seq]);
  });

  it('is nobody’s to decide about without the admin token, on loopback as anywhere', async () => {
    const [id = ''] = await send([{ id: 'guarded' }], 'other');
    for (const path of [`/ingest/events/${id}/release`, `/ingest/events/${id}/discard`, '/ingest/quarantine/discard']) {
      for (const authorization of ['', 'Bearer nonsense']) {
        const { status, body } = await say(path, { reason: 'x' }, authorization);
        expect([status, body.error]).toEqual([401, 'token-required']);
      }
    }
    expect((await eventOf(id)).status).toBe('quarantined');
  });

  it.each<[string, unknown, number, string]>([
    ['no reason', {}, 400, 'bad-request'],
    ['a blank reason', { reason: '  ' }, 400, 'bad-request'],
    ['a reason that is too long', { reason: 'x'.repeat(1025) }, 400, 'bad-request'],
    ['a reason with half a character', { reason: '\ud800' }, 400, 'bad-request'],
    ['a reason that is no text', { reason: 1 }, 400, 'bad-request'],
    ['a member that is not known', { reason: 'x', force: true }, 400, 'bad-request'],
    ['a seq that is none', { reason: 'x', seq: 0 }, 400, 'bad-request'],
    ['a seq that the event does not have', { reason: 'x', seq: 99_999 }, 404, 'not-found'],
    ['a list', [], 400, 'bad-request'],
  ])('hears no word with %s', async (_what, body, status, error) => {
    const [id = ''] = await send([{ id: 'waits' }], 'other');
    const answer = await say(`/ingest/events/${id}/discard`, body);
    expect([answer.status, answer.body.error]).toEqual([status, error]);
    expect((await eventOf(id)).status).toBe('quarantined');
  });

  it('exists', async () => {
    const unknown = await say(`/ingest/events/${'0'.repeat(32)}/release`, { reason: 'x' });
    expect([unknown.status, unknown.body.error]).toEqual([404, 'not-found']);
    const malformed = await say('/ingest/events/xyz/release', { reason: 'x' });
    expect([malformed.status, malformed.body.error]).toEqual([400, 'bad-request']);
    const [certified] = await send([{ id: 'fine', v: 1 }], 'other');
    const fine = await say(`/ingest/events/${certified}/release`, { reason: 'x' });
    expect([fine.status, fine.body.error]).toEqual([409, 'not-quarantined']);
    const typed = await call(server.url, `/ingest/events/${certified}/release`, {
      ...{ method: 'POST', body: 'reason=x', headers: { authorization: `Bearer ${token()}` } },
    });
    expect([typed.status, typed.body.error]).toEqual([415, 'unsupported-media-type']);
  });
});

describe('the list', () => {
  it('is filtered by source, stream and reason, newest first, page by page', async () => {
    const ids = await send(
      [1, 2, 3].map((n) => ({ id: `list-${n}`, v: 1000 + n })),
      'sensor',
    );
    const { items, nextCursor } = await listed('?sourceId=sensor&reason=bounds-max:v:100');
    expect(items.map(({ eventId }: Json) => eventId)).toEqual(ids.toReversed());
    expect(nextCursor).toBeNull();
    const found = await eventOf(ids[2] ?? '');
    expect(items[0]).toEqual({
      ...{ eventId: ids[2], sourceId: 'sensor', stream: 'sensor', seq: expect.any(Number) },
      ...{ eventTime: found.eventTime, reasons: ['bounds-max:v:1003>20'], receivedAt: expect.stringMatching(/Z$/) },
      ...{ versionId: found.versionId, leafIndex: found.leafIndex },
    });
    const pages: string[] = [];
    for (let cursor = ''; ; ) {
      const page = await listed(`?sourceId=sensor&reason=bounds-max&limit=1${cursor}`);
      pages.push(...page.items.map(({ eventId }: Json) => eventId));
      if (page.nextCursor === null) break;
      cursor = `&cursor=${page.nextCursor}`;
    }
    expect(pages).toEqual(ids.toReversed());
    expect((await listed('?stream=other&reason=bounds')).items).toEqual([]);
  });

  it('shows what has been resolved, and by whom, when asked', async () => {
    const { items } = await listed('?resolved=true&limit=1000');
    expect(items.length).toBeGreaterThan(2);
    for (const { resolution } of items) expect(resolution).toMatchObject({ by: 'admin', at: expect.any(String) });
    const waiting = (await listed('?resolved=false&limit=1000')).items;
    for (const item of waiting) expect(item).not.toHaveProperty('resolution');
    expect((await listed('?resolved=all&limit=1000')).items).toHaveLength(items.length + waiting.length);
  });

  it.each(['?resolved=perhaps', '?limit=0', '?cursor=x', '?reasons=x'])('refuses %s', async (query) => {
    const { status, body } = await get(server.url, `/ingest/quarantine${query}`);
    expect([status, body.error]).toEqual([400, 'bad-request']);
  });
});

describe('where events are held until their order is settled', () => {
  const hence = (milliseconds: number) => new Date(Date.now() + milliseconds).toISOString();

  async function becomes(status: string, id: string | undefined): Promise<Json> {
    return eventually(async () => {
      const event = await eventOf(id ?? '');
      expect(event.status).toBe(status);
      return event;
    });
  }

  it('what was ahead of its time is released into a packet of corrections, or given up', async () => {
    const events = [0, 3_600_000, 3_600_000].map((ahead, id) => ({ id, ts: hence(ahead) }));
    const [fine, ahead, worse] = await send(events, 'tide');
    await becomes('certified', fine);
    for (const id of [ahead, worse]) expect((await eventOf(id ?? '')).lastError).toMatch(/^future:/);
    expect((await say(`/ingest/events/${ahead}/release`, { reason: 'its clock is right' })).status).toBe(200);
    expect((await say(`/ingest/events/${worse}/discard`, { reason: 'its clock is wrong' })).status).toBe(200);
    await becomes('certified', ahead);
    await becomes('failed', worse);
    const proof = await anchoredProof(server.url, ahead ?? '');
    expect(proof.leaf.supersedes).toEqual(['tide', proof.leaf.seq]);
    expect(verifyProof(proof, { dev: true })).toMatchObject({ valid: true });
    await becomes('certified', (await send([{ id: 'later', ts: hence(0) }], 'tide'))[0]);
  });

  it('a candidate that found no quorum is released as a record of its own', async () => {
    const [lonely, lost] = await send(
      ['a', 'b'].map((k) => ({ id: `lonely-${k}`, k, ts: hence(0) })),
      'left',
    );
    expect((await becomes('quarantined', lonely)).lastError).toMatch(/^no-quorum:/);
    expect((await say(`/ingest/events/${lonely}/release`, { reason: 'there is no other' })).status).toBe(200);
    expect((await say(`/ingest/events/${lost}/discard`, { reason: 'nobody else saw it' })).status).toBe(200);
    expect((await becomes('certified', lonely)).normalized).toMatchObject({ k: 'a' });
    expect((await becomes('failed', lost)).lastError).toMatch(/^discarded: nobody else saw it; no-quorum:/);
    expect((await anchoredProof(server.url, lonely ?? '')).leaf.kind).toBe('record');
  });
});

describe('many at once', () => {
  it('are released as far as the policy lets them, and discarded, page by page', async () => {
    await send([21, 25, 40].map((v, n) => ({ id: `many-${n}`, v })));
    await restart(30);
    const first = await say('/ingest/quarantine/release', {
      ...{ sourceId: 'sensor', reasonPrefix: 'bounds-max:v:', reason: 'the limit is 30', limit: 2 },
    });
    expect(first.body).toMatchObject({ status: 'ok', action: 'release', resolved: 1 });
    expect(first.body.stillQuarantined).toEqual([
      { eventId: expect.any(String), sourceId: 'sensor', seq: expect.any(Number), reasons: ['bounds-max:v:40>30'] },
    ]);
    const { nextCursor } = first.body;
    const second = await say('/ingest/quarantine/release', {
      ...{ sourceId: 'sensor', reasonPrefix: 'bounds-max:v:', reason: 'the limit is 30', cursor: nextCursor },
    });
    expect([second.body.resolved, second.body.stillQuarantined.length, second.body.nextCursor]).toEqual([1, 3, null]);
    const rest = await say('/ingest/quarantine/discard', { sourceId: 'sensor', reason: 'tests' });
    expect([rest.status, rest.body.resolved, rest.body.stillQuarantined]).toEqual([200, 4, []]);
    expect((await listed('?sourceId=sensor')).items).toEqual([]);
    await eventually(async () => {
      const { items } = await listed('?sourceId=sensor&resolved=true&limit=1000');
      expect(items.map(({ resolution }: Json) => resolution.action).sort()).toEqual([
        ...['discard', 'discard', 'discard', 'discard', 'release', 'release', 'release'],
      ]);
    });
  });

  it('leave a data directory in which all is well', async () => {
    await eventually(async () => expect((await listed('?resolved=true&limit=1000')).items.length).toBeGreaterThan(8));
    clean();
  });
});
