import { DemoError } from './errors.ts';
import { backoffMs, pause, retryAfterMs } from './retry.ts';

const TIMEOUT_MS = 10_000;

export interface PublishOptions {
  /** Base URL of the server. */
  url: string;
  sourceId: string;
  signal: AbortSignal;
  /** Told of every failed attempt and of every event that the server did not take. */
  onError: (error: DemoError) => void;
}

interface Rejection {
  index: number;
  error: string;
}

/**
 * Sends events and comes back once the server has them on disk. An outage is waited out; a resend is harmless, since
 * an event id that is known is a duplicate. Answers false when the signal ended the attempts.
 * Throws DemoError `refused` or `bad-answer` where another attempt would change nothing.
 */
export async function publish(events: readonly object[], options: PublishOptions): Promise<boolean> {
  const { signal, onError } = options;
  const body = JSON.stringify({ sourceId: options.sourceId, events });
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    let delay = backoffMs(attempt);
    try {
      const answer = await post(options, body);
      if (answer.ok) {
        reportRejected(await answer.json(), onError);
        return true;
      }
      const problem = await answer.text();
      if (answer.status !== 429 && answer.status < 500) {
        throw new DemoError('refused', `${options.sourceId}: ${answer.status} ${problem.slice(0, 300)}`);
      }
      delay = retryAfterMs(answer.headers.get('retry-after'), Date.now()) ?? delay;
      onError(new DemoError('overloaded', `${options.sourceId}: ${answer.status}, again in ${delay} ms`));
    } catch (cause) {
      if (signal.aborted) break;
      if (cause instanceof DemoError) throw cause;
      if (cause instanceof SyntaxError) throw new DemoError('bad-answer', `${options.sourceId}: no JSON`, { cause });
      onError(new DemoError('unreachable', `${options.sourceId}: no answer, again in ${delay} ms`, { cause }));
    }
    await pause(delay, signal);
  }
  return false;
}

function post(options: PublishOptions, body: string): Promise<Response> {
  return fetch(new URL('/ingest/events', options.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    signal: AbortSignal.any([options.signal, AbortSignal.timeout(TIMEOUT_MS)]),
  });
}

function reportRejected(answer: unknown, onError: PublishOptions['onError']): void {
  for (const { index, error } of (answer as { rejected?: Rejection[] }).rejected ?? []) {
    onError(new DemoError('rejected', `event ${index} of the batch: ${error}`));
  }
}
