import { PortalError } from './errors.ts';
import { type CertifiedMessage, certified } from './messages.ts';

export interface FeedItem {
  event: CertifiedMessage;
  /** Milliseconds since 1970. */
  time: number;
}

/** The newest certified events, newest first. */
export async function fetchNewest(limit: number): Promise<FeedItem[]> {
  const answer = JSON.parse(await getText(`/ingest/feed?status=certified&limit=${limit}`)) as { items: FeedJson[] };
  return answer.items.map((item) => ({ event: certified(item), time: Number(item.updatedAt) * 1000 }));
}

type FeedJson = Record<string, unknown> & { updatedAt?: unknown };

/** The text of an event's proof file. */
export function fetchProof(eventId: string, signal: AbortSignal): Promise<string> {
  return getText(`/ingest/events/${encodeURIComponent(eventId)}/proof`, signal);
}

async function getText(path: string, signal?: AbortSignal): Promise<string> {
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(path, signal ? { signal, cache: 'no-store' } : { cache: 'no-store' });
    text = await answer.text();
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new PortalError('unreachable', 'The server does not answer.', { cause });
  }
  if (!answer.ok) throw new PortalError('refused', problemText(answer.status, text));
  return text;
}

/** Title and hint of an RFC 9457 problem, or the bare status. */
function problemText(status: number, text: string): string {
  try {
    const { title, detail, hint } = JSON.parse(text) as Record<string, unknown>;
    const sentences = [title, detail, hint].filter((part) => typeof part === 'string' && part !== '');
    if (sentences.length > 0) return `${status}: ${sentences.join('. ')}`;
  } catch {
    // Not a problem document: the status has to do.
  }
  return `The server answered ${status}.`;
}
