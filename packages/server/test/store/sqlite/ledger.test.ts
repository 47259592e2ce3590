import { afterAll } from 'vitest';
import { SqliteLedger } from '../../../src/store/sqlite/ledger.ts';
import { SqliteLedgerReader } from '../../../src/store/sqlite/ledger-reader.ts';
import { Directories } from '../../support/directories.ts';
import { decisionsContract } from '../decisions-contract.ts';
import { ledgerContract } from '../ledger-contract.ts';

const directories = new Directories();
afterAll(() => directories.remove());

const make = () => {
  const dir = directories.next();
  return {
    write: () => new SqliteLedger(dir),
    read: () => new SqliteLedgerReader(dir),
    remove: () => undefined,
  };
};

ledgerContract('SQLite', make);
decisionsContract('SQLite', make);
