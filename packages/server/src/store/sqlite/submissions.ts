/** Submissions in the ledger's database. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Chain } from '@tidemark/proof';
import type { CoinVerdict, Spending } from '../coins.ts';
import { StoreError } from '../errors.ts';
import type { AnchorRow } from '../ledger.ts';
import type { Candidate, Mined, Submission, SubmissionReader, SubmissionState } from '../submissions.ts';
import { SqliteCoinWriter } from './coins.ts';
import { type Row, toAnchor, toBuffer } from './ledger-rows.ts';
import { Statements } from './statements.ts';

const UNCOVERED = `NOT EXISTS (SELECT 1 FROM anchors WHERE anchors.version_id = v.version_id AND lost = 0)
  AND NOT EXISTS (SELECT 1 FROM commitments JOIN submissions USING (txid)
    WHERE commitments.version_id = v.version_id AND state IN ('made', 'sent'))`;
const WAITING = `
  SELECT v.version_id, v.stream, v."end", v.manifest FROM streams JOIN packets AS v ON v.version_id = streams.head
    WHERE ${UNCOVERED}
  UNION ALL
  SELECT v.version_id, v.stream, 0, v.manifest FROM unanchored_rollups JOIN rollups AS v USING (version_id)
    WHERE ${UNCOVERED}
  LIMIT ?`;

export class SqliteSubmissionReader implements SubmissionReader {
  readonly #sql: Statements;

  constructor(db: DatabaseSync) {
    this.#sql = new Statements(db);
  }

  waiting(limit: number): Candidate[] {
    return this.#sql
      .of(WAITING)
      .all(limit)
      .map((row) => ({
        versionId: String(row.version_id),
        stream: String(row.stream),
        end: Number(row.end),
        manifest: String(row.manifest),
      }));
  }

  open(): Submission[] {
    const sql = "SELECT * FROM submissions WHERE state IN ('made', 'sent') ORDER BY made_at, txid";
    return this.#sql
      .of(sql)
      .all()
      .map((row) => this.#toSubmission(row));
  }

  one(txid: string): Submission | undefined {
    const row = this.#sql.of('SELECT * FROM submissions WHERE txid = ?').get(txid);
    return row && this.#toSubmission(row);
  }

  carrying(versionId: string): Submission | undefined {
    const sql = `SELECT submissions.* FROM commitments JOIN submissions USING (txid)
      WHERE version_id = ? ORDER BY made_at DESC LIMIT 1`;
    const row = this.#sql.of(sql).get(versionId);
    return row && this.#toSubmission(row);
  }

  covering(stream: string, end: number): Submission | undefined {
    const sql = `SELECT submissions.* FROM submissions JOIN commitments USING (txid) JOIN packets USING (version_id)
      WHERE state IN ('made', 'sent') AND stream = ? AND "end" >= ? ORDER BY made_at LIMIT 1`;
    const row = this.#sql.of(sql).get(stream, end);
    return row && this.#toSubmission(row);
  }

  minedFrom(chain: Chain, height: number): Mined[] {
    const sql = `SELECT DISTINCT txid, height, envelope FROM anchors JOIN transactions USING (txid)
      WHERE height >= ? AND chain = ? AND lost = 0 ORDER BY height`;
    return this.#sql
      .of(sql)
      .all(height, chain)
      .map((row) => ({ txid: String(row.txid), height: Number(row.height), envelope: String(row.envelope) }));
  }

  #toSubmission(row: Row): Submission {
    const txid = String(row.txid);
    const outputs = this.#sql.of('SELECT * FROM commitments WHERE txid = ? ORDER BY vout').all(txid);
    return {
      txid,
      chain: row.chain as Chain,
      rawTx: toBuffer(row.raw_tx).toString('hex'),
      commitments: outputs.map(({ version_id, vout }) => ({ versionId: String(version_id), vout: Number(vout) })),
      madeAt: Number(row.made_at),
      state: row.state as SubmissionState,
      reason: row.reason === null ? undefined : String(row.reason),
    };
  }
}

/** To be used within a transaction of the ledger. */
export class SqliteSubmissionWriter {
  readonly #insert: StatementSync;
  readonly #insertCommitment: StatementSync;
  readonly #setState: StatementSync;
  readonly #fail: StatementSync;
  readonly #coins: SqliteCoinWriter;
  readonly #anchorsOf: StatementSync;
  readonly #lose: StatementSync;
  readonly #unanchor: StatementSync;
  readonly #putTransaction: StatementSync;
  readonly #putAnchor: StatementSync;
  readonly #anchorRollup: StatementSync;

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare(`INSERT INTO submissions VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
      SET made_at = excluded.made_at, state = excluded.state, reason = excluded.reason WHERE state = 'failed'`);
    this.#insertCommitment = db.prepare('INSERT OR IGNORE INTO commitments VALUES (?, ?, ?)');
    this.#setState = db.prepare('UPDATE submissions SET state = ?, reason = ? WHERE txid = ?');
    this.#fail = db.prepare(`UPDATE submissions SET state = 'failed', reason = ?
      WHERE txid = ? AND state IN ('made', 'sent')`);
    this.#coins = new SqliteCoinWriter(db);
    this.#anchorsOf = db.prepare('SELECT * FROM anchors JOIN transactions USING (txid) WHERE txid = ? AND lost = 0');
    this.#lose = db.prepare('UPDATE anchors SET lost = 1 WHERE txid = ?');
    this.#unanchor = db.prepare('INSERT INTO unanchored_rollups VALUES (?)');
    this.#putTransaction = db.prepare('INSERT OR REPLACE INTO transactions VALUES (?, ?)');
    this.#putAnchor = db.prepare(`INSERT INTO anchors VALUES (?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT (version_id) DO UPDATE
      SET chain = excluded.chain, vout = excluded.vout, txid = excluded.txid, height = excluded.height, lost = 0
      WHERE lost = 1`);
    this.#anchorRollup = db.prepare('DELETE FROM unanchored_rollups WHERE version_id = ?');
  }

  add({ txid, chain, rawTx, commitments, madeAt, state, reason }: Submission, spending?: Spending): void {
    if (this.#insert.run(txid, chain, Buffer.from(rawTx, 'hex'), madeAt, state, reason ?? null).changes !== 1) {
      throw new StoreError('out-of-order', `the transaction ${txid} is known, and has not failed`);
    }
    for (const { versionId, vout } of commitments) this.#insertCommitment.run(versionId, txid, vout);
    if (spending !== undefined) this.#coins.spend(txid, spending);
  }

  note(txid: string, state: SubmissionState, reason: string | undefined): void {
    this.#setState.run(state, reason ?? null, txid);
  }

  fail(txid: string, reason: string, coins: CoinVerdict): void {
    if (this.#fail.run(reason, txid).changes !== 1) return;
    const heirs = this.#coins.release(txid, coins).map((heir) => ({ heir, of: txid }));
    for (const { heir, of } of heirs) {
      this.#fail.run(`it spends the change of ${of}, which has failed`, heir);
      heirs.push(...this.#coins.release(heir, 'good').map((next) => ({ heir: next, of: heir })));
    }
  }

  /** A rollup that has just been made. */
  expect(rollup: string): void {
    this.#unanchor.run(rollup);
  }

  /** A lost anchor is replaced; one that stands fails the commit. */
  anchor({ versionId, stream, end, chain, vout, txid, height, envelope }: AnchorRow): void {
    this.#putTransaction.run(txid, envelope);
    if (this.#putAnchor.run(versionId, stream, end, chain, vout, txid, height).changes !== 1) {
      throw new StoreError('out-of-order', `the version ${versionId} is anchored already`);
    }
    this.#anchorRollup.run(versionId);
    this.note(txid, 'mined', undefined);
  }

  lose(txid: string): AnchorRow[] {
    const lost = this.#anchorsOf.all(txid).map(toAnchor);
    this.#lose.run(txid);
    for (const { versionId, end } of lost) if (end === 0) this.#unanchor.run(versionId);
    this.note(txid, 'sent', 'its block has left the best chain');
    return lost;
  }
}
