import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Position } from '../event.ts';
import { JournalEvents } from '../fsck/journal-events.ts';
import type { Subject } from './leaf-difference.ts';
import type { DivergingEvent } from './report.ts';

/** Single events of the journal, to say which one it is. */
export class JournalLookup {
  readonly #events: JournalEvents;
  readonly #entry: StatementSync;
  readonly #erasure: StatementSync;

  constructor(journal: DatabaseSync) {
    this.#events = new JournalEvents(journal);
    this.#erasure = journal.prepare('SELECT 1 FROM erasures WHERE position = ?');
    this.#entry = journal.prepare(
      'SELECT first, seq, count FROM entries WHERE source = ? AND seq <= ? ORDER BY first DESC LIMIT 1',
    );
  }

  at(position: Position): DivergingEvent | undefined {
    const header = this.#events.at(position);
    if (header === undefined) return undefined;
    const { source, seq, batch, index } = header;
    return { source, seq, eventId: batch.eventId(index), position };
  }

  isErased(position: Position): boolean {
    return this.#erasure.get(position) !== undefined;
  }

  of([source, seq]: Subject): DivergingEvent {
    const row = this.#entry.get(source, seq);
    const place = row === undefined ? Number.NaN : seq - Number(row.seq);
    const found = place < Number(row?.count) ? this.at(Number(row?.first) + place) : undefined;
    return found ?? { source, seq, eventId: undefined, position: undefined };
  }
}
