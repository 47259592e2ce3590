import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Intervals } from '../../src/audit/intervals.ts';

it('is a set: whatever is added and deleted, in any order', () => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 40 })), { maxLength: 200 });
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 45 }), (script, from, to) => {
      const [intervals, model] = [new Intervals(), new Set<number>()];
      for (const [adding, number] of script) {
        const changed = adding ? !model.has(number) : model.has(number);
        expect(adding ? intervals.add(number) : intervals.delete(number)).toBe(changed);
        if (adding) model.add(number);
        else model.delete(number);
      }
      const all = [...model].sort((a, b) => a - b);
      expect(intervals.pairs.flatMap(([start, end]) => range(start, end))).toEqual(all);
      expect(intervals.max).toBe(all.at(-1) ?? 0);
      const missing = range(from, to).filter((number) => !model.has(number));
      expect([...intervals.gaps(from, to)].flatMap(([start, end]) => range(start, end))).toEqual(missing);
      expect(new Intervals(intervals.pairs).pairs).toEqual(intervals.pairs);
    }),
  );
});

it('takes no more for a million numbers in a row than for one', () => {
  const intervals = new Intervals();
  for (let number = 1; number <= 1_000_000; number++) intervals.add(number);
  expect(intervals.pairs).toEqual([[1, 1_000_000]]);
});

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => from + at);
}
