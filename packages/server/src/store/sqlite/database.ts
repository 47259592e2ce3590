/** Opening SQLite files: pragmas, numbered migrations, one lock a data directory. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../errors.ts';

/** How long a connection waits for another's write. */
const BUSY_MS = 10_000;

export interface OpenOptions {
  /** Folder of `NNNN-name.sql` files; applied in order, each once. Without it the database is opened for reading. */
  migrations?: string;
  pageSize?: number;
}

/** WAL, and every commit reaches the disk before it returns. */
export function openDatabase(path: string, options: OpenOptions = {}): DatabaseSync {
  const readOnly = options.migrations === undefined;
  const db = new DatabaseSync(path, { readOnly, timeout: BUSY_MS });
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
 * Moves everything from the write-ahead log into the database and empties the log, which would otherwise keep what has
 * been overwritten. Waits for nobody.
 * @returns false while a reader needs what is in the log
 */
export function trimLog(db: DatabaseSync): boolean {
  db.exec('PRAGMA busy_timeout = 0');
  try {
    return Number(db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.busy) === 0;
  } finally {
    db.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
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
