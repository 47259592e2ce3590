/** What is known of batches, in a database of its own. */
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { PublishRow } from '../../notify/event-publish-row.ts';
import {
  type BatchFacts,
  type BatchPage,
  type BatchState,
  type BatchStore,
  type Embedding,
  type Gate,
  type Happening,
  type KeptMessage,
  MAX_HAPPENINGS,
} from '../batches.ts';
import { StoreError } from '../errors.ts';
import { inTransaction, openDatabase } from './database.ts';
import type { Row } from './ledger-rows.ts';
import { Statements } from './statements.ts';

const MIGRATIONS = join(import.meta.dirname, 'migrations', 'batches');
const FILE = 'batches.db';

export class SqliteBatches implements BatchStore {
  readonly #db: DatabaseSync;
  readonly #sql: Statements;

  constructor(dataDir: string) {
    this.#db = openDatabase(join(dataDir, FILE), { migrations: MIGRATIONS });
    this.#sql = new Statements(this.#db);
  }

  /** Where trackers of batches keep their state, so that it is committed with the rest. */
  get db(): DatabaseSync {
    return this.#db;
  }

  together<T>(work: () => T): T {
    if (this.#db.isTransaction) return work();
    try {
      return inTransaction(this.#db, work);
    } catch (cause) {
      if (cause instanceof StoreError || !isSqlite(cause)) throw cause;
      throw new StoreError('write-failed', 'what is known of batches cannot be written', { cause });
    }
  }

  one(tag: string): BatchFacts | undefined {
    const row = this.#sql.get('SELECT * FROM batches WHERE tag = ?', tag);
    return row && toFacts(row);
  }

  page(state: BatchState | undefined, before: number | undefined, limit: number): BatchPage {
    const below = before ?? Number.MAX_SAFE_INTEGER;
    const rows =
      state === undefined
        ? this.#sql.all('SELECT * FROM batches WHERE id < ? ORDER BY id DESC LIMIT ?', below, limit + 1)
        : this.#sql.all(
            'SELECT * FROM batches WHERE state = ? AND id < ? ORDER BY id DESC LIMIT ?',
            ...[state, below, limit + 1],
          );
    const shown = rows.slice(0, limit);
    const next = rows.length > limit ? Number(shown.at(-1)?.id) : undefined;
    return { batches: shown.map(toFacts), next };
  }

  put(facts: BatchFacts): void {
    const { embedding } = facts;
    this.together(() =>
      this.#sql.run(
        `INSERT INTO batches VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tag) DO UPDATE
           SET stream = excluded.stream, source = excluded.source, owner = excluded.owner, state = excluded.state, pii = excluded.pii,
             gate = excluded.gate, opened_at = excluded.opened_at, ended_at = excluded.ended_at,
             spool = excluded.spool, bytes = excluded.bytes, files = excluded.files,
             processed = excluded.processed, inserted = excluded.inserted, duplicates = excluded.duplicates,
             rejected = excluded.rejected, embed = excluded.embed, embedded = excluded.embedded`,
        ...[facts.tag, facts.stream ?? null, facts.source ?? null, facts.owner ?? null],
        ...[facts.state, facts.pii ? 1 : 0, facts.gate],
        ...[facts.openedAt, facts.endedAt ?? null, facts.spool ?? null, facts.bytes ?? null, facts.files ?? null],
        ...[facts.processed ?? null, facts.inserted ?? null, facts.duplicates ?? null, facts.rejected ?? null],
        ...[embedding === 'none' ? null : embedding, facts.embedded],
      ),
    );
  }

