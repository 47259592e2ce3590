/** How a subscription stands: its row, its circuit, its dead letters; whatever changes goes to the outbox. */
import type {
  DeliveryProgress,
  DeliveryRow,
  PauseReason,
  SubscriptionProgress,
  SubscriptionRow,
  SubscriptionStore,
} from '../store/subscriptions.ts';
import { Breaker } from './breaker.ts';
import type { Outbox } from './outbox.ts';
import type { SubscriptionsSettings } from './settings.ts';

export interface StandingParts {
  store: SubscriptionStore;
  outbox: Outbox;
  settings: SubscriptionsSettings;
}

export class Standing {
  readonly #parts: StandingParts;
  #row: SubscriptionRow;
  #breaker: Breaker;
  #dead: number;

  constructor(parts: StandingParts, row: SubscriptionRow) {
    this.#parts = parts;
    this.#row = row;
    this.#breaker = new Breaker(parts.settings.breaker, row.progress.breaker);
    this.#dead = parts.store.counts(row.id).dead;
  }

  get row(): SubscriptionRow {
    return this.#row;
  }

  get breaker(): Breaker {
    return this.#breaker;
  }

  get dead(): number {
    return this.#dead;
  }

  get hasRoomForDead(): boolean {
    return this.#dead < this.#parts.settings.bounds.dead;
  }

  /** A pause for want of room ends when there is some. */
  addDead(count: number): void {
    this.#dead += count;
    if (this.#row.paused === 'dead-letters-full' && this.hasRoomForDead) this.pause(undefined);
  }

  pause(paused: PauseReason | undefined): void {
    this.#row = { ...this.#row, paused };
  }

  move(cursor: number): void {
    this.#row = { ...this.#row, cursor };
  }

  note(progress: Partial<DeliveryProgress>): void {
    this.#row = { ...this.#row, progress: { ...this.#row.progress, ...progress } };
  }

  /** The receiver takes messages, whatever it has asked for before. */
  succeeded(now: number): void {
    this.#breaker.succeeded();
    this.note({ lastSuccess: now });
    this.#unhold();
  }

  /** @param lazy nothing depends on when this is stored */
  store(rows: readonly DeliveryRow[], lazy = false): void {
    this.note({ breaker: this.#breaker.state });
    this.#parts.outbox.put(this.#row.id, () => this.#progress(), rows, lazy);
  }

  /** As `store`, and on disk when this returns. @throws StoreError */
  storeNow(rows: readonly DeliveryRow[]): void {
    this.store(rows);
    this.#parts.outbox.flush();
  }

  /** What its owner says; on disk when this returns. @param anew what was learned of the receiver does not count */
  replace(change: Partial<SubscriptionRow>, anew: boolean): void {
    this.#parts.outbox.flush();
    const before = this.#row;
    this.#row = { ...before, ...change };
    if (anew) {
      this.note({ breaker: { failures: 0 } });
      this.#unhold();
    }
    try {
      this.#parts.store.update(this.#row);
    } catch (cause) {
      this.#row = before;
      throw cause;
    }
    if (anew) this.#breaker = new Breaker(this.#parts.settings.breaker);
  }

  /** @throws StoreError */
  trim(now: number): void {
    const { delivered: maxDelivered, deliveredMs } = this.#parts.settings.bounds;
    const bounds = { maxDelivered, settledSince: now - deliveredMs };
    this.#row = { ...this.#row, logFrom: this.#parts.store.trim(this.#row.id, bounds) };
  }

  #unhold(): void {
    const { heldUntil: _, ...progress } = this.#row.progress;
    this.#row = { ...this.#row, progress };
  }

  #progress(): SubscriptionProgress {
    const { id, cursor, paused, progress } = this.#row;
    return { id, cursor, paused, progress };
  }
}
