/** Coins in the ledger's database. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Chain } from '@tidemark/proof';
import type { Coin, CoinReader, CoinRow, CoinVerdict, Outpoint, Spending } from '../coins.ts';
import { StoreError } from '../errors.ts';
import type { Row } from './ledger-rows.ts';

/** Doubts at which a coin is set aside. */
const MAX_DOUBTS = 3;

export class SqliteCoinReader implements CoinReader {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  free(chain: Chain, owner: string, limit: number): Coin[] {
    const sql = `SELECT * FROM coins WHERE chain = ? AND owner = ? AND spent_by IS NULL AND aside = 0
      ORDER BY contested DESC, satoshis DESC LIMIT ?`;
    return this.#db.prepare(sql).all(chain, owner, limit).map(toCoin);
  }

  one({ txid, vout }: Outpoint): CoinRow | undefined {
    const row = this.#db.prepare('SELECT * FROM coins WHERE txid = ? AND vout = ?').get(txid, vout);
    return row && toCoinRow(row);
  }

  unspent(): CoinRow[] {
    return this.#db.prepare('SELECT * FROM coins WHERE spent_by IS NULL ORDER BY txid, vout').all().map(toCoinRow);
  }
}

/** To be used within a transaction of the ledger. */
export class SqliteCoinWriter {
  readonly #put: StatementSync;
  readonly #spend: StatementSync;
  readonly #heirs: StatementSync;
  readonly #drop: StatementSync;
  readonly #release: StatementSync;

  constructor(db: DatabaseSync) {
    this.#put = db.prepare(`INSERT INTO coins VALUES (?, ?, ?, ?, ?, NULL, 0, 0, 0)
      ON CONFLICT DO UPDATE SET doubts = 0, aside = 0 WHERE aside = 1`);
    this.#spend = db.prepare(
      'UPDATE coins SET spent_by = ? WHERE txid = ? AND vout = ? AND spent_by IS NULL AND aside = 0',
    );
    this.#heirs = db.prepare('SELECT DISTINCT spent_by FROM coins WHERE txid = ? AND spent_by IS NOT NULL');
    this.#drop = db.prepare('DELETE FROM coins WHERE txid = ?');
    this.#release = db.prepare(`UPDATE coins SET spent_by = NULL, contested = 1, doubts = doubts + ?1,
      aside = ?2 OR doubts + ?1 >= ${MAX_DOUBTS} WHERE spent_by = ?3`);
  }

  /** @returns whether it is new, or was set aside and may be tried again */
  put({ txid, vout, chain, owner, satoshis }: Coin): boolean {
    return this.#put.run(txid, vout, chain, owner, satoshis).changes === 1;
  }

  spend(spender: string, { spends, change }: Spending): void {
    for (const { txid, vout } of spends) {
      if (this.#spend.run(spender, txid, vout).changes === 1) continue;
      throw new StoreError('out-of-order', `the coin ${txid}:${vout} is not there to be spent`);
    }
    if (change !== undefined) this.put(change);
  }

  /**
   * Of a transaction that has failed: its coins are free again, and its change is none.
   * @returns the transactions that spend its change, which cannot be mined either
   */
  release(spender: string, verdict: CoinVerdict): string[] {
    const heirs = this.#heirs.all(spender).map((row) => String(row.spent_by));
    this.#drop.run(spender);
    this.#release.run(verdict === 'doubtful' ? 1 : 0, verdict === 'gone' ? 1 : 0, spender);
    return heirs;
  }
}

function toCoin(row: Row): Coin {
  const { txid, vout, chain, owner, satoshis } = row;
  return {
    ...{ txid: String(txid), vout: Number(vout), chain: chain as Chain, owner: String(owner) },
    satoshis: Number(satoshis),
  };
}

function toCoinRow(row: Row): CoinRow {
  const spentBy = row.spent_by === null ? undefined : String(row.spent_by);
  const state = spentBy !== undefined ? 'spent' : row.aside === 1 ? 'aside' : 'free';
  return { ...toCoin(row), state, spentBy };
}
