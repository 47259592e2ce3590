/** The catalog in SQLite, in a file of its own: its writer is the main thread. */
import { hash } from 'node:crypto';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type {
  AdvisoryRow,
  Carrier,
  CatalogEntry,
  CatalogProof,
  CatalogQuery,
  CatalogRow,
  CatalogVersion,
  CatalogWriter,
  Contributor,
  DatasetRow,
  Standing,
} from '../catalog.ts';
import { StoreError } from '../errors.ts';
import type { AnchorRow } from '../ledger.ts';
import { toAdvisory, toDataset, toPlace, toProof, toVersion } from './catalog-rows.ts';
import { inTransaction, openDatabase } from './database.ts';
import { Statements } from './statements.ts';
import { matchOfWords } from './word-index.ts';

const MIGRATIONS = join(import.meta.dirname, 'migrations', 'catalog');
/** What a row takes beside its texts, roughly. */
const ROW_BYTES = 512;

export class SqliteCatalog implements CatalogWriter {
  readonly #db: DatabaseSync;
  readonly #sql: Statements;

  constructor(dataDir: string) {
    this.#db = openDatabase(join(dataDir, 'catalog.db'), { migrations: MIGRATIONS });
    this.#sql = new Statements(this.#db);
  }

  version(versionId: string): CatalogRow | undefined {
    const row = this.#sql.get('SELECT * FROM versions WHERE version_id = ?', versionId);
    return row && toVersion(row);
  }

  proofs(versionId: string, limit: number): AnchorRow[] {
    const sql = `SELECT * FROM carriers JOIN proofs USING (txid) WHERE version_id = ?
      ORDER BY height, carriers.id LIMIT ?`;
    return this.#sql.all(sql, versionId, limit).map(toPlace);
  }

  proof(txid: string, blockHash: string): CatalogProof | undefined {
    const row = this.#sql.get('SELECT * FROM proofs WHERE txid = ? AND block_hash = ?', txid, blockHash);
    return row && toProof(row);
  }

  carrier(versionId: string): Carrier | undefined {
    const row = this.#sql.get('SELECT * FROM carriers WHERE version_id = ? ORDER BY id LIMIT 1', versionId);
    return row && { versionId, txid: String(row.txid), vout: Number(row.vout) };
  }

  search(query: CatalogQuery, before: number, limit: number): CatalogRow[] {
    const match = matchOf(query);
    if (match === '') {
      return this.#sql
        .all('SELECT * FROM versions WHERE id < ? ORDER BY id DESC LIMIT ?', before, limit)
        .map(toVersion);
    }
    const sql = `SELECT versions.* FROM search JOIN versions ON versions.id = search.rowid
      WHERE search MATCH ? AND search.rowid < ? ORDER BY search.rowid DESC LIMIT ?`;
    return this.#sql.all(sql, match, before, limit).map(toVersion);
  }

  datasets(datasetId: string, after: string, limit: number): DatasetRow[] {
    const sql = 'SELECT * FROM datasets WHERE dataset_id = ? AND producer > ? ORDER BY producer LIMIT ?';
    return this.#sql.all(sql, datasetId, after, limit).map(toDataset);
  }

  dataset(datasetId: string, producer: string): DatasetRow | undefined {
    const row = this.#sql.get('SELECT * FROM datasets WHERE dataset_id = ? AND producer = ?', datasetId, producer);
    return row && toDataset(row);
  }

  advisories(versionId: string, after: number, limit: number): AdvisoryRow[] {
    const sql = 'SELECT * FROM advisories WHERE version_id = ? AND id > ? ORDER BY id LIMIT ?';
    return this.#sql.all(sql, versionId, after, limit).map(toAdvisory);
  }

  standing(versionId: string, authors: readonly string[], now: number): Standing {
    const from = `FROM advisories WHERE version_id = ? AND author IN (${authors.map(() => '?').join(', ')})
      AND (expires_at IS NULL OR expires_at > ?)`;
    const values = [versionId, ...authors, now];
    const flags = this.#sql.get(`SELECT max(recalled) AS recalled, max(type = 'BLOCK') AS blocked ${from}`, ...values);
    const newest = `SELECT superseded_by ${from} AND superseded_by IS NOT NULL ORDER BY id DESC LIMIT 1`;
    const superseded = this.#sql.get(newest, ...values);
    return {
      recalled: flags?.recalled === 1,
      blocked: flags?.blocked === 1,
      supersededBy: superseded && String(superseded.superseded_by),
    };
  }

  add(entry: CatalogEntry, by: Contributor, now: number): boolean {
    return this.#commit(() => this.#charge(by, this.#insert(entry, now)));
  }

