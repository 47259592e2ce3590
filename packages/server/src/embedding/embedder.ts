/** What makes vectors of texts. */
export interface Embedder {
  /** Names the model: vectors of different ones cannot be compared. */
  readonly id: string;
  readonly dimensions: number;
  /**
   * One vector a text, in their order; the same text always gets the same vector. Of long texts, the beginning counts.
   * @throws EmbeddingError
   */
  embed(texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]>;
  close(): Promise<void>;
}

/**
 * - `model-failed`: the packaged model did not do it; `cause` says why
 * - `endpoint-unreachable`: no whole answer in time
 * - `endpoint-refused`: an answer that is not 2xx, or leads elsewhere
 * - `endpoint-oversized`: an answer longer than so many vectors can be
 * - `endpoint-malformed`: an answer that is not so many vectors of this dimension
 * - `cancelled`: whoever asked for it does not want it any more
 */
export type EmbeddingErrorCode =
  | 'model-failed'
  | 'endpoint-unreachable'
  | 'endpoint-refused'
  | 'endpoint-oversized'
  | 'endpoint-malformed'
  | 'cancelled';

export class EmbeddingError extends Error {
  readonly code: EmbeddingErrorCode;

  constructor(code: EmbeddingErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EmbeddingError';
    this.code = code;
  }
}

/** The beginning of a text, at most so many UTF-16 units, and no half of a surrogate pair. */
export function beginningOf(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : text.slice(0, maxLength).replace(/[\uD800-\uDBFF]$/, '');
}
