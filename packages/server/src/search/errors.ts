/**
 * What can go wrong in searching.
 *
 * - `query-invalid`: what is asked for cannot be searched; the message says why, to whoever asks
 * - `not-searched`: a stream that is not indexed
 * - `embedding-failed`: no vector could be made of a text; `cause` says why
 * - `cancelled`: whoever asked for it does not want it any more, or the server closes
 * - `unavailable`: the index cannot be read or written
 */
export type SearchErrorCode = 'query-invalid' | 'not-searched' | 'embedding-failed' | 'cancelled' | 'unavailable';

export class SearchError extends Error {
  readonly code: SearchErrorCode;

  constructor(code: SearchErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SearchError';
    this.code = code;
  }
}
