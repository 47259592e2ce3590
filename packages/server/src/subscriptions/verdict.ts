/** What an attempt that failed means for its delivery, and for the circuit. */
import type { Breaker } from './breaker.ts';
import type { Outcome } from './outcome.ts';
import { backoffMs, type RetrySettings } from './retry.ts';

export type Failure = Exclude<Outcome, { kind: 'delivered' }>;

/** `heldUntil`: until then, nothing is sent to this receiver. */
export type Verdict =
  | { kind: 'again'; failures: number; dueAt: number; heldUntil?: number }
  | { kind: 'dead'; failures: number }
  | { kind: 'gone' };

export interface Circumstances {
  /** That have counted against the delivery before. */
  failures: number;
  breaker: Breaker;
  retry: RetrySettings;
  now: number;
  /** From 0 to 1. */
  random: () => number;
}

/**
 * An answer that refuses the message always counts against it. That there was no answer does as long as the circuit is
 * closed: of a receiver that is down no message is to blame, so an outage, however long, makes no dead letters. That the
 * receiver asked for time never does.
 */
export function verdictOn(outcome: Failure, { failures: before, breaker, retry, now, random }: Circumstances): Verdict {
  if (outcome.kind === 'gone') return { kind: 'gone' };
  const heldUntil = outcome.kind === 'later' ? now + outcome.afterMs : undefined;
  if (heldUntil === undefined || breaker.isOpen) breaker.failed(now, random());
  const counts = outcome.kind === 'refused' || (outcome.kind === 'unavailable' && !breaker.isOpen);
  const failures = before + (counts ? 1 : 0);
  if (failures >= retry.attempts) return { kind: 'dead', failures };
  if (heldUntil !== undefined) return { kind: 'again', failures, dueAt: heldUntil, heldUntil };
  return { kind: 'again', failures, dueAt: now + backoffMs(retry, Math.max(1, failures), random()) };
}
