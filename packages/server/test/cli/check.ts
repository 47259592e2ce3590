/** `tidemark policy check` as a process of its own, on files of the test's own. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { Directories } from '../support/directories.ts';

const COMMAND = join(import.meta.dirname, '..', '..', 'bin', 'tidemark.js');
const directories = new Directories();
afterAll(() => directories.remove());
export const dir = directories.next();

/** Writes a file, as it stands or as JSON. @returns its path */
export function file(name: string, content: string | object): string {
  const path = join(dir, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  return path;
}

export function check(args: string[], input = '') {
  // What a server's environment would add has no say here.
  const env = { PATH: process.env.PATH, NORMALIZE_POLICY_JSON: '{"nonsense":1}' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, 'policy', 'check', ...args], {
    ...{ encoding: 'utf8', input, env },
  });
  return { status, stdout, stderr };
}

/** The lines of `--json`, by kind. */
export function tried(args: string[], input = '') {
  const { status, stdout, stderr } = check([...args, '--json'], input);
  expect(stderr).toBe('');
  const lines = stdout.trimEnd().split('\n');
  const items = lines.map((line) => JSON.parse(line) as Record<string, unknown> & { kind: string });
  return {
    status,
    policies: items.filter(({ kind }) => kind === 'policy'),
    events: items.filter(({ kind }) => kind === 'event'),
    summary: items.find(({ kind }) => kind === 'summary'),
  };
}

export const POLICY = {
  map: { t: 'reading.temp', room: { path: 'room', default: 'hall' }, unit: { const: 'C' }, mail: 'owner.mail' },
  required: ['t'],
  coerce: { t: 'number' },
  constraints: { bounds: { t: { min: -40, max: 85 } } },
  idFrom: ['serial', 'counter'],
  timeField: 'reading.at',
  redact: ['owner.ssn'],
  hash: ['owner.mail'],
};
