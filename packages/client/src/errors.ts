/**
 * Why a request came to nothing:
 * - `unreachable`: no answer, or one that broke off, for as long as was to be tried
 * - `unavailable`: 408, 429, a 5xx or not certified yet, for as long as was to be tried
 * - `refused`: the server said no, and would again; `status`, `problem` and `hint` are its words
 * - `bad-answer`: not an answer of a Tidemark server
 * - `invalid-argument`: the call itself is wrong; nothing was sent
 */
export const CLIENT_ERROR_CODES = ['unreachable', 'unavailable', 'refused', 'bad-answer', 'invalid-argument'] as const;

export type ClientErrorCode = (typeof CLIENT_ERROR_CODES)[number];

/** What an RFC 9457 answer says. */
export interface Problem {
  status: number;
  /** The server's own code, as in docs/errors.md: `source-not-found-or-disabled`, … */
  problem?: string;
  hint?: string;
  /** The whole document. */
  body?: unknown;
}

export class ClientError extends Error {
  readonly code: ClientErrorCode;
  /** HTTP status, where there was an answer. */
  readonly status: number | undefined;
  readonly problem: string | undefined;
  readonly hint: string | undefined;
  /** The whole problem document, where there was one. */
  readonly body: unknown;
  /** Milliseconds after which the server wants to be asked again, where it said so. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ClientErrorCode,
    message: string,
    { cause, retryAfterMs, ...said }: ErrorOptions & Partial<Problem> & { retryAfterMs?: number | undefined } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'ClientError';
    this.code = code;
    this.status = said.status;
    this.problem = said.problem;
    this.hint = said.hint;
    this.body = said.body;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether the same request may succeed later. */
  get passing(): boolean {
    return this.code === 'unreachable' || this.code === 'unavailable';
  }
}

/**
 * What is wrong with a log, or with what was said of it:
 * - `record-missing`: a record of the log was not delivered
 * - `record-altered`: what was delivered is not what the log has there
 * - `root-mismatch`: leaves or tiles that are not of the tree whose root is signed
 * - `signature-invalid`: a checkpoint or manifest that is not signed by a pinned key, or one that follows from it
 * - `rewritten`: the log is no continuation of what it was; `evidence` has both signed checkpoints
 * - `forked`: two signed checkpoints of one size and different roots; `evidence` has both
 * - `not-certified-yet`: the log does not reach that far
 * - `malformed`: no log, or a claim about it that cannot be
 */
export const LOG_ERROR_CODES = [
  'record-missing',
  'record-altered',
  'root-mismatch',
  'signature-invalid',
  'rewritten',
  'forked',
  'not-certified-yet',
  'malformed',
] as const;

export type LogErrorCode = (typeof LOG_ERROR_CODES)[number];

/** What it takes to find the place again. */
export interface LogErrorDetails extends ErrorOptions {
  stream: string;
  /** Of the first leaf concerned. */
  leafIndex?: number;
  eventId?: string;
  evidence?: readonly string[];
}

export class LogError extends Error {
  readonly code: LogErrorCode;
  readonly stream: string;
  readonly leafIndex: number | undefined;
  readonly eventId: string | undefined;
  readonly evidence: readonly string[] | undefined;

  constructor(code: LogErrorCode, message: string, { cause, ...details }: LogErrorDetails) {
    super(`${details.stream}: ${message}`, cause === undefined ? undefined : { cause });
    this.name = 'LogError';
    this.code = code;
    this.stream = details.stream;
    this.leafIndex = details.leafIndex;
    this.eventId = details.eventId;
    this.evidence = details.evidence;
  }
}
