import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Packr } from 'msgpackr';
import { describe, expect, it, vi } from 'vitest';
import { Directories } from '../support/directories.ts';
import { content, HASTY, ndjson, once, openOn, put, told, tree, useSpool } from './spools.ts';
import { problem, type StandIn } from './stand-in.ts';

const directories = new Directories();
const packr = new Packr({ useRecords: false });
let server: StandIn;
let dir: string;
useSpool((itsServer, itsDir) => {
  server = itsServer;
  dir = itsDir;
});

const TAGGED = { env: { SPOOL_BATCH_TAG: 'first' } };

describe('a run', () => {
  it('replays what is there, archives it, and tells of it', async () => {
    put(dir, 'a.ndjson', ndjson(['one', 'two']));
    put(dir, 'b.ndjson', ndjson(['two', 'three']));
    const [run] = await once(server, dir, TAGGED);
    expect(run).toMatchObject({ tag: 'first', status: 'success', counts: { taken: 4, duplicates: 1, rejected: 0 } });
    expect([...server.events.values()].map(({ text }) => text)).toEqual(['one', 'two', 'three']);
    expect(tree(dir)).toEqual(['archive/first/a.ndjson', 'archive/first/b.ndjson']);
    const ts = expect.any(Number);
    expect(server.published.map(({ message }) => message)).toEqual([
      {
        ...{ event: 'gate.open', batch_tag: 'first', spool: `${dir}/processing/first`, bytes: 62, count: 2 },
        ...{ pii: false, ts },
      },
      {
        ...{ event: 'gate.done', batch_tag: 'first', status: 'success', processed: 4, inserted: 3, duplicates: 1 },
        ...{ rejected: 0, pii: false, version_id: 'version-of-first', stream: 'spool', ts },
      },
      { event: 'embed.start', batch_tag: 'first', pii: false, ts },
    ]);
    expect(server.published.map(({ channel }) => channel)).toEqual([
      ...['ingest_updates', 'ingest_updates', 'embed_updates'],
    ]);
    expect(server.published[0]?.authorization).toBe('Bearer edge');
  });

  it('is not begun where there is nothing', async () => {
    expect(await once(server, dir)).toEqual([]);
    expect(server.requests).toEqual([]);
    expect(readdirSync(dir).sort()).toEqual(['.tidemark', 'archive', 'failed', 'incoming', 'processing']);
  });

  it('leaves alone what is unfinished by its name, of no known format, a folder or a link', async () => {
    for (const name of ['.hidden.ndjson', 'a.ndjson.tmp', 'b.ndjson.part', 'c.ndjson.PARTIAL', 'notes.txt']) {
      put(dir, name, ndjson(['no']));
    }
    mkdirSync(join(dir, 'incoming', 'folder.ndjson'));
    put(dir, 'real.ndjson', ndjson(['yes']));
    symlinkSync('real.ndjson', join(dir, 'incoming', 'link.ndjson'));
    await once(server, dir, TAGGED);
    expect([...server.events.values()].map(({ text }) => text)).toEqual(['yes']);
    expect(tree(dir).filter((path) => !path.startsWith('incoming/'))).toEqual(['archive/first/real.ndjson']);
  });

  it('has the default tag in UTC, and another where that is taken, here or on the server', async () => {
    const clock = { ...HASTY, now: () => Date.UTC(2026, 2, 1, 23, 59, 58) };
    put(dir, 'a.ndjson', ndjson(['a']));
    await once(server, dir, { overrides: { clock } });
    put(dir, 'b.ndjson', ndjson(['b']));
    await once(server, dir, { overrides: { clock } });
    const elsewhere = directories.next();
    put(elsewhere, 'c.ndjson', ndjson(['c']));
    await once(server, elsewhere, { overrides: { clock } });
    const tag = 'spool_20260301_235958';
    expect([...server.batches.keys()]).toEqual([tag, `${tag}_2`, `${tag}_3`]);
    expect(server.published[0]?.message.ts).toBe(Date.UTC(2026, 2, 1, 23, 59, 58) / 1000);
  });

  it('does not share its folder with what was there', async () => {
    mkdirSync(join(dir, 'failed', 'first'), { recursive: true });
    mkdirSync(join(dir, 'archive', 'first_2'), { recursive: true });
    put(dir, 'a.ndjson', ndjson(['a']));
    const [run] = await once(server, dir, TAGGED);
    expect(run?.tag).toBe('first_3');
  });

  it('is of the files that name the same tag', async () => {
    put(dir, '1.msgpack', packr.pack({ batch_tag: 'x', records: [{ text: '1' }] }));
    put(dir, '2.json', JSON.stringify({ examples: [{ text: '2' }], batch_tag: 'y' }));
    put(dir, '3.json', JSON.stringify({ records: [{ text: '3' }], batch_tag: 'x' }));
    put(dir, '4.ndjson', ndjson(['4']));
    const runs = await once(server, dir, { overrides: { clock: { ...HASTY, now: () => 0 } } });
    expect(runs.map(({ tag, count }) => [tag, count])).toEqual([
      ['x', 2],
      ['y', 1],
      ['spool_19700101_000000', 1],
    ]);
    expect(tree(dir)).toEqual([
      ...['archive/spool_19700101_000000/4.ndjson', 'archive/x/1.msgpack', 'archive/x/3.json', 'archive/y/2.json'],
    ]);
  });

  it('brings its records as they are, under the id of their content', async () => {
    const records = [
      { text: 'own hash', metadata: { content_hash: 'h1', lang: 'en' }, n: 1.5 },
      { chunk: 'a chunk', eventId: 'theirs', source: 'own' },
    ];
    put(dir, 'a.msgpack', packr.pack({ source: 'label', records }));
    await once(server, dir, TAGGED);
    const eventId = createHash('sha256').update('a chunk').digest('hex');
    expect([...server.events.values()]).toEqual([
      { ...records[0], eventId: 'h1', source: 'label' },
      { eventId, text: 'a chunk', chunk: 'a chunk', original_event_id: 'theirs', source: 'own' },
    ]);
  });
});

