/** A model behind an HTTP endpoint: `POST {"texts":["…"]}` is answered with `{"embeddings":[[0.1,…]]}`. */
import { setTimeout as delay } from 'node:timers/promises';
import { readBounded, reasonOf } from '../answers.ts';
import { beginningOf, type Embedder, EmbeddingError } from './embedder.ts';

export interface EndpointSettings {
  url: string;
  /** Sent as a bearer, never shown. */
  token: string | undefined;
  /** Of one try, until the last byte of its answer. */
  timeoutMs: number;
  /** Tries before it is given up; only what may pass by itself is tried again. */
  attempts: number;
  /** Before the second try; doubled before each further one. */
  backoffMs: number;
}

export const ENDPOINT_DEFAULTS = { timeoutMs: 30_000, attempts: 4, backoffMs: 500 };

/** About 1,500 words; what endpoints take differs, and they cut for themselves. */
const MAX_LENGTH = 8000;
/** What a server may ask to be waited for. */
const LONGEST_WAIT_MS = 30_000;
/** A number in JSON, with what stands around it; and all else that is in the answer. */
const NUMBER_BYTES = 32;
const OTHER_BYTES = 65_536;

/** A try that failed. */
interface Failure {
  error: EmbeddingError;
  /** Undefined where another try would fail as well. */
  retryAfterMs: number | undefined;
}

export class HttpEmbedder implements Embedder {
  readonly id: string;
  readonly dimensions: number;
  readonly #settings: EndpointSettings;

  constructor(settings: EndpointSettings, dimensions: number) {
    this.#settings = settings;
    this.dimensions = dimensions;
    this.id = settings.url;
  }

  async embed(texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]> {
    const { attempts, backoffMs } = this.#settings;
    const body = JSON.stringify({ texts: texts.map((text) => beginningOf(text, MAX_LENGTH)) });
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#ask(body, texts.length, signal);
      if (Array.isArray(answer)) return answer;
      const { error, retryAfterMs } = answer;
      if (retryAfterMs === undefined || attempt >= attempts) throw error;
      const waitMs = Math.min(LONGEST_WAIT_MS, Math.max(retryAfterMs, backoffMs * 2 ** (attempt - 1)));
      await delay(waitMs, undefined, { signal }).catch((cause) => {
        throw cancelled(cause);
      });
    }
  }

  async close(): Promise<void> {}

  async #ask(body: string, count: number, signal: AbortSignal): Promise<Float32Array[] | Failure> {
    const { url, token, timeoutMs } = this.#settings;
    const deadline = AbortSignal.timeout(timeoutMs);
    const headers = {
      ...{ 'content-type': 'application/json', accept: 'application/json' },
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    };
    try {
      const both = AbortSignal.any([signal, deadline]);
      // The token goes where it was meant to go: a redirection is not followed.
      const response = await fetch(url, { method: 'POST', body, headers, signal: both, redirect: 'manual' });
      if (!response.ok) return await this.#refused(response);
      const text = await this.#read(response, count);
      return typeof text === 'string' ? this.#vectors(text, count) : text;
    } catch (cause) {
      if (signal.aborted) throw cancelled(cause);
      const why = deadline.aborted ? `no whole answer within ${timeoutMs} ms` : reasonOf(cause);
      return { error: new EmbeddingError('endpoint-unreachable', `${url}: ${why}`, { cause }), retryAfterMs: 0 };
    }
  }

  async #refused(response: Response): Promise<Failure> {
    await response.body?.cancel();
    const { status, headers } = response;
    const redirected = status >= 300 && status < 400 ? '; redirects are not followed' : '';
    const error = new EmbeddingError('endpoint-refused', `${this.#settings.url} answered ${status}${redirected}`);
    const passing = status === 429 || status >= 500;
    return { error, retryAfterMs: passing ? waitAsked(headers.get('retry-after')) : undefined };
  }

  async #read(response: Response, count: number): Promise<string | Failure> {
    const longest = count * this.dimensions * NUMBER_BYTES + OTHER_BYTES;
    const text = await readBounded(response, longest);
    return text ?? this.#wrong('endpoint-oversized', `more than ${longest} bytes`);
  }

  #vectors(text: string, count: number): Float32Array[] | Failure {
    let answer: unknown;
    try {
      answer = JSON.parse(text);
    } catch (cause) {
      return this.#wrong('endpoint-malformed', `no JSON: ${reasonOf(cause)}`);
    }
    const { embeddings } = (answer ?? {}) as { embeddings?: unknown };
    if (!Array.isArray(embeddings)) return this.#wrong('endpoint-malformed', 'no list "embeddings"');
    if (embeddings.length !== count) {
      return this.#wrong('endpoint-malformed', `${embeddings.length} vectors for ${count} texts`);
    }
    const vectors: Float32Array[] = [];
    for (const given of embeddings as unknown[]) {
      if (!Array.isArray(given)) return this.#wrong('endpoint-malformed', 'a vector that is no list');
      if (given.length !== this.dimensions) {
        return this.#wrong('endpoint-malformed', `a vector of ${given.length} dimensions, not ${this.dimensions}`);
      }
      if (!given.every((one) => typeof one === 'number' && Number.isFinite(Math.fround(one)))) {
        return this.#wrong('endpoint-malformed', 'a vector with something that is no finite number');
      }
      vectors.push(Float32Array.from(given as number[]));
    }
    return vectors;
  }

  #wrong(code: EmbeddingError['code'], what: string): Failure {
    return { error: new EmbeddingError(code, `${this.#settings.url} answered with ${what}`), retryAfterMs: undefined };
  }
}

/** Milliseconds; as a date it is rare, and the backoff will do. */
function waitAsked(retryAfter: string | null): number {
  const seconds = Number(retryAfter ?? 0);
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0;
}

function cancelled(cause: unknown): EmbeddingError {
  return new EmbeddingError('cancelled', 'no longer wanted', { cause });
}
