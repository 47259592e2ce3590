/**
 * Erasing events of salted streams. An operator's word is journaled first, and hides the event at once. When its log
 * says so too, its bytes and salt are overwritten: nothing has to be derived from them any more. All of this can be cut
 * short anywhere and is gone on with at the next start.
 */
import type { ErasedRecord, Position } from './event.ts';
import { StoreError } from './store/errors.ts';
import type {
  ErasureEntry,
  ErasureWord,
  EventsEntry,
  JournalEntry,
  JournalReader,
  JournalWriter,
} from './store/journal.ts';
import type { ErasureLedger } from './store/ledger.ts';

/** What has become of the wish to have an event erased. */
export type Erasing =
  /** One word about each version, oldest first; those that stood before stay. */
  | { kind: 'erased'; entries: ErasureEntry[] }
  | { kind: 'not-found' }
  /** What is in its packets stays there. */
  | { kind: 'not-salted'; stream: string };

/**
 * An operator's word as it goes into the journal: one entry a version that none is about yet, and a cut of the stream, so
 * that its log says so soon.
 * @param positions of all versions of the event, oldest first
 */
export function erasureOf(
  journal: JournalWriter,
  positions: readonly Position[],
  { by, reason }: ErasureWord,
  at: number,
): { erasing: Erasing; fresh: JournalEntry[] } {
  const entries: ErasureEntry[] = [];
  const fresh: JournalEntry[] = [];
  for (const position of positions) {
    const { stream, events } = eventAt(journal, position);
    if (events.salts === undefined) return { erasing: { kind: 'not-salted', stream }, fresh: [] };
    const standing = journal.erasure(position);
    const first = journal.next + fresh.length;
    const entry: ErasureEntry = standing ?? { kind: 'erasure', first, stream, at, position, by, reason };
    entries.push(entry);
    if (standing === undefined) fresh.push(entry);
  }
  const [newest] = fresh.slice(-1);
  if (newest !== undefined) fresh.push({ kind: 'cut', first: newest.first + 1, stream: newest.stream, at });
  return { erasing: entries.length === 0 ? { kind: 'not-found' } : { kind: 'erased', entries }, fresh };
}

/** What the log has to say of an erased version. */
export function erasedRecord(journal: JournalReader, { first, position, by, reason }: ErasureEntry): ErasedRecord {
  const entry = eventAt(journal, position);
  const place = position - entry.first;
  const data = { source: entry.source, seq: entry.seq + place, eventId: entry.events.eventId(place), by, reason };
  return { kind: 'control', cause: first, about: position, action: 'erased', data };
}

/**
 * Overwrites what is to be erased, as far as the log has come.
 * @param forget called when something has been overwritten that may have been read before
 * @returns false while a reader holds on to what was there: to be called again soon
 */
export function eraseForGood(journal: JournalWriter, ledger: ErasureLedger, forget: () => void): boolean {
  const due = journal.erasuresToDo().filter(({ first }) => ledger.hasLeaf(first));
  if (due.length === 0) return true;
  const positions = due.map(({ position }) => position);
  journal.overwrite(positions);
  forget();
  if (![journal.trim(), ledger.trim()].every(Boolean)) return false;
  journal.noteErased(positions);
  return true;
}

function eventAt(journal: JournalReader, position: Position): EventsEntry {
  const entry = journal.entryAt(position);
  if (entry?.kind === 'events') return entry;
  throw new StoreError('damaged', `the journal has no event at ${position}`);
}
