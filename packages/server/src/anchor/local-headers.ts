/** The headers of the development chain, for whoever serves or checks proofs. */
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { openDatabase } from '../store/sqlite/database.ts';

export function chainFile(dataDir: string): string {
  return join(dataDir, 'chain.db');
}

export class LocalHeaders {
  protected readonly db: DatabaseSync;

  constructor(dataDir: string, db = openDatabase(chainFile(dataDir))) {
    this.db = db;
  }

  /** Height of the newest block; -1 when there is none. */
  bestHeight(): number {
    return Number(this.db.prepare('SELECT coalesce(max(height), -1) AS best FROM blocks').get()?.best);
  }

  /** Headers from `height` on, 80 bytes each as hex. */
  headersFrom(height: number, limit: number): string[] {
    const rows = this.db
      .prepare('SELECT header FROM blocks WHERE height >= ? ORDER BY height LIMIT ?')
      .all(height, limit);
    return rows.map((row) => Buffer.from(row.header as Uint8Array).toString('hex'));
  }

  close(): void {
    this.db.close();
  }
}
