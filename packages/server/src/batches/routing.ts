/** Where events go by channel and name: to a webhook, or to a queue. Both get them at least once, under a key. */
import type { BatchHandler, LifecycleEvent, LifecycleEventName } from '@tidemark/client';
import { signedHeaders } from '../subscriptions/signing.ts';

export interface Route {
  name: string;
  channel?: string;
  event?: LifecycleEventName;
  to: { webhook: string; secret?: string } | { queue: string; maxLength: number };
}

export interface RoutingOptions {
  /** Adds an entry to a queue that keeps about so many. */
  add: (queue: string, maxLength: number, fields: Readonly<Record<string, string>>) => Promise<void>;
  timeoutMs: number;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** - `refused`: the receiver did not answer with 2xx, or not in time */
export class RoutingError extends Error {
  readonly code = 'refused';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RoutingError';
  }
}

export function handlerFor({ name, channel, event, to }: Route, options: RoutingOptions): BatchHandler {
  return {
    name,
    ...(channel !== undefined && { channel }),
    ...(event !== undefined && { event }),
    handle: async (message, { key, channel: from, signal }) => {
      if ('queue' in to) {
        await options.add(to.queue, to.maxLength, { key, channel: from, event: JSON.stringify(message) });
      } else await call(to, { key, channel: from, message }, options, signal);
    },
  };
}

async function call(
  { webhook, secret }: { webhook: string; secret?: string },
  { key, channel, message }: { key: string; channel: string; message: LifecycleEvent },
  { timeoutMs, now }: RoutingOptions,
  signal: AbortSignal,
): Promise<void> {
  const body = JSON.stringify({ key, channel, event: message });
  const seconds = Math.floor(now() / 1000);
  const signed = secret === undefined ? { 'webhook-id': key } : signedHeaders([secret], key, seconds, body);
  let response: Response;
  try {
    response = await fetch(webhook, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...signed },
      body,
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    await response.body?.cancel();
  } catch (cause) {
    throw new RoutingError(`${new URL(webhook).host} cannot be reached, or did not answer in time`, { cause });
  }
  if (!response.ok) throw new RoutingError(`${new URL(webhook).host} answered ${response.status}`);
}
