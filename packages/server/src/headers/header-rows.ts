/** The header store's rows: the best chain, and the branches beside it. To be used within a transaction. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { hashOf, keyOf, prevHashOf } from './raw-header.ts';

export interface HeaderRow {
  hash: string;
  height: number;
  /** Of all blocks after the pin up to this one. */
  work: bigint;
  /** Height of the block of the best chain that its branch grows from; absent on the best chain itself. */
  fork: number | undefined;
  /** Absent in the pinned block until it is given. */
  header: Uint8Array | undefined;
}

type Row = Record<string, unknown>;

export class HeaderRows {
  readonly #statements = new Map<string, StatementSync>();
  readonly #db: DatabaseSync;
  readonly #pinned: string;

  /** @param pinned hash of the pinned block */
  constructor(db: DatabaseSync, pinned: string) {
    this.#db = db;
    this.#pinned = pinned;
  }

  tip(): HeaderRow {
    return this.#best(this.#statement('SELECT * FROM best ORDER BY height DESC LIMIT 1').get() ?? {});
  }

  find(hash: string): HeaderRow | undefined {
    const best = this.#onBest(hash);
    if (best !== undefined) return best;
    const row = this.#statement('SELECT * FROM side WHERE hash = ?').get(toBlob(hash));
    return row && toSide(row);
  }

  append({ height, hash, work, header }: HeaderRow): void {
    this.#statement('INSERT INTO best VALUES (?, ?, ?, ?)').run(height, keyOf(hash), workBlob(work), header ?? null);
  }

  addSide({ hash, height, work, header }: HeaderRow, fork: number): void {
    this.#statement('INSERT INTO side VALUES (?, ?, ?, ?, ?)').run(
      toBlob(hash),
      height,
      fork,
      workBlob(work),
      header ?? null,
    );
  }

  /** Gives the pinned block its header. */
  fillPinned(height: number, header: Uint8Array): void {
    this.#statement('UPDATE best SET header = ? WHERE height = ?').run(header, height);
  }

  /**
   * Makes the branch that ends in `hash` and grows from height `fork` the best chain.
   * @returns the blocks that it takes the place of, lowest first
   */
  switchTo(hash: string, fork: number): HeaderRow[] {
    const left = this.#statement('SELECT * FROM best WHERE height > ? ORDER BY height').all(fork);
    const leaving = left.map((row) => this.#best(row));
    const joining: HeaderRow[] = [];
    for (let at = this.find(hash); at?.fork !== undefined; at = this.find(prevHashOf(headerOf(at)))) joining.push(at);
    this.#statement('DELETE FROM best WHERE height > ?').run(fork);
    for (const row of leaving) this.addSide(row, fork);
    for (const row of joining.reverse()) {
      this.#dropSide(row.hash);
      this.append(row);
    }
    this.#findForks();
    return leaving;
  }

  /** Forgets the branches that grow from below `height`, and of the others all but the best ones. */
  prune(height: number, limit: number): void {
    this.#statement('DELETE FROM side WHERE fork < ?').run(height);
    if (Number(this.#statement('SELECT count(*) AS n FROM side').get()?.n) <= limit) return;
    // By work, so that the newest block of a branch comes before those it follows.
    const rows = this.#statement('SELECT * FROM side ORDER BY work DESC').all().map(toSide);
    const kept = keepBranches(rows, limit);
    for (const { hash } of rows) if (!kept.has(hash)) this.#dropSide(hash);
  }

  /** Where each branch parts from the best chain, after that has changed. */
  #findForks(): void {
    const forks = new Map<string, number | undefined>();
    const update = this.#statement('UPDATE side SET fork = ? WHERE hash = ?');
    for (const row of this.#statement('SELECT * FROM side ORDER BY height').all().map(toSide)) {
      const parent = prevHashOf(headerOf(row));
      const fork = forks.get(parent) ?? this.#onBest(parent)?.height ?? row.fork;
      forks.set(row.hash, fork);
      if (fork !== undefined && fork !== row.fork) update.run(fork, toBlob(row.hash));
    }
  }

  #onBest(hash: string): HeaderRow | undefined {
    const rows = this.#statement('SELECT * FROM best WHERE key = ?').all(keyOf(hash));
    return rows.map((row) => this.#best(row)).find((row) => row.hash === hash);
  }

  #best(row: Row): HeaderRow {
    const header = (row.header as Uint8Array | null) ?? undefined;
    const hash = header === undefined ? this.#pinned : hashOf(header);
    return { hash, height: Number(row.height), work: toWork(row.work), fork: undefined, header };
  }

  #dropSide(hash: string): void {
    this.#statement('DELETE FROM side WHERE hash = ?').run(toBlob(hash));
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** Whole branches, those with the most work first, up to `limit` blocks. @param rows by work, most first */
function keepBranches(rows: readonly HeaderRow[], limit: number): Set<string> {
  const byHash = new Map(rows.map((row) => [row.hash, row]));
  const kept = new Set<string>();
  for (const { hash } of rows) {
    const branch: string[] = [];
    for (let at = byHash.get(hash); at !== undefined && !kept.has(at.hash); at = byHash.get(prevHashOf(headerOf(at)))) {
      branch.push(at.hash);
    }
    if (kept.size + branch.length > limit) break;
    for (const member of branch) kept.add(member);
  }
  return kept;
}

/** Only the pinned block can be without, and it is on no branch. */
function headerOf({ header }: HeaderRow): Uint8Array {
  return header ?? new Uint8Array(80);
}

function toSide(row: Row): HeaderRow {
  return {
    hash: Buffer.from(row.hash as Uint8Array).toString('hex'),
    height: Number(row.height),
    work: toWork(row.work),
    fork: Number(row.fork),
    header: row.header as Uint8Array,
  };
}

function toWork(blob: unknown): bigint {
  return BigInt(`0x${Buffer.from(blob as Uint8Array).toString('hex')}`);
}

function toBlob(hash: string): Buffer {
  return Buffer.from(hash, 'hex');
}

/** Fixed width, so that bytes order as the numbers do. */
export function workBlob(work: bigint): Buffer {
  return Buffer.from(work.toString(16).padStart(64, '0'), 'hex');
}
