import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { call, get, type Json } from '../http/client.ts';
import { eventually, useServer } from '../http/server.ts';

const COMMAND = join(import.meta.dirname, '..', '..', 'bin', 'tidemark.js');
const server = useServer();

interface Outcome {
  status: number;
  stdout: string;
  stderr: string;
}

function gate(action: string, tag: string, ...args: string[]): Promise<Outcome> {
  const all = [COMMAND, 'gate', action, '--batch-tag', tag, ...args, '--url', server.url];
  return new Promise((resolve) => {
    execFile(process.execPath, all, { env: { PATH: process.env.PATH } }, (error, stdout, stderr) => {
      resolve({ status: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

const withData = (action: string, tag: string, ...args: string[]) =>
  gate(action, tag, ...args, '--data', server.dataDir);

async function begin(tag: string, pii: boolean): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  await call(server.url, `/batches/${tag}`, { method: 'PUT', headers, body: JSON.stringify({ pii }) });
  await call(server.url, `/batches/${tag}/end`, { method: 'POST', headers, body: '{"status":"success"}' });
}

beforeAll(async () => {
  await begin('private', true);
  await begin('plain', false);
});

describe('the gate of a batch', () => {
  test('is open where nobody has said anything, and locked where there may be personal data', async () => {
    expect(await gate('status', 'plain')).toEqual({ status: 0, stdout: 'plain  open  ingested\n', stderr: '' });
    const locked = await gate('status', 'private');
    expect(locked.status).toBe(1);
    expect(locked.stdout).toMatch(/^private {2}locked {2}ingested {2}since \S+Z by pii\n$/);
  });

  test('is waited for until it is unlocked, and the word that did it is kept', async () => {
    const waiting = gate('wait', 'private', '--json');
    const unlocked = await withData('unlock', 'private', '--reason', 'looked at it');
    expect(unlocked.status).toBe(0);
    expect(unlocked.stdout).toMatch(/^private {2}open {2}ingested {2}since \S+Z by admin {2}"looked at it"\n$/);
    const { status, stdout } = await waiting;
    expect([status, (JSON.parse(stdout) as Json).locked]).toEqual([0, false]);
    expect((await get(server.url, '/batches/private')).body.timeline.at(-1)).toMatchObject({
      ...{ event: 'unlocked', by: 'admin', reason: 'looked at it' },
    });
  });

  test('is not waited for longer than whoever asks has time', async () => {
    expect((await withData('lock', 'private', '--reason', 'second thoughts')).status).toBe(0);
    const { status, stdout } = await gate('wait', 'private', '--timeout', '0.1');
    expect([status, stdout.split('  ')[1]]).toEqual([1, 'locked']);
    await withData('unlock', 'private', '--reason', 'after all');
    expect((await gate('wait', 'private', '--timeout', '0')).status).toBe(0);
  });

  test.each([
    ['a batch that is not', ['status', 'never'], 1, 'batch-not-found'],
    ['no reason', ['unlock', 'private'], 2, '--reason'],
    ['no token', ['unlock', 'private', '--reason', 'x'], 2, '--data'],
    ['a timeout that is none', ['wait', 'private', '--timeout', 'soon'], 2, 'seconds'],
  ])('%s', async (_, [action, tag, ...more], status, words) => {
    const outcome = await gate(action!, tag!, ...more);
    expect(outcome.status).toBe(status);
    expect(outcome.stderr).toContain(words);
  });

  test('is nobody else’s to open: the token is that of the server', async () => {
    const token = readFileSync(join(server.dataDir, 'admin-token'), 'utf8').trim();
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}x` };
    const answer = await call(server.url, '/batches/private/lock', { method: 'POST', headers, body: '{"reason":"x"}' });
    expect(answer.status).toBe(401);
    await eventually(async () => expect((await get(server.url, '/batches/private')).body.locked).toBe(false));
  });
});
