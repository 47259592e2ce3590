/** `tidemark conflicts` as a process of its own, on a directory that nobody serves and on one in use. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fusedEventId } from '@tidemark/proof';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Directories } from '../support/directories.ts';
import { fillDirectory } from '../support/feed.ts';
import { BASE, fillFused, fusedConfig, QUORUM, weather } from '../support/fused.ts';
import { Writer } from '../support/journal.ts';
import { start } from '../support/server-process.ts';

const COMMAND = join(import.meta.dirname, '..', '..', 'bin', 'tidemark.js');
const directories = new Directories();
afterAll(() => directories.remove());

type Line = Record<string, unknown> & { kind: string };

function conflicts(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, 'conflicts', ...args], {
    ...{ encoding: 'utf8', env: { PATH: process.env.PATH } },
  });
  return { status, stdout, stderr };
}

/** The lines of `--json`: decisions, and the summary. */
function told(...args: string[]) {
  const { status, stdout, stderr } = conflicts(...args, '--json');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  return { decisions: lines.slice(0, -1), summary: lines.at(-1)! };
}

const cities = (lines: Line[]) => lines.map(({ key }) => (key as string[])[0]);

describe('a directory with conflicts', () => {
  let dir: string;
  beforeAll(async () => {
    dir = directories.next();
    await fillFused(dir);
  });

  test('is put in words: each conflict, oldest first, and the summary', () => {
    const { status, stdout, stderr } = conflicts('--data', dir, '--stream', 'weather');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [oslo, rome, paris, ...summary] = stdout.replaceAll(/\b[0-9a-f]{64}\b/g, 'HASH').split('\n\n');
    const bucket = '2026-03-01T12:00:00.000Z';
    expect(rome).toBe(
      [
        `2026-03-01T12:00:03.000Z  weather  ["Rome"] of ${bucket}  CONFLICT`,
        '    source  seq  event time                result     temp',
        '    w-a     2    2026-03-01T12:00:00.020Z  agrees     25',
        '    w-b     2    2026-03-01T12:00:00.025Z  disagrees  40',
        '    w-c     1    2026-03-01T12:00:00.022Z  winner     25',
        '    winner  w-c #1',
        '    rule    quorum',
        '    why     2 of 3 votes (2 needed) for what w-a and w-c say within temp ±0.5. Against: w-b (temp 40, not 25).',
        `    event ${fusedEventId('weather', ['Rome'], bucket)}, leaf 3, decision HASH`,
      ].join('\n'),
    );
    expect(oslo).toContain('    winner  none, all candidates are held back\n    rule    no-quorum\n');
    expect(oslo).toContain('w-c     2    2026-03-01T12:00:00.032Z  undecided  9\n');
    expect(paris).toContain('    rule    quorum, the tie by eventTime\n');
    expect(paris).toContain('w-a     1    2026-03-01T12:00:00.010Z  agrees     20\n');
    expect(paris?.endsWith('decision HASH, corrects HASH')).toBe(true);
    expect(summary).toEqual([
      '4 decisions, 3 conflicts (75.0 %), 1 held back for want of a quorum, 1 correction',
      ['    rule       decisions  conflicts', '    quorum     3          2', '    no-quorum  1          1'].join('\n'),
      [
        '    source  decisions  won  lost  disagreed',
        '    w-a     4          0    3     0',
        '    w-b     3          2    1     1',
        '    w-c     3          1    1     1\n',
      ].join('\n'),
    ]);
  });

  test('names the fields that were decided each by itself', () => {
    const { stdout } = conflicts('--data', dir, '--stream', 'places');
    expect(stdout).toContain('result     temp  wind\n');
    expect(stdout).toContain('disagrees  18    7\n');
    expect(stdout).toContain('agrees     19    -\n');
    expect(stdout).toContain('    winner  each field by itself; temp of w-y\n');
  });

  test('shows all decisions, or those since a time; the summary counts what there is to count', () => {
    const conflicting = told('--data', dir);
    expect(cities(conflicting.decisions)).toEqual(['Oslo', 'Rome', 'Lima', 'Paris']);
    expect(conflicting.summary).toMatchObject({ shown: 4, decisions: 5, conflicts: 4, corrections: 1 });
    expect(cities(told('--data', dir, '--all').decisions)).toEqual(['Oslo', 'Rome', 'Paris', 'Lima', 'Paris']);
    const since = told('--data', dir, '--since', '2026-03-01T12:00:03.001Z', '--all');
    expect(cities(since.decisions)).toEqual(['Paris']);
    expect(since.summary).toMatchObject({ decisions: 1, conflicts: 1 });
    const epoch = told('--data', dir, '--since', '1772366403', '--limit', '0');
    expect([epoch.decisions.length, epoch.summary.decisions]).toEqual([0, 5]);
  });

  test('shows the newest when there are more than are wanted, and says so', () => {
    const { decisions, summary } = told('--data', dir, '--limit', '2');
    expect(cities(decisions)).toEqual(['Lima', 'Paris']);
    expect(summary).toMatchObject({ shown: 2, decisions: 5, outcomes: { resolved: 4, unresolved: 0, quarantined: 1 } });
    expect(summary.rules).toEqual({
      priority: { decisions: 1, conflicts: 1 },
      quorum: { decisions: 3, conflicts: 2 },
      'no-quorum': { decisions: 1, conflicts: 1 },
    });
    expect(conflicts('--data', dir, '--limit', '1').stdout).toContain(
      'the newest 1 of 4 are shown; --limit shows more\n',
    );
  });

  test('can be read while somebody writes', () => {
    const writer = new DatabaseSync(join(dir, 'ledger.db'));
    writer.exec('BEGIN IMMEDIATE');
    expect(told('--data', dir).summary.decisions).toBe(5);
    writer.exec('ROLLBACK');
    writer.close();
  });
});

