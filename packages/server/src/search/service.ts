/** What searching offers, whatever thread it runs on. */
import type { LeafRange } from '../store/search.ts';
import type { Scope } from './admission.ts';

/** `fulltext`: BM25 over words; `semantic`: nearness of meaning; `hybrid`: both, fused by reciprocal rank. */
export type SearchMode = 'fulltext' | 'semantic' | 'hybrid';

export const MAX_HITS = 100;

export interface SearchQuery extends Scope {
  mode: SearchMode;
  /** As it was typed. Needed for `fulltext` and `hybrid`; for `semantic`, where no vector is given. */
  text?: string | undefined;
  /** Instead of one that is made of the text. */
  vector?: readonly number[] | undefined;
  /** How many hits, 1 to 100. */
  k: number;
}

export interface Hit {
  stream: string;
  leaf: number;
  eventId: string;
  /** Milliseconds since 1970. */
  eventTime: number;
  /** Its beginning, where it is longer than 2,000 UTF-16 units. */
  text: string;
  /** Where words matched: the part of the text around them, and `[start, end)` of each match in that part. */
  snippet?: { text: string; marks: [number, number][] };
  /** What hits are ordered by: that of the mode, for `hybrid` the sum of 1 / (60 + rank) over both lists, from rank 1. */
  score: number;
  /** In which of the lists it was found; BM25 above 0 without bound, the cosine from -1 to 1: the greater the better. */
  scores: { fulltext?: number; semantic?: number };
}

export interface EmbedOrder {
  batchTag: string;
  /** The batch's leaves. */
  ranges: readonly LeafRange[];
}

/** Records of a batch, by where their vectors are from. */
export interface EmbedOutcome {
  /** A model has made it, in this run or an earlier one. */
  embedded: number;
  /** It came with the event. */
  given: number;
  /** The one that came with the event was not taken; the model's own counts as embedded besides. */
  refused: number;
  /** The model made none that has a direction. */
  failed: number;
}

export interface EmbedProgress extends EmbedOutcome {
  /** Records without a vector that are still to come. */
  left: number;
}

export interface StreamStanding {
  stream: string;
  /** Leaves that are indexed, of those that are certified. */
  indexed: number;
  size: number;
  records: number;
  given: number;
  model: number;
  refused: number;
}

export interface SearchStanding {
  streams: StreamStanding[];
  /** Leaves a second, of the time since the start that was spent indexing. */
  leavesPerSecond: number;
}

export interface SearchService {
  /** Best first; of equals, the newest leaf. @throws SearchError `query-invalid`, `embedding-failed`, `unavailable` */
  search(query: SearchQuery): Promise<Hit[]>;
  standing(): Promise<SearchStanding>;
}
