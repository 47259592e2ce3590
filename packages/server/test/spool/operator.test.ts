/** What an operator does wrong, or has yet to do: nothing is lost by it, and it is said in words. */
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { readSpoolSettings } from '../../src/spool/settings.ts';
import { openSpool, type SpoolOptions } from '../../src/spool/spool.ts';
import { content, HASTY, ndjson, once, openOn, put, QUIET, told, tree, useSpool } from './spools.ts';
import { problem, type StandIn } from './stand-in.ts';

let server: StandIn;
let dir: string;
useSpool((itsServer, itsDir) => {
  server = itsServer;
  dir = itsDir;
});

const TAGGED = { env: { SPOOL_BATCH_TAG: 'first' } };

/** What is said at each level, in order. */
function listening() {
  const said = { info: [] as string[], warn: [] as string[], error: [] as string[] };
  const to = (level: keyof typeof said) => (_members: object, message: string) => said[level].push(message);
  return { said, log: { info: to('info'), warn: to('warn'), error: to('error') } };
}

const asks = (method: string) => server.requests.filter((asked) => asked.method === method).length;

describe('a server that does not let the spool begin', () => {
  const REFUSALS: [status: number, error: string, remedy: string][] = [
    [401, 'source-auth-required', '--token-file'],
    [401, 'source-auth-invalid', '--token-file'],
    [404, 'source-not-found-or-disabled', '--source'],
    [401, 'token-required', '--batch-tag'],
    [421, 'host-not-allowed', '--url'],
    [404, 'without-a-code', '--url'],
  ];

  it.each(REFUSALS)('because of %d %s is told of by --once, and no file moves', async (status, error, remedy) => {
    put(dir, 'a.ndjson', ndjson(['one']));
    server.fault = ({ method }) => (method === 'GET' ? problem(status, error) : undefined);
    const attempt = once(server, dir, TAGGED);
    await expect(attempt).rejects.toMatchObject({ code: 'not-admitted' });
    await expect(attempt).rejects.toThrow(`the server answered ${status} ${error}: because of ${error}; `);
    await expect(attempt).rejects.toThrow(remedy);
    expect(tree(dir)).toEqual(['incoming/a.ndjson']);
    expect([asks('PUT'), asks('POST')]).toEqual([0, 0]);
    server.fault = () => undefined;
    await once(server, dir, TAGGED);
    expect(tree(dir)).toEqual(['archive/first/a.ndjson']);
  });

  it.each(REFUSALS)('because of %d %s is asked again by a watcher, who says so once', async (status, error) => {
    put(dir, 'a.ndjson', ndjson(['one']));
    server.fault = ({ method }) => (method === 'GET' ? problem(status, error) : undefined);
    const { said, log } = listening();
    const env = { ...TAGGED.env, SPOOL_POLL_INTERVAL: '1' };
    const { spool, runs, stop } = openOn(server, dir, { env, log });
    const watching = spool.watch();
    await vi.waitFor(() => expect(asks('GET')).toBeGreaterThan(1), { timeout: 10_000 });
    expect(tree(dir)).toEqual(['incoming/a.ndjson']);
    expect(said.error).toEqual([expect.stringContaining(`files stay where they are: the server answered ${status}`)]);
    server.fault = () => undefined;
    await vi.waitFor(() => expect(runs).toMatchObject([{ tag: 'first', status: 'success' }]), { timeout: 10_000 });
    stop.abort();
    await watching;
    spool.close();
  });

  it('does not turn a run into a failed one that an earlier process began', async () => {
    put(dir, 'a.ndjson', ndjson(['one']));
    const env = { ...TAGGED.env, SPOOL_GIVE_UP_AFTER: '1' };
    let time = 0;
    const clock = { ...HASTY, monotonic: () => (time += 400) };
    server.fault = ({ method }) => (method === 'PUT' ? problem(503, 'overloaded') : undefined);
    await expect(once(server, dir, { env, overrides: { clock } })).rejects.toMatchObject({ code: 'gave-up' });
    server.fault = () => problem(401, 'source-auth-invalid');
    await expect(once(server, dir)).rejects.toMatchObject({ code: 'not-admitted' });
    expect(tree(dir)).toEqual(['processing/first/a.ndjson']);
    server.fault = () => undefined;
    await once(server, dir);
    expect(tree(dir)).toEqual(['archive/first/a.ndjson']);
  });

  it('is not one whose stream takes no batches: that fails the run', async () => {
    put(dir, 'a.ndjson', ndjson(['one']));
    server.fault = ({ method }) => (method === 'PUT' ? problem(409, 'stream-not-for-batches') : undefined);
    const [run] = await once(server, dir, TAGGED);
    expect(run).toMatchObject({ status: 'failed', reason: expect.stringContaining('409 stream-not-for-batches') });
    expect(tree(dir)).toEqual(['failed/first/REASON.txt', 'failed/first/a.ndjson']);
  });
});

