/** What was noticed of events that are certified all the same: each is of a leaf of its event. */
import type { DatabaseSync } from 'node:sqlite';
import type { Findings } from './findings.ts';

/** Rows that are of no leaf that their event has, or of one that says that it was refused. */
const STRAY = `SELECT position, leaf, stream FROM notes
  WHERE EXISTS (SELECT 1 FROM quarantine WHERE quarantine.position = notes.position AND quarantine.leaf = notes.leaf)
    OR NOT EXISTS (SELECT 1 FROM moves
      WHERE moves.position = notes.position AND moves.leaf = notes.leaf AND moves.stream = notes.stream)
    AND NOT EXISTS (SELECT 1 FROM
      (SELECT * FROM placements WHERE first <= notes.position ORDER BY first DESC LIMIT 1) AS placed
      WHERE notes.position < placed.first + placed.count AND placed.stream = notes.stream
        AND notes.leaf - placed.leaf = notes.position - placed.first)`;

export function checkNotes(ledger: DatabaseSync, findings: Findings): void {
  for (const { position, leaf, stream } of ledger.prepare(STRAY).iterate()) {
    const what = `there are notes on journal position ${position}, which is not certified there`;
    findings.violation('notes-wrong', `stream ${stream} leaf ${leaf}`, what);
  }
  for (const { leaf, stream, notes } of ledger.prepare('SELECT leaf, stream, notes FROM notes').iterate()) {
    if (areNotes(String(notes))) continue;
    findings.violation('notes-wrong', `stream ${stream} leaf ${leaf}`, 'its notes cannot be read');
  }
}

function areNotes(text: string): boolean {
  try {
    const notes: unknown = JSON.parse(text);
    return Array.isArray(notes) && notes.length > 0 && notes.every((note) => typeof note === 'string');
  } catch (cause) {
    if (cause instanceof SyntaxError) return false;
    throw cause;
  }
}
