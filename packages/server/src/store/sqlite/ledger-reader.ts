/** The read side of the ledger in SQLite. */
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Position } from '../../event.ts';
import { StoreError } from '../errors.ts';
import type {
  AnchorRow,
  DecisionFilter,
  DecisionRow,
  LedgerEntry,
  LedgerPosition,
  LedgerReader,
  PacketRow,
  Place,
  QuarantineFilter,
  QuarantineRow,
  StageRow,
  StreamRow,
} from '../ledger.ts';
import { SqliteCertifierCallReader } from './certifier-calls.ts';
import { SqliteCoinReader } from './coins.ts';
import { openDatabase } from './database.ts';
import { type Row, toAnchor, toBuffer, toDecision, toPacket, toQuarantined, toStream } from './ledger-rows.ts';
import { SqliteRollupReader } from './rollups.ts';
import { Statements } from './statements.ts';
import { SqliteSubmissionReader } from './submissions.ts';

export const LEDGER_FILE = 'ledger.db';
const OFFSET_BYTES = 4;
const PACKET = 'version_id, stream, "start", "end", content_hash, manifest, checkpoint, sealed_at';

export class SqliteLedgerReader implements LedgerReader {
  readonly rollups: SqliteRollupReader;
  readonly submissions: SqliteSubmissionReader;
  readonly certifierCalls: SqliteCertifierCallReader;
  readonly coins: SqliteCoinReader;
  protected readonly db: DatabaseSync;
  readonly #sql: Statements;

  constructor(dir: string, db = openDatabase(join(dir, LEDGER_FILE))) {
    this.db = db;
    this.#sql = new Statements(db);
    this.rollups = new SqliteRollupReader(db);
    this.submissions = new SqliteSubmissionReader(db);
    this.certifierCalls = new SqliteCertifierCallReader(db);
    this.coins = new SqliteCoinReader(db);
  }

