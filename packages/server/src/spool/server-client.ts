/** Talks to a Tidemark server; what a busy or absent one did not take is sent again. */
import { backoffMs, retryAfterMs } from '../subscriptions/retry.ts';
import { notAdmitted, RefusedError, SpoolError } from './errors.ts';
import type { SpoolLog } from './log.ts';
import { type Clock, stopped } from './waiting.ts';

export interface Batch {
  batchTag: string;
  stream: string;
  state: string;
  pii: boolean;
  locked: boolean;
  certified: boolean;
  versionId: string | null;
  /** What it brought that was new, quarantined or not; null while that is not known. */
  records: number | null;
  /** How many of them are in quarantine. */
  quarantined?: number | null;
}

export interface BatchOpening {
  pii: boolean;
  spool: string;
  bytes: number;
  count: number;
}

export interface BatchEnding {
  status: 'success' | 'failed';
  processed: number;
  inserted?: number;
  duplicates?: number;
  rejected: number;
  reason?: string;
}

export interface Taken {
  /** Records that the server has, those it knew before too. */
  count: number;
  duplicates: number;
  /** By the place of the line in the request, from 0. */
  rejected: { index: number; error: string; hint: string }[];
  /** An earlier try may have been taken whose answer did not come: then the last one calls duplicate what was new. */
  resent: boolean;
}

export interface ServerClientOptions {
  url: string;
  source: string;
  /** What this spool calls itself: nobody else sends for its batches. */
  owner: string;
  /** The source's secret. */
  token: string | undefined;
  /** For questions about batches, where those who may send may not read. */
  readToken: string | undefined;
  /** How long the server may be out of reach; undefined: for ever. */
  giveUpAfterMs: number | undefined;
  clock: Clock;
  log: SpoolLog;
  /** Ends what waits; a request under way is finished. */
  signal: AbortSignal;
}

interface Call {
  method: 'GET' | 'PUT' | 'POST';
  path: string;
  type?: string;
  body?: string;
  /** With the source's secret, where a question else goes with the token for questions. */
  asSource?: boolean;
  /** Milliseconds that the answer is held back for. */
  heldMs?: number;
  /** Told when a try may have been taken though no answer says so. */
  doubt?: () => void;
}

interface Problem {
  error?: string;
  hint?: string;
  title?: string;
  rejected?: Taken['rejected'];
}

type Answer =
  | { ok: true; body: unknown }
  | { ok: false; why: string; afterMs: number | undefined; untouched?: boolean };

const TIMEOUT_MS = 60_000;
const RETRY = { attempts: Number.POSITIVE_INFINITY, baseMs: 250, factor: 2, capMs: 15_000 };
const SHORTEST_WAIT_MS = 50;
const LONGEST_RETRY_AFTER_MS = 300_000;
/** Told of an outage: when it begins, and then once in this time. */
const SAY_MS = 60_000;
const TRY_LATER = new Set([408, 425, 429]);
/** Answers that say that nothing was done. */
const NOT_TAKEN = new Set([409, 425, 429, 503]);

export class ServerClient {
  readonly #options: ServerClientOptions;

  constructor(options: ServerClientOptions) {
    this.#options = options;
  }

  /** @throws SpoolError `refused`, `gave-up`, `stopped`; here and below */
  open(tag: string, opening: BatchOpening): Promise<Batch> {
    const { source: sourceId, owner } = this.#options;
    const body = JSON.stringify({ sourceId, owner, ...opening });
    return this.#call<Batch>({ method: 'PUT', path: batchPath(tag), type: 'application/json', body });
  }

  end(tag: string, ending: BatchEnding): Promise<Batch> {
    const body = JSON.stringify(ending);
    return this.#call<Batch>({ method: 'POST', path: `${batchPath(tag)}/end`, type: 'application/json', body });
  }

