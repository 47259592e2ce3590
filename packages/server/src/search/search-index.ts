/** The index as one thing: what is stored, and the vectors in memory, which follow it. */
import type { Admits, IndexStep, RecordId, SearchStore, VectorRow } from '../store/search.ts';
import { cosine } from './codes.ts';
import { Greatest } from './greatest.ts';
import { type Candidate, newestFirst, VectorScan } from './vector-scan.ts';

export interface Ranked {
  id: RecordId;
  score: number;
}

/** Read at a time when the vectors are taken into memory. */
const LOADED_AT_A_TIME = 1000;

export class SearchIndex {
  readonly store: SearchStore;
  readonly #dimensions: number;
  /** From the first search for vectors on. */
  #scan: VectorScan | undefined;
  #trimDue = false;

  constructor(store: SearchStore, dimensions: number) {
    this.store = store;
    this.#dimensions = dimensions;
  }

  take(step: IndexStep): void {
    const { removed, added } = this.store.take(step);
    if (step.changes.some(({ kind }) => kind === 'remove')) this.#trimDue = true;
    this.#removed(removed);
    this.#added(added);
  }

  /** @returns whether nothing of the stream is left */
  forgetSome(stream: string): boolean {
    const { removed, done } = this.store.forgetSome(stream);
    this.#trimDue = true;
    this.#removed(removed);
    return done;
  }

  /** Of an erased event, before its log says so. */
  removeEvent(stream: string, eventId: string): void {
    const removed = this.store.removeEvent(stream, eventId);
    if (removed.length > 0) this.#trimDue = true;
    this.#removed(removed);
  }

  /** @returns how many were still wanted */
  putVectors(model: string, vectors: ReadonlyMap<RecordId, Float32Array>): number {
    const added = this.store.putVectors(model, vectors);
    this.#added(added);
    return added.length;
  }

  /** Has no file hold any more what was erased. @returns false while that has to be tried again */
  trim(): boolean {
    if (this.#trimDue && this.store.trim()) this.#trimDue = false;
    return !this.#trimDue;
  }

  /** Best first; of equals, the newest leaf. */
  matching(expression: string, k: number, admits: Admits | undefined): Ranked[] {
    return this.store.matchWords(expression, k, admits);
  }

  /** By the cosine of the angle to the vector. Best first; of equals, the newest leaf. */
  nearest(vector: Float32Array, k: number, admits: Admits | undefined): Ranked[] {
    const best = new Greatest(k);
    const scores = new Map<string, number>();
    const ranked: (Ranked & Candidate)[] = [];
    for (const candidate of this.#loaded().candidates(vector, k, admits)) {
      // Neither this one nor any after it reaches the k that are known.
      if (candidate.most < best.least) break;
      const score = scores.get(candidate.sameAs) ?? this.#cosine(candidate.id, vector);
      if (score === undefined) continue;
      scores.set(candidate.sameAs, score);
      best.offer(score);
      ranked.push({ ...candidate, score });
    }
    const chosen = ranked.sort((a, b) => b.score - a.score || newestFirst(a, b)).slice(0, k);
    return chosen.map(({ id, score }) => ({ id, score }));
  }

  #cosine(id: RecordId, vector: Float32Array): number | undefined {
    const there = this.store.vector(id);
    return there && cosine(there, vector);
  }

  #loaded(): VectorScan {
    if (this.#scan !== undefined) return this.#scan;
    const scan = new VectorScan(this.#dimensions);
    for (let after: RecordId = 0; ; ) {
      const rows = this.store.vectorsAfter(after, LOADED_AT_A_TIME);
      for (const row of rows) scan.add(row);
      const last = rows.at(-1);
      if (last === undefined) break;
      after = last.id;
    }
    this.#scan = scan;
    return scan;
  }

  #removed(ids: readonly RecordId[]): void {
    for (const id of ids) this.#scan?.remove(id);
  }

  #added(rows: readonly VectorRow[]): void {
    for (const row of rows) this.#scan?.add(row);
  }
}
