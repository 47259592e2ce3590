/** Copies of what is published, as small records to a time series elsewhere: `TIMESERIES_WEBHOOK_URL`. */
import type { MirrorRecord } from './event-publish-row.ts';

export class MirrorError extends Error {
  /** `refused`: another answer than 2xx, a redirect among them; `unreachable`: none, or none in time. */
  readonly code: 'refused' | 'unreachable';

  constructor(code: MirrorError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MirrorError';
    this.code = code;
  }
}

export interface MirrorOptions {
  /** For the whole request, default 2000. */
  timeoutMs?: number;
  /** Default: the global one. */
  fetch?: typeof fetch;
}

const TIMEOUT_MS = 2000;

/** @returns what posts a record as JSON; rejects with a `MirrorError`, which does not name the URL: it may have a secret */
export function mirrorTo(
  url: string | URL,
  { timeoutMs = TIMEOUT_MS, fetch: post = fetch }: MirrorOptions = {},
): (record: MirrorRecord) => Promise<void> {
  return async (record) => {
    let answer: Response;
    try {
      answer = await post(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(record),
        // What is sent goes where it was meant to go.
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      });
    } catch (cause) {
      throw new MirrorError('unreachable', 'the mirror did not answer', { cause });
    }
    // Nothing of the answer is read; its connection is let go.
    await answer.body?.cancel();
    if (!answer.ok) throw new MirrorError('refused', `the mirror answered ${answer.status}`);
  };
}
