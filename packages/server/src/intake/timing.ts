/** What each stream wants of the clock. */
import type { Stream } from '../stream.ts';
import type { Timing } from './cut-clock.ts';

/** A millisecond later, what was to wait so long has waited long enough. */
const AND_OVER = 1;

export function timingOf({ publish, order, fusion }: Stream): Timing {
  const cutMs = publish.windowMs === undefined ? publish.maxAgeMs : undefined;
  if (order === undefined) return { cutMs, wakeMs: [] };
  const { bufferMs, idleMs, futureMs } = order;
  // How far ahead of an event's time its bucket and window may end.
  const span = (fusion === undefined ? 0 : (fusion.bucketMs ?? bufferMs)) + (publish.windowMs ?? 0);
  const overMs = span + bufferMs;
  const deadlineMs = fusion?.deadlineMs === undefined ? 0 : span + fusion.deadlineMs;
  const lastMs = Math.max(idleMs, overMs + futureMs, deadlineMs + futureMs);
  const delays = [idleMs, overMs, Math.max(idleMs, overMs), deadlineMs, lastMs].map((delay) => delay + AND_OVER);
  return { cutMs, wakeMs: [...new Set(delays)].filter((delay) => delay > AND_OVER).sort((a, b) => a - b) };
}
