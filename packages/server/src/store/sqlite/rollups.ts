/** Rollups in the ledger's database. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { StoreError } from '../errors.ts';
import type { BatchRollup, DueRollup, RollupReader, RollupRow } from '../rollups.ts';
import type { Row } from './ledger-rows.ts';
import { Statements } from './statements.ts';

export class SqliteRollupReader implements RollupReader {
  readonly #sql: Statements;

  constructor(db: DatabaseSync) {
    this.#sql = new Statements(db);
  }

  due(limit: number): DueRollup[] {
    const rows = this.#sql.of('SELECT * FROM due_rollups ORDER BY id LIMIT ?').all(limit);
    return rows.map((row) => ({ ...toExtent(row), config: String(row.config) }));
  }

  one(versionId: string): RollupRow | undefined {
    const row = this.#sql.of('SELECT * FROM rollups WHERE version_id = ?').get(versionId);
    return row && toRollup(row);
  }

  over(stream: string, leaf: number): RollupRow | undefined {
    const sql = `SELECT * FROM rollups WHERE stream = ? AND "end" > ? ORDER BY "end" LIMIT 1`;
    const row = this.#sql.of(sql).get(stream, leaf);
    const rollup = row && toRollup(row);
    return rollup !== undefined && rollup.start <= leaf ? rollup : undefined;
  }

  ofBatch(tag: string): BatchRollup | undefined {
    const made = this.#sql.of('SELECT * FROM rollups WHERE batch = ?').get(tag);
    if (made !== undefined) return toRollup(made);
    const due = this.#sql.of('SELECT * FROM due_rollups WHERE batch = ?').get(tag);
    return due && { ...toExtent(due), versionId: undefined };
  }

  before(stream: string | undefined, before: string | undefined, limit: number): RollupRow[] {
    const conditions = [
      ...(stream === undefined ? [] : ['stream = ?']),
      ...(before === undefined ? [] : ['id < (SELECT id FROM rollups WHERE version_id = ?)']),
    ];
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
    const values = [stream, before].filter((value) => value !== undefined);
    return this.#sql
      .of(`SELECT * FROM rollups ${where} ORDER BY id DESC LIMIT ?`)
      .all(...values, limit)
      .map(toRollup);
  }
}

/** To be used within a transaction of the ledger. */
export class SqliteRollupWriter {
  readonly #insertDue: StatementSync;
  readonly #dropDue: StatementSync;
  readonly #insert: StatementSync;

  constructor(db: DatabaseSync) {
    this.#insertDue = db.prepare('INSERT INTO due_rollups VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)');
    this.#dropDue = db.prepare('DELETE FROM due_rollups WHERE stream = ? AND "start" = ? AND "end" = ?');
    this.#insert = db.prepare('INSERT INTO rollups VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  }

  note(rollup: DueRollup): void {
    const { stream, start, end, window, config, batch = null } = rollup;
    this.#insertDue.run(stream, start, end, window.start, window.end, config, batch);
  }

  record(rollup: RollupRow): void {
    const { versionId, stream, start, end, window, contentHash, manifest, sealedAt, batch = null } = rollup;
    if (this.#dropDue.run(stream, start, end).changes !== 1) {
      throw new StoreError('out-of-order', `no rollup of the leaves [${start},${end}) of ${stream} is due`);
    }
    this.#insert.run(versionId, stream, start, end, window.start, window.end, contentHash, manifest, sealedAt, batch);
  }
}

function toRollup(row: Row): RollupRow {
  return {
    ...toExtent(row),
    versionId: String(row.version_id),
    contentHash: String(row.content_hash),
    manifest: String(row.manifest),
    sealedAt: Number(row.sealed_at),
  };
}

function toExtent(row: Row) {
  return {
    stream: String(row.stream),
    start: Number(row.start),
    end: Number(row.end),
    window: { start: Number(row.window_start), end: Number(row.window_end) },
    ...(row.batch === null ? {} : { batch: String(row.batch) }),
  };
}
