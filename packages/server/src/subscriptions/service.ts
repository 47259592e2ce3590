/** What can be ordered about subscriptions. All of it can cross from one thread to another. */
import type {
  Attempt,
  DeliveryState,
  PauseReason,
  SubscribedType,
  SubscriptionSettings,
} from '../store/subscriptions.ts';

export interface Declared {
  settings: SubscriptionSettings;
  /** Where it begins: now, at the beginning, or after a cursor. */
  since: 'latest' | 'earliest' | { cursor: string };
  enabled: boolean;
}

/** Members that are undefined are taken out of the settings, those that are absent stay. */
export interface Change {
  settings: { [Name in keyof SubscriptionSettings]?: SubscriptionSettings[Name] | undefined };
  enabled?: boolean | undefined;
}

export interface SubscriptionView extends SubscriptionSettings {
  id: string;
  enabled: boolean;
  /** Why nothing is sent, though it may be enabled: `secret-unreadable` until its key is back, or it has another secret. */
  paused: PauseReason | 'secret-unreadable' | null;
  createdAt: number;
  updatedAt: number;
  /** Up to here, everything is delivered or among the deliveries. */
  cursor: string;
  /** Positions of the ledger that it has not looked at yet. */
  lag: number;
  breaker: {
    state: 'closed' | 'open' | 'half-open';
    failures: number;
    openedAt: number | null;
    probeAt: number | null;
  };
  /** The receiver has asked not to be called before. */
  heldUntil: number | null;
  pending: number;
  underWay: number;
  dead: number;
  lastSuccess: number | null;
  lastFailure: { at: number; reason: string } | null;
  /** Secrets before the one in force still sign; the last until then. */
  rotatingUntil: number | null;
}

/** With its secret, which is shown this once. */
export type NewSecret = SubscriptionView & { secret: string };

export interface DeliveryView {
  /** `webhook-id`. */
  id: string;
  status: DeliveryState;
  type: SubscribedType;
  stream: string;
  eventId: string | null;
  cursor: string;
  /** Attempts that count against it. */
  failures: number;
  attempts: readonly Attempt[];
  dueAt: number | null;
  createdAt: number;
  settledAt: number | null;
}

export interface DeliveryPage {
  items: DeliveryView[];
  /** Id of the last one, if there may be more. */
  next: string | null;
}

export interface PageQuery {
  status?: DeliveryState | undefined;
  /** Id of a delivery. */
  after?: string | undefined;
  limit: number;
}

/** Exactly one. */
export type ReplayOrder =
  | { deliveries: readonly string[] }
  | { dead: true }
  /** What was enqueued since then, milliseconds since 1970. */
  | { sinceTime: number }
  /** All that matches now, read once more from there. */
  | { since: 'earliest' | { cursor: string } };

export interface Replayed {
  /** Deliveries that go out again; with a cursor, positions of the ledger that are read again. */
  replayed: number;
  /** Ids that are not in the log. */
  unknown: string[];
}

export interface TestResult {
  delivered: boolean;
  status: number | null;
  latencyMs: number;
  reason: string | null;
}

/** All reject with a `SubscriptionError`. */
export interface SubscriptionService {
  create(declared: Declared): Promise<NewSecret>;
  list(): Promise<SubscriptionView[]>;
  show(id: string): Promise<SubscriptionView>;
  change(id: string, change: Change): Promise<SubscriptionView>;
  remove(id: string): Promise<void>;
  /** @param overlapMs how long the former secret goes on signing beside the new one */
  rotate(id: string, overlapMs: number): Promise<NewSecret>;
  deliveries(id: string, query: PageQuery): Promise<DeliveryPage>;
  replay(id: string, order: ReplayOrder): Promise<Replayed>;
  /** Gives up dead letters, or deliveries that wait. */
  discard(id: string, which: { deliveries: readonly string[] } | { dead: true }): Promise<{ discarded: number }>;
  /** Sends an event that says nothing, at once; it is in no log and opens no circuit. */
  test(id: string): Promise<TestResult>;
}
