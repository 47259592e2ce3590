/** Opening SQLite files: pragmas, numbered migrations, one lock a data directory. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../errors.ts';

export interface OpenOptions {
  /** Folder of `NNNN-name.sql` files; applied in order, each once. Without it the database is opened for reading. */
  migrations?: string;
  pageSize?: number;
}

/** WAL, and every commit reaches the disk before it returns. */
export function openDatabase(path: string, options: OpenOptions = {}): DatabaseSync {
  const readOnly = options.migrations === undefined;
  const db = new DatabaseSync(path, { readOnly, timeout: 10_000 });
  if (options.migrations === undefined) return db;
  if (options.pageSize !== undefined) db.exec(`PRAGMA page_size = ${options.pageSize}`);
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  migrate(db, options.migrations);
  return db;
}

/** Runs `work` in a transaction that takes the write lock at once. */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (cause) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw cause;
  }
}

/**
 * Holds the data directory for this process. The lock is the operating system's own, so it ends with the process,
 * however that ends.
 * @throws StoreError `in-use` when another process has it
 */
export function lockDirectory(dir: string): { release(): void } {
  const db = new DatabaseSync(join(dir, 'lock.db'));
  try {
    db.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;');
  } catch (cause) {
    db.close();
    throw new StoreError('in-use', `another process uses the data directory ${dir}; stop it first`, { cause });
  }
  return { release: () => db.close() };
}

function migrate(db: DatabaseSync, dir: string): void {
  const files = readdirSync(dir)
    .filter((name) => name.endsWith('.sql'))
    .sort();
  const version = Number(db.prepare('PRAGMA user_version').get()?.user_version ?? 0);
  if (version > files.length) {
    throw new StoreError('too-new', `the database is of version ${version}, this program knows ${files.length}`);
  }
  for (const [index, file] of files.entries()) {
    if (index < version) continue;
    inTransaction(db, () => {
      db.exec(readFileSync(join(dir, file), 'utf8'));
      db.exec(`PRAGMA user_version = ${index + 1}`);
    });
  }
}
