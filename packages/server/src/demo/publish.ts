import { ClientError, type ClientErrorCode, type Tidemark } from '@tidemark/client';
import { DemoError, type DemoErrorCode } from './errors.ts';

const TIMEOUT_MS = 10_000;

/** How a client is made that waits out any outage. */
export const PATIENT = { timeoutMs: TIMEOUT_MS, retryForMs: Number.POSITIVE_INFINITY };

export interface PublishOptions {
  tidemark: Tidemark;
  sourceId: string;
  signal: AbortSignal;
  /** Told of every failed attempt and of every event that the server did not take. */
  onError: (error: DemoError) => void;
}

/**
 * Sends events and comes back once the server has them on disk. Answers false when the signal ended the attempts.
 * Throws DemoError `refused` or `bad-answer` where another attempt would change nothing.
 */
export async function publish(events: readonly object[], options: PublishOptions): Promise<boolean> {
  const { tidemark, sourceId, signal, onError } = options;
  const onRetry = (error: unknown, delayMs: number) => {
    onError(demoError(error, `${sourceId}: again in ${Math.round(delayMs)} ms`));
  };
  try {
    const { rejected } = await tidemark.publish(events, { sourceId, signal, onRetry });
    for (const { index, error } of rejected) {
      onError(new DemoError('rejected', `event ${index} of the batch: ${error}`));
    }
    return true;
  } catch (cause) {
    if (signal.aborted) return false;
    throw demoError(cause, sourceId);
  }
}

const CODES: Record<ClientErrorCode, DemoErrorCode> = {
  unreachable: 'unreachable',
  unavailable: 'overloaded',
  refused: 'refused',
  'bad-answer': 'bad-answer',
  'invalid-argument': 'refused',
};

/** @throws what is no failure of a request */
export function demoError(cause: unknown, what: string): DemoError {
  if (!(cause instanceof ClientError)) throw cause;
  return new DemoError(CODES[cause.code], `${what}: ${cause.message}`, { cause });
}
