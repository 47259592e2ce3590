/** The read side of the header store, on a connection of its own: it sees what has been committed. */
import { join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type Chain, isHex } from '@tidemark/proof';
import { openDatabase } from '../store/sqlite/database.ts';
import type { BlockAt, Headers } from './headers.ts';
import { hashOf, keyOf } from './raw-header.ts';

export function headersFile(dataDir: string): string {
  return join(dataDir, 'headers.db');
}

export class StoredHeaders implements Headers {
  readonly chain: Chain;
  protected readonly db: DatabaseSync;
  readonly #pinned: string;
  readonly #newest: StatementSync;
  readonly #run: StatementSync;
  readonly #heightOf: StatementSync;
  readonly #headerAt: StatementSync;

  constructor(dataDir: string, db = openDatabase(headersFile(dataDir))) {
    this.db = db;
    const pin = db.prepare('SELECT chain, hash FROM pin').get();
    this.chain = String(pin?.chain) as Chain;
    this.#pinned = Buffer.from(pin?.hash as Uint8Array).toString('hex');
    this.#newest = db.prepare('SELECT height, header FROM best ORDER BY height DESC LIMIT 1');
    this.#run = db.prepare('SELECT height, header FROM best WHERE height >= ? ORDER BY height LIMIT ?');
    this.#heightOf = db.prepare('SELECT height, header FROM best WHERE key = ?');
    this.#headerAt = db.prepare('SELECT header FROM best WHERE height = ?');
  }

  /** The end of the best chain; the pinned block, where nothing follows it. */
  tip(): BlockAt {
    const row = this.#newest.get();
    return { height: Number(row?.height), hash: this.#hashOf(row?.header) };
  }

  bestHeight(): number {
    const row = this.#newest.get();
    return row?.header instanceof Uint8Array ? Number(row.height) : -1;
  }

  headersFrom(height: number, limit: number): string[] {
    const rows = this.#run.all(height, limit);
    if (rows[0]?.height !== height || rows[0].header === null) return [];
    return rows.map((row) => Buffer.from(row.header as Uint8Array).toString('hex'));
  }

  heightOf(blockHash: string): number | undefined {
    if (!isHex(blockHash, 32)) return undefined;
    const row = this.#heightOf.all(keyOf(blockHash)).find(({ header }) => this.#hashOf(header) === blockHash);
    return row && Number(row.height);
  }

  headerAt(height: number): string | undefined {
    const header = this.#headerAt.get(height)?.header;
    return header instanceof Uint8Array ? Buffer.from(header).toString('hex') : undefined;
  }

  close(): void {
    this.db.close();
  }

  /** Only the pinned block can be without its header. */
  #hashOf(header: unknown): string {
    return header instanceof Uint8Array ? hashOf(header) : this.#pinned;
  }
}
