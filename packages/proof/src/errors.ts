/** What was malformed: the closed list of codes a `ProofError` carries. */
export type ProofErrorCode =
  | 'invalid-anchor'
  | 'invalid-beef'
  | 'invalid-bump'
  | 'invalid-bytes'
  | 'invalid-checkpoint'
  | 'invalid-envelope'
  | 'invalid-header'
  | 'invalid-json-value'
  | 'invalid-key'
  | 'invalid-leaf'
  | 'invalid-manifest'
  | 'invalid-option'
  | 'invalid-proof'
  | 'invalid-range'
  | 'invalid-receipt'
  | 'invalid-transaction'
  | 'versionId-mismatch';

/** Malformed input to a builder or a parser. A verification that fails is a result, never this. */
export class ProofError extends Error {
  readonly code: ProofErrorCode;

  constructor(code: ProofErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'ProofError';
    this.code = code;
  }
}
