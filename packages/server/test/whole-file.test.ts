import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openInstance } from '../src/instance.ts';
import { openKeys } from '../src/keys.ts';
import { writeWholeFile } from '../src/whole-file.ts';
import { Directories } from './support/directories.ts';

const directories = new Directories();
afterAll(() => directories.remove());

it('leaves the file alone in its directory, readable as asked', () => {
  const dir = directories.next();
  writeWholeFile(join(dir, 'secret'), 'text\n', 0o600);
  expect(readdirSync(dir)).toEqual(['secret']);
  expect(readFileSync(join(dir, 'secret'), 'utf8')).toBe('text\n');
  expect(statSync(join(dir, 'secret')).mode & 0o777).toBe(0o600);
});

it('is not held up by what a crash left half-way, nor does it take on its mode', () => {
  const dir = directories.next();
  const leftovers = ['identity.key', 'log.key', 'instance.json'].map((name) => join(dir, `${name}.unfinished`));
  for (const path of leftovers) writeFileSync(path, '12', { mode: 0o644 });
  const { identity } = openKeys(dir, true);
  const { id } = openInstance(dir, true, undefined);
  expect(openKeys(dir, true).identity.publicKey).toBe(identity.publicKey);
  expect(openInstance(dir, true, undefined).id).toBe(id);
  expect(statSync(join(dir, 'identity.key')).mode & 0o777).toBe(0o600);
  expect(readdirSync(dir).sort()).toEqual(['identity.key', 'instance.json', 'log.key']);
});
