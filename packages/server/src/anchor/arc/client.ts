/** ARC over HTTP: bounded in time and size, without redirects. Nothing that it says is taken for true. */
import { readBounded } from '../../answers.ts';
import { type ArcStatus, parseStatus, words } from './status.ts';

export interface ArcEndpoint {
  /** What `/v1/tx` is appended to. */
  url: string;
  /** Sent as bearer, never shown. */
  token?: string | undefined;
  /** Where ARC may report, and the token that it reports with. */
  callback?: { url: string; token: string } | undefined;
  /** For one request, to the last byte of its answer. */
  timeoutMs?: number;
}

/**
 * `unknown`: ARC has no such transaction; `refused`: it will not take this one, for the reason with this number;
 * `trouble`: no answer that counts, where `everywhere` says that the next request would fare no better.
 */
export type ArcAnswer =
  | { kind: 'status'; status: ArcStatus }
  | { kind: 'unknown' }
  | { kind: 'refused'; code: number; why: string }
  | { kind: 'trouble'; why: string; everywhere: boolean; retryAfterMs?: number };

type Answer = { status: number; body: unknown; retryAfterMs?: number } | { trouble: string };

/** ARC itself waits up to 5 seconds for the network. */
const TIMEOUT_MS = 15_000;
/** A path through the largest block is 2 KiB; a batch of paths merged may be more. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const MAX_RETRY_AFTER_MS = 600_000;
/** ARC's own numbers: the transaction has been looked at, and is not wanted. 476 says that a later one may be. */
const REFUSALS = { first: 460, last: 475, malformed: 400, tooLarge: 413 };

export class ArcClient {
  readonly #endpoint: ArcEndpoint;
  readonly #base: string;
  readonly #closing = new AbortController();

  constructor(endpoint: ArcEndpoint) {
    this.#endpoint = endpoint;
    this.#base = endpoint.url.replace(/\/+$/, '');
  }

  /** @param tx hex, raw or in Extended Format */
  async submit(tx: string, txid: string): Promise<ArcAnswer> {
    const { callback } = this.#endpoint;
    const answer = await this.#ask('/v1/tx', {
      method: 'POST',
      body: JSON.stringify({ rawTx: tx }),
      headers: {
        'content-type': 'application/json',
        ...(callback && { 'x-callbackurl': callback.url, 'x-callbacktoken': callback.token }),
      },
    });
    return read(answer, txid, true);
  }

  async status(txid: string): Promise<ArcAnswer> {
    const answer = await this.#ask(`/v1/tx/${txid}`, {});
    if (!('trouble' in answer) && answer.status === 404) return { kind: 'unknown' };
    return read(answer, txid, false);
  }

  /** Satoshis for 1000 bytes, rounded up; undefined where ARC does not say. */
  async fee(): Promise<number | undefined> {
    const answer = await this.#ask('/v1/policy', {});
    if ('trouble' in answer || answer.status !== 200) return undefined;
    const { policy } = (answer.body ?? {}) as { policy?: { miningFee?: { satoshis?: unknown; bytes?: unknown } } };
    const { satoshis, bytes } = policy?.miningFee ?? {};
    if (typeof satoshis !== 'number' || typeof bytes !== 'number' || !(satoshis >= 0) || !(bytes > 0)) return undefined;
    return Math.ceil((satoshis / bytes) * 1000);
  }

  /** Breaks off what is under way; no request is made any more. */
  close(): void {
    this.#closing.abort();
  }

  async #ask(path: string, init: RequestInit): Promise<Answer> {
    const { token, timeoutMs = TIMEOUT_MS } = this.#endpoint;
    const deadline = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(this.#base + path, {
        ...init,
        headers: { accept: 'application/json', ...init.headers, ...(token && { authorization: `Bearer ${token}` }) },
        redirect: 'manual',
        signal: AbortSignal.any([deadline, this.#closing.signal]),
      });
      const text = await readBounded(response, MAX_ANSWER_BYTES);
      if (text === undefined) return { trouble: `answers with more than ${MAX_ANSWER_BYTES} bytes` };
      const seconds = Number(response.headers.get('retry-after'));
      const wait = seconds > 0 ? { retryAfterMs: Math.min(seconds * 1000, MAX_RETRY_AFTER_MS) } : {};
      return { status: response.status, body: parsed(text), ...wait };
    } catch (cause) {
      return { trouble: deadline.aborted ? `gives no whole answer within ${timeoutMs} ms` : whyNot(cause) };
    }
  }
}

function read(answer: Answer, txid: string, submitted: boolean): ArcAnswer {
  if ('trouble' in answer) return { kind: 'trouble', why: `ARC: ${answer.trouble}`, everywhere: true };
  const { status: http, body } = answer;
  if (http === 200 || http === 201) {
    const status = parseStatus(body);
    if (status?.txid === txid) return { kind: 'status', status };
    const why = status === undefined ? 'answers with what is no status' : 'answers for another transaction';
    return { kind: 'trouble', why: `ARC: ${why}`, everywhere: false };
  }
  // Some give their own number in the body, beside a plain 400.
  const { status: own, detail, extraInfo } = (body ?? {}) as Record<string, unknown>;
  const code = http >= 400 && http < 500 && typeof own === 'number' ? own : http;
  const why = `ARC answers ${code}${[words(detail), words(extraInfo)].map((text) => text && `: ${text}`).join('')}`;
  if (submitted && isRefusal(code)) return { kind: 'refused', code, why };
  const everywhere = http >= 500 || http < 400 || [401, 402, 403, 429].includes(http) || (submitted && http === 404);
  return { kind: 'trouble', why, everywhere, ...(answer.retryAfterMs && { retryAfterMs: answer.retryAfterMs }) };
}

function isRefusal(code: number): boolean {
  const { first, last, malformed, tooLarge } = REFUSALS;
  return (code >= first && code <= last) || code === malformed || code === tooLarge;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `fetch` says little itself, and keeps what happened as the cause. */
function whyNot(error: unknown): string {
  const { message, cause } = error as { message?: string; cause?: { code?: string; message?: string } };
  return `cannot be reached: ${cause?.code ?? cause?.message ?? message ?? 'no answer'}`;
}
