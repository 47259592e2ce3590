import { describe, expect, it } from 'vitest';
import { passingDelay } from '../src/http.ts';
import { ClientError } from '../src/index.ts';
import { backoffMs, pause, retryAfterMs } from '../src/retry.ts';
import { failureOf } from './stand-in.ts';

describe('Retry-After', () => {
  const now = Date.parse('2024-01-01T00:00:00Z');

  it.each([
    [null, undefined],
    ['2', 2_000],
    ['0', 0],
    ['86400', 60_000],
    ['Mon, 01 Jan 2024 00:00:05 GMT', 5_000],
    ['Sun, 31 Dec 2023 00:00:00 GMT', 0],
    ['soon', undefined],
  ])('%s', (header, expected) => {
    expect(retryAfterMs(header, now)).toBe(expected);
  });
});

it('a server that wants to be asked again at once is not', () => {
  expect(passingDelay(new ClientError('unavailable', 'full', { retryAfterMs: 0 }), 0)).toBe(200);
});

describe('backoff', () => {
  it('doubles up to five seconds', () => {
    expect([0, 1, 2, 10, 5000].map((attempt) => backoffMs(attempt, 0))).toEqual([200, 400, 800, 5_000, 5_000]);
  });

  it('leaves out up to a half of it', () => {
    expect([0, 0.5, 0.999].map((random) => Math.round(backoffMs(3, random)))).toEqual([1600, 1200, 801]);
  });
});

describe('a pause', () => {
  it('ends at once with the signal', async () => {
    const stop = new AbortController();
    const paused = pause(3_600_000, stop.signal);
    stop.abort('enough');
    expect(await failureOf(paused)).toBe('enough');
    expect(await failureOf(pause(0, stop.signal))).toBe('enough');
  });
});