  note(tag: string, { at, what, detail }: Happening): void {
    const sql = `INSERT INTO happenings SELECT NULL, ?, ?, ?, ?
      WHERE (SELECT count(*) FROM happenings WHERE tag = ?) < ${MAX_HAPPENINGS}`;
    this.together(() => this.#sql.run(sql, tag, at, what, JSON.stringify(detail), tag));
  }

  happenings(tag: string): Happening[] {
    const rows = this.#sql.all('SELECT * FROM happenings WHERE tag = ? ORDER BY id', tag);
    return rows.map(({ at, what, detail }) => ({
      at: Number(at),
      what: String(what),
      detail: JSON.parse(String(detail)) as Record<string, unknown>,
    }));
  }

  locked(): string[] {
    return this.#sql.all("SELECT tag FROM batches WHERE gate = 'locked'").map(({ tag }) => String(tag));
  }

  toEmbed(): BatchFacts[] {
    const sql = "SELECT * FROM batches WHERE embed = 'due' AND gate <> 'locked' ORDER BY id";
    return this.#sql.all(sql).map(toFacts);
  }

  keep(message: PublishRow, receivedAt: number, told: boolean): number {
    const { channel, message: text, ts, event, batch_tag, status, processed, bytes, count, pii } = message;
    return this.together(() => {
      this.#sql.run(
        'INSERT INTO ingest_events VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
        ...[channel, text, ts, event, batch_tag, status, processed, bytes, count],
        ...[pii === null ? null : Number(pii), receivedAt, told ? 1 : 0],
      );
      return Number(this.#sql.get('SELECT last_insert_rowid() AS seq')?.seq);
    });
  }

  knows(tag: string, event: string): boolean {
    return (
      this.#sql.get('SELECT 1 FROM ingest_events WHERE batch_tag = ? AND event = ? LIMIT 1', tag, event) !== undefined
    );
  }

  told(seq: number): void {
    this.together(() => this.#sql.run('UPDATE ingest_events SET told = 1 WHERE seq = ?', seq));
  }

  untold(limit: number): KeptMessage[] {
    return this.#sql.all('SELECT * FROM ingest_events WHERE told = 0 ORDER BY seq LIMIT ?', limit).map(toMessage);
  }

  after(seq: number, limit: number): KeptMessage[] {
    return this.#sql.all('SELECT * FROM ingest_events WHERE seq > ? ORDER BY seq LIMIT ?', seq, limit).map(toMessage);
  }

  head(): number {
    return Number(this.#sql.get('SELECT coalesce(max(seq), 0) AS head FROM ingest_events')?.head);
  }

  trim(keep: number): void {
    const sql = 'DELETE FROM ingest_events WHERE told = 1 AND seq <= (SELECT max(seq) FROM ingest_events) - ?';
    this.together(() => this.#sql.run(sql, keep));
  }

  hold(tag: string, { channel, message }: Pick<PublishRow, 'channel' | 'message'>): void {
    this.together(() =>
      this.#sql.run('INSERT OR IGNORE INTO held_events VALUES (NULL, ?, ?, ?)', tag, channel, message),
    );
  }

  released(): string[] {
    const sql = `SELECT DISTINCT batch_tag AS tag FROM held_events JOIN batches ON batches.tag = batch_tag
      WHERE gate <> 'locked'`;
    return this.#sql.all(sql).map(({ tag }) => String(tag));
  }

  release(tag: string): Pick<PublishRow, 'channel' | 'message'>[] {
    return this.together(() => {
      const rows = this.#sql.all('SELECT channel, message FROM held_events WHERE batch_tag = ? ORDER BY id', tag);
      this.#sql.run('DELETE FROM held_events WHERE batch_tag = ?', tag);
      return rows.map(({ channel, message }) => ({ channel: String(channel), message: String(message) }));
    });
  }

  close(): void {
    this.#db.close();
  }
}

function isSqlite(cause: unknown): boolean {
  return cause instanceof Error && (cause as NodeJS.ErrnoException).code === 'ERR_SQLITE_ERROR';
}

function toFacts(row: Row): BatchFacts {
  return {
    tag: String(row.tag),
    stream: textOf(row.stream),
    source: textOf(row.source),
    owner: textOf(row.owner),
    state: row.state as BatchState,
    pii: row.pii === 1,
    gate: row.gate as Gate,
    openedAt: Number(row.opened_at),
    endedAt: numberOf(row.ended_at),
    spool: textOf(row.spool),
    bytes: numberOf(row.bytes),
    files: numberOf(row.files),
    processed: numberOf(row.processed),
    inserted: numberOf(row.inserted),
    duplicates: numberOf(row.duplicates),
    rejected: numberOf(row.rejected),
    embedding: (row.embed ?? 'none') as Embedding,
    embedded: Number(row.embedded),
  };
}

function toMessage(row: Row): KeptMessage {
  return {
    seq: Number(row.seq),
    channel: String(row.channel),
    message: String(row.message),
    ts: Number(row.ts),
    event: textOf(row.event) ?? null,
    batch_tag: textOf(row.batch_tag) ?? null,
    status: textOf(row.status) ?? null,
    processed: numberOf(row.processed) ?? null,
    bytes: numberOf(row.bytes) ?? null,
    count: numberOf(row.count) ?? null,
    pii: row.pii === null ? null : row.pii === 1,
    receivedAt: Number(row.received_at),
  };
}

function textOf(value: Row[string] | undefined): string | undefined {
  return value === null || value === undefined ? undefined : String(value);
}

function numberOf(value: Row[string] | undefined): number | undefined {
  return value === null || value === undefined ? undefined : Number(value);
}
