/** Redis, where messages go out to subscribers. */
import { Redis } from 'ioredis';
import type { Outlet } from './messages.ts';

export interface RedisOutletOptions {
  /** `redis://` or `rediss://`, with user and password where there are any. */
  url: string;
  /** A message that Redis has not taken by then is not published. */
  timeoutMs: number;
  troubled: (message: string) => void;
}

/** The message may or may not have gone out. */
export class RedisOutletError extends Error {
  readonly code = 'unavailable';

  constructor(cause: unknown) {
    super('Redis is away, or did not answer in time', { cause });
    this.name = 'RedisOutletError';
  }
}

const LONGEST_RECONNECT_MS = 5000;

export class RedisOutlet implements Outlet {
  readonly #redis: Redis;
  readonly #troubled: RedisOutletOptions['troubled'];
  #told = '';

  constructor({ url, timeoutMs, troubled }: RedisOutletOptions) {
    this.#troubled = troubled;
    this.#redis = connect(url, timeoutMs);
    this.#redis.on('error', (error: Error) => this.#trouble(error));
    this.#redis.on('ready', () => {
      this.#told = '';
    });
  }

  async publish(channel: string, message: string): Promise<void> {
    await this.#redis.publish(channel, message).catch(away);
  }

  /** Adds an entry to the stream `key`, which keeps about `length` of them. */
  async add(key: string, length: number, fields: Readonly<Record<string, string>>): Promise<void> {
    await this.#redis.xadd(key, 'MAXLEN', '~', length, '*', ...Object.entries(fields).flat()).catch(away);
  }

  /** A connection of its own for a tracker, which the caller ends. */
  subscriber(): Redis {
    const subscriber = this.#redis.duplicate({
      ...{ commandTimeout: undefined, maxRetriesPerRequest: null },
      // The tracker does so itself, and hears of what fails.
      autoResubscribe: false,
    });
    subscriber.on('error', (error: Error) => this.#trouble(error));
    return subscriber;
  }

  close(): void {
    this.#redis.disconnect();
  }

  /** While Redis is away, each attempt to connect fails alike. */
  #trouble(error: Error): void {
    if (error.message === this.#told) return;
    this.#told = error.message;
    this.#troubled(`Redis: ${error.message || error.name}`);
  }
}

function away(cause: unknown): never {
  throw new RedisOutletError(cause);
}

function connect(url: string, timeoutMs: number): Redis {
  return new Redis(url, {
    lazyConnect: false,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    // Whoever publishes hears of an outage, and does not wait for its end.
    maxRetriesPerRequest: 0,
    enableOfflineQueue: true,
    retryStrategy: (attempt) => Math.min(LONGEST_RECONNECT_MS, 100 * 2 ** Math.min(attempt, 10)),
  });
}
