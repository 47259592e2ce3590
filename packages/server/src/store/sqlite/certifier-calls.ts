/** Calls of the certifier's webhook in the ledger's database. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { CertifierCall, CertifierCallReader } from '../certifier-calls.ts';
import type { LedgerPosition } from '../ledger.ts';
import type { Row } from './ledger-rows.ts';
import { Statements } from './statements.ts';

export class SqliteCertifierCallReader implements CertifierCallReader {
  readonly #sql: Statements;

  constructor(db: DatabaseSync) {
    this.#sql = new Statements(db);
  }

  due(now: number, limit: number): CertifierCall[] {
    const sql = `SELECT * FROM certifier_calls WHERE state = 'pending' AND due_at <= ? ORDER BY due_at, version_id LIMIT ?`;
    return this.#sql.of(sql).all(now, limit).map(toCall);
  }

  one(versionId: string): CertifierCall | undefined {
    const row = this.#sql.of('SELECT * FROM certifier_calls WHERE version_id = ?').get(versionId);
    return row && toCall(row);
  }

  dead(after: string | undefined, limit: number): CertifierCall[] {
    const sql = `SELECT * FROM certifier_calls WHERE state = 'dead' AND version_id > ? ORDER BY version_id LIMIT ?`;
    return this.#sql
      .of(sql)
      .all(after ?? '', limit)
      .map(toCall);
  }

  next(): LedgerPosition | undefined {
    const row = this.#sql.of('SELECT entry FROM certifier_cursor').get();
    return row && Number(row.entry);
  }
}

/** To be used within a transaction of the ledger. */
export class SqliteCertifierCallWriter {
  readonly #put: StatementSync;
  readonly #enqueue: StatementSync;
  readonly #drop: StatementSync;
  readonly #setNext: StatementSync;

  constructor(db: DatabaseSync) {
    this.#put = db.prepare('INSERT OR REPLACE INTO certifier_calls VALUES (?, ?, ?, ?, ?)');
    this.#enqueue = db.prepare(`INSERT OR IGNORE INTO certifier_calls VALUES (?, 'pending', 0, ?, NULL)`);
    this.#drop = db.prepare('DELETE FROM certifier_calls WHERE version_id = ?');
    this.#setNext = db.prepare('INSERT OR REPLACE INTO certifier_cursor VALUES (1, ?)');
  }

  enqueue(versionIds: readonly string[], next: LedgerPosition, now: number): void {
    for (const versionId of versionIds) this.#enqueue.run(versionId, now);
    this.#setNext.run(next);
  }

  done(versionId: string): void {
    this.#drop.run(versionId);
  }

  failed({ versionId, state, attempts, dueAt, reason }: CertifierCall): void {
    this.#put.run(versionId, state, attempts, dueAt, reason ?? null);
  }
}

function toCall(row: Row): CertifierCall {
  return {
    versionId: String(row.version_id),
    state: row.state as CertifierCall['state'],
    attempts: Number(row.attempts),
    dueAt: Number(row.due_at),
    reason: row.reason === null ? undefined : String(row.reason),
  };
}
