import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Position } from '../event.ts';
import { EventBatch } from '../store/batch.ts';

/** An event as the journal's header has it; its bytes are not read. */
export interface JournaledHeader {
  source: string;
  seq: number;
  batch: EventBatch;
  index: number;
}

interface Entry {
  first: Position;
  source: string;
  seq: number;
  batch: EventBatch;
}

const NO_BYTES = Buffer.alloc(0);

/** Entries kept at hand: neighbours are asked for in a row, and fused events come from several sources at a time. */
const KEPT = 16;

/** Events by position. */
export class JournalEvents {
  readonly #at: StatementSync;
  /** The one that was asked for last comes first. */
  readonly #entries: Entry[] = [];

  constructor(journal: DatabaseSync) {
    this.#at = journal.prepare(
      'SELECT first, kind, source, seq, headers, salts FROM entries WHERE first <= ? ORDER BY first DESC LIMIT 1',
    );
  }

  at(position: Position): JournaledHeader | undefined {
    const entry = this.#holding(position);
    if (entry === undefined) return undefined;
    const index = position - entry.first;
    return { source: entry.source, seq: entry.seq + index, batch: entry.batch, index };
  }

  #holding(position: Position): Entry | undefined {
    const known = this.#entries.findIndex((entry) => holds(entry, position));
    if (known === 0) return this.#entries[0];
    const entry = known === -1 ? this.#read(position) : this.#entries.splice(known, 1)[0];
    if (entry === undefined) return undefined;
    this.#entries.unshift(entry);
    if (this.#entries.length > KEPT) this.#entries.pop();
    return entry;
  }

  #read(position: Position): Entry | undefined {
    const row = this.#at.get(position);
    if (row?.kind !== 'events' || !(row.headers instanceof Uint8Array)) return undefined;
    const batch = new EventBatch(row.headers, NO_BYTES, row.salts instanceof Uint8Array ? row.salts : undefined);
    const entry = { first: Number(row.first), source: String(row.source), seq: Number(row.seq), batch };
    return holds(entry, position) ? entry : undefined;
  }
}

function holds({ first, batch }: Entry, position: Position): boolean {
  return first <= position && position + 1 <= first + batch.count;
}
