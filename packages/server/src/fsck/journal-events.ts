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

/** Events by position. Keeps one entry at hand, so neighbours should be asked for in a row. */
export class JournalEvents {
  readonly #at: StatementSync;
  #entry: Entry | undefined;

  constructor(journal: DatabaseSync) {
    this.#at = journal.prepare(
      'SELECT first, kind, source, seq, headers FROM entries WHERE first <= ? ORDER BY first DESC LIMIT 1',
    );
  }

  at(position: Position): JournaledHeader | undefined {
    const entry = this.#holding(position);
    if (entry === undefined) return undefined;
    const index = position - entry.first;
    return { source: entry.source, seq: entry.seq + index, batch: entry.batch, index };
  }

  #holding(position: Position): Entry | undefined {
    if (this.#entry !== undefined && holds(this.#entry, position)) return this.#entry;
    const row = this.#at.get(position);
    if (row?.kind !== 'events' || !(row.headers instanceof Uint8Array)) return undefined;
    const batch = new EventBatch(row.headers, NO_BYTES);
    this.#entry = { first: Number(row.first), source: String(row.source), seq: Number(row.seq), batch };
    return holds(this.#entry, position) ? this.#entry : undefined;
  }
}

function holds({ first, batch }: Entry, position: Position): boolean {
  return first <= position && position + 1 <= first + batch.count;
}
