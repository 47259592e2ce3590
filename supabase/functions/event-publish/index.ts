/**
 * The server's own publish handler as a Supabase Edge Function. Secrets: EDGE_TOKEN, REDIS_URL; also ALLOWED_CHANNELS,
 * MAX_MESSAGE_BYTES, EVENT_SCHEMA and TIMESERIES_WEBHOOK_URL. SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY are there
 * anyhow, and rows are kept where both are.
 */
import { eventPublish } from '../../../packages/server/src/notify/event-publish.ts';
import { mirrorTo } from '../../../packages/server/src/notify/event-publish-mirror.ts';
import type { MirrorRecord } from '../../../packages/server/src/notify/event-publish-row.ts';
import { edgeConfig } from './environment.ts';
import { RedisPublisher } from './redis-publisher.ts';
import { restRows } from './rest-rows.ts';

/** Supabase ends a function with its answer, unless it is told that there is more to be done. */
declare const EdgeRuntime: { waitUntil(work: Promise<unknown>): void } | undefined;

const { settings, redisUrl, mirrorUrl, rest } = edgeConfig((name) => Deno.env.get(name));
const redis = new RedisPublisher(redisUrl);

function warn(message: string): void {
  // biome-ignore lint/suspicious/noConsole: the log of an Edge Function
  console.warn(message);
}

function mirroring(url: string): (record: MirrorRecord) => Promise<void> {
  const mirror = mirrorTo(url);
  return (record) => {
    const work = mirror(record);
    if (typeof EdgeRuntime !== 'undefined') EdgeRuntime.waitUntil(work.catch(() => undefined));
    return work;
  };
}

Deno.serve(
  eventPublish(settings, {
    publish: async ({ channel, message }) => {
      await redis.publish(channel, message);
      return 'published';
    },
    warn,
    now: Date.now,
    ...(rest !== undefined && { persist: restRows(rest) }),
    ...(mirrorUrl !== undefined && { mirror: mirroring(mirrorUrl) }),
  }),
);
