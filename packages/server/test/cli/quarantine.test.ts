import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { get, type Json, post } from '../http/client.ts';
import { AT_ONCE, eventually, settled, useServer } from '../http/server.ts';

const COMMAND = join(import.meta.dirname, '..', '..', 'bin', 'tidemark.js');
const server = useServer({
  sources: [{ id: 'sensor', policy: { constraints: { bounds: { v: { max: 9 } } } } }],
  streams: [{ id: 'sensor', publish: AT_ONCE }],
});

interface Outcome {
  status: number;
  stdout: string;
  stderr: string;
}

/** The command with `--url`; asynchronously, so that nothing of this process stands still meanwhile. */
function quarantine(...args: string[]): Promise<Outcome> {
  const all = [COMMAND, 'quarantine', ...args, '--url', server.url];
  return new Promise((resolve) => {
    execFile(process.execPath, all, { env: { PATH: process.env.PATH } }, (error, stdout, stderr) => {
      resolve({ status: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

const withData = (...args: string[]) => quarantine(...args, '--data', server.dataDir);
const lines = ({ stdout }: Outcome): Json[] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text));

async function send(sourceId: string, events: object[]): Promise<string[]> {
  const { body } = await post(server.url, { sourceId, events });
  for (const id of body.inserted) await settled(server.url, id);
  return body.inserted;
}

async function status(id: string | undefined): Promise<string> {
  return (await get(server.url, `/ingest/events/${id}`)).body.status;
}

let high: string[] = [];
let highest: string[] = [];

beforeAll(async () => {
  high = await send('sensor', [
    { id: 'a', v: 10 },
    { id: 'b', v: 11 },
    { id: 'c', v: 12 },
  ]);
  highest = await send('sensor', [{ id: 'd', v: 99 }]);
});

describe('list and show', () => {
  test('say what is in quarantine and why', async () => {
    const { status, stdout, stderr } = await quarantine('list', '--match', 'bounds-max:v:1');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const items = stdout.trimEnd().split('\n');
    expect(items).toHaveLength(6);
    expect(items[0]).toMatch(new RegExp(`^${high[2]}  sensor seq 3  \\d{4}-\\d\\d-\\d\\dT`));
    expect(items[1]).toBe('    bounds-max:v:12>9');
    const json = await quarantine('list', '--source', 'sensor', '--limit', '2', '--json');
    expect(lines(json).map(({ eventId }) => eventId)).toEqual([highest[0], high[2]]);
    const first = await quarantine('list', '--limit', '1');
    expect(first.stdout).toContain('and more: --limit');
  });

  test('show prints what came', async () => {
    const { status, stdout } = await quarantine('show', high[0] ?? '');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ eventId: high[0], raw: { id: 'a', v: 10 }, status: 'quarantined' });
  });
});

describe('a word', () => {
  test('of release is refused as long as the policy refuses the event', async () => {
    const { status, stdout, stderr } = await withData('release', high[0] ?? '', '--reason', 'why not');
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
    expect(stdout).toContain(`${high[0]}  still-quarantined: bounds-max:v:10>9\n`);
    expect(stdout).toContain('tidemark policy check');
  });

  test('of discard is taken once', async () => {
    const both = [high[0] ?? '', high[1] ?? ''];
    const first = await withData('discard', ...both, '--reason', 'broken sensor', '--json');
    expect(first.status).toBe(0);
    expect(lines(first)).toEqual(
      both.map((eventId, place) => ({
        ...{ eventId, status: 'ok', seq: place + 1, action: 'discard', position: expect.any(Number) },
      })),
    );
    await eventually(async () => expect(await status(high[0])).toBe('failed'));
    const again = await withData('discard', ...both.slice(0, 1), '--reason', 'broken sensor');
    expect(again.status).toBe(1);
    expect(again.stdout).toContain(`${high[0]}  already-resolved: `);
    const listed = await quarantine('list', '--resolved', 'true');
    expect(listed.stdout).toMatch(/\n {4}discarded by admin at \S+: broken sensor\n/);
  });

  test('about all says what was left over', async () => {
    const released = await withData('release', '--all', '--source', 'sensor', '--match', 'bounds', '--reason', 'x');
    expect(released.status).toBe(1);
    expect(released.stdout.trimEnd().split('\n')).toEqual([
      `${highest[0]}  sensor seq 4  still-quarantined: bounds-max:v:99>9`,
      `${high[2]}  sensor seq 3  still-quarantined: bounds-max:v:12>9`,
      '0 released, 2 still in quarantine',
    ]);
    const discarded = await withData('discard', '--all', '--match', 'bounds-max:v:99', '--reason', 'x', '--json');
    expect([discarded.status, lines(discarded)]).toEqual([
      0,
      [{ action: 'discard', resolved: 1, stillQuarantined: 0 }],
    ]);
    expect(await status(high[2])).toBe('quarantined');
  });
});

test.each<[string, string[], RegExp]>([
  ['without a reason', ['discard', 'x'], /--reason/],
  ['about nothing', ['discard', '--reason', 'x'], /say --all/],
  ['about all and one', ['discard', 'x', '--all', '--reason', 'x'], /in place of ids/],
  ['with a filter and an id', ['discard', 'x', '--source', 's', '--reason', 'x'], /go with --all/],
  ['with one seq for two', ['discard', 'x', 'y', '--seq', '1', '--reason', 'x'], /--seq goes with one id/],
  ['without the admin token', ['discard', 'x', '--reason', 'x'], /--data names/],
  ['with a directory that has none', ['discard', 'x', '--reason', 'x', '--data', '/nowhere'], /admin-token/],
  ['with a limit that is none', ['list', '--limit', 'few'], /--limit takes/],
])('%s is misuse', async (_what, args, message) => {
  const { status, stderr } = await quarantine(...args);
  expect(status).toBe(2);
  expect(stderr).toMatch(message);
});

test('a server that refuses to answer is a failure', async () => {
  const { status, stderr } = await quarantine('show', 'x');
  expect(status).toBe(1);
  expect(stderr).toContain('400 bad-request');
});
