import { afterAll } from 'vitest';
import { SqliteJournal, SqliteJournalReader } from '../../../src/store/sqlite/journal.ts';
import { Directories } from '../../support/directories.ts';
import { journalContract } from '../journal-contract.ts';

const directories = new Directories();
afterAll(() => directories.remove());

journalContract('SQLite', () => {
  const dir = directories.next();
  return {
    write: () => new SqliteJournal(dir),
    read: () => new SqliteJournalReader(dir),
    remove: () => undefined,
  };
});
