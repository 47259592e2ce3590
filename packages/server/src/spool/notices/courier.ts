/**
 * Tells what is in the outbox, one after the other in its order, each until it is taken. What waits for a batch to be
 * unlocked lets the others pass.
 */
import { backoffMs, type RetrySettings } from '../../subscriptions/retry.ts';
import { RefusedError, SpoolError } from '../errors.ts';
import type { SpoolLog } from '../log.ts';
import type { ServerClient } from '../server-client.ts';
import type { SpoolStore } from '../store.ts';
import { type Clock, isStop, stopped } from '../waiting.ts';
import { type Notice, type Notifier, RefusedDelivery } from './notice.ts';

export interface CourierOptions {
  store: Pick<SpoolStore, 'nextNotice' | 'heldNotices' | 'release' | 'hold' | 'delivered'>;
  notifier: Notifier;
  client: Pick<ServerClient, 'batch'>;
  clock: Clock;
  log: SpoolLog;
  signal: AbortSignal;
  /** Between two looks at whether batches are unlocked. */
  gateMs?: number;
  retry?: RetrySettings;
}

const RETRY: RetrySettings = { attempts: Number.POSITIVE_INFINITY, baseMs: 500, factor: 2, capMs: 60_000 };
const GATE_MS = 2000;
const SAY_MS = 60_000;

export class Courier {
  readonly #options: CourierOptions;
  #news = Promise.withResolvers<void>();
  #waiting: (() => void)[] = [];
  #running: Promise<unknown> | undefined;
  #trouble: string | undefined;
  readonly #unknown = new Set<string>();

  constructor(options: CourierOptions) {
    this.#options = options;
  }

  /**
   * Settles when the signal ends it; rejects when the outbox cannot be read or written.
   * @param watchesGates without it, `lookAtGates` is what finds batches that have been unlocked
   */
  start({ watchesGates }: { watchesGates: boolean }): Promise<unknown> {
    this.#running ??= Promise.all([
      this.#untilStopped(() => this.#deliver()),
      ...(watchesGates ? [this.#untilStopped(() => this.#watchGates())] : []),
    ]);
    return this.#running;
  }

  /** Why what is first in the outbox is still there; undefined while it is not known. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** There is something new in the outbox. */
  kick(): void {
    this.#news.resolve();
  }

  /** Settles when all is told but what is held. */
  idle(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    this.kick();
    return promise;
  }

  async #untilStopped(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!isStop(error)) throw error;
    }
  }

  async #deliver(): Promise<void> {
    const { store, signal } = this.#options;
    let stop: () => void = () => undefined;
    const stopped = new Promise<void>((resolve) => {
      stop = resolve;
    });
    signal.addEventListener('abort', stop, { once: true });
    while (!signal.aborted) {
      this.#news = Promise.withResolvers<void>();
      const notice = store.nextNotice();
      if (notice === undefined) {
        for (const resolve of this.#waiting.splice(0)) resolve();
        await Promise.race([this.#news.promise, stopped]);
      } else await this.#tell(notice);
    }
    signal.removeEventListener('abort', stop);
  }

  async #tell(notice: Notice): Promise<void> {
    // It may have been locked since the notice was made.
    if (notice.message.event === 'embed.start' && (await this.#isLocked(notice.tag))) {
      this.#options.store.hold(notice);
      return;
    }
    const { store, notifier, clock, log, signal, retry = RETRY } = this.#options;
    let saidAt = Number.NEGATIVE_INFINITY;
    for (let failures = 1; ; failures++) {
      try {
        await notifier.notify(notice);
        store.delivered(notice);
        this.#trouble = undefined;
        const { event } = notice.message;
        log.info({ batchTag: notice.tag, event }, `told: ${event}`);
        return;
      } catch (error) {
        if (!(error instanceof SpoolError) || error.code !== 'not-delivered') throw error;
        const refused = error instanceof RefusedDelivery;
        this.#trouble = error.message;
        if (clock.monotonic() - saidAt >= SAY_MS) {
          saidAt = clock.monotonic();
          const what = { batchTag: notice.tag, event: notice.message.event, attempts: failures };
          if (refused) log.error(what, `a notification is refused, and those behind it wait: ${error.message}`);
          else log.warn(what, `a notification could not be delivered; it is tried again: ${error.message}`);
        }
        // Nothing is gained by asking often where an operator has to act.
        await clock.wait(refused ? retry.capMs : backoffMs(retry, failures, clock.random()), signal);
      }
    }
  }

  async #watchGates(): Promise<void> {
    const { clock, signal, gateMs = GATE_MS } = this.#options;
    while (!signal.aborted) {
      await this.lookAtGates();
      await clock.wait(gateMs, signal);
    }
  }

  /** Asks once for the batch of each notice that is held, and lets go what is unlocked. @throws SpoolError `stopped` */
  async lookAtGates(): Promise<void> {
    const { store, signal } = this.#options;
    for (const notice of store.heldNotices()) {
      const locked = await this.#isLocked(notice.tag);
      if (signal.aborted) throw stopped();
      if (locked) continue;
      store.release(notice);
      this.kick();
    }
  }

  async #isLocked(tag: string): Promise<boolean> {
    try {
      return (await this.#options.client.batch(tag)).locked;
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      if (!this.#unknown.has(tag)) {
        const message = `whether the batch is unlocked cannot be known, so embed.start waits: ${error.message}`;
        this.#options.log.error({ batchTag: tag }, message);
      }
      this.#unknown.add(tag);
      return true;
    }
  }
}
