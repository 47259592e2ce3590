/** What the spool remembers: every method that changes something is one commit, on disk when it returns. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { inTransaction, openDatabase } from '../store/sqlite/database.ts';
import { Statements } from '../store/sqlite/statements.ts';
import type { Notice, NoticeMessage } from './notices/notice.ts';
import type { Counts, Cursor, Fault, Place, Rejection, Run, RunFile, Status } from './run.ts';

const MIGRATIONS = join(import.meta.dirname, '..', 'store', 'sqlite', 'migrations', 'spool');
const FILE = 'spool.db';

export interface NewRun {
  tag: string;
  pii: boolean;
  createdAt: number;
  files: readonly Pick<RunFile, 'name' | 'size' | 'mtime'>[];
}

/** Of a chunk that the server has acknowledged. */
export interface Progress {
  cursor: Cursor;
  counts: Counts;
  /** It may have been sent before. */
  resent: boolean;
  rejections: readonly Rejection[];
  faults: readonly Fault[];
}

export interface Outcome {
  status: Status;
  reason: string | undefined;
  /** Acknowledged beyond the cursor. */
  counts: Counts;
}

export interface Certified {
  versionId: string | null;
  stream: string | null;
  duplicates: number;
  locked: boolean;
}

/** Notifications of a batch that have not been taken. */
export interface Waiting {
  undelivered: number;
  /** Until somebody unlocks the batch. */
  held: number;
}

type Row = Record<string, unknown>;

export class SpoolStore {
  readonly #db: DatabaseSync;
  readonly #sql: Statements;

  constructor(dir: string) {
    mkdirSync(dir, { recursive: true });
    this.#db = openDatabase(join(dir, FILE), { migrations: MIGRATIONS });
    this.#sql = new Statements(this.#db);
  }

  /** In the order in which they were begun. */
  unfinished(): Run[] {
    return this.#sql.all(`SELECT * FROM runs WHERE state <> 'done' ORDER BY id`).map(toRun);
  }

  hasTag(tag: string): boolean {
    return this.#sql.get('SELECT 1 FROM runs WHERE tag = ?', tag) !== undefined;
  }

  run(id: number): Run {
    return toRun(this.#sql.get('SELECT * FROM runs WHERE id = ?', id) as Row);
  }

  files({ id }: Run): RunFile[] {
    return this.#sql.all('SELECT * FROM files WHERE run = ? ORDER BY position', id).map(toFile);
  }

  *rejections({ id }: Run): Generator<Rejection> {
    const sql = 'SELECT * FROM rejections WHERE run = ? AND (file, record) > (?, ?) ORDER BY file, record LIMIT 1000';
    let after: Place = { file: -1, record: -1 };
    for (;;) {
      const rows = this.#sql.all(sql, id, after.file, after.record).map(toRejection);
      yield* rows;
      const last = rows.at(-1);
      if (last === undefined) return;
      after = last;
    }
  }

  plan({ tag, pii, createdAt, files }: NewRun): Run {
    return this.#write(() => {
      const sql = `INSERT INTO runs (tag, state, pii, bytes, count, at_file, at_record, taken, duplicates, rejected, attempts, resent, locked, created_at)
        VALUES (?, 'planned', ?, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ?) RETURNING id`;
      const id = Number(this.#sql.get(sql, tag, Number(pii), createdAt)?.id);
      for (const [position, { name, size, mtime }] of files.entries()) {
        const insert = 'INSERT INTO files (run, position, name, size, mtime) VALUES (?, ?, ?, ?, ?)';
        this.#sql.run(insert, id, position, name, size, mtime);
      }
      return this.run(id);
    });
  }

