/** Where the stages of streams go on after a restart: what they hold, and what the journal and the log say of it. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { canonicalize } from '@tidemark/proof';
import type { Position } from '../event.ts';
import type { Configs } from './configs.ts';
import type { Findings } from './findings.ts';
import type { JournalEvents } from './journal-events.ts';
import type { SeqDirectory } from './seq-directory.ts';
import type { StreamRow } from './stream-row.ts';

export interface StageFacts {
  /** Events of the stream below have been taken in: each is in a leaf, or held. */
  position: Position;
  /** Leaves that the log had then. */
  leaf: number;
  held: ReadonlySet<Position>;
}

export interface StageSources {
  journal: DatabaseSync;
  ledger: DatabaseSync;
  configs: Configs;
  seqs: SeqDirectory;
  events: JournalEvents;
  rows: ReadonlyMap<string, StreamRow>;
  /** The ledger's cursor. */
  cursor: Position;
  /** One beyond the journal's last position. */
  next: Position;
}

/** What of a saved state names events. */
interface SavedState {
  last: Record<string, number>;
  waiting?: HeldEvent[];
  agenda?: HeldEvent[];
  corrections?: HeldEvent[];
  contests?: {
    open: { members: HeldEvent[] }[];
    decided: [string, number, number, string | null, Position[]][];
  } | null;
}

interface HeldEvent {
  position: Position;
}

interface Row {
  stream: string;
  position: Position;
  leaf: number;
  /** JSON. */
  state: string;
}

/** @returns by stream */
export function checkStages(sources: StageSources, findings: Findings): Map<string, StageFacts> {
  const stages = new Map<string, StageFacts>();
  for (const row of sources.ledger.prepare('SELECT * FROM stages ORDER BY stream').all() as unknown as Row[]) {
    stages.set(row.stream, new StageCheck(row, sources, findings).run());
  }
  for (const [stream, { consumed }] of sources.rows) {
    const staged = sources.configs.inForce(stream, consumed)?.isStaged === true;
    if (staged && !stages.has(stream)) {
      findings.violation('stage-row-wrong', `stream ${stream}`, 'it goes through a stage, and there is no row of it');
    }
  }
  return stages;
}

class StageCheck {
  readonly #row: Row;
  readonly #sources: StageSources;
  readonly #findings: Findings;
  readonly #placement: StatementSync;

