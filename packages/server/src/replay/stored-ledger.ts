/** The ledger as it was at one moment: what is derived anew is held against it. */
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import type { Position, RollupWindow } from '../event.ts';

export interface StoredPacket {
  stream: string;
  start: number;
  end: number;
  versionId: string;
  contentHash: string;
  /** JSON text. */
  manifest: string;
  sealedAt: number;
}

export interface StoredRollup {
  start: number;
  end: number;
  window: RollupWindow;
  versionId: string;
}

type Row = Record<string, SQLOutputValue>;

const PACKET = `SELECT stream, "start", "end", version_id, content_hash, manifest, sealed_at FROM packets
  WHERE stream = ? AND "end" > ? ORDER BY "end" LIMIT 1`;
const ROLLUP = `SELECT "start", "end", window_start, window_end, version_id FROM rollups
  WHERE stream = ? AND "end" > ? AND "end" <= ? ORDER BY "end" LIMIT 1`;
const AUDITS = 'SELECT leaf, audit, conflict FROM decisions WHERE stream = ? AND leaf >= ? AND leaf < ? ORDER BY leaf';
const BESIDE = {
  reasons: 'SELECT reasons AS text FROM quarantine WHERE position = ? AND stream = ? AND leaf = ?',
  notes: 'SELECT notes AS text FROM notes WHERE position = ? AND stream = ? AND leaf = ?',
};

export class StoredLedger {
  readonly #db: DatabaseSync | undefined;
  readonly #statements = new Map<string, StatementSync>();
  readonly #sizes = new Map<string, number>();
  readonly #passed = new Map<string, Position>();
  /** Every item below is in the ledger, or in the state of a stage. */
  readonly cursor: Position;

  /** @param db at the moment that counts; undefined where there is no ledger yet */
  constructor(db: DatabaseSync | undefined) {
    this.#db = db;
    this.cursor = Number(this.#get('SELECT position FROM cursor')?.position ?? 1);
    for (const { stream, size, consumed } of this.#all('SELECT stream, size, consumed FROM streams')) {
      this.#sizes.set(String(stream), Number(size));
      this.#passed.set(String(stream), Number(consumed));
    }
    for (const { stream, size } of this.#all('SELECT stream, max("end") AS size FROM packets GROUP BY stream')) {
      this.#sizes.set(String(stream), Math.max(Number(size), this.size(String(stream))));
    }
    for (const { stream, position } of this.#all('SELECT stream, position FROM stages')) {
      this.#passed.set(String(stream), Number(position));
    }
  }

  get streams(): Iterable<string> {
    return this.#sizes.keys();
  }

  /** Leaves in the stream's packets. */
  size(stream: string): number {
    return this.#sizes.get(stream) ?? 0;
  }

  /** What items of the stream below this position have sealed is in the ledger. */
  passed(stream: string): Position {
    return Math.max(this.cursor, this.#passed.get(stream) ?? 0);
  }

  /** The packet that holds a leaf, or else the next one; none that came after the moment that counts. */
  packetFrom(stream: string, leaf: number): StoredPacket | undefined {
    const row = this.#get(PACKET, stream, leaf);
    if (row === undefined || Number(row.end) > this.size(stream)) return undefined;
    return {
      stream,
      start: Number(row.start),
      end: Number(row.end),
      versionId: String(row.version_id),
      contentHash: String(row.content_hash),
      manifest: String(row.manifest),
      sealedAt: Number(row.sealed_at),
    };
  }

  /** The rollup that holds a leaf, or else the next one; of packets that came before the moment that counts. */
  rollupFrom(stream: string, leaf: number): StoredRollup | undefined {
    const row = this.#get(ROLLUP, stream, leaf, this.size(stream));
    return (
      row && {
        start: Number(row.start),
        end: Number(row.end),
        window: { start: Number(row.window_start), end: Number(row.window_end) },
        versionId: String(row.version_id),
      }
    );
  }

  /** Audit entries of decisions in the leaves `[start, end)`. */
  audits(stream: string, start: number, end: number): { leaf: number; audit: string; conflict: boolean }[] {
    const rows = this.#all(AUDITS, stream, start, end);
    return rows.map(({ leaf, audit, conflict }) => ({
      leaf: Number(leaf),
      audit: String(audit),
      conflict: conflict === 1,
    }));
  }

  /** What is kept beside an event's leaf: JSON. */
  beside(what: keyof typeof BESIDE, position: Position, stream: string, leaf: number): string | undefined {
    const row = this.#get(BESIDE[what], position, stream, leaf);
    return row && String(row.text);
  }

  /** The first leaf of a journal item. */
  leafOf(position: Position): number | undefined {
    const row = this.#get('SELECT * FROM placements WHERE first <= ? ORDER BY first DESC LIMIT 1', position);
    if (row === undefined) return undefined;
    const offset = position - Number(row.first);
    return offset < Number(row.count) ? Number(row.leaf) + offset : undefined;
  }

  /** Further leaves of a journal item that had one. */
  movesOf(position: Position): number[] {
    return this.#all('SELECT leaf FROM moves WHERE position = ? ORDER BY leaf', position).map(({ leaf }) =>
      Number(leaf),
    );
  }

  #get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#statement(sql)?.get(...values);
  }

  #all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#statement(sql)?.all(...values) ?? [];
  }

  #statement(sql: string): StatementSync | undefined {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db?.prepare(sql);
      if (statement !== undefined) this.#statements.set(sql, statement);
    }
    return statement;
  }
}
