/** Journal against placements: each event below the cursors has its leaf, or is held, and nothing has two. */
import type { DatabaseSync } from 'node:sqlite';
import type { Position } from '../event.ts';
import type { Findings } from './findings.ts';
import type { StageFacts } from './stages.ts';

/** Part of an entry; `none` where the journal has a hole. */
interface Segment {
  from: Position;
  to: Position;
  kind: string;
  stream: string;
}

export interface Cursors {
  /** Every item below is in the ledger. */
  cursor: Position;
  /** By stream: its items below are in its packets. */
  consumed: ReadonlyMap<string, Position>;
  /** By stream, of those whose events go through a stage: what is below is in its packets, or held. */
  stages: ReadonlyMap<string, StageFacts>;
  /** One beyond the journal's last position. */
  next: Position;
}

/** @returns by stream, one beyond the last position that has a leaf */
export function checkPlacements(
  journal: DatabaseSync,
  ledger: DatabaseSync,
  cursors: Cursors,
  findings: Findings,
): Map<string, Position> {
  const outline = new Outline(journal);
  const placedTo = new Map<string, Position>();
  let at: Position = 1;
  let waiting = 0;
  const unplaced = (to: Position) => {
    for (const segment of outline.between(at, to)) waiting += checkUnplaced(segment, cursors, findings);
  };
  for (const row of ledger.prepare('SELECT first, count, stream FROM placements ORDER BY first').iterate()) {
    const [first, end, stream] = [Number(row.first), Number(row.first) + Number(row.count), String(row.stream)];
    if (first < at) {
      findings.violation('certified-twice', positions(first, Math.min(at, end)), 'two placements cover it');
    }
    unplaced(first);
    at = Math.max(at, first);
    for (const segment of outline.between(at, end)) checkPlaced(segment, stream, findings);
    at = Math.max(at, end);
    placedTo.set(stream, Math.max(end, placedTo.get(stream) ?? 0));
  }
  unplaced(cursors.next);
  if (waiting > 0) findings.note('waiting', 'journal', `${waiting} events wait for their packet`);
  return placedTo;
}

/** @returns how many of the segment's events rightly have no leaf yet */
function checkUnplaced(segment: Segment, { cursor, consumed, stages }: Cursors, findings: Findings): number {
  const { from, to, kind, stream } = segment;
  if (kind !== 'events') return 0;
  const stage = stages.get(stream);
  const due = Math.min(to, Math.max(from, stage?.position ?? Math.max(cursor, consumed.get(stream) ?? 0)));
  let held = 0;
  for (let at = from; at < due; ) {
    const lost = at;
    while (at < due && stage?.held.has(at) !== true) at++;
    if (at > lost) findings.violation('event-without-leaf', positions(lost, at), `the stream ${stream} passes over it`);
    for (; at < due && stage?.held.has(at) === true; at++) held++;
  }
  return to - due + held;
}

function checkPlaced({ from, to, kind, stream }: Segment, placedIn: string, findings: Findings): void {
  // A configuration has a leaf that says how it changes the one before, an erasure one that says what is erased.
  if (kind !== 'events' && kind !== 'config' && kind !== 'erasure') {
    findings.violation('leaf-without-event', positions(from, to), `placed in ${placedIn}, but it is no event`);
  } else if (stream !== placedIn) {
    findings.violation('placed-in-wrong-stream', positions(from, to), `an event of ${stream}, placed in ${placedIn}`);
  }
}

function positions(from: Position, to: Position): string {
  return to - from === 1 ? `journal position ${from}` : `journal positions ${from} to ${to - 1}`;
}

/** The journal's entries without their contents, asked for from left to right. */
class Outline {
  readonly #rows: Iterator<Record<string, unknown>>;
  #entry: Segment | undefined;

  constructor(journal: DatabaseSync) {
    this.#rows = journal.prepare('SELECT first, count, kind, stream FROM entries ORDER BY first').iterate();
    this.#advance();
  }

  *between(from: Position, to: Position): Generator<Segment> {
    for (let at = from; at < to; ) {
      while (this.#entry !== undefined && this.#entry.to <= at) this.#advance();
      const entry = this.#entry;
      if (entry === undefined || entry.from > at) {
        const end = Math.min(to, entry?.from ?? to);
        yield { from: at, to: end, kind: 'none', stream: '' };
        at = end;
      } else {
        const end = Math.min(to, entry.to);
        yield { ...entry, from: at, to: end };
        at = end;
      }
    }
  }

  #advance(): void {
    const { value, done } = this.#rows.next();
    if (done === true) this.#entry = undefined;
    else {
      const first = Number(value.first);
      this.#entry = {
        from: first,
        to: first + Number(value.count),
        kind: String(value.kind),
        stream: String(value.stream),
      };
    }
  }
}