describe('a run that fails', () => {
  it('says which files cannot be read, and keeps what the others brought', async () => {
    put(dir, 'a.json', '[{"text":"one"},{"text":"two"');
    put(dir, 'b.ndjson', ndjson(['three']));
    put(dir, 'c.msgpack', Buffer.from([0xc1]));
    const [run] = await once(server, dir, TAGGED);
    expect(run).toMatchObject({ status: 'failed', reason: '2 of 3 files cannot be read' });
    expect(tree(dir)).toEqual([
      ...['failed/first/REASON.txt', 'failed/first/a.json', 'failed/first/b.ndjson', 'failed/first/c.msgpack'],
    ]);
    expect(content(dir, 'failed/first/REASON.txt').split('\n').slice(2)).toEqual([
      'a.json: file-malformed: it is not valid JSON: it ends inside a value at byte 29',
      'c.msgpack: file-malformed: it is one map',
      '',
    ]);
    expect(told(server)).toEqual({ first: ['gate.open', 'gate.done'] });
    expect(server.published[1]?.message).toMatchObject({
      status: 'failed',
      processed: 1,
      version_id: 'version-of-first',
    });
    expect(server.batches.get('first')?.ending).toMatchObject({ status: 'failed', processed: 1, reason: run?.reason });
  });

  it.each([
    { what: 'to open the batch', method: 'PUT', path: '/batches/first', ended: false },
    { what: 'the records', method: 'POST', path: '/ingest/events?sourceId=spool&batch=first', ended: true },
    { what: 'to end the batch', method: 'POST', path: '/batches/first/end', ended: false },
  ])('has the words of a server that refuses $what', async ({ method, path, ended }) => {
    put(dir, 'a.ndjson', ndjson(['one']));
    server.fault = (asked) => (asked.method === method && asked.path === path ? problem(403, 'not-you') : undefined);
    const [run] = await once(server, dir, TAGGED);
    expect(run).toMatchObject({ status: 'failed', reason: 'the server answered 403 not-you: because of not-you' });
    expect(tree(dir)).toEqual(['failed/first/REASON.txt', 'failed/first/a.ndjson']);
    expect(told(server)).toEqual({ first: ['gate.open', 'gate.done'] });
    expect(server.batches.get('first')?.ending?.status === 'failed').toBe(ended);
  });

  it('is not one where single records are refused', async () => {
    server.refuses = (text) => text === 'no';
    put(dir, 'rejected.ndjson', `${ndjson(['yes', 'no'])}not json\n[1]\n{"text":""}\n`);
    const [run] = await once(server, dir, TAGGED);
    expect(run).toMatchObject({ status: 'success', counts: { taken: 1, duplicates: 0, rejected: 4 } });
    const lines = content(dir, 'failed/first/_rejected.ndjson').trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { file: 'rejected.ndjson', index: 1, error: 'refused-here' },
      { index: 2, error: 'record-malformed' },
      { index: 3, error: 'not-a-map' },
      { index: 4, error: 'text-missing' },
    ]);
  });

  it('can come again: what was taken is known', async () => {
    put(dir, 'a.ndjson', ndjson(['one', 'two']));
    put(dir, 'b.json', '[');
    await once(server, dir, TAGGED);
    put(dir, 'a.ndjson', ndjson(['one', 'two']));
    put(dir, 'b.json', '[{"text":"three"}]');
    const [run] = await once(server, dir, TAGGED);
    expect(run).toMatchObject({ tag: 'first_2', status: 'success', counts: { taken: 3, duplicates: 2, rejected: 0 } });
    expect(server.leaves).toHaveLength(3);
  });
});