  constructor(row: Row, sources: StageSources, findings: Findings) {
    this.#row = row;
    this.#sources = sources;
    this.#findings = findings;
    this.#placement = sources.ledger.prepare(
      'SELECT first, count, leaf FROM placements WHERE first <= ? ORDER BY first DESC LIMIT 1',
    );
  }

  run(): StageFacts {
    const { position, leaf } = this.#row;
    const state = this.#readState();
    this.#checkBounds();
    const held = state === undefined ? [] : heldIn(state);
    const facts = { position, leaf, held: new Set(held) };
    if (state === undefined) return facts;
    if (facts.held.size < held.length) this.#report('it holds an event twice');
    this.#checkHeld(facts);
    this.#checkLeavesSince(facts);
    this.#checkDecided(state);
    this.#checkLast(state, held);
    return facts;
  }

  #readState(): SavedState | undefined {
    const { stream, position } = this.#row;
    try {
      const { config, state } = JSON.parse(this.#row.state) as { config: object; state: SavedState };
      if (canonicalize(config) !== this.#sources.configs.inForce(stream, position)?.text) {
        this.#report('its configuration is not the one that the journal has there');
      }
      if (typeof state?.last === 'object') return state;
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
    }
    this.#report('its state cannot be read');
    return undefined;
  }

  #checkBounds(): void {
    const { stream, position, leaf } = this.#row;
    const { cursor, next, configs, rows } = this.#sources;
    const size = rows.get(stream)?.size ?? 0;
    if (position < cursor) this.#report(`it goes on from ${position}, and the journal is read from ${cursor} on`);
    if (position > next) this.#report(`it goes on from ${position}, the journal ends at ${next - 1}`);
    if (leaf > size) this.#report(`its log had ${leaf} leaves then, and has ${size} now`);
    if (configs.inForce(stream, position)?.isStaged === false) this.#report('its stream goes through no stage');
  }

  /** What is held was acknowledged before, and was in no leaf then. */
  #checkHeld({ position: taken, leaf, held }: StageFacts): void {
    const { events, seqs } = this.#sources;
    for (const position of held) {
      const event = position < taken ? events.at(position) : undefined;
      if (event === undefined || seqs.stream(event.source) !== this.#row.stream) {
        this.#report(`it holds ${position}, which is no event of the stream before ${taken}`);
      } else if ((this.#leafOf(position) ?? leaf) < leaf) {
        this.#report(`it holds ${position}, which had a leaf by then`);
      }
    }
  }

  /** Leaves that have been added come of what was held, or of what has come since. */
  #checkLeavesSince({ position: taken, leaf, held }: StageFacts): void {
    const { ledger } = this.#sources;
    const since = ledger.prepare('SELECT first, count, leaf FROM placements WHERE stream = ? AND leaf + count > ?');
    for (const run of since.iterate(this.#row.stream, leaf)) {
      const skipped = Math.max(0, leaf - Number(run.leaf));
      for (let at = skipped; at < Number(run.count); at++) {
        const position = Number(run.first) + at;
        if (position >= taken || held.has(position)) continue;
        this.#report(`${position} came before and was not held, and got the leaf ${Number(run.leaf) + at} after`);
      }
    }
    const before = ledger.prepare('SELECT first, leaf FROM placements WHERE stream = ? AND first >= ? AND leaf < ?');
    for (const run of before.iterate(this.#row.stream, taken, leaf)) {
      this.#report(`${run.first} has not come by then, and has the leaf ${run.leaf}`);
    }
  }

  #checkDecided({ contests }: SavedState): void {
    const named = this.#sources.ledger.prepare('SELECT 1 FROM decisions WHERE decision = ? AND stream = ?');
    for (const [, , , decision, positions] of contests?.decided ?? []) {
      if (decision !== null && named.get(decision, this.#row.stream) === undefined) {
        this.#report(`it remembers the decision ${decision}, which is not there`);
      }
      const lost = positions.find((position) => (this.#leafOf(position) ?? this.#row.leaf) >= this.#row.leaf);
      if (lost !== undefined) this.#report(`it has decided about ${lost}, which had no leaf then`);
    }
  }

  /** Sources that have sent something since the stage began are counted; before, they may be. */
  #checkLast({ last }: SavedState, held: readonly Position[]): void {
    const { seqs, configs, events } = this.#sources;
    const { stream, position } = this.#row;
    const began = configs.stagedSince(stream, position);
    for (const source of new Set([...Object.keys(last), ...seqs.sourcesOf(stream)])) {
      const due = seqs.before(source, position);
      if (last[source] === due?.seq || (last[source] === undefined && (due?.first ?? 0) < began)) continue;
      this.#report(`of ${source} it has taken in seq ${last[source] ?? 'none'}, ${due?.seq ?? 'none'} is due`);
    }
    const uncounted = held.find((each) => last[events.at(each)?.source ?? ''] === undefined);
    if (uncounted !== undefined) this.#report(`it holds ${uncounted}, and does not count its source`);
  }

  #leafOf(position: Position): number | undefined {
    const row = this.#placement.get(position);
    const offset = row === undefined ? 0 : position - Number(row.first);
    return row !== undefined && offset < Number(row.count) ? Number(row.leaf) + offset : undefined;
  }

  #report(what: string): void {
    this.#findings.violation('stage-row-wrong', `stage of ${this.#row.stream}`, what);
  }
}

function heldIn({ waiting = [], agenda = [], corrections = [], contests }: SavedState): Position[] {
  const members = contests?.open.flatMap((contest) => contest.members) ?? [];
  return [...waiting, ...agenda, ...corrections, ...members].map(({ position }) => position);
}
