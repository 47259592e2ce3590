/**
 * A tracker's store in SQLite: in a database of the application's own, so that what a handler writes and that it is done
 * are one commit. Durable as that database is: `synchronous = FULL` outlives a loss of power.
 */
import { TrackerError } from './errors.ts';
import type { Arrival, Delivery, ParkedDelivery, TrackerStore } from './store.ts';

type SqliteValue = string | number | null;

/** What of a database is used: `DatabaseSync` of `node:sqlite` (Node and Deno), or better-sqlite3's. */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): {
    run(...values: SqliteValue[]): { changes: number | bigint };
    all(...values: SqliteValue[]): unknown[];
  };
}

/** What the names of tables begin with here; another prefix takes its place. */
const PREFIX = 'tidemark_tracker_';
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS tidemark_tracker_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    batch_tag TEXT NOT NULL,
    channel TEXT NOT NULL,
    message TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS tidemark_tracker_batches ON tidemark_tracker_events (batch_tag);
  -- What is done is deleted; the error stands in what is parked.
  CREATE TABLE IF NOT EXISTS tidemark_tracker_deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id INTEGER NOT NULL,
    handler TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    error TEXT
  ) STRICT;
  CREATE TABLE IF NOT EXISTS tidemark_tracker_cursor (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    next INTEGER NOT NULL
  ) STRICT;`;

const DELIVERIES = `
  SELECT d.id, d.handler, d.attempts, d.error, e.key, e.batch_tag AS batchTag, e.channel, e.message
  FROM tidemark_tracker_deliveries d JOIN tidemark_tracker_events e ON e.id = d.event_id`;

/**
 * @param prefix of the names of its tables: with one each, several trackers share a database
 * @throws TrackerError `invalid-argument`
 */
export function sqliteTrackerStore<Db extends SqliteDatabase>(db: Db, prefix = PREFIX): TrackerStore<Db> {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(prefix)) {
    throw new TrackerError('invalid-argument', 'a prefix is made of a-z, 0-9 and _, and begins with no digit');
  }
  return new SqliteStore(db, prefix);
}

class SqliteStore<Db extends SqliteDatabase> implements TrackerStore<Db> {
  readonly #db: Db;
  readonly #prefix: string;

  constructor(db: Db, prefix: string) {
    this.#db = db;
    this.#prefix = prefix;
    this.#commit(() => db.exec(this.#named(SCHEMA)));
  }

  cursor(): number {
    const [row] = this.#all<{ next: number }>('SELECT next FROM tidemark_tracker_cursor');
    return row?.next ?? 0;
  }

  arrive(arrivals: readonly Arrival[], cursor?: number): Delivery[] {
    return this.#commit(() => {
      const added = arrivals.flatMap((arrival) => this.#insert(arrival));
      const moved =
        'INSERT INTO tidemark_tracker_cursor VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET next = excluded.next';
      if (cursor !== undefined) this.#run(moved, cursor);
      return added;
    });
  }

  pending(): Delivery[] {
    return this.#all<Kept>(`${DELIVERIES} WHERE d.error IS NULL ORDER BY d.id`).map(deliveryOf);
  }

  parked(): ParkedDelivery[] {
    return this.#all<ParkedDelivery>(`${DELIVERIES} WHERE d.error IS NOT NULL ORDER BY d.id`).map((row) => ({
      ...row,
    }));
  }

  done(id: number): void {
    this.#run('DELETE FROM tidemark_tracker_deliveries WHERE id = ?', id);
  }

  failed(id: number, error: string, parked: boolean): void {
    const sql = 'UPDATE tidemark_tracker_deliveries SET attempts = attempts + 1, error = ? WHERE id = ?';
    this.#run(sql, parked ? error : null, id);
  }

  unpark(ids: readonly number[]): Delivery[] {
    return this.#commit(() => {
      const wanted = new Set(ids);
      const found = this.parked().filter(({ id }) => wanted.has(id));
      const sql = 'UPDATE tidemark_tracker_deliveries SET attempts = 0, error = NULL WHERE id = ?';
      for (const { id } of found) this.#run(sql, id);
      return found.map((delivery) => ({ ...deliveryOf(delivery), attempts: 0 }));
    });
  }

  messages(batchTag: string): string[] {
    const sql = 'SELECT message FROM tidemark_tracker_events WHERE batch_tag = ? ORDER BY id';
    return this.#all<{ message: string }>(sql, batchTag).map(({ message }) => message);
  }

  batchTags(limit: number): string[] {
    const sql = `SELECT batch_tag AS batchTag FROM tidemark_tracker_events
      GROUP BY batch_tag ORDER BY max(id) DESC LIMIT ?`;
    return this.#all<{ batchTag: string }>(sql, Number.isFinite(limit) ? limit : -1).map(({ batchTag }) => batchTag);
  }

  prune(keep: number): void {
    const sql = `DELETE FROM tidemark_tracker_events WHERE batch_tag IN (
        SELECT batch_tag FROM tidemark_tracker_events GROUP BY batch_tag ORDER BY max(id) DESC LIMIT -1 OFFSET ?)
      AND batch_tag NOT IN (
        SELECT e.batch_tag FROM tidemark_tracker_deliveries d JOIN tidemark_tracker_events e ON e.id = d.event_id)`;
    this.#run(sql, keep);
  }

  transaction(id: number, work: (db: Db) => void): void {
    this.#commit(() => {
      if (this.#run('DELETE FROM tidemark_tracker_deliveries WHERE id = ?', id) !== 1) {
        throw new TrackerError('invalid-argument', 'transaction: the delivery is done already');
      }
      const result: unknown = work(this.#db);
      if (typeof result === 'object' && result !== null && 'then' in result) {
        throw new TrackerError('invalid-argument', 'transaction: the work has to be done when it returns');
      }
    });
  }

  #insert({ handlers, ...event }: Arrival): Delivery[] {
    const sql =
      'INSERT INTO tidemark_tracker_events VALUES (NULL, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING RETURNING id';
    const [row] = this.#all<{ id: number }>(sql, event.key, event.batchTag, event.channel, event.message);
    if (row === undefined) return [];
    return handlers.map((handler) => {
      const insert = 'INSERT INTO tidemark_tracker_deliveries (event_id, handler) VALUES (?, ?) RETURNING id';
      const [delivery] = this.#all<{ id: number }>(insert, row.id, handler);
      return { ...event, id: Number(delivery?.id), handler, attempts: 0 };
    });
  }

  #commit<T>(work: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#db.exec('COMMIT');
      return result;
    } catch (cause) {
      this.#rollBack();
      throw cause;
    }
  }

  #rollBack(): void {
    try {
      this.#db.exec('ROLLBACK');
    } catch {
      // SQLite has done so itself, as after a full disk.
    }
  }

  #run(sql: string, ...values: SqliteValue[]): number {
    return Number(this.#db.prepare(this.#named(sql)).run(...values).changes);
  }

  #all<Row>(sql: string, ...values: SqliteValue[]): Row[] {
    return this.#db.prepare(this.#named(sql)).all(...values) as Row[];
  }

  #named(sql: string): string {
    return this.#prefix === PREFIX ? sql : sql.replaceAll(PREFIX, this.#prefix);
  }
}

interface Kept extends Delivery {
  error: string | null;
}

function deliveryOf({ error: _, ...delivery }: Kept): Delivery {
  return { ...delivery };
}
