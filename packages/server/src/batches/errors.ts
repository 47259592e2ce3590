/** What can be against what is asked of batches. */

/**
 * - `batch-not-found`: nothing is known of it
 * - `batch-open`: another batch is open on the stream; `batch` names it
 * - `batch-ended`: it has ended, and is not opened again
 * - `batch-taken`: somebody else has begun it
 * - `batch-elsewhere`: it is a batch of another stream
 * - `stream-not-for-batches`: the stream fuses its sources, or is cut in event time
 * - `too-many-waiting`: as many as may wait for something to come about do so
 * - `unavailable`: it may or may not have been written
 */
export type BatchErrorCode =
  | 'batch-not-found'
  | 'batch-open'
  | 'batch-ended'
  | 'batch-taken'
  | 'batch-elsewhere'
  | 'stream-not-for-batches'
  | 'too-many-waiting'
  | 'unavailable';

export class BatchError extends Error {
  readonly code: BatchErrorCode;
  readonly batch: string | undefined;

  constructor(code: BatchErrorCode, message: string, options: ErrorOptions & { batch?: string } = {}) {
    super(message, options);
    this.name = 'BatchError';
    this.code = code;
    this.batch = options.batch;
  }
}