describe('a server that does not take it at once', () => {
  it.each([
    problem(429, 'slow-down', { 'retry-after': '1' }),
    problem(503, 'overloaded', { 'retry-after': '1' }),
    problem(500, 'defect'),
    problem(409, 'batch-open'),
    { status: 502, body: '<html>Bad gateway</html>' },
    { status: 200, body: '<html>Welcome</html>' },
  ])('is asked again after $status', async (fault) => {
    put(dir, 'a.ndjson', ndjson(['one']));
    let left = 3;
    server.fault = ({ method }) => (method !== 'GET' && left-- > 0 ? fault : undefined);
    const [run] = await once(server, dir, TAGGED);
    expect(run?.status).toBe('success');
    expect(told(server)).toEqual({ first: ['gate.open', 'gate.done', 'embed.start'] });
  });

  it('gets in halves what is too large, and a record that is too large alone is rejected', async () => {
    put(dir, 'a.ndjson', ndjson(['a', 'b', 'x'.repeat(200), 'c', 'd']));
    server.fault = ({ path, body }) =>
      path.startsWith('/ingest') && body.length > 250 ? problem(413, 'body-too-large') : undefined;
    const [run] = await once(server, dir, TAGGED);
    expect(run).toMatchObject({ status: 'success', counts: { taken: 4, duplicates: 0, rejected: 1 } });
    expect(content(dir, 'failed/first/rejected.ndjson')).toContain('"index":2,"error":"body-too-large"');
  });

  it('is given up when asked to; the run stays and is gone on with', async () => {
    put(dir, 'a.ndjson', ndjson(['one']));
    let time = 0;
    const clock = { ...HASTY, monotonic: () => (time += 400) };
    server.fault = ({ path }) => (path.startsWith('/ingest') ? problem(503, 'overloaded') : undefined);
    const env = { ...TAGGED.env, SPOOL_GIVE_UP_AFTER: '2' };
    await expect(once(server, dir, { env, overrides: { clock } })).rejects.toThrow('503 overloaded');
    expect(tree(dir)).toEqual(['processing/first/a.ndjson']);
    server.fault = () => undefined;
    await once(server, dir);
    expect(tree(dir)).toEqual(['archive/first/a.ndjson']);
    expect(told(server)).toEqual({ first: ['gate.open', 'gate.done', 'embed.start'] });
  });
});

describe('a batch that is not open any more', () => {
  it('is begun and sent once more', async () => {
    put(dir, 'a.ndjson', ndjson(Array.from({ length: 2500 }, (_, n) => `text ${n}`)));
    let asked = 0;
    server.fault = ({ path }) =>
      path.startsWith('/ingest/') && ++asked === 2 ? problem(409, 'batch-not-open') : undefined;
    const [run] = await once(server, dir, TAGGED);
    expect(run).toMatchObject({ status: 'success', counts: { taken: 2500, duplicates: 0, rejected: 0 } });
    expect(server.leaves).toHaveLength(2500);
    const opened = server.requests.filter(({ method }) => method === 'PUT');
    expect(opened.length).toBeGreaterThan(1);
    expect(new Set(opened.map(({ body }) => (JSON.parse(body) as { owner: string }).owner)).size).toBe(1);
  });

  it('fails its run where somebody else has ended it', async () => {
    put(dir, 'a.ndjson', ndjson(['one']));
    server.fault = ({ path }) => {
      if (!path.startsWith('/ingest/')) return undefined;
      Object.assign(server.batches.get('first') ?? {}, { ending: { status: 'success' } });
      return problem(409, 'batch-not-open');
    };
    const [run] = await once(server, dir, TAGGED);
    expect(run).toMatchObject({ status: 'failed', reason: expect.stringContaining('batch-ended') });
  });

  it('fails its run where the server has less than it acknowledged', async () => {
    put(dir, 'a.ndjson', ndjson(['one', 'two']));
    server.fault = ({ path }) => {
      if (path.endsWith('/end')) server.leaves.length = 1;
      return undefined;
    };
    const [run] = await once(server, dir, TAGGED);
    expect(run).toMatchObject({ status: 'failed', reason: expect.stringContaining('1 of the 2 records') });
    expect(tree(dir)).toEqual(['failed/first/REASON.txt', 'failed/first/a.ndjson']);
  });
});

