import { spawnSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FsckError, fsck } from '../../src/fsck/index.ts';
import { Directories } from '../support/directories.ts';
import { start } from '../support/server-process.ts';
import { anchorHeads, Copy, makeDirectory, until } from './made.ts';

const COMMAND = join(import.meta.dirname, '..', '..', 'bin', 'tidemark.js');
const FILES = ['journal.db', 'ledger.db', 'chain.db'];
const directories = new Directories();
const original = directories.next();

beforeAll(async () => {
  await makeDirectory(original);
  await anchorHeads(original);
});
afterAll(() => directories.remove());

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [COMMAND, 'fsck', ...args], { encoding: 'utf8' });
}

describe('a sound directory', () => {
  it('is clean, with everything in it counted', () => {
    const { violations, notes, checked } = fsck(original);
    expect(violations).toEqual([]);
    expect(notes).toEqual([]);
    // 594 readings, two to be quarantined, three revisions, the last; four of the water, two headers.
    expect(checked).toMatchObject({ events: 604, leaves: 606, streams: 4, anchors: 2, blocks: 2 });
  });

  it('is left as it was', () => {
    const listing = () => FILES.map((name) => hash('sha256', readFileSync(join(original, name)), 'hex'));
    const before = listing();
    fsck(original);
    expect(listing()).toEqual(before);
  });

  it('is clean with ids of every kind', async () => {
    const dir = directories.next();
    const server = await start(dir);
    const send = (type: string, body: string, headers: Record<string, string> = {}) =>
      fetch(`${server.url}/ingest/events`, { method: 'POST', headers: { 'content-type': type, ...headers }, body });
    const answers = [
      await send(
        'application/x-ndjson',
        '{"id":"a"}\n{"eventId":-5, "x" : 1}\n{"ts":"2026-01-01T00:00:00Z","x":1e2}\n',
      ),
      await send('application/json', '{"events":[{"big":123456789012345678901},{"x":"€ \\ud83d\\ude80"}]}'),
      await send('application/json', '{"events":[{"x":1},{"x":1}]}', { 'idempotency-key': 'delivery 7' }),
      await send('text/csv', 'id,name\n1,"a ""b"""\n2,c\n'),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    await until(async () => fsck(dir).notes.length === 0);
    await server.stop();
    const { violations, checked } = fsck(dir);
    expect(violations).toEqual([]);
    expect(checked).toMatchObject({ events: 9, leaves: 10 });
  });

  it('is clean while a server writes to it', async () => {
    const dir = directories.next();
    const server = await start(dir, { ANCHOR_INTERVAL_MS: '100' });
    const stop = new AbortController();
    const sending = keepSending(server.url, stop.signal);
    try {
      await until(async () => fsck(dir).checked.packets > 0);
      for (let round = 0; round < 10; round++) {
        expect(fsck(dir).violations).toEqual([]);
        // Lets the sender have its turn.
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      stop.abort();
      await sending;
      await server.stop();
    }
  });

  it('may hold content that nothing names, as a crash leaves it', () => {
    const copy = new Copy(original, directories);
    const name = 'ab'.padEnd(64, '0');
    mkdirSync(join(copy.dir, 'packets', 'ab'), { recursive: true });
    writeFileSync(join(copy.dir, 'packets', 'ab', `${name}.ndjson`), 'left\n');
    const { violations, notes } = fsck(copy.dir);
    expect(violations).toEqual([]);
    expect(notes).toEqual([
      {
        code: 'packet-file-unnamed',
        where: '1 packet files',
        what: 'written since this check began, or left by a crash',
      },
    ]);
  });

  it('may hold events that wait for their packet', async () => {
    const dir = directories.next();
    const never = { id: 'slow', publish: { mode: 'batch', maxAgeMs: 86_400_000 } };
    const server = await start(dir, {
      INGEST_SOURCES_JSON: JSON.stringify([{ id: 'slow' }]),
      STREAMS_JSON: JSON.stringify([never]),
    });
    const body = '{"events":[{"id":1},{"id":2}]}';
    const headers = { 'content-type': 'application/json' };
    await fetch(`${server.url}/ingest/events?sourceId=slow`, { method: 'POST', headers, body });
    await server.stop();
    const { violations, notes } = fsck(dir);
    expect(violations).toEqual([]);
    expect(notes).toEqual([{ code: 'waiting', where: 'journal', what: '2 events wait for their packet' }]);
  });

  it('may have been left before its first event', () => {
    const copy = new Copy(original, directories);
    for (const file of ['ledger.db', 'chain.db']) {
      for (const suffix of ['', '-wal', '-shm']) rmSync(copy.path(file + suffix), { force: true });
    }
    copy.journal("DELETE FROM entries WHERE kind <> 'config'");
    copy.journal('UPDATE entries SET first = rowid');
    copy.journal('DELETE FROM sources');
    copy.journal('UPDATE stream_tails SET last_events = 0, last_cut = 0');
    expect(fsck(copy.dir).violations).toEqual([]);
  });
});

async function keepSending(url: string, signal: AbortSignal): Promise<void> {
  for (let n = 0; !signal.aborted; n++) {
    const events = Array.from({ length: 50 }, (_, index) => ({ id: `${n}-${index}` }));
    const headers = { 'content-type': 'application/json' };
    await fetch(`${url}/ingest/events`, { method: 'POST', headers, body: JSON.stringify({ events }) });
  }
}

describe('what cannot be checked', () => {
  it('is a directory that is not there', () => {
    expect(() => fsck(join(original, 'nowhere'))).toThrow(expect.objectContaining({ code: 'no-such-directory' }));
  });

  it('is a directory without a journal', () => {
    expect(() => fsck(directories.next())).toThrow(FsckError);
    expect(() => fsck(directories.next())).toThrow(expect.objectContaining({ code: 'not-a-data-directory' }));
  });

  it('is data of another version', () => {
    const copy = new Copy(original, directories);
    copy.rows('ledger.db', 'PRAGMA user_version = 99');
    expect(() => fsck(copy.dir)).toThrow(expect.objectContaining({ code: 'other-version' }));
  });
});

describe('tidemark fsck', () => {
  it('exits with 0 and a summary when all is well', () => {
    const { status, stdout } = run('--data', original);
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^checked 604 events, \d+ packets with 606 leaves, 4 streams, 2 anchors, 2 blocks\nclean\n$/,
    );
  });

  it('exits with 1 and a line for each violation', () => {
    const copy = new Copy(original, directories);
    rmSync(copy.contentPath('plant'));
    copy.ledger('UPDATE cursor SET position = position + 1');
    const { status, stdout } = run('--data', copy.dir);
    expect(status).toBe(1);
    expect(stdout.match(/^VIOLATION .*/gm)).toEqual([
      expect.stringMatching(/^VIOLATION {2}cursor-wrong {2}cursor: it is at \d+, the journal ends at \d+$/),
      expect.stringMatching(
        /^VIOLATION {2}content-missing {2}stream plant packet \[0,250\): there is no [0-9a-f]{64}$/,
      ),
    ]);
    expect(stdout).toMatch(/\n2 violations\n$/);
  });

  it('prints JSON on request', () => {
    const copy = new Copy(original, directories);
    copy.ledger('UPDATE cursor SET position = position + 1');
    const { status, stdout } = run('--json', '--data', copy.dir);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      clean: false,
      checked: { events: 604 },
      violationCount: 1,
      violations: [{ code: 'cursor-wrong', where: 'cursor' }],
      notes: [],
    });
  });

  it.each([
    ['no directory', ['--data', join(original, 'nowhere')]],
    ['no data directory', ['--data', import.meta.dirname]],
    ['no --data', []],
    ['an unknown option', ['--data', original, '--repair']],
  ])('exits with 2 for %s', (_, args) => {
    const { status, stdout, stderr } = run(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).not.toBe('');
  });
});