  /** @param waitMs how long the server may hold its answer back until all of the batch is certified */
  batch(tag: string, waitMs = 0): Promise<Batch> {
    const query = new URLSearchParams({ sourceId: this.#options.source });
    if (waitMs > 0)
      for (const [name, value] of Object.entries({ until: 'certified', waitMs })) query.set(name, String(value));
    return this.#call<Batch>({ method: 'GET', path: `${batchPath(tag)}?${query}`, heldMs: waitMs });
  }

  /**
   * Whether the server has a batch of this name. It is asked as the source, so that what is wrong with the source or
   * its secret comes out while no file has moved.
   * @throws SpoolError `not-admitted`
   */
  async hasBatch(tag: string): Promise<boolean> {
    const { source, readToken } = this.#options;
    const path = `${batchPath(tag)}?${new URLSearchParams({ sourceId: source })}`;
    try {
      return await isThere(this.#call({ method: 'GET', path, asSource: true }));
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      if (error.error !== 'token-required' || readToken === undefined) throw notAdmitted(error);
    }
    // It is another source's, and only whoever may read all is told of it.
    try {
      return await isThere(this.batch(tag));
    } catch (error) {
      throw error instanceof RefusedError ? notAdmitted(error) : error;
    }
  }

  /**
   * @param lines JSON objects, each without a line end
   * @param tag of the batch that they are of: they are taken while it is open, and not otherwise
   */
  async ingest(lines: readonly string[], tag: string): Promise<Taken> {
    const path = `/ingest/events?${new URLSearchParams({ sourceId: this.#options.source, batch: tag })}`;
    const body = lines.join('\n');
    let resent = false;
    const doubt = () => {
      resent = true;
    };
    const call = { method: 'POST', path, type: 'application/x-ndjson', body, doubt } as const;
    const { count = 0, duplicates = 0, rejected = [] } = await this.#call<Partial<Taken>>(call);
    return { count, duplicates, rejected, resent };
  }

  async #call<T>(call: Call): Promise<T> {
    const { clock, giveUpAfterMs, log, signal } = this.#options;
    let since: number | undefined;
    let saidAt = Number.NEGATIVE_INFINITY;
    for (let failures = 1; ; failures++) {
      if (signal.aborted) throw stopped();
      const answer = await this.#try(call);
      if (answer.ok) return answer.body as T;
      // What the signal has broken off is no outage.
      if (signal.aborted) throw stopped();
      if (answer.untouched !== true) call.doubt?.();
      const now = clock.monotonic();
      since ??= now;
      if (giveUpAfterMs !== undefined && now - since >= giveUpAfterMs) throw new SpoolError('gave-up', answer.why);
      if (now - saidAt >= SAY_MS) {
        log.warn({ url: this.#options.url }, `${answer.why}; it is tried again`);
        saidAt = now;
      }
      const wait = answer.afterMs ?? backoffMs(RETRY, failures, clock.random());
      await clock.wait(Math.max(SHORTEST_WAIT_MS, wait), signal);
    }
  }

  /** @throws SpoolError `refused` */
  async #try({ method, path, type, body, asSource = false, heldMs = 0 }: Call): Promise<Answer> {
    const { url, token, readToken, signal } = this.#options;
    const bearer = method === 'GET' && !asSource ? (readToken ?? token) : token;
    const headers: Record<string, string> = { prefer: 'return=minimal' };
    if (type !== undefined) headers['content-type'] = type;
    if (bearer !== undefined) headers.authorization = `Bearer ${bearer}`;
    const timeout = AbortSignal.timeout(TIMEOUT_MS + heldMs);
    // A request that changes something is finished: its answer says what it has changed.
    const ending = method === 'GET' ? AbortSignal.any([timeout, signal]) : timeout;
    try {
      // A record, and a token, go to the server that was named.
      const init = {
        method,
        headers,
        signal: ending,
        redirect: 'manual' as const,
        ...(body === undefined ? {} : { body }),
      };
      const response = await fetch(new URL(path, url), init);
      return this.#judge(response.status, response.headers.get('retry-after'), await response.text());
    } catch (error) {
      if (error instanceof RefusedError) throw error;
      return { ok: false, why: `${new URL(url).origin} cannot be reached: ${reasonOf(error)}`, afterMs: undefined };
    }
  }

  #judge(status: number, retryAfter: string | null, text: string): Answer {
    const body = parsed(text);
    if (status >= 200 && status < 300 && body !== undefined) return { ok: true, body };
    const { error = 'without-a-code', hint, title, rejected } = (body ?? {}) as Problem;
    // It is an answer about each record, like any other.
    if (error === 'no-valid-events') return { ok: true, body: { count: 0, duplicates: 0, rejected } };
    const later = status >= 500 || status < 300 || TRY_LATER.has(status) || error === 'batch-open';
    if (!later) throw new RefusedError(status, error, hint ?? title ?? '');
    const afterMs = retryAfterMs(retryAfter ?? undefined, this.#options.clock.now(), LONGEST_RETRY_AFTER_MS);
    const why = `the server answered ${status} ${error}${hint === undefined ? '' : `: ${hint}`}`;
    return { ok: false, why, afterMs, untouched: NOT_TAKEN.has(status) };
  }
}

/** @throws RefusedError when the answer says neither */
async function isThere(asked: Promise<unknown>): Promise<boolean> {
  try {
    await asked;
    return true;
  } catch (error) {
    if (error instanceof RefusedError && error.error === 'batch-not-found') return false;
    throw error;
  }
}

function batchPath(tag: string): string {
  return `/batches/${encodeURIComponent(tag)}`;
}

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    // A proxy's page about an outage, for one.
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error
    ? cause.message || ((cause as NodeJS.ErrnoException).code ?? error.message)
    : error.message;
}
