/** The write side of the ledger in SQLite. */
import { join } from 'node:path';
import type { StatementSync } from 'node:sqlite';
import type { SealedPacket } from '../../event.ts';
import type { CertifierCallWriter } from '../certifier-calls.ts';
import type { Coin } from '../coins.ts';
import { StoreError } from '../errors.ts';
import type { AnchorRow, LedgerCommit, LedgerEntry, LedgerPosition, LedgerWriter } from '../ledger.ts';
import type { RollupRow } from '../rollups.ts';
import type { SubmissionWriter } from '../submissions.ts';
import { SqliteCertifierCallWriter } from './certifier-calls.ts';
import { SqliteCoinWriter } from './coins.ts';
import { inTransaction, openDatabase } from './database.ts';
import { LEDGER_FILE, SqliteLedgerReader } from './ledger-reader.ts';
import { SqliteRollupWriter } from './rollups.ts';
import { SqliteSubmissionWriter } from './submissions.ts';

const MIGRATIONS = join(import.meta.dirname, 'migrations', 'ledger');
const PAGE_SIZE = 16_384;

export class SqliteLedger extends SqliteLedgerReader implements LedgerWriter {
  #head: LedgerPosition;
  readonly #insertEntry: StatementSync;
  readonly #insertPacket: StatementSync;
  readonly #insertPlacement: StatementSync;
  readonly #insertQuarantine: StatementSync;
  readonly #putTile: StatementSync;
  readonly #putStream: StatementSync;
  readonly #putStage: StatementSync;
  readonly #dropStage: StatementSync;
  readonly #insertNotes: StatementSync;
  readonly #insertMove: StatementSync;
  readonly #eraseReasons: StatementSync;
  readonly #insertDecision: StatementSync;
  readonly #putPolicy: StatementSync;
  readonly #setCursor: StatementSync;
  readonly #putCosignature: StatementSync;
  readonly #rollups: SqliteRollupWriter;
  readonly #submissions: SqliteSubmissionWriter;
  readonly #coins: SqliteCoinWriter;
  readonly submit: SubmissionWriter;
  readonly certify: CertifierCallWriter;

