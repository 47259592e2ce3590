/** Searched streams over a real journal and ledger; what the thread of the index has, in this one. */
import { createHash } from 'node:crypto';
import type { Embedder } from '../../src/embedding/embedder.ts';
import { eraseForGood } from '../../src/erasure.ts';
import type { MappingPolicy } from '../../src/normalize/policy.ts';
import { BatchEmbedding } from '../../src/search/batch-embedding.ts';
import { SearchDesk } from '../../src/search/desk.ts';
import { Indexer } from '../../src/search/indexer.ts';
import { SearchIndex } from '../../src/search/search-index.ts';
import type { Hit, SearchQuery } from '../../src/search/service.ts';
import type { JournalEntry, ResolutionAction } from '../../src/store/journal.ts';
import { SqliteErasureLedger } from '../../src/store/sqlite/erasure-ledger.ts';
import { SqliteJournalReader } from '../../src/store/sqlite/journal.ts';
import { SqliteLedgerReader } from '../../src/store/sqlite/ledger-reader.ts';
import { SqliteSearch } from '../../src/store/sqlite/search.ts';
import { Writer } from '../support/journal.ts';
import { streamConfig } from '../support/node.ts';
import { Works } from '../support/passage.ts';
import { linesOf } from '../support/readers.ts';

export const DIMENSIONS = 8;
export const NEVER = new AbortController().signal;
const FIRST_DAY = Date.UTC(2026, 2, 1);
const DAY_MS = 86_400_000;

export interface Said {
  id: string;
  text?: string | string[];
  embedding?: unknown;
  /** Of the event's time, from 0. */
  day?: number;
  v?: number;
  more?: object;
}

/** A day's first millisecond. */
export const dayAt = (day: number) => FIRST_DAY + day * DAY_MS;

/** Vectors by the text's hash: the same for the same text, and near nothing else. */
export class HashEmbedder implements Embedder {
  readonly id: string;
  readonly dimensions = DIMENSIONS;
  readonly asked: string[] = [];
  /** Called before each answer. */
  before: (texts: readonly string[], signal: AbortSignal) => Promise<void> | void = () => {};

  constructor(id = 'hash') {
    this.id = id;
  }

  async embed(texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]> {
    await this.before(texts, signal);
    this.asked.push(...texts);
    return texts.map(vectorOf);
  }

  async close(): Promise<void> {}
}

export function vectorOf(text: string): Float32Array {
  if (text.startsWith('nothing')) return new Float32Array(DIMENSIONS);
  const bytes = createHash('sha256').update(text).digest();
  return Float32Array.from({ length: DIMENSIONS }, (_, at) => bytes.readInt16LE(2 * at) / 32_768);
}

export interface OpenOptions {
  searched?: ReadonlyMap<string, readonly string[]>;
  dimensions?: number;
  embedder?: Embedder;
}

export const SEARCHED: ReadonlyMap<string, readonly string[]> = new Map([
  ['notes', ['text']],
  ['safe', ['text', 'more.title']],
]);

export class World {
  readonly dir: string;
  readonly works: Works;
  readonly #writer = new Writer();
  #at = 1;

  constructor(dir: string) {
    this.dir = dir;
    this.works = new Works(dir);
  }

  /** `notes`, the salted stream `safe`, and `other`, which is not searched. */
  async begin(maxEvents = 3): Promise<void> {
    await this.configure('notes', { constraints: { bounds: { v: { max: 7 } } } }, maxEvents);
    await this.configure('safe', {}, maxEvents);
    await this.configure('other', {}, maxEvents);
  }

  async configure(stream: string, policy: MappingPolicy, maxEvents = 3): Promise<void> {
    const config = streamConfig(stream, { [`of-${stream}`]: policy }, maxEvents);
    await this.#write([this.#writer.config(stream === 'safe' ? { ...config, salted: true } : config, this.#at++)]);
  }

