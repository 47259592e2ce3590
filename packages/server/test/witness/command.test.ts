/** `tidemark witness` as a process of its own, which is killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseCheckpoint, parseVerifierKey, verifyCheckpoint } from '@tidemark/proof';
import { afterAll, afterEach, expect, it, vi } from 'vitest';
import { call } from '../http/client.ts';
import { Directories } from '../support/directories.ts';
import { GrownLog } from './grown-log.ts';

vi.setConfig({ testTimeout: 60_000 });
const COMMAND = join(import.meta.dirname, '..', '..', 'bin', 'tidemark.js');
const directories = new Directories();
afterAll(() => directories.remove());
const log = new GrownLog('example.org/log');
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

interface Started {
  url: string;
  key: string;
  end(signal: NodeJS.Signals): Promise<number | null>;
}

function launch(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [COMMAND, 'witness', ...args], { env: { PATH: process.env.PATH } });
  children.push(child);
  return child;
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once('close', resolve));
}

async function start(dataDir: string): Promise<Started> {
  const child = launch('--data', dataDir, '--log', log.key, '--port', '0');
  const gone = ended(child);
  const line = await new Promise<string>((resolve) => createInterface({ input: child.stdout! }).once('line', resolve));
  const { event, url, key } = JSON.parse(line) as { event: string; url: string; key: string };
  expect(event).toBe('listening');
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal);
    return gone;
  };
  return { url, key, end };
}

it('has not forgotten, however it was killed, what it cosigned', async () => {
  const dataDir = directories.next();
  let last = 0;
  const keys = new Set<string>();
  for (let round = 0; round < 3; round++) {
    const witness = await start(dataDir);
    keys.add(witness.key);
    for (let step = 0; step < 5; step++) {
      const size = last + 1 + step;
      const { status, text } = await call(witness.url, '/add-checkpoint', {
        method: 'POST',
        body: log.request(last, size),
      });
      expect(status).toBe(200);
      const note = parseCheckpoint(log.checkpoint(size) + text);
      expect(verifyCheckpoint(note, parseVerifierKey(witness.key))).toBe('valid');
      last = size;
    }
    await witness.end('SIGKILL');
  }
  expect(keys.size).toBe(1);
  const witness = await start(dataDir);
  const { status, text } = await call(witness.url, '/add-checkpoint', { method: 'POST', body: log.request(0, last) });
  expect([status, text]).toEqual([409, `${last}\n`]);
  expect(await witness.end('SIGTERM')).toBe(0);
});

it.each([
  [['--log', log.key], 'required option'],
  [['--data', 'x', '--log', 'y', '--port', '0'], 'verifier key'],
  [['--data', 'x', '--log', log.key, '--port', '70000'], '--port'],
])('is misused with %j', async (args, why) => {
  const dataDir = directories.next();
  const child = launch(...args.map((arg) => (arg === 'x' ? dataDir : arg)));
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  expect(await ended(child)).toBe(2);
  expect(stderr).toContain(why);
});
