/**
 * What can go wrong in the spool.
 *
 * - `in-use`: another process works on the folder
 * - `other-filesystem`: the folders of the spool are not on one filesystem, so that no file can be renamed
 * - `disk-failed`: a file could not be moved or written; the cause says why
 * - `file-malformed`: not in the format that its name says, or its compression is broken
 * - `file-too-large`: more than `SPOOL_MAX_FILE_BYTES` once it is decompressed, in a format that is read whole
 * - `file-changed`: it was written to after it was taken
 * - `file-unreadable`: the disk does not give it; the cause says why
 * - `refused`: the server refuses the request for good
 * - `gave-up`: the server could not be reached for as long as `--give-up-after` says
 * - `stopped`: the process has been told to end
 * - `not-delivered`: a notification was not taken; it is sent again
 */
export type SpoolErrorCode =
  | 'in-use'
  | 'other-filesystem'
  | 'disk-failed'
  | 'file-malformed'
  | 'file-too-large'
  | 'file-changed'
  | 'file-unreadable'
  | 'refused'
  | 'gave-up'
  | 'stopped'
  | 'not-delivered';

export class SpoolError extends Error {
  readonly code: SpoolErrorCode;

  constructor(code: SpoolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SpoolError';
    this.code = code;
  }
}

/** The server's answer to a request that it refuses as a whole. */
export class RefusedError extends SpoolError {
  readonly status: number;
  /** The server's own code, as `batch-ended`. */
  readonly error: string;

  constructor(status: number, error: string, hint: string) {
    super('refused', `the server answered ${status} ${error}${hint === '' ? '' : `: ${hint}`}`);
    this.status = status;
    this.error = error;
  }
}

/** What a file itself is to blame for: it fails its run, and the others of the run are read all the same. */
export function isFault(error: unknown): error is SpoolError {
  return error instanceof SpoolError && error.code.startsWith('file-');
}
