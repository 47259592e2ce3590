import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_DELAY_MS = 200;
const MAX_DELAY_MS = 5_000;
const MAX_RETRY_AFTER_MS = 60_000;

/** Delay before attempt `attempt + 1`, in milliseconds: 200, 400, … up to 5,000. */
export function backoffMs(attempt: number): number {
  return Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);
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

/** Waits; answers false, at once, when the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(ms, undefined, { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