  /** Certifies events, and gives their positions in the journal. */
  async say(stream: string, said: readonly Said[], supersedes?: number): Promise<number[]> {
    const raws = said.map(({ id, day = 0, ...rest }) => ({
      id,
      text: JSON.stringify({ id, ts: new Date(dayAt(day)).toISOString(), ...rest }),
      ...(supersedes !== undefined && { supersedes }),
    }));
    const entry = this.#writer.events(stream, `of-${stream}`, raws, this.#at++, stream === 'safe');
    await this.#write([entry, this.#writer.cut(stream, this.#at++)]);
    return said.map((_, place) => entry.first + place);
  }

  async resolve(stream: string, position: number, action: ResolutionAction): Promise<void> {
    const word = this.#writer.resolution(stream, position, action, this.#at++);
    await this.#write([word, this.#writer.cut(stream, this.#at++)]);
  }

  /** The operator's word, which hides the event; the log does not say so yet. */
  journalErasure(stream: string, positions: readonly number[]): void {
    const words = positions.map((position) => this.#writer.erasure(stream, position, this.#at++));
    this.works.journal.append([...words, this.#writer.cut(stream, this.#at++)]);
  }

  async certify(): Promise<void> {
    await this.works.run();
  }

  /** @returns whether nothing is left in journal and ledger */
  overwrite(): boolean {
    const ledger = new SqliteErasureLedger(this.dir);
    const done = eraseForGood(this.works.journal, ledger, () => {});
    ledger.close();
    return done;
  }

  open({ searched = SEARCHED, dimensions = DIMENSIONS, embedder = new HashEmbedder() }: OpenOptions = {}): Opened {
    return new Opened(this.dir, searched, dimensions, embedder);
  }

  close(): void {
    this.works.close();
  }

  async #write(entries: readonly JournalEntry[]): Promise<void> {
    this.works.journal.append(entries);
    await this.works.run();
  }
}

export class Opened {
  readonly store: SqliteSearch;
  readonly index: SearchIndex;
  readonly indexer: Indexer;
  readonly desk: SearchDesk;
  readonly batches: BatchEmbedding;
  readonly ledger: SqliteLedgerReader;
  readonly #journal: SqliteJournalReader;
  #closed = false;

  constructor(dir: string, searched: ReadonlyMap<string, readonly string[]>, dimensions: number, embedder: Embedder) {
    this.#journal = new SqliteJournalReader(dir);
    this.ledger = new SqliteLedgerReader(dir);
    this.store = new SqliteSearch(dir);
    this.store.keepModel(embedder.id);
    this.index = new SearchIndex(this.store, dimensions);
    const lines = linesOf(dir, this.#journal, this.ledger);
    const { ledger, index } = this;
    this.indexer = new Indexer({ ledger, lines, index, settings: { searched, dimensions } });
    this.desk = new SearchDesk({
      ...{ index, embedder, dimensions },
      reliable: () => (this.indexer.cleaning ? this.indexer.streams : undefined),
      erased: (stream, leaf) => {
        const position = ledger.positionOfLeaf(stream, leaf);
        return position !== undefined && this.#journal.erasure(position) !== undefined;
      },
    });
    this.batches = new BatchEmbedding({ index, indexer: this.indexer, embedder });
  }

  /** @returns how many commits it took */
  catchUp(): number {
    let steps = 0;
    while (this.indexer.step()) steps++;
    this.index.trim();
    return steps;
  }

  find(text: string, more: Partial<SearchQuery> = {}): Promise<Hit[]> {
    return this.desk.search({ mode: 'fulltext', text, k: 100, ...more }, NEVER);
  }

  near(vector: ArrayLike<number>, more: Partial<SearchQuery> = {}): Promise<Hit[]> {
    return this.desk.search({ mode: 'semantic', vector: [...Array.from(vector)], k: 100, ...more }, NEVER);
  }

  /** Once more changes nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const part of [this.store, this.#journal, this.ledger]) part.close();
  }
}
