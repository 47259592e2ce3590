/** Subscriptions in a database of their own: what they cost the disk, the pipeline does not wait for. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../errors.ts';
import type { LedgerPosition } from '../ledger.ts';
import type {
  Attempt,
  DeliveryFilter,
  DeliveryProgress,
  DeliveryRow,
  DeliveryState,
  LogBounds,
  PauseReason,
  SubscribedType,
  SubscriptionProgress,
  SubscriptionRow,
  SubscriptionSettings,
  SubscriptionStore,
} from '../subscriptions.ts';
import { inTransaction, openDatabase } from './database.ts';
import { type Row, toBuffer } from './ledger-rows.ts';
import { Statements } from './statements.ts';

const MIGRATIONS = join(import.meta.dirname, 'migrations', 'subscriptions');
const FILE = 'subscriptions.db';
const DELETE_ONE = 'DELETE FROM deliveries WHERE subscription = ? AND position = ?';

/** Whether there ever was a subscription in this directory. */
export function hasSubscriptions(dataDir: string): boolean {
  return existsSync(join(dataDir, FILE));
}

export class SqliteSubscriptions implements SubscriptionStore {
  readonly #db: DatabaseSync;
  readonly #sql: Statements;

  constructor(dataDir: string) {
    this.#db = openDatabase(join(dataDir, FILE), { migrations: MIGRATIONS });
    this.#sql = new Statements(this.#db);
  }

  subscriptions(): SubscriptionRow[] {
    return this.#sql.all('SELECT * FROM subscriptions ORDER BY created_at, id').map(toSubscription);
  }

  insert(row: SubscriptionRow): void {
    this.#write(() => this.#put(row));
  }

  update(row: SubscriptionRow): void {
    this.#write(() => this.#put(row));
  }

  remove(id: string): void {
    this.#write(() => {
      this.#sql.run('DELETE FROM deliveries WHERE subscription = ?', id);
      this.#sql.run('DELETE FROM subscriptions WHERE id = ?', id);
    });
  }

  record(deliveries: readonly DeliveryRow[], progress: readonly SubscriptionProgress[]): void {
    this.#write(() => {
      for (const row of deliveries) this.#putDelivery(row);
      for (const { id, cursor, paused, progress: state } of progress) {
        const sql = 'UPDATE subscriptions SET cursor = ?, paused = ?, progress = ? WHERE id = ?';
        this.#sql.run(sql, cursor, paused ?? null, JSON.stringify(state), id);
      }
    });
  }

  discard(id: string, positions: readonly LedgerPosition[]): void {
    this.#write(() => {
      for (const position of positions) this.#sql.run(DELETE_ONE, id, position);
    });
  }

  trim(id: string, { maxDelivered, settledSince }: LogBounds): number {
    return this.#write(() => {
      // The position above which the log may stay as it is, by its number of items.
      const oldest = this.#sql.get(
        `SELECT position FROM deliveries WHERE subscription = ? AND state = 'delivered'
         ORDER BY position DESC LIMIT 1 OFFSET ?`,
        id,
        maxDelivered,
      );
      const over = `subscription = ? AND state = 'delivered' AND (position <= ? OR settled_at < ?)`;
      const bounds = [id, Number(oldest?.position ?? 0), settledSince] as const;
      const newest = this.#sql.get(`SELECT max(created_at) AS at FROM deliveries WHERE ${over}`, ...bounds);
      if (newest?.at !== null && newest !== undefined) {
        this.#sql.run(`DELETE FROM deliveries WHERE ${over}`, ...bounds);
        const from = Number(newest.at) + 1;
        this.#sql.run('UPDATE subscriptions SET log_from = max(log_from, ?) WHERE id = ?', from, id);
      }
      return Number(this.#sql.get('SELECT log_from FROM subscriptions WHERE id = ?', id)?.log_from ?? 0);
    });
  }

  delivery(id: string, position: LedgerPosition): DeliveryRow | undefined {
    const row = this.#sql.get('SELECT * FROM deliveries WHERE subscription = ? AND position = ?', id, position);
    return row && toDelivery(row);
  }

  deliveries(id: string, { state, before = Number.MAX_SAFE_INTEGER }: DeliveryFilter, limit: number): DeliveryRow[] {
    const inState = state === undefined ? '' : 'AND state = ?';
    const sql = `SELECT * FROM deliveries WHERE subscription = ? ${inState} AND position < ? ORDER BY position DESC LIMIT ?`;
    return this.#sql.all(sql, id, ...(state === undefined ? [] : [state]), before, limit).map(toDelivery);
  }

  inState(id: string, state: DeliveryState): DeliveryRow[] {
    const sql = 'SELECT * FROM deliveries WHERE subscription = ? AND state = ? ORDER BY position';
    return this.#sql.all(sql, id, state).map(toDelivery);
  }

  settledSince(id: string, createdAt: number): DeliveryRow[] {
    const sql = `SELECT * FROM deliveries WHERE subscription = ? AND state <> 'pending' AND created_at >= ? ORDER BY position`;
    return this.#sql.all(sql, id, createdAt).map(toDelivery);
  }

  counts(id: string): Record<DeliveryState, number> {
    const counts = { pending: 0, delivered: 0, dead: 0 };
    const sql = 'SELECT state, count(*) AS n FROM deliveries WHERE subscription = ? GROUP BY state';
    for (const row of this.#sql.all(sql, id)) counts[row.state as DeliveryState] = Number(row.n);
    return counts;
  }

  close(): void {
    this.#db.close();
  }

  #put({ id, settings, secrets, createdAt, updatedAt, cursor, paused, progress, logFrom }: SubscriptionRow): void {
    this.#sql.run(
      'INSERT OR REPLACE INTO subscriptions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      ...[id, JSON.stringify(settings), secrets, createdAt, updatedAt, cursor],
      ...[paused ?? null, JSON.stringify(progress), logFrom],
    );
  }

  #putDelivery(row: DeliveryRow): void {
    const { subscription, position, state, type, stream, eventId, failures, dueAt, attempts } = row;
    this.#sql.run(
      'INSERT OR REPLACE INTO deliveries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      ...[subscription, position, state, type, stream, eventId ?? null, failures, Math.ceil(dueAt)],
      ...[JSON.stringify(attempts), row.createdAt, row.settledAt ?? null],
    );
  }

  #write<T>(work: () => T): T {
    try {
      return inTransaction(this.#db, work);
    } catch (cause) {
      throw new StoreError('write-failed', 'subscriptions could not be stored', { cause });
    }
  }
}

function toSubscription(row: Row): SubscriptionRow {
  return {
    id: String(row.id),
    settings: JSON.parse(String(row.settings)) as SubscriptionSettings,
    secrets: toBuffer(row.secrets),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
    cursor: Number(row.cursor),
    paused: row.paused === null ? undefined : (row.paused as PauseReason),
    progress: JSON.parse(String(row.progress)) as DeliveryProgress,
    logFrom: Number(row.log_from),
  };
}

function toDelivery(row: Row): DeliveryRow {
  return {
    subscription: String(row.subscription),
    position: Number(row.position),
    state: row.state as DeliveryState,
    type: row.type as SubscribedType,
    stream: String(row.stream),
    eventId: row.event_id === null ? undefined : String(row.event_id),
    failures: Number(row.failures),
    dueAt: Number(row.due_at),
    attempts: JSON.parse(String(row.attempts)) as Attempt[],
    createdAt: Number(row.created_at),
    settledAt: row.settled_at === null ? undefined : Number(row.settled_at),
  };
}
