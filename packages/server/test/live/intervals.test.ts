import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Intervals } from '../../src/live/intervals.ts';

const end = fc.oneof(
  fc.integer({ min: -20, max: 20 }),
  fc.constantFrom(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY),
);
const interval = fc.record({ low: end, high: end });

test('of any intervals, those that hold a number, whatever was added and taken away in between', () => {
  const steps = fc.array(fc.oneof(interval, fc.nat(30), fc.record({ ask: fc.integer({ min: -25, max: 25 }) })));
  fc.assert(
    fc.property(steps, (steps) => {
      const intervals = new Intervals<number>();
      const known = new Map<number, { low: number; high: number }>();
      for (const [item, step] of steps.entries()) {
        if (typeof step === 'number') {
          intervals.delete(step);
          known.delete(step);
        } else if ('ask' in step) {
          const holding = [...known].filter(([, { low, high }]) => low <= step.ask && step.ask <= high);
          expect(intervals.holding(step.ask).toSorted()).toEqual(holding.map(([one]) => one).toSorted());
        } else {
          intervals.add(item, step);
          known.set(item, step);
        }
        expect(intervals.size).toBe(known.size);
      }
    }),
  );
});
