/**
 * Publishes to Redis from where a process is frozen between requests: a connection is made when it is needed, kept, and
 * made anew when it turns out to be gone. An outage is an error within `DEADLINE_MS`, and never a message that is
 * published later on.
 */
import { Redis } from 'ioredis';

export class RedisPublishError extends Error {
  readonly code: 'not-configured' | 'unreachable';

  constructor(code: RedisPublishError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RedisPublishError';
    this.code = code;
  }
}

/** For all of a message, with a second connection where the first is gone. */
const DEADLINE_MS = 4500;
const CONNECT_MS = 2000;
/** Of the commands that begin a connection too, of which there are three at most. */
const COMMAND_MS = 1000;

export class RedisPublisher {
  readonly #url: string | undefined;
  #connected: Promise<Redis> | undefined;

  constructor(url: string | undefined) {
    this.#url = url;
  }

  /** @throws RedisPublishError */
  async publish(channel: string, message: string): Promise<void> {
    if (this.#url === undefined) throw new RedisPublishError('not-configured', 'REDIS_URL is not set');
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      this.#drop();
      reject(new RedisPublishError('unreachable', `Redis did not answer within ${DEADLINE_MS} ms`));
    }, DEADLINE_MS);
    try {
      await Promise.race([this.#attempts(this.#url, channel, message), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** What stood open since an earlier request may be dead without anyone having been told. */
  async #attempts(url: string, channel: string, message: string): Promise<void> {
    if (this.#connected !== undefined) {
      try {
        await (await this.#connected).publish(channel, message);
        return;
      } catch {
        this.#drop();
      }
    }
    try {
      this.#connected ??= connect(url);
      await (await this.#connected).publish(channel, message);
    } catch (cause) {
      this.#drop();
      throw new RedisPublishError('unreachable', 'Redis is not reached', { cause });
    }
  }

  #drop(): void {
    const dropped = this.#connected;
    this.#connected = undefined;
    // One that never came about has ended itself.
    dropped?.then(
      (redis) => redis.disconnect(),
      () => undefined,
    );
  }
}

async function connect(url: string): Promise<Redis> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    commandTimeout: COMMAND_MS,
    retryStrategy: () => null,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
  });
  // Whoever publishes is told by the command that fails.
  redis.on('error', () => undefined);
  await redis.connect();
  return redis;
}
