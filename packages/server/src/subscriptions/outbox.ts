/** Gathers what many deliveries have to store, so that they share a commit. */
import type { DeliveryRow, SubscriptionProgress, SubscriptionStore } from '../store/subscriptions.ts';

export interface OutboxOptions {
  store: Pick<SubscriptionStore, 'record'>;
  /** The commit failed; all of it will be tried again. */
  failed: (error: unknown) => void;
  /** It works again. */
  recovered: () => void;
}

type Progress = () => SubscriptionProgress;

/** The disk syncs once for all deliveries that settle within this time. */
const GATHER_MS = 20;
/** A cursor that has passed by what does not match is repeated at no cost. */
const LAZY_MS = 1000;
const RETRY_MS = 1000;
/** Rows that do not wait for others. */
const ENOUGH = 500;

export class Outbox {
  readonly #options: OutboxOptions;
  /** In the order of their changes; the last one of a delivery stands. */
  #deliveries: DeliveryRow[] = [];
  #progress = new Map<string, Progress>();
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  #failing = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Nothing more is to be begun while what was done cannot be stored. */
  get failing(): boolean {
    return this.#failing;
  }

  /** @param progress asked at the time of the commit */
  put(id: string, progress: Progress, deliveries: readonly DeliveryRow[] = [], lazy = false): void {
    this.#progress.set(id, progress);
    for (const row of deliveries) this.#deliveries.push(row);
    if (this.#failing) return;
    if (this.#deliveries.length >= ENOUGH) this.#flushQuietly();
    else this.#schedule(lazy ? LAZY_MS : GATHER_MS);
  }

  /** What waits for a subscription that is no more. */
  drop(id: string): void {
    this.#progress.delete(id);
    this.#deliveries = this.#deliveries.filter(({ subscription }) => subscription !== id);
  }

  /** All of it is on disk when this returns. @throws StoreError; it goes on trying then */
  flush(): void {
    clearTimeout(this.#timer);
    this.#dueAt = Number.POSITIVE_INFINITY;
    if (this.#progress.size === 0) return;
    try {
      this.#options.store.record(
        this.#deliveries,
        [...this.#progress.values()].map((progress) => progress()),
      );
    } catch (cause) {
      this.#failing = true;
      this.#schedule(RETRY_MS);
      throw cause;
    }
    this.#deliveries = [];
    this.#progress.clear();
    if (!this.#failing) return;
    this.#failing = false;
    this.#options.recovered();
  }

  #schedule(afterMs: number): void {
    const dueAt = performance.now() + afterMs;
    if (dueAt >= this.#dueAt) return;
    clearTimeout(this.#timer);
    this.#dueAt = dueAt;
    this.#timer = setTimeout(() => this.#flushQuietly(), afterMs);
  }

  #flushQuietly(): void {
    try {
      this.flush();
    } catch (error) {
      this.#options.failed(error);
    }
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
