/** What the operator decides about all subscriptions. */
import type { Cidr } from '../outbound/public-address.ts';
import type { BreakerSettings } from './breaker.ts';
import type { RetrySettings } from './retry.ts';
import type { SenderSettings } from './sender.ts';

export interface SubscriptionsSettings {
  max: number;
  /** What may be called although it is not public, or without TLS. */
  allow: readonly Cidr[];
  sender: SenderSettings;
  retry: RetrySettings;
  breaker: BreakerSettings;
  bounds: SubscriptionBounds;
}

/** Of each subscription. */
export interface SubscriptionBounds {
  /** Deliveries that wait; with so many, it reads no further. */
  pending: number;
  /** Dead letters; before there is one more, it is paused. */
  dead: number;
  /** Of what was delivered, in the log. */
  delivered: number;
  deliveredMs: number;
}
