/** Nonces in a file of the data directory, which the processes on it share. */
import { hash } from 'node:crypto';
import { join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { StoreError } from '../store/errors.ts';
import { inTransaction, openDatabase } from '../store/sqlite/database.ts';
import type { NonceStore, SpentNonce } from './nonces.ts';

const MIGRATIONS = join(import.meta.dirname, '..', 'store', 'sqlite', 'migrations', 'nonces');
/** More than one is added at a time, so that those whose time is over do not pile up. */
const FORGOTTEN_A_CALL = 8;

export class SqliteNonces implements NonceStore {
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #forget: StatementSync;

  constructor(dataDir: string) {
    this.#db = openDatabase(join(dataDir, 'nonces.db'), { migrations: MIGRATIONS });
    this.#insert = this.#db.prepare('INSERT INTO nonces VALUES (?, ?) ON CONFLICT DO NOTHING');
    this.#forget = this.#db.prepare(
      'DELETE FROM nonces WHERE id IN (SELECT id FROM nonces WHERE until < ? ORDER BY until LIMIT ?)',
    );
  }

  async spend({ identityKey, nonce, until }: SpentNonce, now: number): Promise<boolean> {
    const id = hash('sha256', `${identityKey}|${nonce}`, 'buffer');
    try {
      return inTransaction(this.#db, () => {
        const { changes } = this.#insert.run(id, until ?? null);
        if (changes === 1) this.#forget.run(now, FORGOTTEN_A_CALL);
        return changes === 1;
      });
    } catch (cause) {
      throw new StoreError('write-failed', 'a nonce could not be stored', { cause });
    }
  }

  async close(): Promise<void> {
    this.#db.close();
  }
}
