/**
 * What can go wrong in the spool.
 *
 * - `no-folder`: the folder of the spool is not there
 * - `in-use`: another process works on the folder
 * - `other-filesystem`: the folders of the spool are not on one filesystem, so that no file can be renamed
 * - `disk-failed`: a file could not be moved or written; the cause says why
 * - `file-malformed`: not in the format that its name says, or its compression is broken
 * - `file-too-large`: more than `SPOOL_MAX_FILE_BYTES` once it is decompressed, in a format that is read whole
 * - `file-changed`: it was written to after it was taken
 * - `file-unreadable`: the disk does not give it; the cause says why
 * - `refused`: the server refuses the request for good
 * - `not-admitted`: the server refuses whoever sends, or the source, before anything was begun: no file has moved
 * - `gave-up`: the server could not be reached for as long as `--give-up-after` says
 * - `stopped`: the process has been told to end
 * - `not-delivered`: a notification was not taken; it is sent again
 */
export type SpoolErrorCode =
  | 'no-folder'
  | 'in-use'
  | 'other-filesystem'
  | 'disk-failed'
  | 'file-malformed'
  | 'file-too-large'
  | 'file-changed'
  | 'file-unreadable'
  | 'refused'
  | 'not-admitted'
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

/** What to do about a refusal that is the operator's to mend. */
const REMEDIES: Readonly<Record<string, string>> = {
  'source-not-found-or-disabled': 'name another source with --source (SPOOL_SOURCE), or declare it at the server',
  'source-auth-required': 'give the secret of the source with --token-file (SPOOL_TOKEN_FILE)',
  'source-auth-invalid': 'the file of --token-file (SPOOL_TOKEN_FILE) holds another secret than that of the source',
  'token-required': 'another source has a batch of this name: choose another with --batch-tag (SPOOL_BATCH_TAG)',
};
const REMEDY = 'look at --url (SPOOL_URL), --source (SPOOL_SOURCE) and --token-file (SPOOL_TOKEN_FILE)';

/** It is refused as a whole, and nothing has been begun. */
export function notAdmitted(cause: RefusedError): SpoolError {
  return new SpoolError('not-admitted', `${cause.message}; ${REMEDIES[cause.error] ?? REMEDY}`, { cause });
}

export function isNotAdmitted(error: unknown): error is SpoolError {
  return error instanceof SpoolError && error.code === 'not-admitted';
}

/** What a file itself is to blame for: it fails its run, and the others of the run are read all the same. */
export function isFault(error: unknown): error is SpoolError {
  return error instanceof SpoolError && error.code.startsWith('file-');
}
