/** Subscriptions and deliveries as their owners see them. */
import type { DeliveryRow } from '../store/subscriptions.ts';
import type { Courier } from './courier.ts';
import { deliveryId } from './delivery-id.ts';
import type { Feed } from './feed.ts';
import type { DeliveryView, SubscriptionView } from './service.ts';

export function subscriptionView(courier: Courier, feed: Feed, now: number): SubscriptionView {
  const { row, figures, secrets } = courier;
  const { id, settings, createdAt, updatedAt, cursor, paused, progress } = row;
  const { failures, openedAt, probeAt } = progress.breaker;
  const ends = (secrets ?? []).flatMap(({ until }) => (until !== undefined && until > now ? [until] : []));
  return {
    id,
    ...settings,
    enabled: paused === undefined,
    paused: paused ?? (secrets === undefined ? 'secret-unreadable' : null),
    ...{ createdAt, updatedAt, cursor: feed.cursor(cursor), lag: Math.max(0, feed.head() - cursor) },
    breaker: { state: figures.breaker, failures, openedAt: openedAt ?? null, probeAt: probeAt ?? null },
    heldUntil: progress.heldUntil ?? null,
    ...{ pending: figures.pending, underWay: figures.underWay, dead: figures.dead },
    lastSuccess: progress.lastSuccess ?? null,
    lastFailure: progress.lastFailure ?? null,
    rotatingUntil: ends.length === 0 ? null : Math.max(...ends),
  };
}

export function deliveryView(row: DeliveryRow, feed: Feed): DeliveryView {
  const { subscription, position, state, type, stream, eventId, failures, attempts, dueAt, createdAt, settledAt } = row;
  return {
    ...{ id: deliveryId(subscription, position), status: state, type, stream, eventId: eventId ?? null },
    ...{ cursor: feed.cursor(position), failures, attempts },
    dueAt: state === 'pending' ? dueAt : null,
    ...{ createdAt, settledAt: settledAt ?? null },
  };
}
