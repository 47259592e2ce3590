/** The read side of the journal in SQLite: a row an entry, so a batch of a thousand events is one row. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import type { Position } from '../../event.ts';
import { EventBatch } from '../batch.ts';
import { StoreError } from '../errors.ts';
import {
  type BatchEntry,
  type BatchMarks,
  type ConfigEntry,
  type ErasureEntry,
  itemsOf,
  type JournalEntry,
  type JournalReader,
  type ResolutionEntry,
} from '../journal.ts';
import { openDatabase } from './database.ts';

export const JOURNAL_FILE = 'journal.db';
/** Rows fetched at a time while reading; a read also stops at its byte budget. */
const READ_ROWS = 64;
/** Raw bytes after which a read backwards stops. */
const BACKWARDS_BYTES = 1024 * 1024;

export type Row = Record<string, SQLOutputValue>;

/** Whether there is data in the directory. */
export function hasJournal(dir: string): boolean {
  return existsSync(join(dir, JOURNAL_FILE));
}

export class SqliteJournalReader implements JournalReader {
  protected readonly db: DatabaseSync;
  readonly #from: StatementSync;
  readonly #at: StatementSync;
  readonly #backwards: StatementSync;
  readonly #backwardsOfSource: StatementSync;
  readonly #span: StatementSync;
  readonly #last: StatementSync;
  readonly #configBefore: StatementSync;
  readonly #resolutionOf: StatementSync;
  readonly #resolution: StatementSync;
  readonly #erasureOf: StatementSync;
  readonly #erasure: StatementSync;
  readonly #toDo: StatementSync;
  readonly #markOf: StatementSync;
  readonly #mark: StatementSync;
  readonly #openBatch: StatementSync;