test('a server that has just started has no decisions', async () => {
  const dir = directories.next();
  const server = await start(dir);
  const { status, stdout } = conflicts('--data', dir);
  await server.stop();
  expect([status, stdout]).toEqual([0, '0 decisions, 0 conflicts\n']);
});

test('what events say cannot steer the terminal, nor make a report endless', async () => {
  const dir = directories.next();
  const writer = new Writer();
  const sources = Array.from({ length: 22 }, (_, n) => `s-${10 + n}`);
  const config = fusedConfig('weather', sources, { ...QUORUM, min: 22 });
  const wild = { ...config, sources: Object.fromEntries(sources.map((source) => [source, {}])) };
  const said = (n: number) => ({
    ...{ city: '\u001b[31mRome', temp: 1, awry: `${n}\u202e`, long: 'x'.repeat(n * 1000) },
    ...Object.fromEntries(Array.from({ length: 8 }, (_, field) => [`f${field}`, n])),
  });
  await fillDirectory(dir, [
    [writer.config(wild, BASE)],
    [
      ...sources.map((source, n) => writer.events('weather', source, [weather('one', 10, said(n))], BASE + 100)),
      writer.cut('weather', BASE + 3000),
    ],
  ]);
  const { stdout } = conflicts('--data', dir);
  expect(stdout).not.toContain('\u001b');
  expect(stdout).not.toContain('\u202e');
  expect(stdout).toContain('["\\u001b[31mRome"]');
  expect(stdout).toContain('undecided  3\\u202e     3           3           3           3           3\n');
  expect(stdout).toContain('undecided  (too long)  (too long)  (too long)');
  // Of awry, f0 to f7 and long.
  expect(stdout).toContain('awry        f0          f1          f2          f3          f4\n');
  expect(stdout).toContain('    and 4 more fields differ\n    and 2 more candidates\n');
  expect(stdout.length).toBeLessThan(8000);
});

describe('misuse', () => {
  test.each<[string[], string]>([
    [['--data', '/nowhere/at/all'], 'is no directory'],
    [['--data', import.meta.dirname], 'it is not a data directory'],
    [['--data', '.', '--limit', 'many'], '--limit takes a whole number'],
    [['--data', '.', '--limit', '-1'], '--limit takes a whole number'],
    [['--data', '.', '--since', 'yesterday'], '--since takes a time'],
    [[], "required option '--data <dir>'"],
  ])('%j', (args, message) => {
    const { status, stdout, stderr } = conflicts(...args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
  });
});
