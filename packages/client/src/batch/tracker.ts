/**
 * Follows batches through their lives. Messages come from Redis as they are published, and from the journal where they
 * were missed; each event is taken once, under `event:batch_tag`, and brought to the handlers that want it until they
 * are done with it.
 */
import { duration, type Names, onlyKnown, positive } from '../options.ts';
import { TrackerError } from './errors.ts';
import {
  EMBED_CHANNEL,
  eventKey,
  INGEST_CHANNEL,
  type LifecycleEvent,
  LifecycleEventError,
  parseLifecycleEvent,
} from './events.ts';
import { Follower, type FollowerParts } from './follower.ts';
import type { Journal } from './journal.ts';
import { type BatchHandler, Runner } from './runner.ts';
import { batchState, type TrackedBatch } from './state.ts';
import type { Arrival, ParkedDelivery, TrackerStore } from './store.ts';
import { type RedisLike, Subscription } from './subscription.ts';

export interface BatchTrackerOptions<Db = unknown> {
  /**
   * A client of its own, such as `new Redis(url, { autoResubscribe: false })` of ioredis: the tracker subscribes anew by
   * itself. Without one, the journal alone is followed.
   */
  redis?: RedisLike | undefined;
  /** Such as `batchJournal({ url, token })`. Without one, what is published while Redis is away is never heard of. */
  journal?: Journal | undefined;
  store: TrackerStore<Db>;
  /** Called in this order with each event that they want. A new one gets the events that arrive from then on. */
  handlers: readonly BatchHandler<Db>[];
  /** Told of all that went wrong; nothing of it ends the tracker. */
  onError: (error: TrackerError) => void;
  /** Default: `ingest_updates` and `embed_updates`. */
  channels?: readonly string[] | undefined;
  /** Batches of which handlers are called side by side, default 4. */
  concurrency?: number | undefined;
  /** After which a delivery is parked, default 10. */
  attempts?: number | undefined;
  /** Milliseconds before the next attempt; default: 200, 400, … up to 5,000, less a random half. */
  backoff?: ((failures: number) => number) | undefined;
  /** How often the journal is looked into for what Redis did not say, default 60,000. */
  sweepMs?: number | undefined;
  /** Batches that are remembered, default 10,000. */
  keepBatches?: number | undefined;
}

const OPTIONS: Names<BatchTrackerOptions> = {
  ...{ redis: true, journal: true, store: true, handlers: true, onError: true, channels: true, concurrency: true },
  ...{ attempts: true, backoff: true, sweepMs: true, keepBatches: true },
};

const CONCURRENCY = 4;
const ATTEMPTS = 10;
const SWEEP_MS = 60_000;
const KEEP_BATCHES = 10_000;
/** Events taken in before batches are forgotten again. */
const PRUNE_EVERY = 256;

export class BatchTracker<Db = unknown> {
  readonly #store: TrackerStore<Db>;
  readonly #handlers: ReadonlyMap<string, BatchHandler<Db>>;
  readonly #channels: readonly string[];
  readonly #keepBatches: number;
  readonly #onError: (error: TrackerError) => void;
  readonly #runner: Runner<Db>;
  readonly #follower: Follower;
  readonly #subscription: Subscription | undefined;
  readonly #fed: boolean;
  #sincePrune = 0;
  #state: 'new' | 'started' | 'stopped' = 'new';