  advise(advisory: Omit<AdvisoryRow, 'id'>, by: Contributor): AdvisoryRow | undefined {
    const { versionId, type, recalled, supersededBy, reason, expiresAt, author, signed, createdAt } = advisory;
    const said = [versionId, type, recalled ? 1 : 0, supersededBy ?? null, reason, expiresAt ?? null, author];
    const same = `SELECT * FROM advisories WHERE version_id = ? AND type = ? AND recalled = ? AND superseded_by IS ?
      AND reason = ? AND expires_at IS ? AND author = ?`;
    const find = () => this.#sql.get(same, ...said);
    const kept = this.#commit(() => {
      if (find() !== undefined) return true;
      this.#sql.run(
        'INSERT INTO advisories VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
        ...said,
        signed ?? null,
        createdAt,
      );
      return this.#charge(by, ROW_BYTES + bytesOf(reason) + bytesOf(signed ?? ''));
    });
    return kept ? toAdvisory(find() ?? {}) : undefined;
  }

  close(): void {
    this.#db.close();
  }

  /** Undone when `work` says that it must not be. */
  #commit(work: () => boolean): boolean {
    try {
      return inTransaction(this.#db, () => {
        if (work()) return true;
        this.#db.exec('ROLLBACK; BEGIN IMMEDIATE;');
        return false;
      });
    } catch (cause) {
      throw new StoreError('write-failed', 'the catalog could not be written', { cause });
    }
  }

  /** @returns bytes that are new */
  #insert({ version, carriers, rawTx, proof }: CatalogEntry, now: number): number {
    let bytes = version === undefined ? 0 : this.#insertVersion(version, now);
    for (const { versionId, txid, vout } of carriers) {
      const added = this.#sql.run('INSERT OR IGNORE INTO carriers VALUES (NULL, ?, ?, ?)', versionId, txid, vout);
      bytes += added * ROW_BYTES;
    }
    const txid = carriers[0]?.txid;
    if (rawTx !== undefined && txid !== undefined) {
      bytes += this.#sql.run('INSERT OR IGNORE INTO transactions VALUES (?, ?)', txid, rawTx) * rawTx.length;
    }
    return bytes + (proof === undefined ? 0 : this.#insertProof(proof));
  }

  #insertProof({ txid, blockHash, chain, height, envelope }: CatalogProof): number {
    const sql = 'INSERT OR IGNORE INTO proofs VALUES (?, ?, ?, ?, ?)';
    return this.#sql.run(sql, txid, blockHash, chain, height, envelope) * (ROW_BYTES + bytesOf(envelope));
  }

  #insertVersion(version: CatalogVersion, now: number): number {
    const { versionId, datasetId, producer, manifest, createdAt, description, tags } = version;
    const sql = 'INSERT OR IGNORE INTO versions VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)';
    const values = [versionId, datasetId, producer, createdAt, now, description, JSON.stringify(tags), manifest];
    if (this.#sql.run(sql, ...values) === 0) return 0;
    const words = [datasetId, description, ...tags].join('\n');
    const filters = [filterWord('d', datasetId), ...tags.map((tag) => filterWord('t', tag))].join(' ');
    this.#sql.run('INSERT INTO search (rowid, words, filters) VALUES (last_insert_rowid(), ?, ?)', words, filters);
    this.#sql.run(
      `INSERT INTO datasets VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
        SET newest = excluded.newest, created_at = excluded.created_at WHERE excluded.created_at >= created_at`,
      ...[datasetId, producer, versionId, createdAt],
    );
    return ROW_BYTES + bytesOf(manifest) + 2 * bytesOf(words);
  }

  #charge({ key, maxBytes }: Contributor, bytes: number): boolean {
    if (key === undefined || bytes === 0) return true;
    const sql = `INSERT INTO shares VALUES (?, ?) ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes
      RETURNING bytes`;
    return Number(this.#sql.get(sql, key, bytes)?.bytes) <= maxBytes;
  }
}

/** The FTS5 expression; '' where nothing is asked. */
function matchOf({ words, datasetId, tag }: CatalogQuery): string {
  const filters = [
    ...(datasetId === undefined ? [] : [filterWord('d', datasetId)]),
    ...(tag === undefined ? [] : [filterWord('t', tag)]),
  ];
  return [...matchOfWords(words), ...filters.map((word) => `filters : ${word}`)].join(' AND ');
}

/** One word, whatever the text has in it. */
function filterWord(kind: 'd' | 't', text: string): string {
  return `${kind}${hash('sha256', text, 'hex').slice(0, 40)}`;
}

function bytesOf(text: string): number {
  return Buffer.byteLength(text);
}
