/** The databases of a data directory as of one moment, for reading only. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { chainFile } from '../anchor/local-headers.ts';
import { headersFile } from '../headers/stored-headers.ts';
import { openDatabase } from '../store/sqlite/database.ts';
import { FsckError } from './errors.ts';

const MIGRATIONS = join(import.meta.dirname, '..', 'store', 'sqlite', 'migrations');

export interface Snapshot {
  journal: DatabaseSync;
  /** Undefined until the directory's first start has come so far. */
  ledger: DatabaseSync | undefined;
  /** Undefined where nothing has been anchored on a chain of the server's own. */
  chain: DatabaseSync | undefined;
  /** Undefined where no headers of a chain that others mine have been followed. */
  headers: DatabaseSync | undefined;
  /** Lets go of the moment: from here on, what has been added since is there too. */
  release(): void;
  close(): void;
}

/**
 * Opens a directory that a server may be writing to. The ledger's moment comes first: journal and chain are always
 * ahead of it, so that whatever it refers to is there.
 * @throws FsckError
 */
export function openSnapshot(dataDir: string): Snapshot {
  if (!existsSync(dataDir) || !statSync(dataDir).isDirectory()) {
    throw new FsckError('no-such-directory', `${dataDir} is no directory`);
  }
  const opened: DatabaseSync[] = [];
  const open = (path: string, name: string): DatabaseSync | undefined => {
    if (!existsSync(path)) return undefined;
    const db = openDatabase(path);
    opened.push(db);
    return holdsTables(db, name) ? db : undefined;
  };
  const release = () => {
    for (const db of opened) db.exec('COMMIT');
  };
  const close = () => {
    for (const db of opened) db.close();
  };
  try {
    const ledger = open(join(dataDir, 'ledger.db'), 'ledger');
    const journal = open(join(dataDir, 'journal.db'), 'journal');
    const chain = open(chainFile(dataDir), 'chain');
    const headers = open(headersFile(dataDir), 'headers');
    if (journal === undefined) {
      throw new FsckError('not-a-data-directory', `${dataDir} holds no journal: it is not a data directory`);
    }
    return { journal, ledger, chain, headers, release, close };
  } catch (cause) {
    close();
    throw cause;
  }
}

/** Begins the read transaction, whose moment is that of its first query. A first start cut short leaves no tables. */
function holdsTables(db: DatabaseSync, name: string): boolean {
  db.exec('BEGIN');
  const version = Number(db.prepare('PRAGMA user_version').get()?.user_version);
  db.prepare('SELECT count(*) FROM sqlite_schema').get();
  const known = readdirSync(join(MIGRATIONS, name)).filter((file) => file.endsWith('.sql')).length;
  if (version !== 0 && version !== known) {
    throw new FsckError('other-version', `${name}.db is of version ${version}, this program knows version ${known}`);
  }
  return version !== 0;
}
