import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { controlText, type Leaf, verifyControl, verifyProof } from '@tidemark/proof';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { fsck } from '../../src/fsck/index.ts';
import { replay } from '../../src/replay/index.ts';
import { filesWith as filesIn } from '../support/directories.ts';
import type { ServerProcess } from '../support/server-process.ts';
import { call, get, type Json, post, type Reply } from './client.ts';
import {
  AT_ONCE,
  anchoredProof,
  eventually,
  makeDataDir,
  NEVER,
  packetLines,
  pinsOf,
  removeDataDir,
  settled,
  startWith,
  wholeFeed,
} from './server.ts';
import { Watcher } from './watcher.ts';

const SETTINGS = {
  sources: [
    { id: 'visits', stream: 'patients', policy: { constraints: { bounds: { pulse: { max: 200 } } } } },
    { id: 'later' },
    { id: 'open' },
  ],
  streams: [
    { id: 'patients', publish: AT_ONCE, salted: true },
    { id: 'later', publish: NEVER, salted: true },
    { id: 'open', publish: AT_ONCE },
  ],
  anchorIntervalMs: 100,
};
const REASON = 'asked for by the patient';

let dataDir: string;
let server: ServerProcess;
let marks = 0;

beforeAll(async () => {
  dataDir = makeDataDir();
  server = await startWith(dataDir, SETTINGS);
});
afterAll(async () => {
  expect(await server.stop()).toBe(0);
  removeDataDir(dataDir);
});

/** Text that stands nowhere else. */
const mark = () => `unmistakable-${process.pid}-${++marks}`;

