/** The headers of the development chain. */
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Headers } from '../headers/headers.ts';
import { openDatabase } from '../store/sqlite/database.ts';

export function chainFile(dataDir: string): string {
  return join(dataDir, 'chain.db');
}

export class LocalHeaders implements Headers {
  readonly chain = 'tidemark-dev';
  protected readonly db: DatabaseSync;

  constructor(dataDir: string, db = openDatabase(chainFile(dataDir))) {
    this.db = db;
  }

  bestHeight(): number {
    return Number(this.db.prepare('SELECT coalesce(max(height), -1) AS best FROM blocks').get()?.best);
  }

  headersFrom(height: number, limit: number): string[] {
    const rows = this.db
      .prepare('SELECT header FROM blocks WHERE height >= ? ORDER BY height LIMIT ?')
      .all(height, limit);
    return rows.map((row) => Buffer.from(row.header as Uint8Array).toString('hex'));
  }

  heightOf(blockHash: string): number | undefined {
    const row = this.db.prepare('SELECT height FROM blocks WHERE hash = ?').get(blockHash);
    return row && Number(row.height);
  }

  headerAt(height: number): string | undefined {
    return this.headersFrom(height, 1)[0];
  }

  close(): void {
    this.db.close();
  }
}
