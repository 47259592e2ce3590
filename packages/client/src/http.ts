/** Requests to one server: each attempt bounded in time, what fails in passing made again, what is refused typed. */
import { MAX_ANSWER_BYTES, MAX_REFUSAL_BYTES, readBounded, textOf } from './body.ts';
import { ClientError, type Problem } from './errors.ts';
import { duration, type Names } from './options.ts';
import { backoffMs, MIN_DELAY_MS, type RetryOptions, retryAfterMs, retrying } from './retry.ts';

export interface HttpOptions {
  /** Base URL; a path in it is kept. */
  url: string | URL;
  /** Sent as bearer: a source's secret, a read token, or the admin token. */
  token?: string | undefined;
  /** Default: the global one. */
  fetch?: typeof fetch | undefined;
  /** For one attempt, default 30,000. */
  timeoutMs?: number | undefined;
  /** For all attempts of a call together, default 60,000; `Infinity` waits out any outage. */
  retryForMs?: number | undefined;
}

/** What a single call may say otherwise. */
export interface CallOptions extends Partial<RetryOptions> {}

export const CALL_OPTIONS: Names<CallOptions> = { signal: true, retryForMs: true, onRetry: true };

export interface Outgoing {
  method?: 'GET' | 'POST';
  query?: Readonly<Record<string, string | undefined>>;
  headers?: Readonly<Record<string, string>>;
  body?: string;
}

const TIMEOUT_MS = 30_000;
const RETRY_FOR_MS = 60_000;

export class Http {
  readonly #base: URL;
  readonly #token: string | undefined;
  readonly #fetch: typeof fetch;
  readonly #timeoutMs: number;
  readonly #retryForMs: number;

  /** @throws ClientError `invalid-argument` */
  constructor(options: HttpOptions) {
    duration('timeoutMs', options.timeoutMs);
    duration('retryForMs', options.retryForMs);
    this.#base = baseOf(options.url);
    this.#token = options.token;
    // Called as a method of this object, the global function would refuse.
    this.#fetch = options.fetch ?? ((...call) => fetch(...call));
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.#retryForMs = options.retryForMs ?? RETRY_FOR_MS;
  }

  url(path: string, query: Outgoing['query'] = {}): URL {
    const url = new URL(path, this.#base);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
    return url;
  }

  get authorization(): Record<string, string> {
    return this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` };
  }

  /** @param parse throws ClientError for what it does not know */
  json<T>(path: string, outgoing: Outgoing, parse: (value: unknown) => T, call: CallOptions = {}): Promise<T> {
    const read = async (response: Response) => parse(jsonOf(await textOf(response, MAX_ANSWER_BYTES, path), path));
    return this.#answer(path, outgoing, call, read);
  }

  /** @throws ClientError `bad-answer` for more than `maxBytes` */
  bytes(path: string, maxBytes: number, call: CallOptions = {}): Promise<Uint8Array> {
    return this.#answer(path, {}, call, (response) => readBounded(response, maxBytes, path));
  }

  /**
   * One attempt, whose body is still to be read.
   * @throws ClientError, or the signal's reason
   */
  async attempt(path: string, outgoing: Outgoing, signal: AbortSignal): Promise<Response> {
    const { method = 'GET', query, headers, body } = outgoing;
    let response: Response;
    try {
      response = await this.#fetch(this.url(path, query), {
        ...{ method, signal, headers: { ...headers, ...this.authorization } },
        // The token goes where it was meant to go.
        redirect: 'error',
        ...(body === undefined ? {} : { body }),
      });
    } catch (cause) {
      signal.throwIfAborted();
      throw new ClientError('unreachable', `${this.#named(path)}: no answer`, { cause });
    }
    if (response.ok) return response;
    throw await refusal(response, path);
  }

  /** Without the query, which may carry a token. */
  #named(path: string): string {
    const { origin, pathname } = this.url(path);
    return origin + pathname;
  }

  #answer<T>(
    path: string,
    outgoing: Outgoing,
    call: CallOptions,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const { signal, onRetry, retryForMs = this.#retryForMs } = call;
    return retrying(() => this.#inTime(path, outgoing, signal, read), passingDelay, { signal, onRetry, retryForMs });
  }

  async #inTime<T>(
    path: string,
    outgoing: Outgoing,
    signal: AbortSignal | undefined,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const timeout = AbortSignal.timeout(this.#timeoutMs);
    try {
      const both = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
      return await read(await this.attempt(path, outgoing, both));
    } catch (cause) {
      if (cause instanceof ClientError) throw cause;
      signal?.throwIfAborted();
      const why = timeout.aborted ? `no answer within ${this.#timeoutMs} ms` : 'the answer breaks off';
      throw new ClientError('unreachable', `${this.#named(path)}: ${why}`, { cause });
    }
  }
}

/** How long to wait before another attempt; undefined where it would change nothing. */
export function passingDelay(error: unknown, attempt: number): number | undefined {
  if (!(error instanceof ClientError) || !error.passing) return undefined;
  const backoff = backoffMs(attempt, Math.random());
  if (error.retryAfterMs === undefined) return backoff;
  return Math.max(MIN_DELAY_MS, error.retryAfterMs + jitterMs(error.retryAfterMs));
}

/** Later than asked for, by up to a tenth: all who were told the same would come at once. */
function jitterMs(delay: number): number {
  return (delay / 10) * Math.random();
}

function baseOf(text: string | URL): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new ClientError('invalid-argument', `${text} is no http: or https: URL`);
  }
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

async function refusal(response: Response, path: string): Promise<ClientError> {
  const { status } = response;
  const after = retryAfterMs(response.headers.get('retry-after'), Date.now());
  // Without its words the status still stands.
  const said = problemOf(await textOf(response, MAX_REFUSAL_BYTES, path).catch(() => ''));
  const words = [said.problem, said.hint].filter((word) => word !== undefined).join(': ');
  const code = isPassing(status, said.problem) ? 'unavailable' : 'refused';
  const message = `${path}: ${status}${words === '' ? '' : ` ${words}`}`;
  return new ClientError(code, message, { status, ...said, retryAfterMs: after });
}

/** What is stored is certified before long. */
function isPassing(status: number, problem: string | undefined): boolean {
  return status === 408 || status === 429 || status >= 500 || problem === 'not-certified-yet';
}

/** Whatever stands between client and server may answer with a page of its own. */
function problemOf(text: string): Omit<Problem, 'status'> {
  const body = parsed(text);
  if (typeof body !== 'object' || body === null) return {};
  const { error, hint } = body as Record<string, unknown>;
  return { body, ...(typeof error === 'string' && { problem: error }), ...(typeof hint === 'string' && { hint }) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function jsonOf(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ClientError('bad-answer', `${path}: the answer is not JSON`, { cause });
  }
}
