/** Error answers: RFC 9457 problem details, with the code as `error` and what to do as `hint`. */
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { IDENTITY_CODES } from '../access/errors.ts';
import { INTAKE_CODES } from '../intake/errors.ts';

/** Every `error` that an answer may carry; `docs/errors.md` describes each, and a test holds the two together. */
export const PROBLEM_CODES = [
  ...INTAKE_CODES,
  ...IDENTITY_CODES,
  'already-resolved',
  'batch-elsewhere',
  'batch-ended',
  'batch-not-found',
  'batch-open',
  'batch-taken',
  'catalog-share-used-up',
  'embedding-unavailable',
  'fields-invalid',
  'filter-invalid',
  'headers-too-large',
  'host-not-allowed',
  'incomplete-lineage',
  'invalid-body',
  'invalid-envelope',
  'invalid-input',
  'invalid-manifest',
  'invalid-rawtx',
  'log-too-short',
  'method-not-allowed',
  'not-certified-yet',
  'not-embedding',
  'not-found',
  'not-quarantined',
  'not-salted',
  'not-searched',
  'onchain-mh-mismatch',
  'origin-not-allowed',
  'overloaded',
  'portal-not-built',
  'producer-unproven',
  'query-invalid',
  'request-timeout',
  'schema-validation-failed',
  'shutting-down',
  'spv-verification-failed',
  'still-quarantined',
  'stream-not-allowed',
  'stream-not-for-batches',
  'token-invalid',
  'token-required',
  'too-many-connections',
  'too-many-subscriptions',
  'too-many-watchers',
  'url-not-allowed',
  'versionId-mismatch',
] as const;

export type ProblemCode = (typeof PROBLEM_CODES)[number];

export interface ProblemOptions extends ErrorOptions {
  /** Seconds after which the same request may succeed. */
  retryAfter?: number;
  /** Further members of the answer. */
  extra?: Record<string, unknown>;
}

/** An answer of 4xx or 5xx, thrown. */
export class Problem extends Error {
  readonly status: number;
  readonly code: ProblemCode;
  readonly hint: string;
  readonly retryAfter: number | undefined;
  readonly extra: Record<string, unknown>;

  constructor(status: number, code: ProblemCode, hint: string, options: ProblemOptions = {}) {
    super(`${code}: ${hint}`, options);
    this.name = 'Problem';
    this.status = status;
    this.code = code;
    this.hint = hint;
    this.retryAfter = options.retryAfter;
    this.extra = options.extra ?? {};
  }
}

const TITLES: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  421: 'Misdirected Request',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

export function sendProblem(request: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply {
  const { status, retryAfter } = problem;
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  const body = problemBody(problem, request.url.split('?', 1)[0]);
  return reply.code(status).header('content-type', 'application/problem+json').send(body);
}

/** JSON text. */
function problemBody({ status, code, hint, extra }: Problem, instance?: string): string {
  const type = `urn:tidemark:problem:${code}`;
  return JSON.stringify({ type, title: TITLES[status] ?? 'Error', status, error: code, hint, instance, ...extra });
}

/** For what is no readable request, or takes too long to become one: there is nothing but the connection to answer on. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = CLIENT_ERRORS[error.code ?? ''] ?? badRequest('this is not an HTTP request that can be read');
  const body = problemBody(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${TITLES[problem.status]}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

export function badRequest(hint: string): Problem {
  return new Problem(400, 'bad-request', hint);
}

export function notFound(hint: string): Problem {
  return new Problem(404, 'not-found', hint);
}

const CLIENT_ERRORS: Record<string, Problem> = {
  HPE_HEADER_OVERFLOW: new Problem(431, 'headers-too-large', 'the headers are too large together'),
  ERR_HTTP_REQUEST_TIMEOUT: new Problem(408, 'request-timeout', 'the request took too long to arrive; send it again'),
};
