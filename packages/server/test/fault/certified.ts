/** What a server has certified, as anybody can read it. */
import { setTimeout as delay } from 'node:timers/promises';
import { NO_CONTENT } from './deliveries.ts';

interface Item {
  eventId: string;
  status: string;
  contentHash: string | null;
  /** Of fused records. */
  decision?: string;
}

const PAGE = 1000;
const BACKLOG_LIMIT_MS = 60_000;

/**
 * By key as in `SentEvent`: how often each version stands in the log. Waits until all that is wanted is there.
 * @throws RangeError when that does not come about
 */
export async function certified(url: string, wanted: Iterable<string>): Promise<Map<string, number>> {
  const giveUp = Date.now() + BACKLOG_LIMIT_MS;
  const missing = new Set(wanted);
  const found = new Map<string, number>();
  for (let cursor = ''; ; ) {
    const page = await get<{ items: Item[]; nextCursor: string }>(`${url}/feed?limit=${PAGE}${cursor}`);
    for (const { eventId, status, contentHash, decision } of page.items) {
      if (decision !== undefined) continue;
      const key = `${eventId} ${status === 'quarantined' ? NO_CONTENT : contentHash}`;
      found.set(key, (found.get(key) ?? 0) + 1);
      missing.delete(key);
    }
    cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`;
    if (page.items.length > 0) continue;
    if (missing.size === 0 || Date.now() > giveUp) return found;
    await delay(20);
  }
}

/** Whether all versions of an event that is fused are in the log. */
export async function isFused(url: string, eventId: string, versions: number): Promise<boolean> {
  const event = await get<{ status: string; versions?: unknown[] }>(`${url}/ingest/events/${eventId}`);
  return event.status === 'certified' && (event.versions?.length ?? 1) === versions;
}

async function get<T>(url: string): Promise<T> {
  return (await (await fetch(url)).json()) as T;
}
