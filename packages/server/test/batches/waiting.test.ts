import { describe, expect, test } from 'vitest';
import { MAX_WAITING, Waiting } from '../../src/batches/waiting.ts';

/** A clock that strikes when it is told to. */
class Clock {
  readonly #due = new Map<object, () => void>();

  readonly later = (wake: () => void) => {
    const timer = { cancel: () => this.#due.delete(timer) };
    this.#due.set(timer, wake);
    return timer;
  };

  get waiting(): number {
    return this.#due.size;
  }

  strike(): void {
    for (const wake of [...this.#due.values()]) wake();
  }
}

describe('waiting for something', () => {
  const clock = new Clock();
  const waiting = new Waiting(clock.later);
  let value = 0;
  const until = (wanted: number, gone?: AbortSignal) =>
    waiting.until(
      () => value,
      (seen) => seen >= wanted,
      1000,
      gone,
    );

  test('what has come about already is not waited for, nor where there is no time', async () => {
    value = 1;
    expect(await until(1)).toBe(1);
    expect(
      await waiting.until(
        () => 0,
        () => false,
        0,
      ),
    ).toBe(0);
    expect(clock.waiting).toBe(0);
  });

  test('ends with what was seen last: when it comes about, when the time is up, when nobody wants it any more', async () => {
    value = 0;
    const gone = new AbortController();
    const [soon, late, never] = [until(2), until(9), until(9, gone.signal)];
    value = 1;
    waiting.changed();
    await Promise.resolve();
    value = 2;
    waiting.changed();
    expect(await soon).toBe(2);
    gone.abort();
    expect(await never).toBe(2);
    value = 3;
    clock.strike();
    expect(await late).toBe(3);
    expect(clock.waiting).toBe(0);
  });

  test('what changes while it is being looked at is not missed', async () => {
    let looks = 0;
    const seen = waiting.until(
      () => {
        // A change that comes from within.
        if (looks++ < 3) queueMicrotask(() => waiting.changed());
        return looks;
      },
      (count) => count > 3,
      1000,
    );
    expect(await seen).toBe(4);
  });

  test('is for so many at a time', async () => {
    value = 0;
    const all = Array.from({ length: MAX_WAITING }, () => until(1));
    await expect(until(1)).rejects.toMatchObject({ code: 'too-many-waiting' });
    value = 1;
    waiting.changed();
    expect(new Set(await Promise.all(all))).toEqual(new Set([1]));
    expect(await until(1)).toBe(1);
  });
});
