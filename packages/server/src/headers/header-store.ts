/**
 * Follows the branch with the most work from a pinned block on, over all headers it is given, and keeps it on disk.
 * Nobody who hands it headers is trusted: each must link to a known one, meet its target and the floor, and be timely.
 */
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { type Chain, HEADER_BYTES, type Pin } from '@tidemark/proof';
import { StoreError } from '../store/errors.ts';
import { inTransaction, openDatabase } from '../store/sqlite/database.ts';
import { HeaderError } from './errors.ts';
import { HeaderRows, workBlob } from './header-rows.ts';
import { type Added, Placing } from './placing.ts';
import { keyOf, readHeaders, WorkRule } from './raw-header.ts';
import { headersFile, StoredHeaders } from './stored-headers.ts';

/**
 * Half a million headers make an index of some 6 MB with changes all over it. With room for it, and with fewer copies
 * from the log into the file, an initial load in batches of 2000 runs twice as fast.
 */
const ROOM = 'PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 8000;';
const MIGRATIONS = join(import.meta.dirname, '..', 'store', 'sqlite', 'migrations', 'headers');

export class HeaderStore extends StoredHeaders {
  readonly pin: Pin;
  readonly #rows: HeaderRows;
  readonly #work: WorkRule;

  /**
   * @throws HeaderError `pin-changed` when the directory's headers were collected from another pin
   * @throws ProofError `invalid-header` when the pin's floor is no target
   */
  constructor(dataDir: string, chain: Chain, pin: Pin) {
    const work = new WorkRule(pin.floorBits);
    super(dataDir, openPinned(headersFile(dataDir), chain, pin));
    this.pin = pin;
    this.#work = work;
    this.#rows = new HeaderRows(this.db, pin.hash);
  }

  /** Whether the block is known, on whichever branch. */
  has(blockHash: string): boolean {
    return this.#rows.find(blockHash) !== undefined;
  }

  /**
   * Takes headers in any number, parents before children; what is refused keeps no other from being taken. On disk when
   * this returns.
   * @param raw headers of 80 bytes, end to end
   * @param now milliseconds since 1970
   * @throws HeaderError `headers-malformed`, StoreError `write-failed`; then nothing has been taken
   */
  add(raw: Uint8Array, now: number): Added {
    if (raw.length % HEADER_BYTES !== 0) {
      throw new HeaderError('headers-malformed', `${raw.length} bytes are no whole number of headers`);
    }
    try {
      return inTransaction(this.db, () => {
        const placing = new Placing(this.#rows, { pin: this.pin, work: this.#work, now: Math.floor(now / 1000) });
        for (const header of readHeaders(raw)) placing.place(header);
        return placing.finish();
      });
    } catch (cause) {
      throw new StoreError('write-failed', 'block headers could not be stored', { cause });
    }
  }
}

function openPinned(path: string, chain: Chain, pin: Pin): DatabaseSync {
  const db = openDatabase(path, { migrations: MIGRATIONS });
  try {
    db.exec(ROOM);
    inTransaction(db, () => {
      const hash = Buffer.from(pin.hash, 'hex');
      const begun = db.prepare('INSERT OR IGNORE INTO pin VALUES (1, ?, ?, ?, ?)');
      const fresh = begun.run(chain, pin.height, hash, pin.floorBits).changes === 1;
      if (fresh) db.prepare('INSERT INTO best VALUES (?, ?, ?, NULL)').run(pin.height, keyOf(pin.hash), workBlob(0n));
      else checkPin(db, path, chain, pin);
    });
  } catch (cause) {
    db.close();
    throw cause;
  }
  return db;
}

function checkPin(db: DatabaseSync, path: string, chain: Chain, { height, hash, floorBits }: Pin): void {
  const same = db
    .prepare('SELECT 1 FROM pin WHERE chain = ? AND height = ? AND hash = ? AND floor_bits = ?')
    .get(chain, height, Buffer.from(hash, 'hex'), floorBits);
  if (same !== undefined) return;
  throw new HeaderError(
    'pin-changed',
    `${path} holds headers that were collected from another pin than block ${height} of ${chain}; ` +
      'if the new pin is right, delete the file: its headers are fetched again',
  );
}
