/** Outgoing webhooks: who wants what, and how far each delivery is. */
import type { LedgerPosition } from './ledger.ts';

/** What can be subscribed to: all that the ledger tells. */
export const SUBSCRIBED_TYPES = ['normalized', 'conflict', 'certified', 'quarantined', 'anchored'] as const;
export type SubscribedType = (typeof SUBSCRIBED_TYPES)[number];

/** What the owner of a subscription has said. Lists that are absent do not restrict. */
export interface SubscriptionSettings {
  url: string;
  types: readonly SubscribedType[];
  streams?: readonly string[];
  sources?: readonly string[];
  /** In the language of `/watch`. */
  filter?: string;
  /** `stream`: what a stream tells is delivered one after the other. */
  order: 'stream' | 'none';
  /** Deliveries under way at a time; with an order, of as many streams. */
  concurrency: number;
  description?: string;
}

/**
 * - `disabled`: on its owner's word
 * - `gone`: the receiver answered 410
 * - `dead-letters-full`: another dead letter would be one too many
 */
export type PauseReason = 'disabled' | 'gone' | 'dead-letters-full';

/** Of the circuit breaker. Closed as long as it has no `openedAt`. */
export interface BreakerState {
  /** In a row. */
  failures: number;
  openedAt?: number;
  probeAt?: number;
}

export interface DeliveryProgress {
  breaker: BreakerState;
  lastSuccess?: number;
  lastFailure?: { at: number; reason: string };
  /** The receiver has asked not to be called before. */
  heldUntil?: number;
  /** Up to here, deliveries may be there already: the cursor was set back. */
  rereadTo?: LedgerPosition;
}

export interface SubscriptionRow {
  id: string;
  settings: SubscriptionSettings;
  /** Encrypted list of secrets. */
  secrets: Uint8Array;
  createdAt: number;
  updatedAt: number;
  /** Up to this position, all that matches has been enqueued. */
  cursor: LedgerPosition;
  paused: PauseReason | undefined;
  progress: DeliveryProgress;
  /** What was enqueued from then on is in the log, all of it. */
  logFrom: number;
}

export interface Attempt {
  at: number;
  latencyMs: number;
  /** Of the answer, if there was one. */
  status?: number;
  /** Why it failed, in words; never what the receiver wrote. */
  reason?: string;
}

export const DELIVERY_STATES = ['pending', 'delivered', 'dead'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

export interface DeliveryRow {
  subscription: string;
  position: LedgerPosition;
  state: DeliveryState;
  type: SubscribedType;
  stream: string;
  eventId: string | undefined;
  /** Attempts that count against it. */
  failures: number;
  dueAt: number;
  /** The newest last, and no more than the newest few. */
  attempts: readonly Attempt[];
  createdAt: number;
  settledAt: number | undefined;
}

/** How far the deliveries of a subscription are, beside its deliveries. */
export type SubscriptionProgress = Pick<SubscriptionRow, 'id' | 'cursor' | 'paused' | 'progress'>;

export interface DeliveryFilter {
  state?: DeliveryState | undefined;
  /** Below this position. */
  before?: LedgerPosition | undefined;
}

export interface LogBounds {
  /** Of what was delivered, so many are kept … */
  maxDelivered: number;
  /** … and none settled before. */
  settledSince: number;
}

/** One writer. Each call is one atomic commit, on disk when it returns. */
export interface SubscriptionStore {
  subscriptions(): SubscriptionRow[];
  /** @throws StoreError */
  insert(row: SubscriptionRow): void;
  /** What its owner has changed, with all that goes with it. */
  update(row: SubscriptionRow): void;
  /** With its deliveries. */
  remove(id: string): void;
  /** Deliveries as they now are, in that order, and how far their subscriptions are. */
  record(deliveries: readonly DeliveryRow[], progress: readonly SubscriptionProgress[]): void;
  /** Lets go of deliveries, whatever their state. */
  discard(id: string, positions: readonly LedgerPosition[]): void;
  /** Keeps the log of what was delivered within its bounds. @returns the subscription's new `logFrom` */
  trim(id: string, bounds: LogBounds): number;
  delivery(id: string, position: LedgerPosition): DeliveryRow | undefined;
  /** Newest first. */
  deliveries(id: string, filter: DeliveryFilter, limit: number): DeliveryRow[];
  /** In order; all of them. */
  inState(id: string, state: DeliveryState): DeliveryRow[];
  /** Settled ones that were enqueued at that time or later, in order. */
  settledSince(id: string, createdAt: number): DeliveryRow[];
  counts(id: string): Record<DeliveryState, number>;
  close(): void;
}
