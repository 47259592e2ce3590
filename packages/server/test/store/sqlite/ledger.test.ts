import { afterAll, expect, test } from 'vitest';
import type { SealedPacket } from '../../../src/event.ts';
import { SqliteErasureLedger } from '../../../src/store/sqlite/erasure-ledger.ts';
import { SqliteLedger } from '../../../src/store/sqlite/ledger.ts';
import { SqliteLedgerReader } from '../../../src/store/sqlite/ledger-reader.ts';
import { Directories, filesWith } from '../../support/directories.ts';
import { decisionsContract } from '../decisions-contract.ts';
import { ledgerContract, packetOf, UNSTAGED } from '../ledger-contract.ts';

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

test('of reasons that are erased, nothing is left in any file, however long they were', () => {
  const dir = directories.next();
  const ledger = new SqliteLedger(dir);
  const commit = (packet: SealedPacket) =>
    ledger.commit({ ...UNSTAGED, cursor: 1, streams: [], packets: [packet], policies: new Map() });
  // Longer than a page.
  const reasons = Array.from({ length: 32 }, (_, n) => `enum:${'f'.repeat(600)}${n}:Ada`);
  commit(packetOf('alpha', 0, 2, 'a'.repeat(64), { quarantined: [{ position: 1, leaf: 1, reasons }] }));
  expect(filesWith(dir, ':Ada')).not.toEqual([]);
  commit(packetOf('alpha', 2, 3, 'b'.repeat(64), { erased: [1] }));
  const other = new SqliteErasureLedger(dir);
  expect(other.trim()).toBe(true);
  other.close();
  expect(filesWith(dir, ':Ada')).toEqual([]);
  ledger.close();
});
