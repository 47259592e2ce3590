/** What the search index keeps, and what any such index owes to its callers. */

/** A number that is never given to another record. */
export type RecordId = number;

/** How far a stream is indexed. */
export interface IndexPlace {
  /** Every leaf below is in the index, if it belongs there. */
  next: number;
  /** Of the packet that holds the leaf before `next`. */
  versionId: string | undefined;
  /** As it was handed to `begin`. */
  settings: string;
}

/** A record as it goes into the index. */
export interface IndexedRecord {
  stream: string;
  leaf: number;
  eventId: string;
  /** Of the same event, the version with the greater one is newer. */
  seq: number;
  /** Milliseconds since 1970. */
  eventTime: number;
  text: string;
  /** That came with the event. */
  vector: Float32Array | undefined;
  /** Why the vector that came with it was not taken. */
  refused: string | undefined;
}

/** In the order of the log. */
export type IndexChange = { kind: 'put'; record: IndexedRecord } | { kind: 'remove'; eventId: string };

/** Leaves of one stream, and where the next step goes on: committed together. */
export interface IndexStep {
  stream: string;
  next: number;
  versionId: string | undefined;
  changes: readonly IndexChange[];
}

/** What a commit has changed. */
export interface Indexed {
  removed: RecordId[];
  /** Those that have a vector. */
  added: VectorRow[];
}

/** Where a vector belongs. */
export interface VectorRow {
  id: RecordId;
  stream: string;
  leaf: number;
  eventTime: number;
  vector: Float32Array;
}

/** A text that has no vector. */
export interface TextRow {
  id: RecordId;
  leaf: number;
  text: string;
}

export interface RecordRow {
  id: RecordId;
  stream: string;
  leaf: number;
  eventId: string;
  eventTime: number;
  text: string;
}

/** Whether a record is among those that are searched. */
export type Admits = (stream: string, leaf: number, eventTime: number) => boolean;

/** A word that is everywhere tells no record from another, and ranking all of them keeps everybody else waiting. */
export const RANKED_MATCHES = 5000;

export interface WordMatch {
  id: RecordId;
  /** BM25, the greater the better. */
  score: number;
}

/** Leaves `[start, end)` of a stream. */
export interface LeafRange {
  stream: string;
  start: number;
  end: number;
}

export interface IndexCounts {
  records: number;
  /** With a vector that came with the event. */
  given: number;
  /** With a vector that a model has made. */
  model: number;
  /** Whose own vector was not taken, whether or not a model has made another. */
  refused: number;
  /** With text, and without a vector. */
  texts: number;
}

/**
 * One writer. Each change is one atomic commit. A commit may be lost when the machine loses power, the newest first: what
 * is left is the index as it was a moment before.
 */
export interface SearchStore {
  places(): Map<string, IndexPlace>;
  /** Forgets some records of a stream, so that nobody waits long. @returns whether none is left, nor its place */
  forgetSome(stream: string): { removed: RecordId[]; done: boolean };
  /** From its first leaf on. */
  begin(stream: string, settings: string): void;
  /**
   * A record replaces every older version of its event; where a newer one is there, it is passed by. What is removed or
   * replaced is overwritten, and gone from the files after `trim`.
   */
  take(step: IndexStep): Indexed;
  /** All that is indexed of an event. @returns what is gone */
  removeEvent(stream: string, eventId: string): RecordId[];
  /** Of records that are still there and have none. @returns those */
  putVectors(model: string, vectors: ReadonlyMap<RecordId, Float32Array>): VectorRow[];
  /** Vectors of other models than this one are gone. */
  keepModel(model: string): void;
  /** @returns false while somebody reads what was there before: to be called again */
  trim(): boolean;

  /**
   * Best first. Of more than `RANKED_MATCHES` that are admitted, those are ranked that were indexed last: of a stream,
   * the newest.
   * @param expression of FTS5
   */
  matchWords(expression: string, k: number, admits: Admits | undefined): WordMatch[];
  record(id: RecordId): RecordRow | undefined;
  /** Why the vector that came with a record was not taken. */
  refusal(id: RecordId): string | undefined;
  vector(id: RecordId): Float32Array | undefined;
  /** All of them, by id, some at a time. */
  vectorsAfter(id: RecordId, limit: number): VectorRow[];
  /** In the order of the log. */
  withoutVector(range: LeafRange, limit: number): TextRow[];
  counts(range: LeafRange): IndexCounts;
  close(): void;
}
