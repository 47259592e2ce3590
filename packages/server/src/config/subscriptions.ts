/** Bounds of outgoing webhooks, and what they may call. */
import { type Cidr, parseCidr } from '../outbound/public-address.ts';
import type { SubscriptionsSettings } from '../subscriptions/settings.ts';
import { ConfigError, invalid, type Settings } from './settings.ts';

export const SUBSCRIPTIONS_SETTINGS = [
  ...['SUBSCRIPTIONS_MAX', 'SUBSCRIPTIONS_ALLOW_CIDRS', 'SUBSCRIPTIONS_TIMEOUT_MS'],
  ...['SUBSCRIPTIONS_ATTEMPTS', 'SUBSCRIPTIONS_BACKOFF_BASE_MS', 'SUBSCRIPTIONS_BACKOFF_FACTOR'],
  ...['SUBSCRIPTIONS_BACKOFF_CAP_MS', 'SUBSCRIPTIONS_RETRY_AFTER_CAP_MS'],
  ...['SUBSCRIPTIONS_BREAKER_FAILURES', 'SUBSCRIPTIONS_PROBE_MS'],
  ...['SUBSCRIPTIONS_PENDING_MAX', 'SUBSCRIPTIONS_DEAD_MAX', 'SUBSCRIPTIONS_LOG_MAX', 'SUBSCRIPTIONS_LOG_MS'],
];

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export function readSubscriptions(settings: Settings): SubscriptionsSettings {
  const retry = {
    attempts: settings.integer('SUBSCRIPTIONS_ATTEMPTS', 12, 1, 100),
    baseMs: settings.integer('SUBSCRIPTIONS_BACKOFF_BASE_MS', 1000, 1, HOUR_MS),
    factor: settings.integer('SUBSCRIPTIONS_BACKOFF_FACTOR', 3, 1, 100),
    capMs: settings.integer('SUBSCRIPTIONS_BACKOFF_CAP_MS', HOUR_MS, 1, 7 * DAY_MS),
  };
  if (retry.capMs < retry.baseMs) {
    const name = settings.label('SUBSCRIPTIONS_BACKOFF_CAP_MS');
    const why = 'is less than SUBSCRIPTIONS_BACKOFF_BASE_MS: no delivery would wait as long as the first is to';
    throw new ConfigError('settings-contradict', `${name}: ${why}`);
  }
  const breaker = {
    failures: settings.integer('SUBSCRIPTIONS_BREAKER_FAILURES', 5, 1, 100),
    probeMs: settings.integer('SUBSCRIPTIONS_PROBE_MS', 30_000, 10, DAY_MS),
  };
  if (breaker.failures > retry.attempts) {
    const name = settings.label('SUBSCRIPTIONS_BREAKER_FAILURES');
    const why =
      'is more than SUBSCRIPTIONS_ATTEMPTS: a receiver that is down would make dead letters before it is left alone';
    throw new ConfigError('settings-contradict', `${name}: ${why}`);
  }
  return {
    max: settings.integer('SUBSCRIPTIONS_MAX', 100, 0, 10_000),
    allow: readAllowed(settings),
    sender: {
      timeoutMs: settings.integer('SUBSCRIPTIONS_TIMEOUT_MS', 15_000, 10, 600_000),
      longestRetryAfterMs: settings.integer('SUBSCRIPTIONS_RETRY_AFTER_CAP_MS', HOUR_MS, 0, 7 * DAY_MS),
    },
    retry,
    breaker,
    bounds: {
      pending: settings.integer('SUBSCRIPTIONS_PENDING_MAX', 1000, 1, 100_000),
      dead: settings.integer('SUBSCRIPTIONS_DEAD_MAX', 1000, 1, 100_000),
      delivered: settings.integer('SUBSCRIPTIONS_LOG_MAX', 10_000, 0, 1_000_000),
      deliveredMs: settings.integer('SUBSCRIPTIONS_LOG_MS', 7 * DAY_MS, 0, 366 * DAY_MS),
    },
  };
}

function readAllowed(settings: Settings): Cidr[] {
  const name = 'SUBSCRIPTIONS_ALLOW_CIDRS';
  const items = settings.string(name)?.split(',') ?? [];
  return items.map((item) => {
    const cidr = parseCidr(item.trim());
    if (cidr !== undefined) return cidr;
    throw invalid(settings.label(name), `is a list of networks such as 10.0.0.0/8, not ${JSON.stringify(item.trim())}`);
  });
}
