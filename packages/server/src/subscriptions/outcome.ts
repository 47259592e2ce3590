/** What came of one attempt, and what it says: of the message, or merely of the receiver. */

/**
 * - `delivered`
 * - `refused`: the receiver has answered this message, and not with 2xx
 * - `unavailable`: it said nothing of this message: no connection, no answer, a gateway's word, a redirect
 * - `later`: it named a time
 * - `gone`: it wants no more of anything
 */
export type Outcome =
  | { kind: 'delivered'; status: number }
  | { kind: 'refused' | 'gone'; status: number; reason: string }
  | { kind: 'unavailable'; status?: number; reason: string }
  | { kind: 'later'; status: number; reason: string; afterMs: number };

const GONE = 410;
/** Too many requests, and what gateways answer when there is nobody behind them. */
const NOT_OF_THE_MESSAGE = new Set([429, 502, 503, 504]);
const WITH_RETRY_AFTER = new Set([429, 503]);

/** @param afterMs what `Retry-After` asks for */
export function outcomeOf(status: number, afterMs: number | undefined): Outcome {
  if (status >= 200 && status < 300) return { kind: 'delivered', status };
  const reason = `status ${status}`;
  if (status === GONE) return { kind: 'gone', status, reason };
  if (status < 400) return { kind: 'unavailable', status, reason: `${reason}: redirects are not followed` };
  if (afterMs !== undefined && WITH_RETRY_AFTER.has(status)) return { kind: 'later', status, reason, afterMs };
  return { kind: NOT_OF_THE_MESSAGE.has(status) ? 'unavailable' : 'refused', status, reason };
}
