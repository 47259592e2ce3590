import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { SqliteNonces } from '../../src/access/sqlite-nonces.ts';
import { StoreError } from '../../src/store/errors.ts';
import { Directories } from '../support/directories.ts';
import { nonceContract } from './nonce-contract.ts';

const directories = new Directories();
afterAll(() => directories.remove());

nonceContract('SQLite', () => {
  const where = directories.next();
  return {
    open: () => new SqliteNonces(where),
    module: pathToFileURL(join(import.meta.dirname, 'open-sqlite-nonces.ts')).href,
    where,
    remove: () => undefined,
  };
});

test('what is out of date is forgotten, a few at a time', async () => {
  const dir = directories.next();
  const store = new SqliteNonces(dir);
  const db = new DatabaseSync(join(dir, 'nonces.db'), { readOnly: true });
  const count = () => Number(db.prepare('SELECT count(*) AS n FROM nonces').get()?.n);
  const spend = (nonce: string, until: number | undefined, now: number) =>
    store.spend({ identityKey: 'k', nonce, until }, now);
  for (let i = 0; i < 20; i++) await spend(`old-${i}`, 1000 + i, 0);
  await spend('for good', undefined, 0);
  expect(count()).toBe(21);
  await spend('new-1', 9000, 1020);
  expect(count()).toBe(14);
  await spend('new-1', 9000, 1020);
  expect(count()).toBe(14);
  for (let i = 2; i <= 5; i++) await spend(`new-${i}`, 9000, 1020);
  expect(count()).toBe(6);
  expect(await spend('for good', undefined, 1020)).toBe(false);
  db.close();
  await store.close();
});

test('a nonce that cannot be stored is an error of the store, not a refusal', async () => {
  const store = new SqliteNonces(directories.next());
  await store.close();
  await expect(store.spend({ identityKey: 'k', nonce: 'n', until: undefined }, 0)).rejects.toThrow(StoreError);
});
