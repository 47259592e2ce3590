import type { DatabaseSync } from 'node:sqlite';
import type { Position } from '../event.ts';
import type { Findings } from './findings.ts';

interface Run {
  first: Position;
  count: number;
  leaf: number;
}

/** Which journal item each leaf of a stream stands for, asked for from left to right. Leaf 0 is the log's header. */
export class LeafPositions {
  readonly #stream: string;
  readonly #findings: Findings;
  readonly #rows: Iterator<Record<string, unknown>>;
  #run: Run | undefined;
  /** Leaves below have been found missing already. */
  #reported = 0;

  constructor(ledger: DatabaseSync, stream: string, findings: Findings) {
    this.#stream = stream;
    this.#findings = findings;
    const sql = 'SELECT first, count, leaf FROM placements WHERE stream = ? ORDER BY leaf, first';
    this.#rows = ledger.prepare(sql).iterate(stream);
    this.#run = this.#read();
  }

  /** @param end leaves up to here are to be asked for: a hole is reported as a whole */
  at(leaf: number, end: number): Position | undefined {
    while (this.#run !== undefined && this.#run.leaf + this.#run.count <= leaf) this.#advance();
    const run = this.#run;
    if (run !== undefined && run.leaf <= leaf) return run.first + (leaf - run.leaf);
    const to = Math.min(end, run?.leaf ?? end);
    if (leaf >= this.#reported) {
      this.#findings.violation(
        'leaf-without-event',
        `stream ${this.#stream} ${leaves(leaf, to)}`,
        'no placement has it',
      );
      this.#reported = to;
    }
    return undefined;
  }

  /** @param size leaves of the log: what is placed beyond is nowhere */
  finish(size: number): void {
    for (; this.#run !== undefined; this.#advance()) {
      const { first, count, leaf } = this.#run;
      if (leaf + count <= size) continue;
      const what = `placed on ${leaves(leaf, leaf + count)} of ${this.#stream}, whose log has ${size} leaves`;
      this.#findings.violation('event-without-leaf', `journal position ${first}`, what);
    }
  }

  #advance(): void {
    const before = this.#run;
    this.#run = this.#read();
    if (before === undefined || this.#run === undefined) return;
    const { first, leaf } = this.#run;
    const where = `stream ${this.#stream} leaf ${leaf}`;
    if (leaf < before.leaf + before.count) this.#findings.violation('leaf-of-two-events', where, 'placements overlap');
    else if (first < before.first + before.count) {
      this.#findings.violation('order-wrong', where, `journal position ${first} comes after a later one`);
    }
  }

  #read(): Run | undefined {
    const { value, done } = this.#rows.next();
    if (done === true) return undefined;
    return { first: Number(value.first), count: Number(value.count), leaf: Number(value.leaf) };
  }
}

function leaves(from: number, to: number): string {
  return to - from === 1 ? `leaf ${from}` : `leaves ${from} to ${to - 1}`;
}
