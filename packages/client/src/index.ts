/**
 * Publish to Tidemark, follow its feeds without missing anything, and check what they say. Runs in browsers, Node and
 * Deno, on fetch, WebSocket and Web Crypto alone.
 *
 *     import { Tidemark } from '@tidemark/client';
 *     const tidemark = new Tidemark({ url: 'http://127.0.0.1:8788' });
 *
 * A call that comes to nothing throws a `ClientError`; a log that is not what it has to be, a `LogError`.
 */

export { TRACKER_ERROR_CODES, TrackerError, type TrackerErrorCode } from './batch/errors.ts';
export {
  EMBED_CHANNEL,
  type EmbedDone,
  type EmbedStart,
  eventKey,
  type GateDone,
  type GateOpen,
  INGEST_CHANNEL,
  isLifecycleName,
  LIFECYCLE_CHANNELS,
  type LifecycleEvent,
  LifecycleEventError,
  type LifecycleEventName,
  lifecycleIssues,
  MAX_EVENT_TS,
  parseJsonObject,
  parseLifecycleEvent,
} from './batch/events.ts';
export { type BatchJournalOptions, batchJournal, type Journal, type JournalPage } from './batch/journal.ts';
export { memoryTrackerStore } from './batch/memory-store.ts';
export type { BatchHandler, HandlerContext } from './batch/runner.ts';
export { type SqliteDatabase, sqliteTrackerStore } from './batch/sqlite-store.ts';
export { type BatchState, batchState, type TrackedBatch } from './batch/state.ts';
export type { Arrival, Delivery, ParkedDelivery, TrackerStore } from './batch/store.ts';
export type { RedisLike } from './batch/subscription.ts';
export { BatchTracker, type BatchTrackerOptions } from './batch/tracker.ts';
export type { BatchLimits, Format } from './batches.ts';
export {
  type ProofReport,
  Tidemark,
  type TidemarkOptions,
  type VerifiedWatchOptions,
} from './client.ts';
export {
  type Checked,
  type CheckOptions,
  Completeness,
  type CompletenessOptions,
  type LeafRange,
} from './completeness.ts';
export { ClientError, type ClientErrorCode, LogError, type LogErrorCode, type Problem } from './errors.ts';
export type { Feed, FeedItem, FeedOptions, FeedPage } from './feed.ts';
export type { CallOptions, HttpOptions } from './http.ts';
export type { LogHead, LogPins, PlacedLeaf, VerifiedLog } from './log.ts';
export type {
  AnchoredMessage,
  CertifiedMessage,
  ConflictMessage,
  GapMessage,
  LogPlace,
  MessageType,
  NormalizedMessage,
  QuarantinedMessage,
  ReceivedMessage,
  WatchMessage,
} from './messages.ts';
export type {
  Published,
  PublishedBatch,
  PublishFromOptions,
  PublishOptions,
  Rejected,
} from './publish.ts';
export { type SseMessage, SseParser } from './sse.ts';
export type { WatchVerification } from './verified-watch.ts';
export type { WatchOptions } from './watch.ts';
export type { OpenSocket, Socket } from './websocket-transport.ts';
