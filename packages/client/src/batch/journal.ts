/** `GET /batch-events`: what has been published, kept, and numbered in order. */
import { ClientError } from '../errors.ts';
import { Http, type HttpOptions } from '../http.ts';

export interface JournalPage {
  items: readonly { channel: string; message: string }[];
  /** To go on behind these. */
  next: number;
}

/**
 * Reads what is behind a place. Where there is nothing it may wait until there is, for as long as `waitMs` says, and then
 * answers with nothing and the same place.
 */
export type Journal = (after: number, signal: AbortSignal, waitMs: number) => Promise<JournalPage>;

export interface BatchJournalOptions extends Pick<HttpOptions, 'url' | 'token' | 'fetch'> {
  /** Items an answer, default 500. */
  limit?: number;
}

/** For the answer itself, when the waiting is over. */
const ANSWER_MS = 15_000;
export const MAX_WAIT_MS = 25_000;

/** The journal of a Tidemark server. @throws ClientError `invalid-argument`, and from each call */
export function batchJournal({ limit = 500, ...options }: BatchJournalOptions): Journal {
  const http = new Http({ ...options, timeoutMs: MAX_WAIT_MS + ANSWER_MS });
  return (after, signal, waitMs) => {
    const wait = waitMs > 0 ? { waitMs: String(Math.min(MAX_WAIT_MS, waitMs)) } : {};
    const query = { after: String(after), limit: String(limit), ...wait };
    // Whoever follows it asks again by itself.
    return http.json('batch-events', { query }, parsePage, { signal, retryForMs: 0 });
  };
}

function parsePage(value: unknown): JournalPage {
  const { items, next } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (!Array.isArray(items) || !items.every(isItem) || !Number.isSafeInteger(next)) {
    throw new ClientError('bad-answer', 'batch-events: the answer is not a page');
  }
  return { items, next: next as number };
}

function isItem(value: unknown): value is JournalPage['items'][number] {
  const { channel, message } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return typeof channel === 'string' && typeof message === 'string';
}