  /** @param dropped files that are left out; a run without any is given up */
  moved({ id }: Run, dropped: readonly RunFile[]): Run | undefined {
    return this.#write(() => {
      for (const { position } of dropped) {
        this.#sql.run('DELETE FROM files WHERE run = ? AND position = ?', id, position);
      }
      const sum = this.#sql.get('SELECT count(*) AS count, sum(size) AS bytes FROM files WHERE run = ?', id);
      if (Number(sum?.count) === 0) {
        this.#sql.run('DELETE FROM runs WHERE id = ?', id);
        return undefined;
      }
      const sql = `UPDATE runs SET state = 'moved', count = ?, bytes = ? WHERE id = ?`;
      this.#sql.run(sql, Number(sum?.count), Number(sum?.bytes), id);
      return this.run(id);
    });
  }

  opened({ id, tag }: Run, notice: NoticeMessage): Run {
    return this.#write(() => {
      this.#enqueue(tag, notice, false);
      return this.#to(id, 'open');
    });
  }

  /** The server never had this batch; there is nothing to end and to certify. */
  refused({ id, tag }: Run, reason: string, notice: NoticeMessage | undefined): Run {
    return this.#write(() => {
      if (notice !== undefined) this.#enqueue(tag, notice, false);
      this.#sql.run(`UPDATE runs SET status = 'failed', reason = ? WHERE id = ?`, reason, id);
      return this.#to(id, 'certified');
    });
  }

  /** What a process has sent that ended before it could note the answers is sent again. */
  replaying({ id }: Run): void {
    const sql = 'UPDATE runs SET resent = (resent OR attempts > 0), attempts = attempts + 1 WHERE id = ?';
    this.#write(() => this.#sql.run(sql, id));
  }

  markPii({ id }: Run): void {
    this.#write(() => this.#sql.run('UPDATE runs SET pii = 2 WHERE id = ? AND pii = 0', id));
  }

  /** From its first record once more: what was acknowledged is nowhere any more, or may be. */
  rewind({ id }: Run): Run {
    return this.#write(() => {
      const sql = `UPDATE runs SET at_file = 0, at_record = 0, taken = 0, duplicates = 0, rejected = 0, resent = 1
        WHERE id = ?`;
      this.#sql.run(sql, id);
      this.#sql.run('DELETE FROM rejections WHERE run = ?', id);
      return this.run(id);
    });
  }

  advance({ id }: Run, { cursor, counts, resent, rejections, faults }: Progress): void {
    this.#write(() => {
      this.#sql.run('UPDATE runs SET at_file = ?, at_record = ? WHERE id = ?', cursor.file, cursor.record, id);
      this.#add(id, counts);
      if (resent) this.#sql.run('UPDATE runs SET resent = 1 WHERE id = ?', id);
      for (const { file, record, error, hint } of rejections) {
        const sql = 'INSERT INTO rejections (run, file, record, error, hint) VALUES (?, ?, ?, ?, ?)';
        this.#sql.run(sql, id, file, record, error, hint);
      }
      for (const { file, error, hint } of faults) {
        this.#sql.run('UPDATE files SET error = ?, hint = ? WHERE run = ? AND position = ?', error, hint, id, file);
      }
    });
  }

  replayed({ id }: Run, { status, reason, counts }: Outcome): Run {
    return this.#write(() => {
      this.#add(id, counts);
      this.#sql.run('UPDATE runs SET status = ?, reason = ? WHERE id = ?', status, reason ?? null, id);
      return this.#to(id, 'replayed');
    });
  }

  ended({ id }: Run): Run {
    return this.#write(() => this.#to(id, 'ended'));
  }

  certified({ id }: Run, { versionId, stream, duplicates, locked }: Certified): Run {
    return this.#write(() => {
      const sql = 'UPDATE runs SET version_id = ?, stream = ?, duplicates = ?, locked = ? WHERE id = ?';
      this.#sql.run(sql, versionId, stream, duplicates, Number(locked), id);
      return this.#to(id, 'certified');
    });
  }

  done({ id, tag }: Run, notices: readonly { message: NoticeMessage; held: boolean }[]): Run {
    return this.#write(() => {
      this.#sql.run('DELETE FROM files WHERE run = ?', id);
      this.#sql.run('DELETE FROM rejections WHERE run = ?', id);
      for (const { message, held } of notices) this.#enqueue(tag, message, held);
      return this.#to(id, 'done');
    });
  }

  nextNotice(): Notice | undefined {
    const row = this.#sql.get('SELECT * FROM notices WHERE held = 0 ORDER BY seq LIMIT 1');
    return row && toNotice(row);
  }

  heldNotices(): Notice[] {
    return this.#sql.all('SELECT * FROM notices WHERE held = 1 ORDER BY seq').map(toNotice);
  }

  /** How much is in the outbox, by the tag of its batch. */
  outbox(): Map<string, Waiting> {
    const sql =
      'SELECT tag, sum(held = 0) AS undelivered, sum(held) AS held FROM notices GROUP BY tag ORDER BY min(seq)';
    return new Map(
      this.#sql
        .all(sql)
        .map(({ tag, undelivered, held }) => [String(tag), { undelivered: Number(undelivered), held: Number(held) }]),
    );
  }

  release({ seq }: Notice): void {
    this.#write(() => this.#sql.run('UPDATE notices SET held = 0 WHERE seq = ?', seq));
  }

  hold({ seq }: Notice): void {
    this.#write(() => this.#sql.run('UPDATE notices SET held = 1 WHERE seq = ?', seq));
  }

  delivered({ seq }: Notice): void {
    this.#write(() => this.#sql.run('DELETE FROM notices WHERE seq = ?', seq));
  }

  close(): void {
    this.#db.close();
  }

  #write<T>(work: () => T): T {
    return inTransaction(this.#db, work);
  }

  #to(id: number, state: Run['state']): Run {
    this.#sql.run('UPDATE runs SET state = ? WHERE id = ?', state, id);
    return this.run(id);
  }

  #add(id: number, { taken, duplicates, rejected }: Counts): void {
    const sql = 'UPDATE runs SET taken = taken + ?, duplicates = duplicates + ?, rejected = rejected + ? WHERE id = ?';
    this.#sql.run(sql, taken, duplicates, rejected, id);
  }

  #enqueue(tag: string, { channel, message }: NoticeMessage, held: boolean): void {
    const sql = 'INSERT INTO notices (tag, channel, message, held) VALUES (?, ?, ?, ?)';
    this.#sql.run(sql, tag, channel, JSON.stringify(message), Number(held));
  }
}