describe('personal data', () => {
  it.each([
    ['the setting', { SPOOL_PII: 'true' }, 'a.ndjson', ndjson(['x'])],
    ['the map of a file', {}, 'a.json', '{"records":[{"text":"x"}],"pii":true}'],
  ])('is marked by %s from the start', async (_what, env, name, text) => {
    put(dir, name, text);
    await once(server, dir, { env: { ...TAGGED.env, ...env } });
    expect(server.published.map(({ message }) => [message.event, message.pii])).toEqual([
      ['gate.open', true],
      ['gate.done', true],
    ]);
    expect(server.batches.get('first')).toMatchObject({ pii: true, locked: true });
  });

  it('is marked by a record before that is sent', async () => {
    const marked = JSON.stringify({ text: 'secret', metadata: { pii: true } });
    put(dir, 'a.ndjson', `${ndjson(Array.from({ length: 1500 }, (_, n) => `text ${n}`))}${marked}\n`);
    let refusals = 3;
    const asked: string[] = [];
    server.fault = ({ method, body }) => {
      const locks = method === 'PUT' && body.includes('"pii":true');
      if (locks && refusals-- > 0) return problem(503, 'overloaded');
      if (locks || body.includes('secret')) asked.push(locks ? 'locked' : 'sent');
      return undefined;
    };
    await once(server, dir, TAGGED);
    expect(asked).toEqual(['locked', 'sent']);
    expect(server.published.map(({ message }) => [message.event, message.pii])).toEqual([
      ['gate.open', false],
      ['gate.done', true],
    ]);
  });

  it('is marked by a record, and what was sent before stays as it was sent', async () => {
    const marked = JSON.stringify({ text: 'secret', pii: true });
    put(dir, 'a.ndjson', `${ndjson(Array.from({ length: 1500 }, (_, n) => `text ${n}`))}${marked}\n`);
    // The batch is locked, and then the process is gone.
    let locked = false;
    const stop = new AbortController();
    server.fault = ({ method, body }) => {
      locked ||= method === 'PUT' && body.includes('"pii":true');
      if (locked && method === 'POST') stop.abort();
      return undefined;
    };
    const { spool, stop: stopping } = openOn(server, dir, { env: TAGGED.env });
    stop.signal.addEventListener('abort', () => stopping.abort());
    await expect(spool.once()).rejects.toThrow();
    spool.close();
    server.fault = () => undefined;
    await once(server, dir, TAGGED);
    const sent = server.requests.filter(({ path }) => path.startsWith('/ingest/'));
    const lines = sent.flatMap(({ body }) =>
      body.split('\n').map((line) => JSON.parse(line) as Record<string, unknown>),
    );
    expect(lines.filter(({ pii }) => pii === true).map(({ text }) => text)).toEqual(expect.arrayContaining(['secret']));
    expect(lines.filter(({ pii, text }) => pii === true && text !== 'secret')).toEqual([]);
  });

  it('is asked for once more before embedding is told: an administrator may have locked the batch', async () => {
    put(dir, 'a.ndjson', ndjson(['one']));
    server.fault = ({ path, body }) => {
      if (path !== '/event-publish' || !body.includes('gate.done')) return undefined;
      Object.assign(server.batches.get('first') ?? {}, { locked: true });
      return undefined;
    };
    await once(server, dir, TAGGED);
    expect(told(server)).toEqual({ first: ['gate.open', 'gate.done'] });
    server.unlock('first');
    await once(server, dir, TAGGED);
    expect(told(server)).toEqual({ first: ['gate.open', 'gate.done', 'embed.start'] });
  });

  it('waits for the gate, and lets other batches pass', async () => {
    put(dir, 'a.json', '{"records":[{"text":"x"}],"pii":true,"batch_tag":"locked"}');
    put(dir, 'b.json', '{"records":[{"text":"y"}],"batch_tag":"open"}');
    await once(server, dir);
    expect(told(server)).toEqual({
      locked: ['gate.open', 'gate.done'],
      open: ['gate.open', 'gate.done', 'embed.start'],
    });
    server.unlock('locked');
    const { spool, stop } = openOn(server, dir);
    const watching = spool.watch();
    await vi.waitFor(() => expect(told(server).locked).toEqual(['gate.open', 'gate.done', 'embed.start']));
    stop.abort();
    await watching;
    spool.close();
    expect(server.published.at(-1)?.message).toMatchObject({ event: 'embed.start', batch_tag: 'locked', pii: true });
  });
});

