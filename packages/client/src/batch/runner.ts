/** Calls handlers: of one batch one at a time, in order of arrival; of different batches side by side. */
import { backoffMs } from '../retry.ts';
import { TrackerError, wordsOf } from './errors.ts';
import { type LifecycleEvent, type LifecycleEventName, parseLifecycleEvent } from './events.ts';
import type { TrackedBatch } from './state.ts';
import type { Delivery, TrackerStore } from './store.ts';

export interface HandlerContext<Db> {
  /** `event:batch_tag`, under which a message that comes again is known. */
  key: string;
  channel: string;
  /** The message as it was published, to the byte. */
  message: string;
  /** 1 at first. */
  attempt: number;
  /** The batch with all that is known by now. */
  batch: TrackedBatch;
  /** Aborted when the tracker stops. */
  signal: AbortSignal;
  /**
   * Writes and is done, in one commit: never done twice, nor written and not done. Once a call, and the last thing that
   * a handler does: what it throws afterwards is reported, and changes nothing. Absent where the store has none.
   */
  transaction?: (work: (db: Db) => void) => void;
}

export interface BatchHandler<Db = unknown> {
  /** What its deliveries are kept under: to stay the same from one start to the next. Default: its place among all. */
  name?: string;
  /** Default: any. */
  channel?: string;
  /** Default: any. */
  event?: LifecycleEventName;
  /** Called again where it throws or rejects, and after a restart where it had not returned. */
  handle(event: LifecycleEvent, context: HandlerContext<Db>): void | Promise<void>;
}

export interface RunnerParts<Db> {
  store: TrackerStore<Db>;
  handlers: ReadonlyMap<string, BatchHandler<Db>>;
  batch: (batchTag: string) => TrackedBatch;
  concurrency: number;
  attempts: number;
  /** Milliseconds before the next attempt. */
  backoff?: ((failures: number) => number) | undefined;
  report: (error: TrackerError) => void;
}

interface Lane {
  deliveries: Delivery[];
  /** A handler is at it, or it waits for its next attempt. */
  taken: boolean;
}

export class Runner<Db> {
  readonly #parts: RunnerParts<Db>;
  readonly #lanes = new Map<string, Lane>();
  /** Batches with something to do and nobody at it. */
  readonly #ready = new Set<string>();
  readonly #running = new Set<Promise<void>>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #stopping = new AbortController();

  constructor(parts: RunnerParts<Db>) {
    this.#parts = parts;
  }

  add(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) {
      const lane = this.#lanes.get(delivery.batchTag) ?? { deliveries: [], taken: false };
      lane.deliveries.push(delivery);
      this.#lanes.set(delivery.batchTag, lane);
      if (!lane.taken) this.#ready.add(delivery.batchTag);
    }
    this.#pump();
  }

  /** Begins nothing more, and waits for the handlers that are at work. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all(this.#running);
  }

  #pump(): void {
    for (const batchTag of this.#ready) {
      if (this.#running.size >= this.#parts.concurrency || this.#stopping.signal.aborted) return;
      this.#ready.delete(batchTag);
      const lane = this.#lanes.get(batchTag);
      const delivery = lane?.deliveries[0];
      if (lane === undefined || delivery === undefined) continue;
      lane.taken = true;
      const run = this.#run(delivery).then((waitMs) => {
        this.#running.delete(run);
        if (waitMs === undefined) this.#release(batchTag, lane, true);
        else this.#later(() => this.#release(batchTag, lane, false), waitMs);
        this.#pump();
      });
      this.#running.add(run);
    }
  }

  #release(batchTag: string, lane: Lane, settled: boolean): void {
    if (settled) lane.deliveries.shift();
    lane.taken = false;
    if (lane.deliveries.length === 0) this.#lanes.delete(batchTag);
    else this.#ready.add(batchTag);
    this.#pump();
  }

  #later(work: () => void, ms: number): void {
    if (this.#stopping.signal.aborted) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, ms);
    this.#timers.add(timer);
  }

  /** @returns milliseconds until it is to be tried again; undefined where it is settled. Never rejects. */
  async #run(delivery: Delivery): Promise<number | undefined> {
    let committed = false;
    try {
      const handler = this.#parts.handlers.get(delivery.handler);
      if (handler === undefined) return this.#failed(delivery, 'there is no handler of this name', true);
      await this.#call(handler, delivery, () => {
        committed = true;
      });
    } catch (cause) {
      if (!committed) return this.#failed(delivery, cause, delivery.attempts + 1 >= this.#parts.attempts);
      this.#report('handler-failed', delivery, 'after its commit', cause);
    }
    if (committed) return undefined;
    return this.#stored(delivery, () => this.#parts.store.done(delivery.id));
  }

  async #call(handler: BatchHandler<Db>, delivery: Delivery, committed: () => void): Promise<void> {
    const { store, batch } = this.#parts;
    const { id, key, channel, batchTag, message, attempts } = delivery;
    let mayCommit = true;
    const transaction = (work: (db: Db) => void) => {
      if (!mayCommit) throw new TrackerError('invalid-argument', 'transaction: once, and while the handler is called');
      store.transaction?.(id, work);
      mayCommit = false;
      committed();
    };
    const { signal } = this.#stopping;
    const context = { key, channel, message, attempt: attempts + 1, batch: batch(batchTag), signal };
    const commits = store.transaction === undefined ? {} : { transaction };
    try {
      await handler.handle(parseLifecycleEvent(message), { ...context, ...commits });
    } finally {
      mayCommit = false;
    }
  }

  #failed(delivery: Delivery, cause: unknown, parked: boolean): number | undefined {
    const { store, backoff = (failures) => backoffMs(failures - 1, Math.random()) } = this.#parts;
    const words = wordsOf(cause);
    const trouble = this.#stored(delivery, () => store.failed(delivery.id, words, parked));
    if (trouble !== undefined) return trouble;
    delivery.attempts++;
    this.#report(parked ? 'handler-parked' : 'handler-failed', delivery, words, cause);
    return parked ? undefined : backoff(delivery.attempts);
  }

  /** What could not be stored is still to be done, and is done again. */
  #stored(delivery: Delivery, work: () => void): number | undefined {
    try {
      work();
      return undefined;
    } catch (cause) {
      this.#report('store-failed', delivery, wordsOf(cause), cause);
      return backoffMs(Number.POSITIVE_INFINITY, Math.random());
    }
  }

  #report(
    code: 'handler-failed' | 'handler-parked' | 'store-failed',
    { key, handler }: Delivery,
    words: string,
    cause: unknown,
  ): void {
    this.#parts.report(new TrackerError(code, `${handler} on ${key}: ${words}`, { cause, key, handler }));
  }
}
