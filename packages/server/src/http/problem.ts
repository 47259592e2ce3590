/** Error answers: RFC 9457 problem details, with the code as `error` and what to do as `hint`. */
import type { FastifyReply, FastifyRequest } from 'fastify';

export interface ProblemOptions extends ErrorOptions {
  /** Seconds after which the same request may succeed. */
  retryAfter?: number;
  /** Further members of the answer. */
  extra?: Record<string, unknown>;
}

/** An answer of 4xx or 5xx, thrown. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string;
  readonly retryAfter: number | undefined;
  readonly extra: Record<string, unknown>;

  constructor(status: number, code: string, hint: string, options: ProblemOptions = {}) {
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
  415: 'Unsupported Media Type',
  421: 'Misdirected Request',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

export function sendProblem(request: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply {
  const { status, code, hint, retryAfter, extra } = problem;
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  const body = {
    type: `urn:tidemark:problem:${code}`,
    title: TITLES[status] ?? 'Error',
    status,
    error: code,
    hint,
    instance: request.url.split('?', 1)[0],
    ...extra,
  };
  return reply.code(status).header('content-type', 'application/problem+json').send(JSON.stringify(body));
}

export function badRequest(hint: string): Problem {
  return new Problem(400, 'bad-request', hint);
}

export function notFound(hint: string): Problem {
  return new Problem(404, 'not-found', hint);
}
