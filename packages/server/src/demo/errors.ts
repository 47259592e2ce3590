/**
 * - `unreachable`: no answer from the server; tried again
 * - `overloaded`: 429 or a 5xx; tried again after the time the server asked for
 * - `refused`: another status; the same request would be refused again
 * - `rejected`: the batch was taken, this event of it was not
 * - `bad-answer`: not an answer of a Tidemark server
 * - `bad-dataset`: an installed example data set has another shape than expected
 */
export type DemoErrorCode = 'unreachable' | 'overloaded' | 'refused' | 'rejected' | 'bad-answer' | 'bad-dataset';

export class DemoError extends Error {
  readonly code: DemoErrorCode;

  constructor(code: DemoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DemoError';
    this.code = code;
  }
}
