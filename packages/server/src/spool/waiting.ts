/** Time, as the spool needs it: handed in, so that tests need not wait. */
import { setTimeout as delay } from 'node:timers/promises';
import { SpoolError } from './errors.ts';

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds on a clock that is never set. */
  monotonic(): number;
  /** @throws SpoolError `stopped` when the signal comes first */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  /** From 0 to 1. */
  random(): number;
}

export const CLOCK: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  random: Math.random,
  wait: async (ms, signal) => {
    try {
      await delay(ms, undefined, { signal });
    } catch (cause) {
      if (!signal.aborted) throw cause;
      throw stopped(cause);
    }
  },
};

export function stopped(cause?: unknown): SpoolError {
  return new SpoolError('stopped', 'told to stop', { cause });
}

export function isStop(error: unknown): boolean {
  return error instanceof SpoolError && error.code === 'stopped';
}
