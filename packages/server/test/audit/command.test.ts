/** `tidemark audit` as a process of its own. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Json, post } from '../http/client.ts';
import { AT_ONCE, pinsOf, settled, useServer } from '../http/server.ts';
import { Directories } from '../support/directories.ts';
import { AlteredLog } from './altered-log.ts';

const COMMAND = join(import.meta.dirname, '..', '..', 'bin', 'tidemark.js');
const server = useServer({ streams: [{ id: 'default', publish: AT_ONCE }] });
const directories = new Directories();
afterAll(() => directories.remove());
let altered: AlteredLog | undefined;
afterEach(() => altered?.close());

beforeAll(async () => {
  const { body } = await post(server.url, { events: [{ id: 'a' }, { id: 'b' }, { id: 'c' }] });
  await settled(server.url, body.inserted.at(-1));
});

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

function run(...args: string[]): Promise<Outcome> {
  const child = spawn(process.execPath, [COMMAND, 'audit', ...args], { env: { PATH: process.env.PATH } });
  const out = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      out[name] += text;
    });
  }
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...out })));
}

async function cheat(): Promise<AlteredLog> {
  altered = await AlteredLog.of(server.url, 'default', server.dataDir);
  altered.leaves[1].payloadHash = 'ab'.repeat(32);
  await altered.listen();
  return altered;
}

describe('the command', () => {
  it('says in words what is clean, and what it took on trust', async () => {
    const { code, stdout, stderr } = await run(server.url);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(
      /^CLEAN {2}default: 4 leaves, 4 of them read now, root [0-9a-f]{64}\n {2}note {2}its key was trusted/,
    );
  });

  it('remembers in a file, and convicts with it', async () => {
    const file = join(directories.next(), 'audit.json');
    expect((await run(server.url, '--state', file)).code).toBe(0);
    const kept = readFileSync(file, 'utf8');
    const { code, stdout } = await run((await cheat()).url.href, '--state', file, '--json');
    const report = JSON.parse(stdout) as Json;
    expect([code, report.clean]).toEqual([1, false]);
    expect(report.logs[0].findings).toEqual([
      {
        reason: 'forked',
        detail: expect.any(String),
        evidence: [JSON.parse(kept).logs.default.checkpoint, altered?.checkpoint],
      },
    ]);
    expect(readFileSync(file, 'utf8')).toBe(kept);
    expect(JSON.parse((await run(server.url, '--state', file, '--json')).stdout).logs[0]).toMatchObject({
      read: 0,
      clean: true,
    });
  });

  it('shows the contradiction in words, too', async () => {
    const file = join(directories.next(), 'audit.json');
    await run(server.url, '--state', file);
    const { code, stdout } = await run((await cheat()).url.href, '--state', file);
    expect(code).toBe(1);
    expect(stdout).toContain('FOUND  default: 4 leaves');
    expect(stdout).toContain('  forked  two checkpoints of 4 leaves have different roots\n');
    expect(stdout).toContain(`  evidence\n${altered?.checkpoint}`);
  });

  it('takes pins', async () => {
    const { logKey, publisher } = pinsOf(server.dataDir, 'default');
    const pinned = await run(server.url, '--log-key', logKey, '--publisher', publisher, '--stream', 'default');
    expect([pinned.code, pinned.stdout.split('\n').length]).toEqual([0, 2]);
    const wrong = await run(server.url, '--publisher', `03${'00'.repeat(32)}`);
    expect([wrong.code, wrong.stdout.includes('bad-signature')]).toEqual([1, true]);
  });

  it('keeps nothing of a log that is not clean', async () => {
    const log = await cheat();
    log.leaves.push(log.leaves[1]);
    const file = join(directories.next(), 'audit.json');
    expect((await run(log.url.href, '--state', file)).code).toBe(1);
    expect(existsSync(file)).toBe(false);
  });

  it.each([
    [['ftp://example.org'], 'http or https'],
    [['nowhere'], 'http or https'],
    [['http://127.0.0.1:1', '--log-key', 'x'], '--log-key'],
    [['http://127.0.0.1:1', '--publisher', 'x'], '--publisher'],
    [['http://127.0.0.1:1', '--token-file', '/nonexistent/token'], 'cannot be read'],
    [[], 'missing required argument'],
  ])('is misused with %j', async (args, why) => {
    const { code, stdout, stderr } = await run(...args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(why);
  });

  it('does not start over where the state cannot be read', async () => {
    const file = join(directories.next(), 'audit.json');
    writeFileSync(file, '{}');
    const { code, stderr } = await run(server.url, '--state', file);
    expect([code, readFileSync(file, 'utf8')]).toEqual([2, '{}']);
    expect(stderr).toContain('is not the state of an audit');
  });
});
