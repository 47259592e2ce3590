import { describe, expect, test } from 'vitest';
import { Shedding } from '../../src/live/client.ts';
import { Extents } from '../../src/live/extents.ts';

const shedding = (bytes: number, messages: number) => new Shedding(new Extents([]), { bytes, messages });

describe('of what is left out', () => {
  test('the newest of each key is kept, in the order of the newest', () => {
    const left = shedding(1000, 10);
    for (const [key, frame] of [
      ['a', 'a1'],
      ['b', 'b1'],
      ['a', 'a2'],
      ['c', 'c1'],
    ] as const) {
      left.meet(key, frame);
    }
    left.meet(undefined, 'not kept');
    expect([left.kept, left.skipped]).toEqual([['b1', 'a2', 'c1'], 2]);
  });

  test('no more is kept than the bounds allow, of messages or of bytes, the oldest first let go', () => {
    const few = shedding(1000, 2);
    for (const key of ['a', 'b', 'c']) few.meet(key, `${key}1`);
    expect([few.kept, few.skipped]).toEqual([['b1', 'c1'], 1]);
    const small = shedding(12, 10);
    for (const key of ['a', 'b', 'c']) small.meet(key, `${key}${'x'.repeat(4)}`);
    expect([small.kept, small.skipped]).toEqual([['bxxxx', 'cxxxx'], 1]);
    // One that is larger than the bound by itself is not kept either.
    small.meet('d', 'y'.repeat(12));
    expect([small.kept, small.skipped]).toEqual([[], 4]);
    small.meet('e', 'e1');
    expect([small.kept, small.skipped]).toEqual([['e1'], 4]);
  });

  test('nothing is kept that is to be forgotten, and it counts as left out', () => {
    const left = shedding(1000, 10);
    left.meet('a', 'a1');
    left.forget();
    expect([left.kept, left.skipped]).toEqual([[], 1]);
    left.meet('b', 'b1');
    expect([left.kept, left.skipped]).toEqual([['b1'], 1]);
  });
});