describe('a watching spool', () => {
  it('begins when there is enough, by number or by size, and leaves alone what is still written to', async () => {
    const env = { SPOOL_MIN_FILES: '3', SPOOL_MIN_BYTES: '1000', SPOOL_SETTLE_MS: '20', SPOOL_POLL_INTERVAL: '1' };
    const { spool, runs, stop } = openOn(server, dir, { env });
    const watching = spool.watch();
    put(dir, 'a.ndjson', ndjson(['one']));
    put(dir, 'b.ndjson', ndjson(['two']));
    put(dir, 'growing.ndjson.part', ndjson(['three']));
    put(dir, 'large.ndjson', ndjson(['x'.repeat(1200)]));
    await vi.waitFor(() => expect(runs).toHaveLength(1));
    expect(runs[0]).toMatchObject({ status: 'success', count: 3 });
    put(dir, 'c.ndjson', ndjson(['four']));
    put(dir, 'd.ndjson', ndjson(['five']));
    put(dir, 'e.ndjson', ndjson(['six']));
    await vi.waitFor(() => expect(runs).toHaveLength(2), { timeout: 5000 });
    stop.abort();
    await watching;
    spool.close();
    expect(runs[1]).toMatchObject({ status: 'success', count: 3 });
    expect(tree(dir).filter((path) => path.startsWith('incoming/'))).toEqual(['incoming/growing.ndjson.part']);
  });

  it('has the folder to itself', async () => {
    const { spool } = openOn(server, dir);
    await expect(once(server, dir)).rejects.toThrow('another tidemark spool works on');
    spool.close();
    expect(await once(server, dir)).toEqual([]);
  });
});

it('fails a run whose file is written to after it was taken', async () => {
  put(dir, 'a.ndjson', ndjson(['one']));
  server.fault = ({ method, path }) => {
    if (method === 'PUT') appendFileSync(join(dir, 'processing/first/a.ndjson'), ndjson(['two']));
    return path === '/event-publish' ? problem(503, 'down') : undefined;
  };
  const [run] = await once(server, dir, { env: { ...TAGGED.env, SPOOL_NOTIFY_WAIT: '0' } });
  expect(run?.status).toBe('failed');
  expect(content(dir, 'failed/first/REASON.txt')).toContain('a.ndjson: file-changed');
});

it('takes up a run that is in processing/ and in no database', async () => {
  mkdirSync(join(dir, 'processing', 'orphan'), { recursive: true });
  writeFileSync(join(dir, 'processing', 'orphan', 'a.ndjson'), ndjson(['one']));
  await once(server, dir);
  expect(tree(dir)).toEqual(['archive/orphan/a.ndjson']);
  expect(told(server)).toEqual({ orphan: ['gate.open', 'gate.done', 'embed.start'] });
});

it('leaves a file out of its run that changed before it was taken', async () => {
  put(dir, 'a.ndjson', ndjson(['one']));
  put(dir, 'b.ndjson', ndjson(['two']));
  // Whether the tag is free is asked once the files are chosen.
  server.fault = ({ method }) => {
    if (method === 'GET' && server.batches.size === 0) put(dir, 'b.ndjson', ndjson(['two', 'three']));
    return undefined;
  };
  await once(server, dir, TAGGED);
  expect(tree(dir)).toEqual(['incoming/b.ndjson', 'archive/first/a.ndjson']);
  await once(server, dir, { env: { SPOOL_BATCH_TAG: 'second' } });
  expect(tree(dir)).toEqual(['archive/first/a.ndjson', 'archive/second/b.ndjson']);
  expect(server.leaves).toHaveLength(3);
});
