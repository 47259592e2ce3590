/** `no-such-directory`, `not-a-data-directory`: nothing there to check; `other-version`: written by another program. */
export type FsckErrorCode = 'no-such-directory' | 'not-a-data-directory' | 'other-version';

/** The check cannot begin. What it finds is never this, but a violation. */
export class FsckError extends Error {
  readonly code: FsckErrorCode;

  constructor(code: FsckErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'FsckError';
    this.code = code;
  }
}
