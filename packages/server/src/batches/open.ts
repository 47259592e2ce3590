/** Batches, put together: their store, the messages about them, who follows these, and what embeds them. */
import { hash } from 'node:crypto';
import {
  BatchTracker,
  EMBED_CHANNEL,
  type EmbedDone,
  INGEST_CHANNEL,
  sqliteTrackerStore,
  type TrackerStore,
} from '@tidemark/client';
import { eventPublish } from '../notify/event-publish.ts';
import { mirrorTo } from '../notify/event-publish-mirror.ts';
import { mirrorRecord } from '../notify/event-publish-row.ts';
import { PublishTokens } from '../notify/event-publish-tokens.ts';
import type { BatchFacts } from '../store/batches.ts';
import type { JournalReader } from '../store/journal.ts';
import type { LedgerReader } from '../store/ledger.ts';
import { SqliteBatches } from '../store/sqlite/batches.ts';
import type { Stream } from '../stream.ts';
import { Certificates } from './certificate.ts';
import { BatchDesk, type MarkBatch } from './desk.ts';
import { EmbeddingQueue, type EmbedLeaves } from './embedding.ts';
import { LockedLeaves } from './locked-leaves.ts';
import { Messages } from './messages.ts';
import { RedisOutlet } from './redis.ts';
import { handlerFor, type Route } from './routing.ts';
import type { BatchSettings } from './settings.ts';
import { Waiting } from './waiting.ts';

export interface BatchParts {
  dataDir: string;
  settings: BatchSettings;
  streams: readonly Stream[];
  /** Streams whose batches are embedded here. */
  embeds: (stream: string) => boolean;
  embed: EmbedLeaves;
  mark: MarkBatch;
  journal: Pick<JournalReader, 'batch'>;
  ledger: Pick<LedgerReader, 'rollups' | 'stream'>;
  isAdmin: (token: string) => boolean;
  /** In words, what others do wrong and will be tried again. */
  troubled: (message: string) => void;
}

const REDIS_TIMEOUT_MS = 5000;
const MIRROR_TIMEOUT_MS = 5000;
const WEBHOOK_TIMEOUT_MS = 15_000;