  constructor(dir: string, db = openDatabase(join(dir, JOURNAL_FILE))) {
    this.db = db;
    this.#from = db.prepare('SELECT * FROM entries WHERE first >= ? ORDER BY first LIMIT ?');
    this.#at = db.prepare('SELECT * FROM entries WHERE first <= ? ORDER BY first DESC LIMIT 1');
    this.#backwards = db.prepare(
      "SELECT * FROM entries WHERE first < ? AND kind = 'events' ORDER BY first DESC LIMIT ?",
    );
    this.#backwardsOfSource = db.prepare(
      'SELECT * FROM entries WHERE first < ? AND source = ? ORDER BY first DESC LIMIT ?',
    );
    this.#span = db.prepare('SELECT first, count FROM entries WHERE first <= ? ORDER BY first DESC LIMIT 1');
    this.#configBefore = db.prepare(
      "SELECT * FROM entries WHERE stream = ? AND kind = 'config' AND first < ? ORDER BY first DESC LIMIT 1",
    );
    this.#last = db.prepare('SELECT first, count FROM entries ORDER BY first DESC LIMIT 1');
    this.#resolutionOf = db.prepare('SELECT entry FROM resolutions WHERE position = ?');
    this.#resolution = db.prepare('SELECT * FROM resolutions WHERE entry = ?');
    this.#erasureOf = db.prepare('SELECT entry FROM erasures WHERE position = ?');
    this.#erasure = db.prepare('SELECT * FROM erasures WHERE entry = ?');
    this.#toDo = db.prepare('SELECT entry FROM erasures WHERE done = 0 ORDER BY entry');
    this.#markOf = db.prepare('SELECT entry FROM batch_marks WHERE batch = ? AND action = ?');
    this.#mark = db.prepare('SELECT * FROM batch_marks WHERE entry = ?');
    this.#openBatch = db.prepare(
      `SELECT entry, EXISTS (SELECT 1 FROM batch_marks WHERE batch = mark.batch AND action = 'end') AS ended
         FROM batch_marks AS mark JOIN entries ON first = entry WHERE action = 'open' AND stream = ?
         ORDER BY entry DESC LIMIT 1`,
    );
  }

  head(): Position {
    const row = this.#last.get();
    return row === undefined ? 0 : Number(row.first) + Number(row.count) - 1;
  }

  read(from: Position, maxBytes: number): JournalEntry[] {
    const entries: JournalEntry[] = [];
    const span = this.#span.get(from);
    const inside = span !== undefined && from < Number(span.first) + Number(span.count);
    let next = inside ? Number(span.first) : from;
    let bytes = 0;
    do {
      const rows = this.#from.iterate(next, READ_ROWS);
      let fetched = 0;
      for (const row of rows) {
        const entry = this.#toEntry(row);
        entries.push(entry);
        fetched++;
        next = entry.first + itemsOf(entry);
        if (entry.kind === 'events') bytes += entry.events.raw.length;
        if (bytes >= maxBytes) break;
      }
      if (fetched < READ_ROWS) break;
    } while (bytes < maxBytes);
    return entries;
  }

  readBackwards(before: Position, limit: number, source?: string): JournalEntry[] {
    const rows =
      source === undefined
        ? this.#backwards.iterate(before, limit)
        : this.#backwardsOfSource.iterate(before, source, limit);
    const entries: JournalEntry[] = [];
    let bytes = 0;
    for (const row of rows) {
      const entry = this.#toEntry(row);
      entries.push(entry);
      if (entry.kind === 'events') bytes += entry.events.raw.length;
      if (bytes >= BACKWARDS_BYTES) break;
    }
    return entries;
  }

  entryAt(position: Position): JournalEntry | undefined {
    const row = this.#at.get(position);
    if (row === undefined) return undefined;
    const entry = this.#toEntry(row);
    return position < entry.first + itemsOf(entry) ? entry : undefined;
  }

  configBefore(stream: string, before: Position): ConfigEntry | undefined {
    const row = this.#configBefore.get(stream, before);
    const entry = row && this.#toEntry(row);
    return entry?.kind === 'config' ? entry : undefined;
  }

  resolution(position: Position): ResolutionEntry | undefined {
    const row = this.#resolutionOf.get(position);
    const entry = row && this.entryAt(Number(row.entry));
    return entry?.kind === 'resolution' ? entry : undefined;
  }

  erasure(position: Position): ErasureEntry | undefined {
    const row = this.#erasureOf.get(position);
    return row && this.#erasureAt(Number(row.entry));
  }

  erasuresToDo(): ErasureEntry[] {
    return this.#toDo.all().flatMap((row) => this.#erasureAt(Number(row.entry)) ?? []);
  }

  batch(tag: string): BatchMarks | undefined {
    const opened = this.#batchEntry(this.#markOf.get(tag, 'open'));
    return opened && { opened, ended: this.#batchEntry(this.#markOf.get(tag, 'end')) };
  }

  openBatch(stream: string): BatchEntry | undefined {
    // A stream has one batch at a time: it is the last one, or there is none.
    const last = this.#openBatch.get(stream);
    return last?.ended === 0 ? this.#batchEntry(last) : undefined;
  }

  /** Every configuration that any stream has had. */
  configs(): string[] {
    const rows = this.db.prepare("SELECT config FROM entries WHERE kind = 'config'").all();
    return rows.map((row) => String(row.config));
  }

  close(): void {
    this.db.close();
  }

  #toEntry(row: Row): JournalEntry {
    const common = { first: Number(row.first), stream: String(row.stream), at: Number(row.at) };
    switch (row.kind) {
      case 'events':
        return {
          ...common,
          kind: 'events',
          source: String(row.source),
          seq: Number(row.seq),
          events: toBatch(row),
        };
      case 'cut':
        return { ...common, kind: 'cut' };
      case 'config':
        return { ...common, kind: 'config', config: String(row.config) };
      case 'resolution':
        return { ...common, kind: 'resolution', ...this.#wordOf(common.first) };
      case 'erasure':
        return { ...common, kind: 'erasure', ...this.#erasedBy(common.first) };
      case 'batch':
        return { ...common, kind: 'batch', ...this.#markAt(common.first) };
      default:
        throw new StoreError('damaged', `journal entry ${common.first} is of unknown kind ${String(row.kind)}`);
    }
  }

  #wordOf(entry: Position): Pick<ResolutionEntry, 'position' | 'action' | 'by' | 'reason'> {
    const row = this.#resolution.get(entry);
    if (row?.action !== 'release' && row?.action !== 'discard') {
      throw new StoreError('damaged', `journal entry ${entry} is of no word that is known`);
    }
    const { action, position, by, reason } = row;
    return { action, position: Number(position), by: String(by), reason: String(reason) };
  }

  #batchEntry(row: Row | undefined): BatchEntry | undefined {
    const found = row && this.entryAt(Number(row.entry));
    return found?.kind === 'batch' ? found : undefined;
  }

  #markAt(entry: Position): Pick<BatchEntry, 'batch' | 'action'> {
    const row = this.#mark.get(entry);
    if (row?.action !== 'open' && row?.action !== 'end') {
      throw new StoreError('damaged', `journal entry ${entry} marks no batch that is known`);
    }
    return { batch: String(row.batch), action: row.action };
  }

  #erasureAt(entry: Position): ErasureEntry | undefined {
    const found = this.entryAt(entry);
    return found?.kind === 'erasure' ? found : undefined;
  }

  #erasedBy(entry: Position): Pick<ErasureEntry, 'position' | 'by' | 'reason'> {
    const row = this.#erasure.get(entry);
    if (row === undefined) throw new StoreError('damaged', `journal entry ${entry} erases no event that is known`);
    return { position: Number(row.position), by: String(row.by), reason: String(row.reason) };
  }
}

export function toBatch({ headers, raw, salts }: Row): EventBatch {
  return new EventBatch(headers as Uint8Array, raw as Uint8Array, (salts as Uint8Array | null) ?? undefined);
}