  cursor(): Position {
    return Number(this.#get('SELECT position FROM cursor')?.position);
  }

  head(): LedgerPosition {
    const row = this.#get('SELECT first, count FROM entries ORDER BY first DESC LIMIT 1');
    return row === undefined ? 0 : Number(row.first) + Number(row.count) - 1;
  }

  streams(): StreamRow[] {
    return this.#all('SELECT * FROM streams ORDER BY stream').map(toStream);
  }

  stream(stream: string): StreamRow | undefined {
    const row = this.#get('SELECT * FROM streams WHERE stream = ?', stream);
    return row && toStream(row);
  }

  stages(): StageRow[] {
    return this.#all('SELECT * FROM stages ORDER BY stream').map((row) => ({
      stream: String(row.stream),
      position: Number(row.position),
      leaf: Number(row.leaf),
      state: String(row.state),
    }));
  }

  read(from: LedgerPosition, limit: number): LedgerEntry[] {
    const containing = this.#get('SELECT first, count FROM entries WHERE first <= ? ORDER BY first DESC LIMIT 1', from);
    const inside = containing !== undefined && from < Number(containing.first) + Number(containing.count);
    const first = inside ? Number(containing.first) : from;
    const rows = this.#all('SELECT * FROM entries WHERE first >= ? ORDER BY first LIMIT ?', first, limit);
    return rows.map((row) => this.#toEntry(row));
  }

  packet(versionId: string): PacketRow | undefined {
    const row = this.#get(`SELECT ${PACKET} FROM packets WHERE version_id = ?`, versionId);
    return row && toPacket(row);
  }

  packetOfLeaf(stream: string, leaf: number): PacketRow | undefined {
    return this.packetsFrom(stream, leaf, 1)[0];
  }

  packetsFrom(stream: string, leaf: number, limit: number): PacketRow[] {
    const sql = `SELECT ${PACKET} FROM packets WHERE stream = ? AND "end" > ? ORDER BY "end" LIMIT ?`;
    return this.#all(sql, stream, leaf, limit).map(toPacket);
  }

  lineBounds(versionId: string, from: number, to: number): { start: number; ends: number[] } {
    // One offset more than asked for: the end of the line before is the start of the first.
    const skipped = Math.max(0, from - 1);
    const sql = 'SELECT substr(offsets, ?, ?) AS part FROM packets WHERE version_id = ?';
    const row = this.#get(sql, skipped * OFFSET_BYTES + 1, (to - skipped) * OFFSET_BYTES, versionId);
    if (row === undefined) throw new StoreError('damaged', `packet ${versionId} is missing`);
    const part = toBuffer(row.part);
    const ends = Array.from({ length: part.length / OFFSET_BYTES }, (_, index) =>
      part.readUInt32LE(index * OFFSET_BYTES),
    );
    const start = from === 0 ? 0 : (ends.shift() ?? 0);
    return { start, ends };
  }

  placement(position: Position): Place | undefined {
    const moved = this.#get('SELECT stream, leaf FROM moves WHERE position = ? ORDER BY leaf DESC LIMIT 1', position);
    if (moved !== undefined) return { stream: String(moved.stream), leaf: Number(moved.leaf) };
    const row = this.#get('SELECT * FROM placements WHERE first <= ? ORDER BY first DESC LIMIT 1', position);
    if (row === undefined) return undefined;
    const offset = position - Number(row.first);
    return offset < Number(row.count) ? { stream: String(row.stream), leaf: Number(row.leaf) + offset } : undefined;
  }

  positionOfLeaf(stream: string, leaf: number): Position | undefined {
    // Several runs may begin at a fused leaf; of those, one alone may go on to the leaves after it.
    const sql = 'SELECT * FROM placements WHERE stream = ? AND leaf <= ? ORDER BY leaf DESC, count DESC LIMIT 1';
    const row = this.#get(sql, stream, leaf);
    const offset = row === undefined ? 0 : leaf - Number(row.leaf);
    if (row !== undefined && offset < Number(row.count)) return Number(row.first) + offset;
    const moved = this.#get('SELECT position FROM moves WHERE stream = ? AND leaf = ? LIMIT 1', stream, leaf);
    return moved && Number(moved.position);
  }

  reasons(position: Position): string[] | undefined {
    const row = this.#get('SELECT reasons FROM quarantine WHERE position = ?', position);
    return row && (JSON.parse(String(row.reasons)) as string[]);
  }

  notes(position: Position): string[] | undefined {
    const row = this.#get('SELECT notes FROM notes WHERE position = ? ORDER BY leaf DESC LIMIT 1', position);
    return row && (JSON.parse(String(row.notes)) as string[]);
  }

  quarantinedBefore(before: Position, limit: number, { stream, left }: QuarantineFilter = {}): QuarantineRow[] {
    const moved = 'EXISTS (SELECT 1 FROM moves WHERE moves.position = quarantine.position)';
    const conditions = [
      'position < ?',
      ...(stream === undefined ? [] : ['stream = ?']),
      ...(left === undefined ? [] : [left ? moved : `NOT ${moved}`]),
    ];
    const sql = `SELECT * FROM quarantine WHERE ${conditions.join(' AND ')} ORDER BY position DESC LIMIT ?`;
    return this.#all(sql, before, ...(stream === undefined ? [] : [stream]), limit).map(toQuarantined);
  }

  decision(hash: string): DecisionRow | undefined {
    const row = this.#get('SELECT * FROM decisions WHERE decision = ?', hash);
    return row && toDecision(row);
  }

  decisionOfLeaf(stream: string, leaf: number): DecisionRow | undefined {
    const row = this.#get('SELECT * FROM decisions WHERE stream = ? AND leaf = ?', stream, leaf);
    return row && toDecision(row);
  }

  decisionsAbout(eventId: string): DecisionRow[] {
    return this.#all('SELECT * FROM decisions WHERE event_id = ? ORDER BY id', eventId).map(toDecision);
  }

  decisionsBefore(before: DecisionRow | undefined, filter: DecisionFilter, limit: number): DecisionRow[] {
    const { stream, conflictsOnly } = filter;
    // Within a stream, the order of leaves is that of ids, and has an index of its own.
    const column = stream === undefined || conflictsOnly ? 'id' : 'leaf';
    const bound = (column === 'id' ? before?.id : before?.leaf) ?? Number.MAX_SAFE_INTEGER;
    const conditions = [
      `${column} < ?`,
      ...(stream === undefined ? [] : ['stream = ?']),
      ...(conflictsOnly ? ['conflict = 1'] : []),
    ];
    const sql = `SELECT * FROM decisions WHERE ${conditions.join(' AND ')} ORDER BY ${column} DESC LIMIT ?`;
    return this.#all(sql, bound, ...(stream === undefined ? [] : [stream]), limit).map(toDecision);
  }

  conflictsIn(
    { stream, start, end }: Pick<PacketRow, 'stream' | 'start' | 'end'>,
    from: number,
    limit: number,
  ): DecisionRow[] {
    const sql = `SELECT * FROM decisions WHERE stream = ? AND leaf >= ? AND leaf < ? AND conflict = 1
      ORDER BY leaf LIMIT ? OFFSET ?`;
    return this.#all(sql, stream, start, end, limit, from).map(toDecision);
  }

  policy(hash: string): string | undefined {
    const row = this.#get('SELECT policy FROM policies WHERE hash = ?', hash);
    return row && String(row.policy);
  }

  tile(stream: string, level: number, index: number): Buffer | undefined {
    const row = this.#get('SELECT hashes FROM tiles WHERE stream = ? AND level = ? AND idx = ?', stream, level, index);
    return row && toBuffer(row.hashes);
  }

  anchor(versionId: string): AnchorRow | undefined {
    const row = this.#get('SELECT * FROM anchors JOIN transactions USING (txid) WHERE version_id = ?', versionId);
    return row && toAnchor(row);
  }

  standingAnchor(versionId: string): AnchorRow | undefined {
    const sql = 'SELECT * FROM anchors JOIN transactions USING (txid) WHERE version_id = ? AND lost = 0';
    const row = this.#get(sql, versionId);
    return row && toAnchor(row);
  }

  anchorCovering(stream: string, end: number): AnchorRow | undefined {
    const row = this.#get(
      `SELECT * FROM anchors JOIN transactions USING (txid) WHERE stream = ? AND "end" >= ? AND lost = 0
        ORDER BY "end" LIMIT 1`,
      stream,
      end,
    );
    return row && toAnchor(row);
  }

  cosignatures(versionId: string): string[] {
    const sql = 'SELECT line FROM cosignatures WHERE version_id = ? ORDER BY witness';
    return this.#all(sql, versionId).map(({ line }) => String(line));
  }

  close(): void {
    this.db.close();
  }

  #toEntry(row: Row): LedgerEntry {
    const versionId = String(row.version_id);
    const first = Number(row.first);
    const packet = this.packet(versionId);
    if (packet === undefined) throw new StoreError('damaged', `ledger entry ${first} names an unknown packet`);
    if (row.kind === 'packet') return { kind: 'packet', first, count: Number(row.count), packet };
    const anchor = this.anchor(versionId);
    if (anchor === undefined) throw new StoreError('damaged', `ledger entry ${first} names an unknown anchor`);
    return { kind: 'anchor', first, count: 1, anchor, packet };
  }

  #get(sql: string, ...values: (string | number)[]): Row | undefined {
    return this.#sql.of(sql).get(...values);
  }

  #all(sql: string, ...values: (string | number)[]): Row[] {
    return this.#sql.of(sql).all(...values);
  }
}
