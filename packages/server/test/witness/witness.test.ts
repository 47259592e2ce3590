/** The witness over HTTP, by the letter of https://c2sp.org/tlog-witness. */
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatAddCheckpoint, parseCheckpoint, parseVerifierKey, verifyCheckpoint } from '@tidemark/proof';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type RunningWitness, startWitness } from '../../src/witness/server.ts';
import { call, type Reply } from '../http/client.ts';
import { Directories } from '../support/directories.ts';
import { GrownLog } from './grown-log.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
const directories = new Directories();
afterAll(() => directories.remove());

const log = new GrownLog('example.org/log');
const other = new GrownLog('example.org/other');
const fork = new GrownLog('example.org/log', { name: 'fork', from: 3 });
const impostor = new GrownLog('example.org/log', undefined, 4);

let dataDir: string;
let witness: RunningWitness;
const start = async (name?: string) => {
  witness = await startWitness({ dataDir, logs: [log.key, other.key], name, host: '127.0.0.1', port: 0 });
};
beforeEach(async () => {
  dataDir = directories.next();
  await start();
});
afterEach(() => witness.close());

const add = (body: string): Promise<Reply> => call(witness.url, '/add-checkpoint', { method: 'POST', body });
const statusOf = async (body: string) => (await add(body)).status;

async function expectCosigned(from: number, to: number, by = log): Promise<void> {
  const { status, text, headers } = await add(by.request(from, to));
  expect(status).toBe(200);
  expect(headers['content-type']).toBe('text/plain; charset=utf-8');
  expect(verifyCheckpoint(parseCheckpoint(by.checkpoint(to) + text), parseVerifierKey(witness.key))).toBe('valid');
}

async function expectAt(size: number, body: string): Promise<void> {
  const { status, text, headers } = await add(body);
  expect([status, headers['content-type'], text]).toEqual([409, 'text/x.tlog.size', `${size}\n`]);
}

describe('a log that grows', () => {
  it('is cosigned, from nothing and from what was cosigned last', async () => {
    await expectCosigned(0, 5);
    await expectCosigned(5, 300);
    await expectCosigned(300, 512);
  });

  it('is cosigned again at the same size, now', async () => {
    await expectCosigned(0, 5);
    await expectCosigned(5, 5);
  });

  it('may begin with no leaves', async () => {
    await expectCosigned(0, 0);
    await expectCosigned(0, 4);
  });

  it('is another log than the next one', async () => {
    await expectCosigned(0, 5);
    await expectCosigned(0, 2, other);
    const { body } = await call(witness.url, '/');
    expect(body).toEqual({
      witness: witness.key,
      logs: [
        { origin: log.origin, size: 5 },
        { origin: other.origin, size: 2 },
      ],
    });
  });

  it('is cosigned once for each step, whoever comes first', async () => {
    const replies = await Promise.all([5, 6, 7, 8].map((size) => add(log.request(0, size))));
    const statuses = replies.map(({ status }) => status).sort();
    expect(statuses).toEqual([200, 409, 409, 409]);
  });
});

