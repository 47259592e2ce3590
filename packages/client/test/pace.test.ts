import { afterEach, describe, expect, it, vi } from 'vitest';
import { ClientError } from '../src/index.ts';
import { Pace } from '../src/pace.ts';

afterEach(() => void vi.useRealTimers());

const GONE = new ClientError('unreachable', 'gone');
const frame = (type: string, more: object = {}) => ({ body: { type, ...more }, id: undefined });

/** Delays after so many connections, of which each goes as `play` has it. */
function delays(count: number, play: (pace: Pace) => void, pace = new Pace({})) {
  return Array.from({ length: count }, () => {
    pace.begin();
    play(pace);
    return pace.delayAfter(GONE);
  });
}

describe('the time before the next connection', () => {
  it.each([
    [0, 200],
    [7, 200],
    [700, 700],
    [60_000, 60_000],
    [99_999_999_999, 60_000],
  ])('is what the server wishes, within reason: %i', (retryMs, expected) => {
    expect(delays(1, (pace) => pace.hear(frame('hello', { retryMs })))).toEqual([expected]);
    const inStream = (pace: Pace) => {
      pace.take({ retryMs });
      pace.hear(frame('heartbeat'));
    };
    expect(delays(1, inStream)).toEqual([expected]);
  });

  it.each([
    ['says nothing', (pace: Pace) => pace.take({ retryMs: 0 })],
    ['says hello and ends it', (pace: Pace) => pace.hear(frame('hello', { retryMs: 0 }))],
  ])('grows where the server %s', (_what, play) => {
    expect(delays(6, play).at(-1)).toBeGreaterThanOrEqual(2_500);
  });

  it('is short again once a message has come', () => {
    const play = (pace: Pace) => {
      pace.hear(frame('hello', { retryMs: 300 }));
      pace.progress();
    };
    expect(delays(6, play)).toEqual(Array(6).fill(300));
  });

  it('is short again after a connection that stood', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const play = (pace: Pace) => {
      pace.hear(frame('hello', { retryMs: 300 }));
      vi.advanceTimersByTime(5_000);
    };
    expect(delays(6, play)).toEqual(Array(6).fill(300));
  });

  it('is no more once nothing has been heard for as long as is to be tried', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const pace = new Pace({ retryForMs: 10_000 });
    const silent = () => void vi.advanceTimersByTime(4_000);
    expect(delays(4, silent, pace).map((delay) => delay === undefined)).toEqual([false, false, false, true]);
  });
});