  constructor(dir: string) {
    super(dir, openDatabase(join(dir, LEDGER_FILE), { migrations: MIGRATIONS, pageSize: PAGE_SIZE }));
    const { db } = this;
    this.#insertEntry = db.prepare('INSERT INTO entries VALUES (?, ?, ?, ?)');
    this.#insertPacket = db.prepare('INSERT INTO packets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.#insertPlacement = db.prepare('INSERT INTO placements VALUES (?, ?, ?, ?)');
    this.#insertQuarantine = db.prepare('INSERT INTO quarantine VALUES (?, ?, ?, ?)');
    this.#putTile = db.prepare(
      'INSERT INTO tiles VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET hashes = excluded.hashes',
    );
    this.#putStream = db.prepare('INSERT OR REPLACE INTO streams VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
    this.#putStage = db.prepare('INSERT OR REPLACE INTO stages VALUES (?, ?, ?, ?)');
    this.#dropStage = db.prepare('DELETE FROM stages WHERE stream = ?');
    this.#insertNotes = db.prepare('INSERT INTO notes VALUES (?, ?, ?, ?)');
    this.#insertMove = db.prepare('INSERT INTO moves VALUES (?, ?, ?)');
    this.#eraseReasons = db.prepare("UPDATE quarantine SET reasons = '[]' WHERE position = ?");
    this.#insertDecision = db.prepare('INSERT INTO decisions VALUES (NULL, ?, ?, ?, ?, ?, ?)');
    this.#putPolicy = db.prepare('INSERT OR IGNORE INTO policies VALUES (?, ?)');
    this.#setCursor = db.prepare('UPDATE cursor SET position = ?');
    this.#putCosignature = db.prepare('INSERT OR REPLACE INTO cosignatures VALUES (?, ?, ?)');
    this.#rollups = new SqliteRollupWriter(db);
    this.#submissions = new SqliteSubmissionWriter(db);
    this.#coins = new SqliteCoinWriter(db);
    this.submit = this.#submitter();
    this.certify = this.#certifier(new SqliteCertifierCallWriter(db));
    this.#head = this.head();
  }

  commit(step: LedgerCommit): void {
    // Reasons show values. What is overwritten must not stay in pages that are free then.
    if (step.packets.some(({ erased }) => erased.length > 0)) this.db.exec('PRAGMA secure_delete = ON');
    this.#write(() => {
      for (const packet of step.packets) this.#writePacket(packet);
      for (const row of step.streams) {
        const through = JSON.stringify(row.through);
        const { stream, consumed, size, head = null, rolledUp, config } = row;
        const batch = row.batch === undefined ? null : JSON.stringify(row.batch);
        this.#putStream.run(stream, consumed, size, head, through, config, rolledUp, batch);
      }
      for (const rollup of step.rollups) this.#rollups.note(rollup);
      // A stage may have been dropped and made anew in the same step.
      for (const stream of step.unstaged) this.#dropStage.run(stream);
      for (const { stream, position, leaf, state } of step.stages) this.#putStage.run(stream, position, leaf, state);
      for (const [hash, policy] of step.policies) this.#putPolicy.run(hash, policy);
      this.#setCursor.run(step.cursor);
    });
  }

  recordAnchors(anchors: readonly AnchorRow[]): void {
    this.#write(() => {
      for (const anchor of anchors) {
        this.#submissions.anchor(anchor);
        if (anchor.end > 0) this.#enter('anchor', 1, anchor.versionId);
      }
    });
  }

  recordRollup(rollup: RollupRow): void {
    this.#write(() => {
      this.#rollups.record(rollup);
      this.#submissions.expect(rollup.versionId);
    });
  }

  recordCosignature(versionId: string, witness: string, line: string): void {
    this.#write(() => void this.#putCosignature.run(versionId, witness, line));
  }

  fund(coins: readonly Coin[]): number {
    return this.#write(() => coins.filter((coin) => this.#coins.put(coin)).length);
  }

  #certifier(calls: SqliteCertifierCallWriter): CertifierCallWriter {
    return {
      enqueue: (versionIds, next, now) => this.#write(() => calls.enqueue(versionIds, next, now)),
      done: (versionId) => this.#write(() => calls.done(versionId)),
      failed: (call) => this.#write(() => calls.failed(call)),
    };
  }

  #submitter(): SubmissionWriter {
    const submissions = this.#submissions;
    return {
      add: (submission, spending) => this.#write(() => submissions.add(submission, spending)),
      note: (txid, state, reason) => this.#write(() => submissions.note(txid, state, reason)),
      fail: (txid, reason, coins) => this.#write(() => submissions.fail(txid, reason, coins)),
      lose: (txids) => this.#write(() => txids.flatMap((txid) => submissions.lose(txid))),
    };
  }

  #writePacket(packet: SealedPacket): void {
    const { stream, start, end, versionId, contentHash, manifest, checkpoint, offsets, sealedAt } = packet;
    this.#insertPacket.run(versionId, stream, start, end, contentHash, manifest, checkpoint, offsets, sealedAt);
    const conflicts = packet.decisions.filter(({ conflict }) => conflict).length;
    this.#enter('packet', 2 * (end - start) + conflicts, versionId);
    for (const { level, index, hashes } of packet.tiles) this.#putTile.run(stream, level, index, hashes);
    for (const { first, count, leaf } of packet.placements) this.#insertPlacement.run(first, count, stream, leaf);
    for (const { position, leaf, reasons } of packet.quarantined) {
      this.#insertQuarantine.run(position, stream, leaf, JSON.stringify(reasons));
    }
    for (const { position, leaf, notes } of packet.notes) {
      this.#insertNotes.run(position, leaf, stream, JSON.stringify(notes));
    }
    for (const { position, leaf } of packet.moved) this.#insertMove.run(position, leaf, stream);
    for (const position of packet.erased) this.#eraseReasons.run(position);
    for (const { decision, leaf, eventId, conflict, audit } of packet.decisions) {
      this.#insertDecision.run(decision, stream, leaf, eventId, conflict ? 1 : 0, audit);
    }
  }

  #enter(kind: LedgerEntry['kind'], count: number, versionId: string): void {
    this.#insertEntry.run(this.#head + 1, count, kind, versionId);
    this.#head += count;
  }

  #write<T>(work: () => T): T {
    const head = this.#head;
    try {
      return inTransaction(this.db, work);
    } catch (cause) {
      this.#head = head;
      throw new StoreError('write-failed', 'the ledger cannot be written', { cause });
    }
  }
}