const say = (path: string, body: unknown): Promise<Reply> =>
  call(server.url, path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${readFileSync(server.adminTokenFile, 'utf8').trim()}`,
    },
    body: JSON.stringify(body),
  });
const erase = (id: string, reason = REASON) => say(`/ingest/events/${id}/erase`, { reason });
const eventOf = async (id: string, query = ''): Promise<Json> =>
  (await get(server.url, `/ingest/events/${id}${query}`)).body;

/** Sends events and waits until each is in a packet. @returns their ids */
async function send(events: object[], sourceId = 'visits'): Promise<string[]> {
  const { status, body } = await post(server.url, { sourceId, events });
  expect(status).toBe(200);
  for (const id of body.inserted) await settled(server.url, id);
  return body.inserted;
}

const filesWith = (text: string) => filesIn(dataDir, text);

async function restart(): Promise<void> {
  expect(await server.stop()).toBe(0);
  server = await startWith(dataDir, SETTINGS);
}

async function sound(onTrust: number): Promise<void> {
  expect(fsck(dataDir).violations).toEqual([]);
  expect(await replay(dataDir)).toMatchObject({ equal: true, onTrust });
}

describe('a salted stream', () => {
  it('certifies what its packets do not hold, and proves it', async () => {
    const name = mark();
    const [id = ''] = await send([{ id: 'v1', name, pulse: 70 }]);
    const event = await eventOf(id);
    expect(event).toMatchObject({ status: 'certified', normalized: { id: 'v1', name, pulse: 70 } });
    expect(event.raw).toEqual(event.normalized);
    expect(event.erased).toBeUndefined();
    expect(filesWith(name).every((file) => file.startsWith('journal.db'))).toBe(true);
    const proof = await anchoredProof(server.url, id);
    expect(proof).toMatchObject({ payload: event.normalized, salt: expect.stringMatching(/^[0-9a-f]{64}$/) });
    const options = { ...pinsOf(dataDir, 'patients'), dev: true };
    expect(verifyProof(proof, options)).toMatchObject({ valid: true, level: 'anchored' });
    expect(verifyProof({ ...proof, salt: '0'.repeat(64) }, options)).toMatchObject({ reason: 'payload-mismatch' });
    expect(packetLines(dataDir).filter((line) => line.leaf.stream === 'patients' && 'payload' in line)).toEqual([]);
  });

  it('shows payloads in feeds and to watchers', async () => {
    const watcher = await Watcher.open(server.url, '?type=certified,normalized');
    onTestFinished(() => watcher.close());
    const name = mark();
    const [id = ''] = await send([{ id: 'v2', name }]);
    await watcher.until(() => watcher.messages().length === 2);
    expect(watcher.messages().map(({ normalized }) => normalized.name)).toEqual([name, name]);
    expect((await wholeFeed(server.url)).find(({ eventId }) => eventId === id).normalized.name).toBe(name);
  });

  it('knows duplicates and revisions', async () => {
    const events = [
      { id: 'v3', n: 1 },
      { id: 'v3', n: 2 },
      { n: 1, id: 'v3' },
    ];
    const [id = ''] = await send(events);
    expect((await post(server.url, { sourceId: 'visits', events })).body).toMatchObject({ duplicates: 3 });
    const { versions } = await eventOf(id);
    expect(versions).toHaveLength(2);
    expect(packetLines(dataDir).find(({ leaf }) => leaf.seq === versions[1].seq)?.leaf.supersedes).toEqual([
      'visits',
      versions[0].seq,
    ]);
  });
});

describe('an event that is erased', () => {
  it('is nowhere any more, keeps its place, and does not come back', async () => {
    const [first, second] = [mark(), mark()];
    const others = mark();
    const [id = ''] = await send([
      { id: 'e1', name: first },
      { id: 'e2', name: others },
      { id: 'e1', name: second },
    ]);
    const before = packetLines(dataDir);
    const proofBefore = await anchoredProof(server.url, id);
    const { status, body } = await erase(id);
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { status: 'ok', eventId: id, erased: { by: 'admin', reason: REASON }, complete: true },
    });
    expect(body.versions).toHaveLength(2);
    expect([filesWith(first), filesWith(second)]).toEqual([[], []]);
    expect(filesWith(others)).not.toEqual([]);

    const event = await eventOf(id);
    expect(event).toMatchObject({ status: 'certified', raw: null, normalized: null, lastError: null });
    expect(event.erased).toEqual(body.erased);
    expect(event.contentHash).toBe(proofBefore.leaf.payloadHash);
    expect((await eventOf(id, `?seq=${body.versions[0].seq}`)).raw).toBeNull();
    expect((await get(server.url, `/ingest/events/${id}/trace`)).text).not.toContain(second);

    const proof = (await get(server.url, `/ingest/events/${id}/proof`)).body;
    expect(['payload' in proof, 'salt' in proof]).toEqual([false, false]);
    expect(proof.leaf).toEqual(proofBefore.leaf);
    expect(verifyProof(proof, { dev: true })).toMatchObject({ valid: true });

    const again = await post(server.url, { sourceId: 'visits', events: [{ id: 'e1', name: first }] });
    const other = await post(server.url, { sourceId: 'visits', events: [{ id: 'e1', name: mark() }] });
    expect([again.body.duplicates, other.body.duplicates]).toEqual([1, 1]);
    expect((await erase(id, 'once more')).body).toEqual(body);
    expect(packetLines(dataDir)).toEqual(expect.arrayContaining(before));

    expect((await wholeFeed(server.url)).filter(({ eventId }) => eventId === id)).toMatchObject([
      { normalized: null, erased: { reason: REASON } },
      { normalized: null, erased: { reason: REASON } },
    ]);
    await restart();
    expect([filesWith(first), filesWith(second)]).toEqual([[], []]);
    await sound(2);
  });

  it('is said so in the log, signed, one leaf a version', async () => {
    const [id = ''] = await send([
      { id: 's1', n: 1 },
      { id: 's1', n: 2 },
    ]);
    const { body } = await erase(id);
    const leaves = packetLines(dataDir)
      .map(({ leaf }) => leaf)
      .filter(({ action, data }) => action === 'erased' && data.eventId === id);
    const { logKey } = pinsOf(dataDir, 'patients');
    expect(leaves.map(({ data }) => data)).toEqual(
      body.versions.map(({ sourceId, seq }: Json) => ({
        source: sourceId,
        seq,
        eventId: id,
        by: 'admin',
        reason: REASON,
      })),
    );
    for (const leaf of leaves) expect(verifyControl(leaf, logKey)).toBe(true);
    expect(controlText(leaves[0] as Extract<Leaf, { kind: 'control' }>)).toContain('"action":"erased"');
  });

  it('is told to watchers without its payload, also where messages were kept', async () => {
    const name = mark();
    const from = await Watcher.open(server.url, '?type=certified,normalized,quarantined');
    const [id = ''] = await send([
      { id: 'w1', name },
      { id: 'w2', name, pulse: 300 },
    ]);
    await from.until(() => from.messages().length === 3);
    const cursor = from.frames[0]?.id;
    from.close();
    await erase(id);
    const refused = (await wholeFeed(server.url)).find(({ status }) => status === 'quarantined');
    expect((await erase(refused.eventId)).body.complete).toBe(true);
    const watcher = await Watcher.open(server.url, '', { 'last-event-id': cursor ?? '' });
    onTestFinished(() => watcher.close());
    const told = await watcher.until(() => watcher.messages('certified', 'normalized', 'quarantined').length >= 3);
    const messages = told.messages('certified', 'normalized', 'quarantined');
    expect(messages.filter(({ eventId }) => eventId === id).map(({ normalized }) => normalized)).toEqual([
      undefined,
      undefined,
    ]);
    expect(messages.find(({ type }) => type === 'quarantined').reasons).toEqual([]);
    expect(filesWith(name)).toEqual([]);
  });

  it('leaves nothing of the reasons for which it was in quarantine', async () => {
    const [id = ''] = await send([{ id: 'q1', pulse: 987_654.25 }]);
    expect((await eventOf(id)).lastError).toBe('bounds-max:pulse:987654.25>200');
    expect(filesWith('987654.25').length).toBeGreaterThan(1);
    expect((await erase(id)).body.complete).toBe(true);
    expect(filesWith('987654.25')).toEqual([]);
    expect(await eventOf(id)).toMatchObject({ status: 'quarantined', raw: null, lastError: null });
    const { items } = (await get(server.url, '/ingest/quarantine?resolved=all')).body;
    expect(items.map(({ eventId }: Json) => eventId)).not.toContain(id);
    expect((await say(`/ingest/events/${id}/release`, { reason: 'x' })).body.error).toBe('not-quarantined');
    const sweep = await say('/ingest/quarantine/release', { stream: 'patients', reason: 'x' });
    expect(sweep.body).toMatchObject({ resolved: 0 });
  });

  it('may have been discarded from quarantine before', async () => {
    const [id = ''] = await send([{ id: 'd1', pulse: 876_543.25 }]);
    await say(`/ingest/events/${id}/discard`, { reason: 'broken' });
    await eventually(async () => expect((await eventOf(id)).status).toBe('failed'));
    expect((await erase(id)).body.complete).toBe(true);
    expect(filesWith('876543.25')).toEqual([]);
    expect(await eventOf(id)).toMatchObject({ status: 'failed', raw: null, lastError: 'discarded: broken' });
    expect((await get(server.url, `/ingest/events/${id}/trace`)).text).not.toContain('876543.25');
    expect(fsck(dataDir).violations).toEqual([]);
    expect((await replay(dataDir)).equal).toBe(true);
  });

  it('need not have been certified: it is, at once, and nothing is lost of its neighbours', async () => {
    const name = mark();
    const events = [
      { id: 'n1', name },
      { id: 'n2', name: 'kept' },
    ];
    const { body } = await post(server.url, { sourceId: 'later', events });
    const [id = '', neighbour = ''] = body.inserted;
    expect((await eventOf(id)).status).toBe('received');
    expect((await erase(id)).body.complete).toBe(true);
    expect(filesWith(name)).toEqual([]);
    expect(await eventOf(id)).toMatchObject({ status: 'certified', raw: null });
    expect(await eventOf(neighbour)).toMatchObject({ status: 'certified', normalized: { id: 'n2', name: 'kept' } });
  });

  it('is overwritten as soon as nobody reads what was there', async () => {
    const name = mark();
    const [id = ''] = await send([{ id: 'r1', name }]);
    const reader = new DatabaseSync(join(dataDir, 'journal.db'), { readOnly: true, timeout: 10_000 });
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM entries').get();
    const { body } = await erase(id);
    expect(body.complete).toBe(false);
    expect(await eventOf(id)).toMatchObject({ raw: null, normalized: null });
    expect(filesWith(name)).not.toEqual([]);
    const { notes, violations } = fsck(dataDir);
    expect(violations).toEqual([]);
    expect(notes).toContainEqual(expect.objectContaining({ code: 'waiting' }));
    reader.close();
    await eventually(() => expect(filesWith(name)).toEqual([]), 50);
    expect((await erase(id)).body).toEqual({ ...body, complete: true });
  });

  it.each([
    ['open', 409, 'not-salted'],
    ['visits', 401, 'token-required'],
  ])('is refused in "%s" with %i %s', async (sourceId, status, error) => {
    const [id = ''] = await send([{ id: `refused-${sourceId}` }], sourceId);
    const path = `/ingest/events/${id}/erase`;
    const reply = error === 'token-required' ? await call(server.url, path, { method: 'POST' }) : await erase(id);
    expect([reply.status, reply.body.error]).toEqual([status, error]);
    expect((await eventOf(id)).raw).toEqual({ id: `refused-${sourceId}` });
  });

  it('is asked for as it should be', async () => {
    const [id = ''] = await send([{ id: 'asked' }]);
    expect((await say(`/ingest/events/${id}/erase`, {})).body.error).toBe('bad-request');
    expect((await say(`/ingest/events/${id}/erase`, { reason: 'x', seq: 1 })).body.error).toBe('bad-request');
    expect((await erase('0'.repeat(32))).body.error).toBe('not-found');
    expect((await erase('none')).body.error).toBe('bad-request');
  });

  it('can be had from the command line', async () => {
    const [id = '', other = ''] = await send([{ id: 'c1' }, { id: 'c2' }]);
    const run = (...args: string[]) =>
      spawnSync(
        process.execPath,
        [join(import.meta.dirname, '../../bin/tidemark.js'), 'erase', ...args, '--url', server.url, '--data', dataDir],
        { encoding: 'utf8' },
      );
    expect(run(id, other, '--reason', REASON)).toMatchObject({
      status: 0,
      stdout: `${id}  erased\n${other}  erased\n`,
    });
    const [plain = ''] = await send([{ id: 'c3' }], 'open');
    expect(run(plain, '--reason', REASON)).toMatchObject({ status: 1, stdout: expect.stringContaining('not-salted') });
  });
});

describe('a server that is killed', () => {
  /** A transaction that others have to wait for. */
  const hold = (file: string, begin: string): DatabaseSync => {
    // Whoever may write empties the log when he is the last to close.
    const db = new DatabaseSync(join(dataDir, file), { readOnly: begin === 'BEGIN', timeout: 10_000 });
    db.exec(begin);
    db.prepare('SELECT count(*) FROM entries').get();
    return db;
  };

  it.each([
    // The pipeline cannot write that the event is erased, so nothing may be overwritten.
    ['between the word and the overwriting', 'ledger.db', 'BEGIN IMMEDIATE', false],
    // The log of the database cannot be emptied.
    ['between the overwriting and the end', 'journal.db', 'BEGIN', true],
  ])('%s, goes on at the next start', async (_name, file, begin, overwritten) => {
    const name = mark();
    const [id = ''] = await send([{ id: name, name }]);
    const held = hold(file, begin);
    const answer = erase(id).catch(() => undefined);
    await eventually(async () => expect((await eventOf(id)).erased).toBeDefined());
    await eventually(() => {
      const db = new DatabaseSync(join(dataDir, 'journal.db'), { readOnly: true, timeout: 10_000 });
      const row = db.prepare('SELECT count(*) AS rows FROM entries WHERE instr(raw, ?) > 0').get(Buffer.from(name));
      db.close();
      expect(row).toEqual({ rows: overwritten ? 0 : 1 });
    });
    expect(filesWith(name)).not.toEqual([]);
    await server.kill();
    await answer;
    held.close();
    expect(filesWith(name)).not.toEqual([]);
    expect(fsck(dataDir).violations).toEqual([]);
    server = await startWith(dataDir, SETTINGS);
    await eventually(() => expect(filesWith(name)).toEqual([]), 50);
    expect((await erase(id)).body.complete).toBe(true);
    expect(await eventOf(id)).toMatchObject({ status: 'certified', raw: null, erased: { reason: REASON } });
    expect(fsck(dataDir)).toMatchObject({ violations: [] });
    expect((await replay(dataDir)).equal).toBe(true);
  });
});

describe('at a start', () => {
  it('with another word on salts, a stream that has events is refused', async () => {
    await send([{ id: 'o1' }], 'open');
    expect(await server.stop()).toBe(0);
    const changed = SETTINGS.streams.map(({ salted, ...stream }) =>
      salted === true ? stream : { ...stream, salted: true },
    );
    for (const [place, id] of [
      [0, 'patients'],
      [2, 'open'],
    ] as const) {
      const streams = SETTINGS.streams.with(place, changed[place]!);
      await expect(startWith(dataDir, { ...SETTINGS, streams })).rejects.toThrow(`the stream "${id}" has events with`);
    }
    server = await startWith(dataDir, SETTINGS);
  });

  it('without the key of its streams is refused', async () => {
    const path = join(dataDir, 'stream.key');
    const key = readFileSync(path);
    expect(statSync(path).mode & 0o077).toBe(0);
    expect(await server.stop()).toBe(0);
    rmSync(path);
    await expect(startWith(dataDir, SETTINGS)).rejects.toThrow('stream.key is missing');
    writeFileSync(path, key, { mode: 0o600 });
    server = await startWith(dataDir, SETTINGS);
  });
});
