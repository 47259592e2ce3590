import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { refusal } from '../support/settings.ts';

test('subscriptions have bounds, and call public addresses alone', () => {
  const { subscriptions } = loadConfig({}, {});
  expect(subscriptions).toMatchObject({ max: 100, allow: [], retry: { attempts: 12 }, breaker: { failures: 5 } });
});

test('networks that may be called are listed', () => {
  const { subscriptions } = loadConfig({}, { SUBSCRIPTIONS_ALLOW_CIDRS: '10.0.0.0/8, fd00::/8' });
  expect(subscriptions.allow).toEqual([
    { address: '10.0.0.0', prefix: 8 },
    { address: 'fd00::', prefix: 8 },
  ]);
});

test.each([
  ['SUBSCRIPTIONS_ALLOW_CIDRS', '10.0.0.0'],
  ['SUBSCRIPTIONS_ALLOW_CIDRS', '10.0.0.0/8,'],
  ['SUBSCRIPTIONS_MAX', '-1'],
  ['SUBSCRIPTIONS_ATTEMPTS', '0'],
  ['SUBSCRIPTIONS_TIMEOUT_MS', 'soon'],
  ['SUBSCRIPTIONS_LOG_MS', '1.5'],
])('%s=%s is refused', (name, value) => {
  const { code, message } = refusal({ [name]: value });
  expect(code).toBe('setting-invalid');
  expect(message).toContain(name);
});

test('a circuit that would open only after the dead letters is refused', () => {
  const { code, message } = refusal({ SUBSCRIPTIONS_ATTEMPTS: '4', SUBSCRIPTIONS_BREAKER_FAILURES: '5' });
  expect(code).toBe('settings-contradict');
  expect(message).toContain('SUBSCRIPTIONS_BREAKER_FAILURES');
});

test('a longest wait below the first one is refused', () => {
  const { code, message } = refusal({ SUBSCRIPTIONS_BACKOFF_CAP_MS: '999' });
  expect(code).toBe('settings-contradict');
  expect(message).toContain('SUBSCRIPTIONS_BACKOFF_CAP_MS');
  const { retry } = loadConfig({}, { SUBSCRIPTIONS_BACKOFF_CAP_MS: '1000' }).subscriptions;
  expect(retry).toMatchObject({ baseMs: 1000, capMs: 1000 });
});
