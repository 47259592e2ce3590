/** The composition root: builds every part from the configuration, and takes it all down again. */
import { mkdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { formatVerifierKey, verifierKey } from '@tidemark/proof';
import type { Logger } from 'pino';
import { Brc104 } from './access/brc104.ts';
import { Guard } from './access/guard.ts';
import { IdentityCheck } from './access/identity.ts';
import { Readers } from './access/readers.ts';
import { SqliteNonces } from './access/sqlite-nonces.ts';
import { openBatches } from './batches/open.ts';
import { openCatalog } from './catalog/open.ts';
import { type Config, ConfigError, isLoopback } from './config.ts';
import { ENDPOINT_DEFAULTS } from './embedding/http-embedder.ts';
import { Access } from './http/access.ts';
import { BodyReader } from './http/body.ts';
import { EventVersions } from './http/event-versions.ts';
import { FeedCache } from './http/feed-cache.ts';
import { buildServer } from './http/server.ts';
import { type Instance, openInstance } from './instance.ts';
import { Admission } from './intake/admission.ts';
import { SourceAuth } from './intake/auth.ts';
import { type NodeKeys, openAdminToken, openCallbackToken, openKeys } from './keys.ts';
import { Hub } from './live/hub.ts';
import { Turns } from './live/turns.ts';
import { ErasureDesk } from './operation/erasure-desk.ts';
import { Health } from './operation/health.ts';
import { Metrics } from './operation/metrics.ts';
import { QuarantineDesk } from './operation/quarantine-desk.ts';
import { openReaders } from './readers.ts';
import type { SearchSettings } from './search/settings.ts';
import { lockDirectory } from './store/sqlite/database.ts';
import { hasJournal } from './store/sqlite/journal.ts';
import { hasSubscriptions } from './store/sqlite/subscriptions.ts';
import type { StreamConfig } from './stream.ts';
import { SearchClient } from './threads/search-client.ts';
import { SubscriptionsClient } from './threads/subscriptions-client.ts';
import { startThreads } from './threads/threads.ts';

export interface App {
  url: string;
  adminTokenFile: string;
  /** Settles when a thread has ended by itself: the process is of no use any more. */
  failed: Promise<Error>;
  /** Takes no more, answers what it has taken, and lets go of the data directory. */
  close(): Promise<void>;
}

/** How long answers that are under way may take when the server closes. */
const CLOSING_MS = 5000;

/** @throws ConfigError, StoreError `in-use`, KeyError, and whatever keeps the port from being bound */
export async function startApp(config: Config, log: Logger): Promise<App> {
  makeDataDir(config.dataDir);
  const lock = lockDirectory(config.dataDir);
  try {
    return await startLocked(config, log, lock);
  } catch (cause) {
    lock.release();
    throw cause;
  }
}

function makeDataDir(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError('setting-invalid', `the data directory ${dataDir} cannot be made: ${why}`, { cause });
  }
}