it('asks as the source first, and as the administrator only for a batch of another source', async () => {
  server.fault = ({ method, path }) =>
    method === 'GET' && path.startsWith('/batches/first?') && server.requests.length === 1
      ? problem(401, 'token-required')
      : undefined;
  server.batches.set('first', {
    ...{ batchTag: 'first', stream: 'other', sourceId: 'other', state: 'ingested', pii: false, locked: false },
    ...{ leaves: null, certified: true, versionId: null, opening: {}, ending: {} },
  });
  put(dir, 'a.ndjson', ndjson(['one']));
  const runs: string[] = [];
  const spool = openSpool({
    settings: readSpoolSettings({}, { SPOOL_DIR: dir, SPOOL_URL: server.url, SPOOL_SETTLE_MS: '1', ...TAGGED.env }),
    ...{ token: 'of-the-source', readToken: 'of-the-administrator', log: QUIET },
    notifier: { target: 'nobody', notify: () => Promise.resolve() },
    signal: new AbortController().signal,
    finished: ({ tag }) => runs.push(tag),
    progress: () => undefined,
    overrides: { clock: HASTY },
  } satisfies SpoolOptions);
  await spool.once();
  spool.close();
  const bearers = server.requests.filter(({ method }) => method === 'GET').map(({ authorization }) => authorization);
  expect(runs).toEqual(['first_2']);
  expect(bearers.slice(0, 3)).toEqual(
    ['of-the-source', 'of-the-administrator', 'of-the-source'].map((t) => `Bearer ${t}`),
  );
});

describe('one pass', () => {
  it('tells what was held until the batch was unlocked, and asks for each once', async () => {
    for (const tag of ['unlocked', 'locked']) {
      put(dir, `${tag}.json`, JSON.stringify({ records: [{ text: tag }], pii: true, batch_tag: tag }));
    }
    await once(server, dir);
    expect(told(server)).toEqual({ unlocked: ['gate.open', 'gate.done'], locked: ['gate.open', 'gate.done'] });
    server.unlock('unlocked');
    server.requests.length = 0;
    const { spool } = openOn(server, dir);
    const outbox = await spool.once();
    spool.close();
    expect(told(server).unlocked).toEqual(['gate.open', 'gate.done', 'embed.start']);
    expect(outbox).toEqual(new Map([['locked', { undelivered: 0, held: 1 }]]));
    // Once of each that is held, and once more before the one is told.
    expect(asks('GET')).toBe(3);
  });

  it('does not wait longer for the gates than for notifications', async () => {
    put(dir, 'a.json', '{"records":[{"text":"x"}],"pii":true,"batch_tag":"locked"}');
    await once(server, dir);
    server.fault = () => 'dropped';
    const { spool } = openOn(server, dir, { env: { SPOOL_NOTIFY_WAIT: '0' } });
    expect(await spool.once()).toEqual(new Map([['locked', { undelivered: 0, held: 1 }]]));
    spool.close();
  });

  it('says at last how many notifications wait, and for whom', async () => {
    put(dir, 'a.ndjson', ndjson(['one']));
    server.fault = ({ path }) => (path === '/event-publish' ? 'dropped' : undefined);
    const { said, log } = listening();
    const { spool } = openOn(server, dir, { log, env: { ...TAGGED.env, SPOOL_NOTIFY_WAIT: '1' } });
    expect(await spool.once()).toEqual(new Map([['first', { undelivered: 3, held: 0 }]]));
    spool.close();
    expect(said.warn.at(-1)).toMatch(
      /^3 notifications wait in the outbox, .*: http:\/\/127\.0\.0\.1:\d+\/event-publish: /,
    );
  });

  it('says that there is nothing', async () => {
    const { said, log } = listening();
    await once(server, dir, { log });
    expect(said).toEqual({ info: [`nothing in ${dir}/incoming`], warn: [], error: [] });
  });
});

