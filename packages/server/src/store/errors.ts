/**
 * What can go wrong in the store layer.
 *
 * - `in-use`: another process holds the data directory
 * - `too-new`: the data was written by a later version of this program
 * - `out-of-order`: a caller broke the numbering; a defect of this program
 * - `write-failed`, `read-failed`: the disk refused; the cause says why
 * - `source-moved`: a source is declared to feed another stream than it has fed
 * - `salting-changed`: a stream that has events is declared salted, or no longer so
 * - `damaged`: durable data is not what was written
 * - `index-damaged`: the same of data that is derived from the journal; opening the index again repairs it
 */
export type StoreErrorCode =
  | 'in-use'
  | 'too-new'
  | 'out-of-order'
  | 'write-failed'
  | 'read-failed'
  | 'damaged'
  | 'source-moved'
  | 'salting-changed'
  | 'index-damaged';

export class StoreError extends Error {
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreError';
    this.code = code;
  }
}
