import { afterAll } from 'vitest';
import { SqliteLedger, SqliteLedgerReader } from '../../../src/store/sqlite/ledger.ts';
import { Directories } from '../../support/directories.ts';
import { ledgerContract } from '../ledger-contract.ts';

const directories = new Directories();
afterAll(() => directories.remove());

ledgerContract('SQLite', () => {
  const dir = directories.next();
  return {
    write: () => new SqliteLedger(dir),
    read: () => new SqliteLedgerReader(dir),
    remove: () => undefined,
  };
});
