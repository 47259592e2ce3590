/** What the feed says of itself, as JSON text. */
import type { Missing } from './extents.ts';

/** @param now milliseconds since 1970 @param retryMs to be waited before coming back */
export function hello({ now, ...pace }: { now: number; heartbeatMs: number; retryMs: number }): string {
  return JSON.stringify({ type: 'hello', ts: now, ...pace });
}

export function heartbeat(now: number): string {
  return JSON.stringify({ type: 'heartbeat', ts: now });
}

/** The place that was asked for is not one of this server's. */
export function unknownCursor(cursor: string, missing: readonly Missing[]): string {
  const hint = 'following from now on; /feed has what was before, up to the leaves named as missing';
  return JSON.stringify({ type: 'gap', reason: 'unknown-cursor', cursor: cursor.slice(0, 64), missing, hint });
}

/** The place that was asked for is further back than this server goes. */
export function expiredCursor(cursor: string, missing: readonly Missing[]): string {
  const hint =
    missing.length === 0
      ? 'following from the oldest that is told here; of the logs, nothing is missing'
      : 'following from the oldest that is told here; /feed has the leaves named as missing';
  return JSON.stringify({ type: 'gap', reason: 'expired-cursor', cursor: cursor.slice(0, 64), missing, hint });
}

/** @param cursor what follows it, up to the cursor of this message, was left out */
export function leftOut(skipped: number, cursor: string, missing: readonly Missing[]): string {
  const hint = 'the connection was too slow for all of it; /watch?since=CURSOR has what was left out';
  return JSON.stringify({ type: 'gap', reason: 'slow', skipped, cursor, missing, hint });
}

export function conflated(skipped: number, cursor: string, missing: readonly Missing[]): string {
  const hint =
    'the connection was too slow for all of it: the newest of each key follow, /watch?since=CURSOR has the rest';
  return JSON.stringify({ type: 'gap', reason: 'conflated', skipped, cursor, missing, hint });
}
