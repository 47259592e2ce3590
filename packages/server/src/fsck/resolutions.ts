/** Operators' words about events in quarantine: in the journal, and in the leaves that come of them. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type ControlLeaf, canonicalize, type Leaf, ProofError, verifyControl } from '@tidemark/proof';
import type { Position } from '../event.ts';
import type { Findings } from './findings.ts';
import type { JournaledHeader } from './journal-events.ts';

export interface JournaledWord {
  /** Position of the word. */
  entry: Position;
  /** Position of the event that it is about. */
  position: Position;
  action: string;
  by: string;
  reason: string;
}

const DANGLING = `SELECT entry, resolutions.position FROM resolutions LEFT JOIN entries ON first = entry
  WHERE kind IS NOT 'resolution' OR action NOT IN ('release', 'discard') OR resolutions.position >= entry
    OR NOT EXISTS (SELECT 1 FROM entries AS events WHERE events.kind = 'events' AND events.stream = entries.stream
      AND resolutions.position >= events.first AND resolutions.position < events.first + events.count)`;
const SILENT = `SELECT first FROM entries
  WHERE kind = 'resolution' AND NOT EXISTS (SELECT 1 FROM resolutions WHERE entry = first)`;

/** Each word is an entry of its own, about an event that came before it in the same stream. */
export function checkResolutions(journal: DatabaseSync, findings: Findings): void {
  for (const { entry, position } of journal.prepare(DANGLING).iterate()) {
    findings.violation('resolution-wrong', `journal position ${entry}`, `no word about an event at ${position}`);
  }
  for (const { first } of journal.prepare(SILENT).iterate()) {
    findings.violation('resolution-wrong', `journal position ${first}`, 'a word of which nothing is kept');
  }
}

/** An event that was given up, in a part of the journal that has been dealt with, has left quarantine. */
export function checkDiscarded(
  journal: DatabaseSync,
  ledger: DatabaseSync,
  cursor: Position,
  findings: Findings,
): void {
  const moved = ledger.prepare('SELECT 1 FROM moves WHERE position = ?');
  const sql = "SELECT position FROM resolutions WHERE action = 'discard' AND entry < ?";
  for (const { position } of journal.prepare(sql).iterate(cursor)) {
    if (moved.get(Number(position)) !== undefined) continue;
    findings.violation('resolution-wrong', `journal position ${position}`, 'discarded, and no leaf says so');
  }
}

/** What operators have said about events. */
export class Words {
  readonly #word: StatementSync;

  constructor(journal: DatabaseSync) {
    this.#word = journal.prepare('SELECT * FROM resolutions WHERE position = ?');
  }

  /** The word about one of these events; undefined where there is none. */
  about(positions: readonly Position[]): JournaledWord | undefined {
    for (const position of positions) {
      const word = this.#word.get(position);
      if (word !== undefined) return word as unknown as JournaledWord;
    }
    return undefined;
  }
}

/** The first thing in which the leaf differs from what the word has to make of the event. */
export function wrongResolved(
  leaf: Leaf,
  { action, by, reason }: JournaledWord,
  { source, seq, batch, index }: JournaledHeader,
): string | undefined {
  if (action === 'release') {
    if (leaf.kind !== 'record') return `a leaf of kind ${leaf.kind} for an event that was released`;
    return canonicalize(leaf.supersedes ?? null) === canonicalize([source, seq])
      ? undefined
      : 'it does not supersede its quarantine';
  }
  if (leaf.kind !== 'control') return `a leaf of kind ${leaf.kind} for an event that was discarded`;
  const data = { source, seq, eventId: batch.eventId(index), by, reason };
  const right = leaf.action === 'quarantine-discarded' && canonicalize(leaf.data) === canonicalize(data);
  return right ? undefined : 'it does not say what the operator said';
}

/** @param logKey C2SP verifier key; by one that is malformed, nothing is signed */
export function isSignedControl(leaf: ControlLeaf, logKey: string): boolean {
  try {
    return verifyControl(leaf, logKey);
  } catch (cause) {
    if (cause instanceof ProofError) return false;
    throw cause;
  }
}
