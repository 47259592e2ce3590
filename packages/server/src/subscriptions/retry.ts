/** When a delivery that failed is tried again. */

export interface RetrySettings {
  /** Attempts that may count against a delivery before it is a dead letter. */
  attempts: number;
  baseMs: number;
  factor: number;
  capMs: number;
}

/**
 * Full jitter: anything from nothing to `base × factor^n`, capped, so that what failed together does not come back
 * together.
 * @param failures so far, at least 1
 * @param random from 0 to 1
 */
export function backoffMs({ baseMs, factor, capMs }: RetrySettings, failures: number, random: number): number {
  return random * Math.min(capMs, baseMs * factor ** (failures - 1));
}

/** `Retry-After`, in milliseconds from now; undefined when it is absent or neither of its two forms. */
export function retryAfterMs(value: string | undefined, now: number, longest: number): number | undefined {
  if (value === undefined) return undefined;
  // HTTP dates are all in GMT; `Date.parse` takes much that is none.
  const isDate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(value);
  const wait = /^\d{1,10}$/.test(value) ? Number(value) * 1000 : isDate ? Date.parse(value) - now : Number.NaN;
  return Number.isNaN(wait) ? undefined : Math.min(longest, Math.max(0, wait));
}