describe('what is refused', () => {
  beforeEach(() => expectCosigned(0, 5));
  const atFive = (by: GrownLog, to: number, proof = by.proof(5, to)) =>
    formatAddCheckpoint({ oldSize: 5, proof, checkpoint: by.checkpoint(to) });

  it('404: a log that is not known', async () => {
    expect(await statusOf(new GrownLog('example.org/unknown').request(0, 5))).toBe(404);
  });

  it('403: a checkpoint that no trusted key has signed, also where it would conflict', async () => {
    expect(await statusOf(impostor.request(5, 6))).toBe(403);
    expect(await statusOf(impostor.request(0, 5))).toBe(403);
    const [text, signature] = log.checkpoint(6).split('\n\n');
    const altered = `${text?.replace('\n6\n', '\n7\n')}\n\n${signature}`;
    expect(await statusOf(formatAddCheckpoint({ oldSize: 5, proof: [], checkpoint: altered }))).toBe(403);
  });

  it('409 with the size, where the old size is another', async () => {
    await expectAt(5, log.request(0, 8));
    await expectAt(5, log.request(4, 8));
    await expectAt(5, log.request(6, 8));
    await expectAt(5, log.request(0, 3));
  });

  it('409 where the size is the same and the tree is not', async () => {
    await expectAt(5, atFive(fork, 5, []));
  });

  it('422 where the proof does not hold, as for every fork', async () => {
    expect(await statusOf(atFive(fork, 8))).toBe(422);
    expect(await statusOf(atFive(log, 8, log.proof(5, 8).slice(1)))).toBe(422);
    expect(await statusOf(atFive(log, 8, log.proof(4, 8)))).toBe(422);
    expect(await statusOf(atFive(log, 5, [new Uint8Array(32)]))).toBe(422);
    const fromNothing = formatAddCheckpoint({
      oldSize: 0,
      proof: [new Uint8Array(32)],
      checkpoint: other.checkpoint(3),
    });
    expect(await statusOf(fromNothing)).toBe(422);
    await expectCosigned(5, 8);
  });

  it('400: an old size that is larger, and whatever is no request', async () => {
    expect(await statusOf(formatAddCheckpoint({ oldSize: 9, proof: [], checkpoint: log.checkpoint(8) }))).toBe(400);
    for (const body of ['', 'old 5\n', `old 5\n\n${log.checkpoint(8)}x`, `old x\n\n${log.checkpoint(8)}`]) {
      expect(await statusOf(body)).toBe(400);
    }
  });

  it('413: what is far too long; 404: whatever else is asked', async () => {
    expect(await statusOf('x'.repeat(80 * 1024))).toBe(413);
    expect((await call(witness.url, '/add-checkpoint')).status).toBe(404);
  });
});

describe('what it remembers', () => {
  it('is there after a start, with the key', async () => {
    await expectCosigned(0, 5);
    const { key } = witness;
    await witness.close();
    await start();
    expect(witness.key).toBe(key);
    await expectAt(5, fork.request(0, 8));
    await expectCosigned(5, 8);
  });

  it('is on disk before the answer: a copy made then has it', async () => {
    await expectCosigned(0, 5);
    const files = readdirSync(join(dataDir, 'logs'));
    expect(files.map((file) => readFileSync(join(dataDir, 'logs', file), 'utf8'))).toEqual([log.checkpoint(5)]);
    expect(existsSync(join(dataDir, 'logs', `${files[0]}.unfinished`))).toBe(false);
  });

  it('is not replaced by a request that is refused', async () => {
    await expectCosigned(0, 5);
    await statusOf(fork.request(5, 8));
    await witness.close();
    await start();
    await expectCosigned(5, 6);
  });

  it('is kept from others, and one process has it', async () => {
    expect(statSync(join(dataDir, 'witness.key')).mode & 0o777).toBe(0o600);
    await expect(start()).rejects.toMatchObject({ code: 'in-use' });
  });

  it('is missed: it does not start without, nor with what is damaged', async () => {
    await expectCosigned(0, 5);
    await witness.close();
    const [file = ''] = readdirSync(join(dataDir, 'logs'));
    writeFileSync(join(dataDir, 'logs', file), 'x');
    await expect(start()).rejects.toMatchObject({ code: 'state-malformed' });
    writeFileSync(join(dataDir, 'logs', file), other.checkpoint(5));
    await expect(start()).rejects.toMatchObject({ code: 'state-malformed' });
    rmSync(join(dataDir, 'logs'), { recursive: true });
    await expect(start()).rejects.toMatchObject({ code: 'state-missing' });
    rmSync(join(dataDir, 'witness.key'));
    await start();
  });
});

describe('its name', () => {
  it('is after the key, or as it is told', async () => {
    expect(parseVerifierKey(witness.key)).toMatchObject({
      type: 'witness',
      name: expect.stringMatching(/^witness-[0-9a-f]{8}$/),
    });
    await witness.close();
    await start('example.org/witness');
    expect(parseVerifierKey(witness.key).name).toBe('example.org/witness');
  });

  it('has no blanks, and its logs are given by their keys', async () => {
    await witness.close();
    await expect(start('a b')).rejects.toMatchObject({ code: 'name-unusable' });
    for (const wrong of ['x', witness.key]) {
      const settings = { dataDir, logs: [wrong], name: undefined, host: '127.0.0.1', port: 0 };
      await expect(startWitness(settings)).rejects.toMatchObject({ code: 'name-unusable' });
    }
    await start();
  });
});
