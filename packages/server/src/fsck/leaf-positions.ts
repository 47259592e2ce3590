import type { DatabaseSync } from 'node:sqlite';
import type { Position } from '../event.ts';
import type { Findings } from './findings.ts';

interface Run {
  first: Position;
  count: number;
  leaf: number;
}

/** The journal items that a leaf stands for. */
export interface LeafItems {
  /** Those that have no earlier leaf. */
  placed: readonly Position[];
  /** Those that have one. */
  moved: readonly Position[];
}

/** Which journal items each leaf of a stream stands for, asked for from left to right. Leaf 0 is the log's header. */
export class LeafPositions {
  readonly #stream: string;
  readonly #findings: Findings;
  readonly #rows: Iterator<Record<string, unknown>>;
  readonly #moves: Iterator<Record<string, unknown>>;
  /** Those that hold the leaf that was asked for last. */
  #runs: Run[] = [];
  #next: Run | undefined;
  #last: Run | undefined;
  #nextMove: { position: Position; leaf: number } | undefined;
  /** Of the leaf that was asked for last. */
  #moved: { leaf: number; positions: Position[] } = { leaf: 0, positions: [] };
  /** Leaves below have been found missing already. */
  #reported = 0;

  constructor(ledger: DatabaseSync, stream: string, findings: Findings) {
    this.#stream = stream;
    this.#findings = findings;
    const sql = 'SELECT first, count, leaf FROM placements WHERE stream = ? ORDER BY leaf, first';
    this.#rows = ledger.prepare(sql).iterate(stream);
    this.#moves = ledger
      .prepare('SELECT position, leaf FROM moves WHERE stream = ? ORDER BY leaf, position')
      .iterate(stream);
    this.#next = this.#read();
    this.#nextMove = this.#readMove();
  }

  /**
   * @param end leaves up to here are to be asked for: a hole is reported as a whole
   * @param inOrder the leaves have to follow the journal
   */
  at(leaf: number, end: number, inOrder: boolean): LeafItems {
    if (this.#runs.some((run) => run.leaf + run.count <= leaf)) {
      this.#runs = this.#runs.filter((run) => run.leaf + run.count > leaf);
    }
    while (this.#next !== undefined && this.#next.leaf <= leaf) this.#take(this.#next, leaf, inOrder);
    const placed = this.#runs.map((run) => run.first + (leaf - run.leaf));
    const moved = this.#movedTo(leaf);
    if (placed.length === 0 && moved.length === 0) this.#reportHole(leaf, end);
    return { placed, moved };
  }

  /** @param size leaves of the log: what is placed beyond is nowhere */
  finish(size: number): void {
    const beyond = this.#runs.filter((run) => run.leaf + run.count > size);
    for (let run = this.#next; run !== undefined; run = this.#read()) beyond.push(run);
    for (const { first, count, leaf } of beyond) {
      const what = `placed on ${leaves(leaf, leaf + count)} of ${this.#stream}, whose log has ${size} leaves`;
      this.#findings.violation('event-without-leaf', `journal position ${first}`, what);
    }
    for (; this.#nextMove !== undefined; this.#nextMove = this.#readMove()) this.#reportMove(this.#nextMove);
  }

  #take(run: Run, leaf: number, inOrder: boolean): void {
    const before = this.#last;
    this.#last = run;
    this.#next = this.#read();
    if (run.leaf + run.count > leaf) this.#runs.push(run);
    const follows = before === undefined || run.leaf < before.leaf + before.count;
    if (follows || !inOrder || run.first >= before.first + before.count) return;
    const where = `stream ${this.#stream} leaf ${run.leaf}`;
    this.#findings.violation('order-wrong', where, `journal position ${run.first} comes after a later one`);
  }

  #movedTo(leaf: number): Position[] {
    if (this.#moved.leaf === leaf) return this.#moved.positions;
    const positions: Position[] = [];
    for (let move = this.#nextMove; move !== undefined && move.leaf <= leaf; move = this.#nextMove) {
      if (move.leaf === leaf) positions.push(move.position);
      else this.#reportMove(move);
      this.#nextMove = this.#readMove();
    }
    this.#moved = { leaf, positions };
    return positions;
  }

  #reportHole(leaf: number, end: number): void {
    if (leaf < this.#reported) return;
    const to = Math.min(end, this.#next?.leaf ?? end, this.#nextMove?.leaf ?? end);
    const where = `stream ${this.#stream} ${leaves(leaf, to)}`;
    this.#findings.violation('leaf-without-event', where, 'no placement has it');
    this.#reported = to;
  }

  #reportMove({ position, leaf }: { position: Position; leaf: number }): void {
    const what = `journal position ${position} is said to have moved there`;
    this.#findings.violation('move-wrong', `stream ${this.#stream} leaf ${leaf}`, what);
  }

  #read(): Run | undefined {
    const { value, done } = this.#rows.next();
    if (done === true) return undefined;
    return { first: Number(value.first), count: Number(value.count), leaf: Number(value.leaf) };
  }

  #readMove(): { position: Position; leaf: number } | undefined {
    const { value, done } = this.#moves.next();
    return done === true ? undefined : { position: Number(value.position), leaf: Number(value.leaf) };
  }
}

function leaves(from: number, to: number): string {
  return to - from === 1 ? `leaf ${from}` : `leaves ${from} to ${to - 1}`;
}
