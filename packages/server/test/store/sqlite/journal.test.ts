import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll } from 'vitest';
import { SqliteJournal, SqliteJournalReader } from '../../../src/store/sqlite/journal.ts';
import { Directories, filesWith } from '../../support/directories.ts';
import { journalContract } from '../journal-contract.ts';

const directories = new Directories();
afterAll(() => directories.remove());

journalContract('SQLite', () => {
  const dir = directories.next();
  return {
    write: () => new SqliteJournal(dir),
    read: () => new SqliteJournalReader(dir),
    hold: () => {
      const reader = new DatabaseSync(join(dir, 'journal.db'), { readOnly: true });
      reader.exec('BEGIN');
      reader.prepare('SELECT count(*) FROM entries').get();
      return { release: () => reader.close() };
    },
    holds: (text) => filesWith(dir, text).length > 0,
    remove: () => undefined,
  };
});