describe('a run whose records are all refused', () => {
  it('has failed, and says where it is written why', async () => {
    server.refuses = () => true;
    put(dir, 'rejected.ndjson', `${ndjson(['one'])}{"text":""}\n`);
    const [run] = await once(server, dir, TAGGED);
    const reason = `every record was refused: ${dir}/failed/first/_rejected.ndjson says why`;
    expect(run).toMatchObject({ status: 'failed', reason, counts: { taken: 0, rejected: 2 } });
    expect(content(dir, 'failed/first/REASON.txt')).toContain(reason);
    expect(content(dir, 'failed/first/_rejected.ndjson').trim().split('\n')).toHaveLength(2);
    expect(server.batches.get('first')?.ending).toMatchObject({ status: 'failed', reason });
    expect(told(server)).toEqual({ first: ['gate.open', 'gate.done'] });
  });

  it('is not one without records', async () => {
    put(dir, 'a.ndjson', '');
    expect(await once(server, dir, TAGGED)).toMatchObject([{ status: 'success', counts: { taken: 0, rejected: 0 } }]);
  });

  it('counts those that were taken before it was broken off', async () => {
    put(dir, 'a.ndjson', ndjson(Array.from({ length: 1000 }, (_, n) => `text ${n}`)));
    put(dir, 'b.ndjson', ndjson(['no']));
    server.refuses = (text) => text === 'no';
    let time = 0;
    const clock = { ...HASTY, monotonic: () => (time += 400) };
    server.fault = ({ body }) => (body.includes('"no"') ? problem(503, 'overloaded') : undefined);
    const env = { ...TAGGED.env, SPOOL_GIVE_UP_AFTER: '1' };
    await expect(once(server, dir, { env, overrides: { clock } })).rejects.toMatchObject({ code: 'gave-up' });
    server.fault = () => undefined;
    expect(await once(server, dir)).toMatchObject([{ status: 'success', counts: { taken: 1000, rejected: 1 } }]);
  });
});

it('makes no folder that is not there', async () => {
  const none = join(dir, 'none');
  await expect(once(server, none)).rejects.toMatchObject({
    ...{ code: 'no-folder', message: `SPOOL_DIR: ${none} does not exist; make it first` },
  });
  expect(existsSync(none)).toBe(false);
});

it('says once that it leaves links, folders and unknown formats alone', async () => {
  put(dir, 'notes.txt', 'x');
  mkdirSync(join(dir, 'incoming', 'folder.ndjson'));
  mkdirSync(join(dir, 'incoming', '.hidden'));
  symlinkSync('notes.txt', join(dir, 'incoming', 'link.ndjson'));
  const { said, log } = listening();
  const { spool, stop } = openOn(server, dir, { log, env: { SPOOL_POLL_INTERVAL: '1' } });
  const watching = spool.watch();
  await vi.waitFor(() => expect(said.warn).toHaveLength(3));
  put(dir, 'a.ndjson', ndjson(['one']));
  await vi.waitFor(() => expect(tree(dir).some((path) => path.startsWith('archive/'))).toBe(true), { timeout: 5000 });
  stop.abort();
  await watching;
  spool.close();
  expect(said.warn).toEqual([
    'notes.txt: a file of no format that is known; it stays where it is',
    'folder.ndjson: a folder or a link, and no file; it stays where it is',
    'link.ndjson: a folder or a link, and no file; it stays where it is',
  ]);
});
