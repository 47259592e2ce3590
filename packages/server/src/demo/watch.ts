import { DemoError } from './errors.ts';
import { backoffMs, pause, retryAfterMs } from './retry.ts';
import { SseParser } from './sse.ts';

export interface FollowOptions {
  /** Base URL of the server. */
  url: string;
  signal: AbortSignal;
  /** The data of every message, in order, one JSON text each. */
  onMessage: (data: string) => void;
  /** Told when the connection could not be made or broke; it is made again. */
  onError: (error: DemoError) => void;
}

/** Follows `GET /watch` until the signal aborts; after a break it resumes behind the last message it has seen. */
export async function followWatch(options: FollowOptions): Promise<void> {
  const { signal } = options;
  let cursor = '';
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    const parser = new SseParser();
    let delay = backoffMs(attempt);
    try {
      const answer = await fetch(new URL('/watch', options.url), {
        headers: { accept: 'text/event-stream', ...(cursor === '' ? {} : { 'last-event-id': cursor }) },
        signal,
      });
      if (answer.ok && answer.body) {
        attempt = 0;
        for await (const chunk of answer.body) {
          for (const message of parser.push(chunk)) options.onMessage(message.data);
          cursor = parser.lastEventId || cursor;
        }
        delay = parser.retryMs ?? backoffMs(0);
        throw new DemoError('unreachable', 'the server closed the live feed');
      }
      delay = retryAfterMs(answer.headers.get('retry-after'), Date.now()) ?? delay;
      await answer.body?.cancel();
      throw new DemoError('overloaded', `live feed: ${answer.status}`);
    } catch (cause) {
      if (signal.aborted) return;
      options.onError(asDemoError(cause));
    }
    await pause(delay, signal);
  }
}

function asDemoError(cause: unknown): DemoError {
  if (cause instanceof DemoError) return cause;
  if (cause instanceof SyntaxError) return new DemoError('bad-answer', 'live feed: a message is not JSON', { cause });
  return new DemoError('unreachable', 'live feed: no connection', { cause });
}
