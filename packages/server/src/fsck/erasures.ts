/** What operators have had erased: words in the journal, nothing left of the events, and leaves that say so. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type ControlLeaf, canonicalize } from '@tidemark/proof';
import type { Position } from '../event.ts';
import type { EventBatch } from '../store/batch.ts';
import type { Findings } from './findings.ts';
import type { JournaledHeader } from './journal-events.ts';

export interface JournaledErasure {
  /** Position of the word. */
  entry: Position;
  /** Position of the event. */
  position: Position;
  by: string;
  reason: string;
  /** 1: nothing is said to be left. */
  done: number;
}

const DANGLING = `SELECT entry, erasures.position FROM erasures LEFT JOIN entries ON first = entry
  WHERE kind IS NOT 'erasure' OR erasures.position >= entry
    OR NOT EXISTS (SELECT 1 FROM entries AS events WHERE events.kind = 'events' AND events.stream = entries.stream
      AND events.salts NOT NULL
      AND erasures.position >= events.first AND erasures.position < events.first + events.count)`;
const SILENT = `SELECT first FROM entries
  WHERE kind = 'erasure' AND NOT EXISTS (SELECT 1 FROM erasures WHERE entry = first)`;

/** Each word is an entry of its own, about an event that came before it in the same salted stream. */
export function checkErasures(journal: DatabaseSync, findings: Findings): void {
  for (const { entry, position } of journal.prepare(DANGLING).iterate()) {
    findings.violation('erasure-wrong', `journal position ${entry}`, `erases no event at ${position}`);
  }
  for (const { first } of journal.prepare(SILENT).iterate()) {
    findings.violation('erasure-wrong', `journal position ${first}`, 'an erasure of which nothing is kept');
  }
}

/** In the part of the journal that is in the ledger, each word has a leaf that says so. */
export function checkErased(journal: DatabaseSync, ledger: DatabaseSync, cursor: Position, findings: Findings): void {
  const placed = ledger.prepare('SELECT first, count FROM placements WHERE first <= ? ORDER BY first DESC LIMIT 1');
  let left = 0;
  for (const row of journal.prepare('SELECT entry, position, done FROM erasures').iterate()) {
    const [entry, position] = [Number(row.entry), Number(row.position)];
    if (row.done === 0) left++;
    const found = placed.get(entry);
    if (found !== undefined && entry < Number(found.first) + Number(found.count)) continue;
    if (row.done === 0 && entry >= cursor) continue;
    findings.violation('erasure-wrong', `journal position ${position}`, 'erased, and no leaf says so');
  }
  if (left > 0) findings.note('waiting', 'journal', `${left} erased events are to be overwritten by the server`);
}

/** Erasures by the events that they are about, and by themselves. */
export class Erasures {
  readonly #about: StatementSync;
  readonly #at: StatementSync;

  constructor(journal: DatabaseSync) {
    this.#about = journal.prepare('SELECT * FROM erasures WHERE position = ?');
    this.#at = journal.prepare('SELECT * FROM erasures WHERE entry = ?');
  }

  about(position: Position): JournaledErasure | undefined {
    return this.#about.get(position) as unknown as JournaledErasure | undefined;
  }

  /** The word that stands at this position of the journal. */
  at(entry: Position): JournaledErasure | undefined {
    return this.#at.get(entry) as unknown as JournaledErasure | undefined;
  }

  /** What is wrong with the bytes of an event: all gone if it is erased, and only then. */
  wrongBytes(batch: EventBatch, index: number, position: Position): string | undefined {
    const erasure = this.about(position);
    const gone = batch.isErased(index);
    if (gone && erasure === undefined) return 'its salt is gone, and nobody has had it erased';
    if (gone && batch.bytes(index).some((byte) => byte !== 0)) return 'it is erased, and its bytes are still there';
    return !gone && erasure?.done === 1 ? 'it is erased, and its salt is still there' : undefined;
  }
}

/** The first thing in which the leaf differs from what the word makes it say. @param event that it is about */
export function wrongErasure(
  leaf: ControlLeaf,
  { by, reason }: JournaledErasure,
  event: JournaledHeader | undefined,
): string | undefined {
  if (event === undefined) return undefined;
  const { source, seq, batch, index } = event;
  const data = { source, seq, eventId: batch.eventId(index), by, reason };
  const right = leaf.action === 'erased' && canonicalize(leaf.data) === canonicalize(data);
  return right ? undefined : 'it does not say what was erased';
}
