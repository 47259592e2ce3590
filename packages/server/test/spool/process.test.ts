/** `tidemark spool` as a process: its exit codes, its words, and what is left when it is killed. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it, vi } from 'vitest';
import { Directories } from '../support/directories.ts';
import { startSpool, throughKills } from './kills.ts';
import { ndjson, put, told, tree, useSpool } from './spools.ts';
import { problem, type StandIn } from './stand-in.ts';

const directories = new Directories();
let server: StandIn;
let dir: string;
useSpool((itsServer, itsDir) => {
  server = itsServer;
  dir = itsDir;
});

const settings = () => ({ SPOOL_DIR: dir, SPOOL_URL: server.url, SPOOL_SETTLE_MS: '1', EDGE_TOKEN: 'edge' });
const EDGE_TARGET = () => ({ EDGE_URL: `${server.url}/event-publish` });
const TEMPLATES = {
  NOTIFIER_TPL_OPEN: '/dev/null',
  NOTIFIER_TPL_DONE: '/dev/null',
  NOTIFIER_TPL_EMBED_START: '/dev/null',
};
const start = (args: readonly string[], env: Record<string, string> = {}) =>
  startSpool(args, { ...settings(), ...env });
const run = (args: readonly string[], env: Record<string, string> = {}) => start(args, env).ended;

it('ends with 0 where all is well, and prints the run', async () => {
  put(dir, 'a.ndjson', ndjson(['one', 'two']));
  const { code, stdout } = await run(['--once', '--json', '--batch-tag', 'x']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    ...{ batch_tag: 'x', status: 'success', processed: 2, inserted: 2, duplicates: 0, rejected: 0 },
    ...{ files: 1, bytes: 30, pii: false, locked: false, version_id: 'version-of-x', stream: 'spool' },
    ...{ undelivered: 0, held: 0 },
  });
  const again = await run(['--once', '--json']);
  expect(again).toMatchObject({ code: 0, stdout: '' });
  expect(again.stderr).toContain(`nothing in ${join(dir, 'incoming')}`);
});

it('ends with 1 where a run fails', async () => {
  put(dir, 'a.json', 'nothing');
  const { code, stdout } = await run(['--once', '--batch-tag', 'x']);
  expect(code).toBe(1);
  expect(stdout).toBe(
    'x  failed: 0 records from 1 file, 0 of them known before, 0 refused; 1 of 1 files cannot be read\n',
  );
});

it.each([
  [['--once'], { SPOOL_MIN_FILES: 'many' }, 'SPOOL_MIN_FILES: must be'],
  [['--once', '--give-up-after', 'soon'], {}, 'SPOOL_GIVE_UP_AFTER: must be'],
  [['--once'], { EDGE_TOKEN: '' }, 'who is to be told'],
  [['--once', '--data', '/none'], { EDGE_TOKEN: '' }, '/none/admin-token cannot be read'],
  [['--once', '--token-file', '/none'], {}, '/none cannot be read'],
  [['--once'], { NOTIFIER_BIN: '/bin/true' }, 'no template'],
  [['--once'], { NOTIFIER_BIN: '/etc/passwd', ...TEMPLATES }, 'NOTIFIER_BIN: /etc/passwd cannot be run'],
  [['--once'], { NOTIFIER_BIN: './none', ...TEMPLATES }, 'NOTIFIER_BIN: ./none cannot be run'],
  [['--once'], { NOTIFIER_BIN: '/usr/bin', ...TEMPLATES }, 'NOTIFIER_BIN: /usr/bin is no file'],
  [['--once', '--dir', '/none/spool'], {}, 'SPOOL_DIR: /none/spool does not exist; make it first'],
  [['--once'], { SPOOL_SOURCES: 'x' }, 'SPOOL_SOURCES: there is no such setting; is SPOOL_SOURCE meant?'],
  [['--twice'], {}, "unknown option '--twice'"],
])('ends with 2 where it is misused: %j %j', async (args, env, message) => {
  const { code, stderr } = await run(args, env);
  expect(stderr).toContain(message);
  expect(code).toBe(2);
});

it('ends with 2 where the server does not know who sends, and moves nothing', async () => {
  put(dir, 'a.ndjson', ndjson(['one']));
  server.fault = ({ method }) => (method === 'GET' ? problem(401, 'source-auth-required') : undefined);
  const { code, stderr, stdout } = await run(['--once', '--json']);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain('401 source-auth-required: because of source-auth-required; give the secret of the source');
  expect(tree(dir)).toEqual(['incoming/a.ndjson']);
});

it('prints the runs that are done where it cannot go on', async () => {
  put(dir, 'a.json', '{"batch_tag":"a","records":[{"text":"one"}]}');
  put(dir, 'b.json', '{"batch_tag":"b","records":[{"text":"two"}]}');
  server.fault = ({ method, path }) =>
    method === 'GET' && path.startsWith('/batches/b?') ? problem(401, 'source-auth-invalid') : undefined;
  const { code, stdout } = await run(['--once', '--json']);
  expect(code).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({ batch_tag: 'a', status: 'success' });
  expect(stdout).not.toContain('undelivered');
  expect(tree(dir)).toEqual(['incoming/b.json', 'archive/a/a.json']);
});

it('ends with 3 where notifications wait in the outbox, and says for what', async () => {
  put(dir, 'a.ndjson', ndjson(['one']));
  put(dir, 'b.json', '{"batch_tag":"locked","pii":true,"records":[{"text":"two"}]}');
  server.fault = ({ path, body }) =>
    path === '/event-publish' && body.includes('locked') ? problem(401, 'unauthorized') : undefined;
  const { code, stdout, stderr } = await run(['--once', '--json', '--notify-wait', '3'], EDGE_TARGET());
  expect(code).toBe(3);
  const lines = stdout.trim().split('\n');
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
    { status: 'success', undelivered: 0, held: 0 },
    { batch_tag: 'locked', status: 'success', undelivered: 2, held: 1 },
  ]);
  const last = JSON.parse(stderr.trim().split('\n').at(-1) ?? '') as object;
  expect(last).toMatchObject({
    ...{ level: 40, undelivered: 2 },
    msg: `2 notifications wait in the outbox, and the next tidemark spool sends what is left: ${server.url}/event-publish: the answer was 401 (is EDGE_TOKEN the token of the target?)`,
  });
  server.fault = () => undefined;
  expect(await run(['--once', '--json'])).toMatchObject({ code: 0, stdout: '' });
});

it('ends with 1 where a run fails and nobody is told of it', async () => {
  put(dir, 'a.json', 'nothing');
  server.fault = ({ path }) => (path === '/event-publish' ? 'dropped' : undefined);
  const { code, stdout } = await run(['--once', '--json', '--notify-wait', '0']);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ status: 'failed', undelivered: 2, held: 0 });
});

it('says in words what was refused, and what is in quarantine', async () => {
  server.quarantined = 1;
  put(dir, 'a.ndjson', `${ndjson(['one'])}{"text":""}\n`);
  put(dir, 'b.ndjson', '');
  const { code, stdout } = await run(['--once', '--batch-tag', 'x']);
  expect(code).toBe(0);
  expect(stdout).toBe(
    [
      'x  success: 1 record from 2 files, 0 of them known before, 1 refused',
      '1 of them in quarantine: tidemark quarantine list',
      'certified as version-of-x',
      `refused: see ${join(dir, 'failed/x/rejected.ndjson')}\n`,
    ].join('; '),
  );
});

it('takes the admin token and the secret of the source from their files', async () => {
  const data = directories.next();
  writeFileSync(join(data, 'admin-token'), 'admin\n');
  put(dir, 'a.ndjson', ndjson(['one']));
  const args = ['--once', '--data', data, '--token-file', join(data, 'admin-token')];
  expect(await run(args, { EDGE_TOKEN: '' })).toMatchObject({ code: 0 });
  expect(server.published.map(({ authorization }) => authorization)).toEqual([
    ...['Bearer admin', 'Bearer admin', 'Bearer admin'],
  ]);
});

it('ends on SIGTERM, and the next start goes on', async () => {
  put(dir, 'a.ndjson', ndjson(['one', 'two']));
  server.fault = ({ path }) => (path.startsWith('/ingest') ? problem(503, 'overloaded') : undefined);
  const { child, ended } = start([]);
  await vi.waitFor(() => expect(server.requests.some(({ path }) => path.startsWith('/ingest'))).toBe(true), 20_000);
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
  expect(tree(dir)).toHaveLength(1);
  expect(tree(dir)[0]).toMatch(/^processing\/spool_\d{8}_\d{6}\/a\.ndjson$/);
  server.fault = () => undefined;
  expect((await run(['--once'])).code).toBe(0);
  expect(server.leaves).toHaveLength(2);
  expect(Object.values(told(server))).toEqual([['gate.open', 'gate.done', 'embed.start']]);
});

it('survives being killed at any moment', { timeout: 120_000 }, async () => {
  const texts = Array.from({ length: 30_000 }, (_, n) => `text ${n}`);
  const third = texts.length / 3;
  put(dir, 'a.ndjson.gz', gzipSync(ndjson(texts.slice(0, third))));
  put(
    dir,
    'b.json',
    JSON.stringify({ batch_tag: 'other', records: texts.slice(third, 2 * third).map((text) => ({ text })) }),
  );
  put(dir, 'c.csv', `text\n${texts.slice(2 * third).join('\n')}\n`);
  const args = ['--once', '--batch-tag', 'x'];
  const { code, kills } = await throughKills({ args, env: settings(), kills: 12, withinMs: 300, seed: 7 });
  expect(code).toBe(0);
  expect(kills).toBeGreaterThan(3);
  expect(server.leaves).toHaveLength(texts.length);
  expect(new Set([...server.events.values()].map(({ text }) => text))).toEqual(new Set(texts));
  expect(tree(dir)).toEqual(['archive/x/a.ndjson.gz', 'archive/x/b.json', 'archive/x/c.csv']);
  expect(told(server)).toEqual({ x: ['gate.open', 'gate.done', 'embed.start'] });
  for (const { message } of server.published) {
    if (message.event === 'gate.done') expect(message).toMatchObject({ processed: 30_000, inserted: 30_000 });
  }
});
