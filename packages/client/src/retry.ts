/** When to try again. */

const FIRST_DELAY_MS = 200;
/** Whatever the server says, it is not asked again at once. */
export const MIN_DELAY_MS = 200;
const MAX_DELAY_MS = 5_000;
const MAX_RETRY_AFTER_MS = 60_000;
/** setTimeout takes no more. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * Delay before attempt `attempt + 1`, in milliseconds: 200, 400, … up to 5,000, of which a random half is left out, so
 * that clients which were cut off together do not come back together.
 * @param random in [0, 1)
 */
export function backoffMs(attempt: number, random: number): number {
  const delay = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);
  return delay - (delay / 2) * random;
}

/**
 * `Retry-After` in milliseconds from now, by RFC 9110, section 10.2.3 (seconds or an HTTP date), at most a minute;
 * undefined where the header is missing or says nothing.
 */
export function retryAfterMs(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  const value = header.trim();
  const ms = /^[0-9]+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isNaN(ms) ? undefined : Math.min(MAX_RETRY_AFTER_MS, Math.max(0, ms));
}

/** Waits. @throws the signal's reason, at once, when it aborts */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(
      () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      },
      Math.min(ms, MAX_TIMEOUT_MS),
    );
    signal?.addEventListener('abort', abort, { once: true });
  });
}

export interface RetryOptions {
  signal?: AbortSignal | undefined;
  /** Milliseconds from the first attempt after which none is made any more. */
  retryForMs: number;
  /** Told of each attempt that failed and will be made again. */
  onRetry?: ((error: unknown, delayMs: number) => void) | undefined;
}

/** What `work` throws is thrown on, unless `delayOf` knows how long to wait before the next attempt. */
export async function retrying<T>(
  work: () => Promise<T>,
  delayOf: (error: unknown, attempt: number) => number | undefined,
  { signal, retryForMs, onRetry }: RetryOptions,
): Promise<T> {
  const started = performance.now();
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      const delay = delayOf(error, attempt);
      if (delay === undefined || performance.now() - started + delay > retryForMs) throw error;
      onRetry?.(error, delay);
      await pause(delay, signal);
    }
  }
}