function toRun(row: Row): Run {
  return {
    id: Number(row.id),
    tag: String(row.tag),
    state: row.state as Run['state'],
    pii: row.pii !== 0,
    wholly: row.pii === 1,
    bytes: Number(row.bytes),
    count: Number(row.count),
    cursor: { file: Number(row.at_file), record: Number(row.at_record) },
    counts: { taken: Number(row.taken), duplicates: Number(row.duplicates), rejected: Number(row.rejected) },
    resent: row.resent === 1,
    status: row.status as Run['status'],
    reason: row.reason as string | null,
    versionId: row.version_id as string | null,
    stream: row.stream as string | null,
    locked: row.locked === 1,
    createdAt: Number(row.created_at),
  };
}

function toFile(row: Row): RunFile {
  return {
    position: Number(row.position),
    name: String(row.name),
    size: Number(row.size),
    mtime: String(row.mtime),
    error: row.error as string | null,
    hint: row.hint as string | null,
  };
}

function toRejection(row: Row): Rejection {
  return {
    file: Number(row.file),
    record: Number(row.record),
    error: String(row.error),
    hint: String(row.hint),
  };
}

function toNotice(row: Row): Notice {
  return {
    seq: Number(row.seq),
    tag: String(row.tag),
    channel: row.channel as Notice['channel'],
    message: JSON.parse(String(row.message)) as Notice['message'],
  };
}