async function startLocked(config: Config, log: Logger, lock: { release(): void }): Promise<App> {
  const { dataDir, sources, secrets, limits } = config;
  const fresh = !hasJournal(dataDir);
  const admin = openAdminToken(dataDir);
  const instance = openInstance(dataDir, fresh, config.publicUrl);
  const keys = openKeys(dataDir, fresh, config.keyFiles);
  const failed = Promise.withResolvers<Error>();
  const health = new Health({
    now: () => performance.now(),
    sourcesWithSecret: secrets.size,
    longestWaitMs: Math.max(0, ...config.streams.map(({ publish }) => publish.maxAgeMs)),
  });
  const threads = await startThreads(
    { dataDir, keyFiles: config.keyFiles, sources, secrets, limits, streams: streamConfigs(config, instance, keys) },
    {
      dataDir,
      keyFiles: config.keyFiles,
      anchor: config.anchor,
      publicUrl: config.publicUrl,
      headers: config.headers,
      witnesses: config.witnesses,
    },
    {
      troubled: (message) => {
        log.error(message);
        health.troubled(message);
      },
      died: (error) => {
        log.fatal({ err: error }, 'a thread has ended');
        failed.resolve(error);
      },
    },
  );
  const subscriptions = new SubscriptionsClient(
    { dataDir, instanceId: instance.id, originPrefix: instance.originPrefix, settings: config.subscriptions },
    {
      // What receivers do is no matter of this server's health.
      troubled: (message) => log.warn(message),
      died: (error) => {
        log.fatal({ err: error }, 'the thread of outgoing webhooks has ended');
        failed.resolve(error);
      },
    },
  );
  const readers = openReaders(config, instance);
  const turns = new Turns(setImmediate, () => performance.now());
  const hub = new Hub({ ...readers, queue: config.watch.queue, now: Date.now, later: setImmediate, turns });
  const bodies = new BodyReader(limits);
  const feedCache = new FeedCache({ ttlMs: config.feedCacheTtlMs, now: () => performance.now() });
  const { batches: batchSettings, searched } = config;
  const search = new SearchClient(
    { dataDir, settings: searchSettings(config) },
    {
      troubled: (message) => log.warn(message),
      died: (error) => {
        log.fatal({ err: error }, 'the thread of the search index has ended');
        failed.resolve(error);
      },
    },
    () => [...searched.keys()].some((stream) => (readers.ledger.stream(stream)?.size ?? 0) > 0),
  );
  let held = 0;
  const levels = () => ({
    held,
    journalHead: hub.heads.journal,
    ledgerHead: hub.heads.ledger,
    backlog: health.backlog,
    watchers: hub.size,
    bodiesInFlightBytes: bodies.inFlight,
    deliveriesPending: threads.pending(),
  });
  const metrics = new Metrics(levels, () => ({
    ...{ watchMessages: hub.delivered, watchTooSlow: hub.tooSlow, feedCacheHits: feedCache.hits },
  }));
  health.progressed(readers.ledger.cursor());
  health.follows(readers.headers);
  health.journalGrew(hub.heads.journal);
  threads.listen({
    journalGrew: (head) => {
      health.journalGrew(head);
      hub.advance({ journal: head });
    },
    progressed: ({ reached, ledgerHead, latenciesMs, ...progress }) => {
      held = progress.held;
      health.outside(progress.troubles);
      health.progressed(reached);
      for (const latency of latenciesMs) metrics.certified(latency / 1000);
      hub.advance({ ledger: ledgerHead });
      subscriptions.wake();
      search.wake();
      batches.wake();
    },
  });

  const nonces = new SqliteNonces(dataDir);
  const readTokens = new Readers(config.readTokens, Date.now);
  const access = new Access({
    loopback: isLoopback(config.host),
    publicUrl: config.publicUrl,
    adminToken: admin.token,
    readers: readTokens,
    visible: config.visible,
    corsOrigins: config.corsOrigins,
  });
  const batches = openBatches({
    ...{ dataDir, settings: batchSettings, streams: config.streams, journal: readers.journal, ledger: readers.ledger },
    embeds: (stream) => searched.has(stream),
    embed: ({ tag, ...range }, signal, progress) =>
      search.embedBatch({
        ...{ batchTag: tag, ranges: [range], signal },
        progress: ({ embedded, given }) => progress(embedded + given),
      }),
    mark: threads.markBatch,
    isAdmin: (token) => access.isAdmin(token),
    troubled: (message) => log.warn(message),
  });
  const identity = new IdentityCheck({ ...config.identity, nonces, now: Date.now, publicUrl: config.publicUrl });
  const mutual = new Brc104({ key: keys.peer, nonces, now: Date.now });
  const guard = new Guard({ identity, mutual, access, required: config.identity.required });
  if (!config.identity.required) log.warn('IDENTITY_REQUIRED is false: anyone who reaches this server may publish');

  const catalog = openCatalog({
    ...{ dataDir, ledger: readers.ledger, proofs: readers.proofs, headers: readers.headers, now: Date.now },
    ...{ minConfirmations: config.minConfirmations, advisors: config.catalog.advisors },
    identityRequired: config.identity.required,
    ownAnchored: ({ versionId, envelope }) => threads.anchoring.anchored(versionId, JSON.parse(envelope)),
  });

  let accepting = true;
  const server = buildServer({
    ...readers,
    ...catalog,
    ...{ catalogShareBytes: config.catalog.shareBytes, publicUrl: config.publicUrl, now: Date.now },
    ...{ hub, turns, health, metrics, bodies, log },
    admission: new Admission(sources, new SourceAuth(secrets)),
    accepting: () => accepting,
    anchoring: threads.anchoring,
    callbackToken: config.anchor.mode === 'arc' ? openCallbackToken(dataDir) : undefined,
    deliver: threads.deliver,
    desk: new QuarantineDesk(readers.journal, readers.quarantine, threads.resolve),
    erasures: new ErasureDesk({
      journal: readers.journal,
      erase: threads.erase,
      forget: () => {
        hub.forget();
        feedCache.clear();
        subscriptions.forget();
        search.forget();
      },
      wait: delay,
    }),
    versions: new EventVersions(readers.events, readers.fused, threads.find),
    watch: config.watch,
    bundleMaxDepth: config.bundleMaxDepth,
    ...{ feedCache, feedCacheTtlMs: config.feedCacheTtlMs },
    ...{ access, guard, mutual, readTokens, corsOrigins: config.corsOrigins, subscriptions },
    ...batches,
    ...{ records: search, searched },
  });
  // Node does not know of connections that were upgraded.
  const connections = new Set<Socket>();
  server.server.on('connection', (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  const close = async () => {
    accepting = false;
    const impatient = setTimeout(() => {
      for (const socket of connections) socket.destroy();
    }, CLOSING_MS);
    await server.close();
    clearTimeout(impatient);
    await subscriptions.close();
    await batches.close();
    await search.close();
    await threads.close();
    await nonces.close();
    catalog.close();
    readers.close();
  };
  try {
    if (hasSubscriptions(dataDir)) await subscriptions.start();
    await search.start();
    await batches.start();
    const url = await server.listen({ host: config.host, port: config.port });
    const closeAndUnlock = () => close().finally(() => lock.release());
    return { url, adminTokenFile: admin.file, failed: failed.promise, close: closeAndUnlock };
  } catch (cause) {
    await close();
    throw cause;
  }
}

function searchSettings({ searched, batches: { embedding } }: Config): SearchSettings {
  const { endpoint, token, dimensions } = embedding;
  return {
    searched,
    dimensions,
    ...(endpoint !== undefined && { endpoint: { url: endpoint, token, ...ENDPOINT_DEFAULTS } }),
  };
}

/** What is journaled of each declared stream. */
function streamConfigs(config: Config, { originPrefix }: Instance, keys: NodeKeys): StreamConfig[] {
  return config.streams.map((stream) => {
    const origin = `${originPrefix}/${stream.id}`;
    const feeding = config.sources.filter((source) => source.stream === stream.id);
    return {
      ...stream,
      origin,
      publisher: keys.identity.publicKey,
      logKey: formatVerifierKey(verifierKey(origin, keys.log.publicKey)),
      sources: Object.fromEntries(feeding.map(({ id, policy }) => [id, policy])),
      ...(stream.fusion && { trust: Object.fromEntries(feeding.map(({ id, trust }) => [id, trust])) }),
    };
  });
}
