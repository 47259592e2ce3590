import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { StoreError } from '../../../src/store/errors.ts';
import { inTransaction, lockDirectory, openDatabase } from '../../../src/store/sqlite/database.ts';
import { Directories } from '../../support/directories.ts';

const directories = new Directories();
afterAll(() => directories.remove());

const inUse = expect.objectContaining({ name: 'StoreError', code: 'in-use' });

describe('the lock on a data directory', () => {
  const MODULE = pathToFileURL(join(import.meta.dirname, '../../../src/store/sqlite/database.ts')).href;

  /** Another process that takes the lock, says how that went, and lives on. */
  async function anotherProcess(dir: string) {
    const script = `
      import { lockDirectory } from ${JSON.stringify(MODULE)};
      let outcome = 'locked';
      try { lockDirectory(${JSON.stringify(dir)}); } catch (error) { outcome = error.code; }
      process.stdout.write(outcome);
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [outcome] = (await once(child.stdout, 'data')) as [Buffer];
    const kill = async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    };
    return { outcome: String(outcome), kill };
  }

  test('is held by one at a time', () => {
    const dir = directories.next();
    const lock = lockDirectory(dir);
    expect(() => lockDirectory(dir)).toThrow(inUse);
    expect(() => lockDirectory(dir)).toThrow(dir);
    lockDirectory(directories.next()).release();
    lock.release();
    lockDirectory(dir).release();
  });

  test('keeps other processes out, and ends with the process that holds it, however that ends', async () => {
    const dir = directories.next();
    const holder = await anotherProcess(dir);
    try {
      expect(holder.outcome).toBe('locked');
      expect(() => lockDirectory(dir)).toThrow(inUse);
    } finally {
      await holder.kill();
    }
    const lock = lockDirectory(dir);
    const refused = await anotherProcess(dir);
    await refused.kill();
    expect(refused.outcome).toBe('in-use');
    lock.release();
  });
});

describe('migrations', () => {
  const FIRST = 'CREATE TABLE one (x INTEGER) STRICT; INSERT INTO one VALUES (1);';

  function migrations(...files: [name: string, sql: string][]): string {
    const dir = join(directories.next(), 'migrations');
    mkdirSync(dir);
    for (const [name, sql] of files) writeFileSync(join(dir, name), sql);
    return dir;
  }

  const rows = (path: string, dir: string) => {
    const db = openDatabase(path, { migrations: dir });
    const all = db
      .prepare('SELECT x FROM one')
      .all()
      .map(({ x }) => x);
    db.close();
    return all;
  };

  test('run in the order of their numbers, each once', () => {
    const path = join(directories.next(), 'some.db');
    const one = migrations(['0001-one.sql', FIRST]);
    const two = migrations(['0002-two.sql', 'INSERT INTO one VALUES (2)'], ['0001-one.sql', FIRST], ['notes.md', 'x']);
    expect(rows(path, one)).toEqual([1]);
    expect(rows(path, two)).toEqual([1, 2]);
    expect(rows(path, two)).toEqual([1, 2]);
  });

  test('a database of a later version is left alone', () => {
    const path = join(directories.next(), 'some.db');
    rows(path, migrations(['0001-one.sql', FIRST], ['0002-two.sql', 'INSERT INTO one VALUES (2)']));
    const open = () => openDatabase(path, { migrations: migrations(['0001-one.sql', FIRST]) });
    expect(open).toThrow(expect.objectContaining({ code: 'too-new' }));
  });

  test('one that fails leaves nothing of itself', () => {
    const path = join(directories.next(), 'some.db');
    const broken = migrations(['0001-one.sql', FIRST], ['0002-two.sql', 'INSERT INTO one VALUES (2); nonsense']);
    expect(() => openDatabase(path, { migrations: broken })).toThrow();
    const mended = migrations(['0001-one.sql', FIRST], ['0002-two.sql', 'INSERT INTO one VALUES (3)']);
    expect(rows(path, mended)).toEqual([1, 3]);
  });
});

describe('a transaction', () => {
  test('is all or nothing, and gives what its work gives', () => {
    const path = join(directories.next(), 'some.db');
    const dir = join(directories.next(), 'migrations');
    mkdirSync(dir);
    writeFileSync(join(dir, '0001.sql'), 'CREATE TABLE one (x INTEGER PRIMARY KEY) STRICT');
    const db = openDatabase(path, { migrations: dir });
    const insert = db.prepare('INSERT INTO one VALUES (?)');
    expect(inTransaction(db, () => insert.run(1).changes)).toBe(1);
    const failure = new StoreError('damaged', 'x');
    const work = () => {
      insert.run(2);
      throw failure;
    };
    expect(() => inTransaction(db, work)).toThrow(failure);
    expect(() => inTransaction(db, () => [insert.run(3), insert.run(1)])).toThrow();
    expect(
      db
        .prepare('SELECT x FROM one')
        .all()
        .map(({ x }) => x),
    ).toEqual([1]);
    expect(db.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
    expect(db.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    db.close();
  });

  test('a database that is opened for reading takes no writes', () => {
    const path = join(directories.next(), 'some.db');
    const dir = join(directories.next(), 'migrations');
    mkdirSync(dir);
    writeFileSync(join(dir, '0001.sql'), 'CREATE TABLE one (x INTEGER) STRICT');
    const writer = openDatabase(path, { migrations: dir });
    const reader = openDatabase(path);
    expect(() => reader.exec('INSERT INTO one VALUES (1)')).toThrow(/readonly/);
    reader.close();
    writer.close();
  });
});
