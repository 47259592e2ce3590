/** Answers searches: the best of all that are admitted, whichever way they are looked for. */
import type { Embedder } from '../embedding/embedder.ts';
import { admission } from './admission.ts';
import { vectorFault } from './codes.ts';
import { SearchError } from './errors.ts';
import { fuse } from './reciprocal-rank.ts';
import type { Ranked, SearchIndex } from './search-index.ts';
import { type Hit, MAX_HITS, type SearchQuery } from './service.ts';
import { snippetOf } from './snippet.ts';
import { type WordQuery, wordQuery } from './words.ts';

export interface SearchDeskParts {
  index: SearchIndex;
  embedder: Embedder;
  dimensions: number;
  /** Streams whose records can be relied on; undefined where that is all of them. */
  reliable: () => ReadonlySet<string> | undefined;
  /** Whether the event at this leaf has been erased, though the index may not know it yet. */
  erased: (stream: string, leaf: number) => boolean;
}

/** Of a text in a hit. */
const MAX_TEXT = 2000;
/** Taken of each list where two are fused. */
const FUSED_DEPTH = MAX_HITS;
const KEPT_VECTORS = 256;

/** What is looked for, in each way. */
interface Wanted {
  words: WordQuery | undefined;
  vector: Float32Array | undefined;
}

type Scored = Ranked & Pick<Hit, 'scores'>;

export class SearchDesk {
  readonly #parts: SearchDeskParts;
  /** Of texts that were searched for, the newest last. */
  readonly #vectors = new Map<string, Float32Array>();

  constructor(parts: SearchDeskParts) {
    this.#parts = parts;
  }

  /** @throws SearchError */
  async search(query: SearchQuery, signal: AbortSignal): Promise<Hit[]> {
    if (!Number.isSafeInteger(query.k) || query.k < 1 || query.k > MAX_HITS) {
      throw new SearchError('query-invalid', `k is to be 1 to ${MAX_HITS}`);
    }
    const wanted = await this.#wanted(query, signal);
    for (;;) {
      const hits = this.#ranked(query, wanted).flatMap((ranked) => this.#hit(ranked, wanted.words) ?? []);
      const erased = hits.filter(({ stream, leaf }) => this.#parts.erased(stream, leaf));
      if (erased.length === 0) return hits;
      // They leave their places to others.
      for (const { stream, eventId } of erased) this.#parts.index.removeEvent(stream, eventId);
    }
  }

  async #wanted({ mode, text, vector }: SearchQuery, signal: AbortSignal): Promise<Wanted> {
    if (mode !== 'semantic' && text === undefined) throw new SearchError('query-invalid', `${mode} needs a text`);
    const words = mode === 'semantic' ? undefined : wordQuery(text ?? '');
    if (mode === 'fulltext') return { words, vector: undefined };
    if (vector !== undefined) return { words, vector: this.#checked(vector) };
    if (text === undefined || text.trim() === '') {
      throw new SearchError('query-invalid', `${mode} needs a text or a vector`);
    }
    return { words, vector: await this.#vectorOf(text, signal) };
  }

  #checked(vector: readonly number[]): Float32Array {
    const fault = vectorFault(vector, this.#parts.dimensions);
    if (fault !== undefined) throw new SearchError('query-invalid', `the vector is not usable: ${fault}`);
    return Float32Array.from(vector);
  }

  async #vectorOf(text: string, signal: AbortSignal): Promise<Float32Array> {
    const known = this.#vectors.get(text);
    const vector = known ?? (await this.#embedded(text, signal));
    this.#vectors.delete(text);
    this.#vectors.set(text, vector);
    const [oldest] = this.#vectors.keys();
    if (this.#vectors.size > KEPT_VECTORS && oldest !== undefined) this.#vectors.delete(oldest);
    return vector;
  }

  async #embedded(text: string, signal: AbortSignal): Promise<Float32Array> {
    const { embedder, dimensions } = this.#parts;
    const [vector] = await embedder.embed([text], signal).catch((cause) => {
      if (signal.aborted) throw new SearchError('cancelled', 'no longer wanted', { cause });
      throw new SearchError('embedding-failed', 'no vector was made of the text', { cause });
    });
    const fault = vectorFault(vector ?? [], dimensions);
    if (fault !== undefined || vector === undefined) {
      throw new SearchError('embedding-failed', `the vector made of the text is not usable: ${fault}`);
    }
    return vector;
  }

  #ranked(query: SearchQuery, { words: wanted, vector }: Wanted): Scored[] {
    const { index, reliable } = this.#parts;
    const admits = admission({ ...query, streams: both(query.streams, reliable()) });
    const depth = query.mode === 'hybrid' ? FUSED_DEPTH : query.k;
    const words = wanted === undefined ? [] : index.matching(wanted.expression, depth, admits);
    const near = vector === undefined ? [] : index.nearest(vector, depth, admits);
    if (query.mode === 'fulltext') return words.map((one) => ({ ...one, scores: { fulltext: one.score } }));
    if (query.mode === 'semantic') return near.map((one) => ({ ...one, scores: { semantic: one.score } }));
    const leafOf = (id: number) => index.store.record(id) ?? { leaf: 0, stream: '' };
    return fuse(words, near, leafOf).slice(0, query.k);
  }

  #hit({ id, score, scores }: Scored, words: WordQuery | undefined): Hit | undefined {
    const record = this.#parts.index.store.record(id);
    if (record === undefined) return undefined;
    const { stream, leaf, eventId, eventTime } = record;
    const text = record.text.slice(0, MAX_TEXT).toWellFormed();
    const marked = scores.fulltext !== undefined && words !== undefined;
    const snippet = marked ? { snippet: snippetOf(record.text, words.wanted) } : {};
    return { stream, leaf, eventId, eventTime, text, ...snippet, score, scores };
  }
}

function both<T>(one: ReadonlySet<T> | undefined, other: ReadonlySet<T> | undefined): ReadonlySet<T> | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return new Set([...one].filter((item) => other.has(item)));
}
