/** `tidemark verify --lines`: many proofs, one a line. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Directories } from '../support/directories.ts';
import { runTidemark } from '../support/tidemark.ts';

const GOLDEN = join(import.meta.dirname, '..', '..', '..', 'proof', 'test', 'golden');
const directories = new Directories();
afterAll(() => directories.remove());

const proof = (name: string) => JSON.stringify(JSON.parse(readFileSync(join(GOLDEN, name), 'utf8')));
const names = readdirSync(GOLDEN);

function written(...lines: string[]): string {
  const file = join(directories.next(), 'proofs.ndjson');
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
  return file;
}

describe('many proofs', () => {
  const record = proof('record.json');

  test('are counted by level', async () => {
    expect(names).toContain('record.json');
    const run = await runTidemark(['verify', written(record, record, proof('quarantined.json')), '--lines', '--dev']);
    expect(run).toEqual({ code: 0, stdout: 'VALID  3 anchored\n', stderr: '' });
  });

  test('that are not all valid are named by their lines', async () => {
    const tampered = record.replace(/"index":(\d+)/, (_, index: string) => `"index":${Number(index) + 1}`);
    const file = written(record, tampered, '{', record);
    const { code, stdout } = await runTidemark(['verify', file, '--lines', '--dev']);
    expect(code).toBe(1);
    const lines = stdout.split('\n').filter((line) => /^[A-Z]/.test(line));
    expect(lines).toEqual([
      'INVALID  line 2  inclusion-mismatch',
      'INVALID  line 3  malformed',
      'VALID  2 anchored',
      'INVALID  2 of 4',
    ]);
    const json = await runTidemark(['verify', file, '--lines', '--dev', '--json']);
    const reports = json.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(reports.map(({ line, valid, reason }) => [line, valid, reason])).toEqual([
      [1, true, undefined],
      [2, false, 'inclusion-mismatch'],
      [3, false, 'malformed'],
      [4, true, undefined],
    ]);
  });

  test('may hold what others take for the end of a line', async () => {
    const odd = record.replace('"payload":{', '"payload":{"x":"a\u2028b",');
    const run = await runTidemark(['verify', written(odd, record), '--lines', '--dev']);
    expect(run.stdout).toMatch(/^INVALID {2}line 1 {2}payload-mismatch\n.*\nVALID {2}1 anchored\nINVALID {2}1 of 2\n$/);
  });

  test('of which there are none are misuse, as is a file that is not there', async () => {
    expect(await runTidemark(['verify', written(), '--lines'])).toMatchObject({ code: 2 });
    const missing = join(directories.next(), 'none');
    expect(await runTidemark(['verify', missing, '--lines'])).toMatchObject({
      code: 2,
      stderr: `tidemark: ${missing} cannot be read\n`,
    });
  });
});
