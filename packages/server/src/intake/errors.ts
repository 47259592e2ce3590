/** Why a whole delivery is refused. `status` is the HTTP status that says so; other protocols map `code`. */
const STATUS = {
  'bad-request': 400,
  'no-valid-events': 400,
  'body-malformed': 400,
  'source-auth-required': 401,
  'source-auth-invalid': 401,
  'source-not-found-or-disabled': 404,
  'batch-not-open': 409,
  'body-too-large': 413,
  'too-many-events': 413,
  'unsupported-media-type': 415,
  'internal-error': 500,
  'storage-unavailable': 503,
} as const;

export type IntakeCode = keyof typeof STATUS;

export const INTAKE_CODES = Object.keys(STATUS) as IntakeCode[];

export class IntakeError extends Error {
  readonly code: IntakeCode;
  readonly hint: string;
  /** The events that were looked at and refused, where that is why. */
  readonly rejected: readonly Rejection[];

  constructor(code: IntakeCode, hint: string, options: ErrorOptions & { rejected?: readonly Rejection[] } = {}) {
    super(`${code}: ${hint}`, options);
    this.name = 'IntakeError';
    this.code = code;
    this.hint = hint;
    this.rejected = options.rejected ?? [];
  }

  get status(): number {
    return STATUS[this.code];
  }
}

/** One event of a delivery that was refused; its neighbours are not touched. */
export interface Rejection {
  /** Place in the delivery, from 0. */
  index: number;
  error: RejectionCode;
  hint: string;
}

export const REJECTION_CODES = [
  'json-malformed',
  'too-deep',
  'not-well-formed',
  'not-utf8',
  'not-an-object',
  'event-too-large',
  'id-invalid',
  'row-malformed',
  'too-many-versions',
] as const;

export type RejectionCode = (typeof REJECTION_CODES)[number];