export function openBatches(parts: BatchParts) {
  const { dataDir, settings, streams, embeds, troubled } = parts;
  const now = Date.now;
  const store = new SqliteBatches(dataDir);
  const redis =
    settings.redisUrl === undefined
      ? undefined
      : new RedisOutlet({ url: settings.redisUrl, timeoutMs: REDIS_TIMEOUT_MS, troubled });
  const waiting = new Waiting(later);
  const certificates = new Certificates(parts.journal, parts.ledger);
  const mirror =
    settings.mirrorUrl === undefined ? undefined : mirrorTo(settings.mirrorUrl, { timeoutMs: MIRROR_TIMEOUT_MS });
  const messages: Messages = new Messages({
    mirror:
      mirror &&
      ((row) => void mirror(mirrorRecord(row)).catch((error: Error) => troubled(`mirror failed: ${error.message}`))),
    ...{ store, waiting, embeds, troubled, now },
    outlet: redis,
    keep: settings.messages,
    embedding: () => queue.wake(),
    later,
  });
  const queue = new EmbeddingQueue({
    ...{ store, certificates, embed: parts.embed, attempts: settings.embedding.attempts, troubled, later, now },
    done: (facts, status, embedded) => messages.say(EMBED_CHANNEL, embedDone(facts, status, embedded, now())),
  });
  const inOrder = new Set(streams.filter(({ order }) => order === undefined).map(({ id }) => id));
  const desk = new BatchDesk({
    ...{ store, certificates, mark: parts.mark, waiting, now },
    takesBatches: (stream) => inOrder.has(stream),
    turned: (tag, gate) => {
      if (gate === 'unlocked') messages.release(tag);
      queue.wake();
    },
  });
  const tokens = new PublishTokens(settings.publish.tokens);
  const publish = eventPublish(settings.publish, {
    persist: async (row) => messages.keep(row),
    publish: (row) => messages.publish(row),
    ...(mirror !== undefined && { mirror }),
    warn: troubled,
    now,
    admits: parts.isAdmin,
  });
  const routes = settings.routes.map((route) => routeTracker(route, store, redis, troubled));
  const subscriber = redis?.subscriber();
  const tracker = new BatchTracker({
    store: sqliteTrackerStore(store.db),
    redis: subscriber,
    journal: async (after, signal, waitMs) => {
      const items = await messages.after(after, TRACKED_AT_A_TIME, waitMs, signal);
      return { items, next: items.at(-1)?.seq ?? after };
    },
    handlers: [
      {
        name: 'facts',
        // What came over Redis alone is heard like what was published here.
        handle: (_event, { channel, message }) => {
          messages.hear(channel, message);
          for (const route of routes) route.accept(channel, message);
        },
      },
    ],
    channels: settings.publish.allowedChannels,
    onError: (error) => troubled(`following batches: ${error.message}`),
  });
  return {
    batches: desk,
    batchMessages: messages,
    batchStore: store,
    lockedLeaves: new LockedLeaves(store, certificates),
    eventPublish: publish,
    mayPublish: async (token: string) => parts.isAdmin(token) || (await tokens.has(token)),
    embedAgain: (tag: string) => {
      const facts = store.one(tag);
      const searched = facts?.stream !== undefined && embeds(facts.stream);
      if (!searched || facts.embedding === 'due' || !certificates.of(tag).certified) return false;
      store.put({ ...facts, embedding: 'due', embedded: 0 });
      queue.wake();
      return true;
    },
    start: async () => {
      for (const route of routes) {
        await route.start();
        // What was given up before may have been mended since.
        route.retry();
      }
      // With Redis away it takes its time, and nobody has to wait for that.
      void tracker.start();
      // The process may have ended between an unlocking and what follows from it.
      for (const tag of store.released()) messages.release(tag);
      queue.wake();
      void messages.tell();
    },
    /** The ledger has grown. */
    wake: () => {
      waiting.changed();
      queue.wake();
    },
    close: async () => {
      messages.close();
      await Promise.all([tracker.stop(), queue.close()]);
      await Promise.all(routes.map((route) => route.stop()));
      subscriber?.disconnect();
      redis?.close();
      store.close();
    },
  };
}

const TRACKED_AT_A_TIME = 500;
const ROUTED_CHANNELS = [INGEST_CHANNEL, EMBED_CHANNEL];
/** An hour apart in the end: a week, and then it is given up until the next start. */
const ROUTE_ATTEMPTS = 180;
const ROUTE_BASE_MS = 500;
const ROUTE_CAP_MS = 3_600_000;

function embedDone({ tag, pii }: BatchFacts, status: 'success' | 'failed', embedded: number, now: number): EmbedDone {
  return { event: 'embed.done', batch_tag: tag, status, embedded, pii, ts: Math.floor(now / 1000) };
}

/** A tracker of its own, so that a receiver that is away holds up no other. */
function routeTracker(
  route: Route,
  store: SqliteBatches,
  redis: RedisOutlet | undefined,
  troubled: (message: string) => void,
): BatchTracker {
  const prefix = `route_${hash('sha256', route.name, 'hex').slice(0, 16)}_`;
  const options = { add: (...entry: Parameters<RedisOutlet['add']>) => add(redis, ...entry), now: Date.now };
  return new BatchTracker<unknown>({
    store: sqliteTrackerStore(store.db, prefix) as TrackerStore<unknown>,
    handlers: [handlerFor(route, { ...options, timeoutMs: WEBHOOK_TIMEOUT_MS })],
    channels: route.channel === undefined ? ROUTED_CHANNELS : [route.channel],
    attempts: ROUTE_ATTEMPTS,
    backoff: (failures) => Math.min(ROUTE_CAP_MS, ROUTE_BASE_MS * 2 ** Math.min(failures - 1, 20)),
    onError: (error) => troubled(`the route "${route.name}": ${error.message}`),
  });
}

async function add(redis: RedisOutlet | undefined, ...entry: Parameters<RedisOutlet['add']>): Promise<void> {
  // A queue without REDIS_URL stops the start.
  await redis?.add(...entry);
}

function later(work: () => void, ms: number): { cancel(): void } {
  const timer = setTimeout(work, ms);
  return { cancel: () => clearTimeout(timer) };
}
