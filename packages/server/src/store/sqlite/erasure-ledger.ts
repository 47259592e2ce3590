/** The ledger as erasing needs it: on a connection of its own, which changes nothing that is in it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Position } from '../../event.ts';
import type { ErasureLedger } from '../ledger.ts';
import { trimLog } from './database.ts';
import { LEDGER_FILE } from './ledger-reader.ts';

export class SqliteErasureLedger implements ErasureLedger {
  /** Undefined before the first start has come as far as making one. */
  readonly #db: DatabaseSync | undefined;

  constructor(dir: string) {
    const path = join(dir, LEDGER_FILE);
    this.#db = existsSync(path) ? new DatabaseSync(path) : undefined;
  }

  hasLeaf(entry: Position): boolean {
    const sql = 'SELECT first, count FROM placements WHERE first <= ? ORDER BY first DESC LIMIT 1';
    const row = this.#db?.prepare(sql).get(entry);
    return row !== undefined && entry < Number(row.first) + Number(row.count);
  }

  trim(): boolean {
    return this.#db === undefined || trimLog(this.#db);
  }

  close(): void {
    this.#db?.close();
  }
}
