/** Channels of Redis, over a connection that comes and goes. */
import { TrackerError, wordsOf } from './errors.ts';

/**
 * What of a connection is used, as an ioredis client has it. It is the tracker's while it is tracking: one that
 * subscribes can do nothing else. Whoever made it ends it.
 */
export interface RedisLike {
  /** `ready` while it can be used, `wait` before it is needed for the first time. */
  readonly status: string;
  subscribe(...channels: string[]): Promise<unknown>;
  unsubscribe(...channels: string[]): Promise<unknown>;
  on(event: string, listener: (...values: unknown[]) => void): unknown;
  off(event: string, listener: (...values: unknown[]) => void): unknown;
}

export interface SubscriptionParts {
  redis: RedisLike;
  channels: readonly string[];
  message: (channel: string, message: string) => void;
  /** From now on messages come; those published before, which nobody may have had, have to be looked for. */
  subscribed: () => void;
  /** From now on none come. */
  lost: () => void;
  report: (error: TrackerError) => void;
}

/** Before the channels are asked for again where Redis has refused them. */
const REFUSED_MS = 5_000;

export class Subscription {
  readonly #parts: SubscriptionParts;
  readonly #listeners: Readonly<Record<string, (...values: unknown[]) => void>>;
  /** Counts connections: a confirmation of an earlier one says nothing of this one. */
  #connection = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: SubscriptionParts) {
    this.#parts = parts;
    const { message, report } = parts;
    const wanted = new Set(parts.channels);
    this.#listeners = {
      message: (channel, text) => {
        if (typeof channel === 'string' && typeof text === 'string' && wanted.has(channel)) message(channel, text);
      },
      // Every connection anew: whether the client subscribes again by itself is a setting of it.
      ready: () => this.#subscribe(),
      close: () => this.#lost(),
      error: (cause) => report(new TrackerError('redis-failed', `Redis: ${wordsOf(cause)}`, { cause })),
    };
  }

  begin(): void {
    const { redis } = this.#parts;
    for (const [event, listener] of Object.entries(this.#listeners)) redis.on(event, listener);
    if (redis.status === 'ready' || redis.status === 'wait') this.#subscribe();
  }

  async end(): Promise<void> {
    const { redis, channels } = this.#parts;
    this.#connection++;
    clearTimeout(this.#timer);
    for (const [event, listener] of Object.entries(this.#listeners)) redis.off(event, listener);
    if (redis.status !== 'ready') return;
    // A connection that ends meanwhile has unsubscribed as well.
    await redis.unsubscribe(...channels).catch(() => undefined);
  }

  #lost(): void {
    this.#connection++;
    clearTimeout(this.#timer);
    this.#parts.lost();
  }

  #subscribe(): void {
    const { redis, channels, subscribed, report } = this.#parts;
    clearTimeout(this.#timer);
    const connection = this.#connection;
    redis.subscribe(...channels).then(
      () => {
        if (connection === this.#connection) subscribed();
      },
      (cause) => {
        if (connection !== this.#connection) return;
        report(new TrackerError('redis-failed', `Redis does not subscribe: ${wordsOf(cause)}`, { cause }));
        this.#timer = setTimeout(() => this.#subscribe(), REFUSED_MS);
      },
    );
  }
}