  /** @throws ClientError or TrackerError `invalid-argument` */
  constructor(options: BatchTrackerOptions<Db>) {
    onlyKnown('BatchTracker', options, OPTIONS);
    const { redis, journal, store, onError, concurrency = CONCURRENCY, attempts = ATTEMPTS } = options;
    const { channels = [INGEST_CHANNEL, EMBED_CHANNEL], sweepMs = SWEEP_MS, keepBatches = KEEP_BATCHES } = options;
    duration('sweepMs', sweepMs);
    this.#store = store;
    this.#channels = channels;
    this.#keepBatches = positive('keepBatches', keepBatches);
    this.#onError = onError;
    this.#handlers = named(options.handlers);
    this.#runner = new Runner({
      ...{ store, handlers: this.#handlers, report: onError, backoff: options.backoff },
      batch: (batchTag) => this.#batch(batchTag),
      concurrency: positive('concurrency', concurrency),
      attempts: positive('attempts', attempts),
    });
    const take: FollowerParts['take'] = (messages, cursor) => this.#take(messages, cursor);
    this.#follower = new Follower({ journal, store, take, report: onError, sweepMs });
    this.#subscription = redis && this.#subscribing(redis);
    this.#fed = redis === undefined && journal === undefined;
  }

  /**
   * Goes on with what was left undone, and listens. Resolves when the journal has been read to its end once; without a
   * journal, when Redis is heard.
   */
  start(): Promise<void> {
    if (this.#state !== 'new') throw new TrackerError('invalid-argument', 'a tracker is started once');
    this.#state = 'started';
    this.#runner.add(this.#store.pending());
    this.#subscription?.begin();
    const caughtUp = this.#follower.begin();
    // One that is fed by `accept` alone has nothing to catch up with.
    return this.#fed ? Promise.resolve() : caughtUp;
  }

  /** Takes nothing more, and waits for the handlers that are at work. Whoever made the Redis client ends it. */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    await Promise.all([this.#subscription?.end(), this.#follower.end(), this.#runner.stop()]);
  }

  /** Takes a message in that came by another way. What is known already changes nothing. @throws what the store throws */
  accept(channel: string, message: string): void {
    this.#take([{ channel, message }]);
  }

  /** Undefined where nothing is known of it. */
  batch(batchTag: string): TrackedBatch | undefined {
    const messages = this.#store.messages(batchTag);
    return messages.length === 0 ? undefined : batchState(batchTag, messages.map(parseLifecycleEvent));
  }

  /** Those first of which something came last. @param limit default 100 */
  batches(limit = 100): TrackedBatch[] {
    return this.#store.batchTags(limit).map((batchTag) => this.#batch(batchTag));
  }

  /** What handlers were called for as often as they may be, without success. */
  parked(): ParkedDelivery[] {
    return this.#store.parked();
  }

  /** Tries parked deliveries again. @param ids default: all */
  retry(ids: readonly number[] = this.parked().map(({ id }) => id)): void {
    const deliveries = this.#store.unpark(ids);
    if (this.#state === 'started') this.#runner.add(deliveries);
  }

  #batch(batchTag: string): TrackedBatch {
    return this.batch(batchTag) ?? batchState(batchTag, []);
  }

  #subscribing(redis: RedisLike): Subscription {
    const follower = this.#follower;
    return new Subscription({
      ...{ redis, channels: this.#channels, report: this.#onError },
      message: (channel, message) => follower.heard({ channel, message }),
      subscribed: () => follower.listening(),
      lost: () => follower.lost(),
    });
  }

  #take(messages: readonly { channel: string; message: string }[], cursor?: number): void {
    const arrivals = messages.flatMap(({ channel, message }) => this.#arrivalOf(channel, message) ?? []);
    if (arrivals.length === 0 && cursor === undefined) return;
    const deliveries = this.#store.arrive(arrivals, cursor);
    this.#sincePrune += arrivals.length;
    if (this.#sincePrune >= PRUNE_EVERY) {
      this.#sincePrune = 0;
      this.#store.prune(this.#keepBatches);
    }
    // Before it is started and after it has stopped, they wait in the store.
    if (this.#state === 'started') this.#runner.add(deliveries);
  }

  /** Undefined for what is not for this tracker, or is reported. */
  #arrivalOf(channel: string, message: string): Arrival | undefined {
    if (!this.#channels.includes(channel)) return undefined;
    let event: LifecycleEvent;
    try {
      event = parseLifecycleEvent(message);
    } catch (cause) {
      if (!(cause instanceof LifecycleEventError)) throw cause;
      if (cause.code !== 'unknown-event') {
        this.#onError(new TrackerError('invalid-message', `${channel}: ${cause.message}`, { cause }));
      }
      return undefined;
    }
    const handlers = [...this.#handlers]
      .filter(
        ([, handler]) => (handler.channel ?? channel) === channel && (handler.event ?? event.event) === event.event,
      )
      .map(([name]) => name);
    return { key: eventKey(event), batchTag: event.batch_tag, channel, message, handlers };
  }
}

function named<Db>(handlers: readonly BatchHandler<Db>[]): ReadonlyMap<string, BatchHandler<Db>> {
  const byName = new Map(handlers.map((handler, index) => [handler.name ?? String(index), handler]));
  if (byName.size === handlers.length) return byName;
  throw new TrackerError('invalid-argument', 'two handlers have the same name');
}
