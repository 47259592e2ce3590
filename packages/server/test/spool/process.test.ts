/** `tidemark spool` as a process: its exit codes, its words, and what is left when it is killed. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Directories } from '../support/directories.ts';
import { startSpool, throughKills } from './kills.ts';
import { ndjson, put, told, tree } from './spools.ts';
import { problem, StandIn } from './stand-in.ts';

const directories = new Directories();
let server: StandIn;
let dir: string;
beforeEach(async () => {
  server = new StandIn();
  dir = directories.next();
  await server.listen();
});
afterEach(() => server.close());
afterAll(() => directories.remove());

const settings = () => ({ SPOOL_DIR: dir, SPOOL_URL: server.url, SPOOL_SETTLE_MS: '1', EDGE_TOKEN: 'edge' });
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
  });
  expect(await run(['--once', '--json'])).toMatchObject({ code: 0, stdout: '' });
});

it('ends with 1 where a run fails', async () => {
  put(dir, 'a.json', 'nothing');
  const { code, stdout } = await run(['--once', '--batch-tag', 'x']);
  expect(code).toBe(1);
  expect(stdout).toBe(
    'x  failed: 0 records from 1 files, 0 of them known before, 0 refused; 1 of 1 files cannot be read\n',
  );
});

it.each([
  [['--once'], { SPOOL_MIN_FILES: 'many' }, 'SPOOL_MIN_FILES: must be'],
  [['--once', '--give-up-after', 'soon'], {}, 'SPOOL_GIVE_UP_AFTER: must be'],
  [['--once'], { EDGE_TOKEN: '' }, 'who is to be told'],
  [['--once', '--data', '/none'], { EDGE_TOKEN: '' }, '/none/admin-token cannot be read'],
  [['--once', '--token-file', '/none'], {}, '/none cannot be read'],
  [['--once'], { NOTIFIER_BIN: '/bin/true' }, 'no template'],
  [['--twice'], {}, "unknown option '--twice'"],
])('ends with 2 where it is misused: %j %j', async (args, env, message) => {
  const { code, stderr } = await run(args, env);
  expect(stderr).toContain(message);
  expect(code).toBe(2);
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
