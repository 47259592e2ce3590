/** Starts that have to be refused, each with one line that says why. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Directories } from '../support/directories.ts';
import { type ServerProcess, type ServerProcessError, start } from '../support/server-process.ts';

const directories = new Directories();
afterAll(() => directories.remove());

const one = { INGEST_SOURCES_JSON: JSON.stringify([{ id: 'one', auth: 'none', stream: 'first' }]) };

async function directoryWithData(): Promise<string> {
  const dir = directories.next();
  const server = await start(dir, one);
  await send(server);
  await server.stop();
  return dir;
}

async function send({ url }: ServerProcess): Promise<void> {
  const answer = await fetch(`${url}/ingest/events?sourceId=one`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"events":[{"id":1},{"id":2}]}',
  });
  expect(answer.status).toBe(200);
  for (let certified = false; !certified; ) {
    const { backlog } = (await (await fetch(`${url}/health`)).json()) as { backlog: number };
    certified = backlog === 0;
  }
}

const refusal = (dir: string, env: Record<string, string>) =>
  start(dir, env).then(
    () => 'started',
    (error: ServerProcessError) => error.message,
  );

test.each([
  ['identity.key', 'identity.key is missing'],
  ['log.key', 'log.key is missing'],
  ['instance.json', 'instance.json is missing'],
])('without its %s, a directory with data is not opened', async (file, why) => {
  const dir = await directoryWithData();
  rmSync(join(dir, file));
  expect(await refusal(dir, one)).toContain(why);
});

test('a journal that is not the ledger’s own is not written to', async () => {
  const dir = await directoryWithData();
  for (const suffix of ['', '-wal', '-shm']) rmSync(join(dir, `journal.db${suffix}`), { force: true });
  expect(await refusal(dir, one)).toContain('the ledger is ahead of the journal');
});

test('a source stays with its stream', async () => {
  const dir = await directoryWithData();
  const moved = { INGEST_SOURCES_JSON: JSON.stringify([{ id: 'one', auth: 'none', stream: 'second' }]) };
  expect(await refusal(dir, moved)).toContain('the source "one" feeds the stream "first"');
});
