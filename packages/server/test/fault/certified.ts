/** What a server has certified, as anybody can read it. */
import { setTimeout as delay } from 'node:timers/promises';
import { NO_CONTENT } from './deliveries.ts';

interface Item {
  eventId: string;
  status: string;
  contentHash: string | null;
}

const PAGE = 1000;
const BACKLOG_LIMIT_MS = 60_000;

/**
 * By key as in `SentEvent`: how often each version stands in the log. Waits until all that is journaled is certified.
 * @throws RangeError when that does not come about
 */
export async function certified(url: string): Promise<Map<string, number>> {
  const giveUp = Date.now() + BACKLOG_LIMIT_MS;
  for (;;) {
    const { backlog, problems } = await get<{ backlog: number; problems: string[] }>(`${url}/health`);
    if (backlog === 0) break;
    if (Date.now() > giveUp) throw new RangeError(`a backlog of ${backlog} stays: ${problems.join('; ')}`);
    await delay(10);
  }
  const found = new Map<string, number>();
  for (let cursor = ''; ; ) {
    const page = await get<{ items: Item[]; nextCursor: string }>(`${url}/feed?limit=${PAGE}${cursor}`);
    if (page.items.length === 0) return found;
    for (const { eventId, status, contentHash } of page.items) {
      const key = `${eventId} ${status === 'quarantined' ? NO_CONTENT : contentHash}`;
      found.set(key, (found.get(key) ?? 0) + 1);
    }
    cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`;
  }
}

async function get<T>(url: string): Promise<T> {
  return (await (await fetch(url)).json()) as T;
}
