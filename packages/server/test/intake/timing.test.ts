import { expect, test } from 'vitest';
import { CutClock } from '../../src/intake/cut-clock.ts';
import { timingOf } from '../../src/intake/timing.ts';
import { Writer } from '../support/journal.ts';
import { streamConfig } from '../support/node.ts';

const live = streamConfig('alpha', {});
const order = { bufferMs: 750, idleMs: 5000, futureMs: 60_000, late: 'correct' as const };
const fusion = { strategy: 'latest' as const, bucketMs: 2000 };

test('a stream without order wants a cut, and nothing more', () => {
  expect(timingOf(live)).toEqual({ cutMs: 100, wakeMs: [] });
});

test('a stream that fuses wants to be woken when sources are idle, buckets over, deadlines reached', () => {
  const wakeMs = [2751, 5001, 62_751];
  expect(timingOf({ ...live, order, fusion })).toEqual({ cutMs: 100, wakeMs });
  const { wakeMs: withDeadline } = timingOf({ ...live, order, fusion: { ...fusion, deadlineMs: 4000 } });
  expect(withDeadline).toEqual([2751, 5001, 6001, 66_001]);
});

test('without buckets, the buffer is one', () => {
  expect(timingOf({ ...live, order, fusion: { strategy: 'latest' } }).wakeMs).toEqual([1501, 5001, 61_501]);
});

test('a stream with windows is not cut by the clock', () => {
  const windowed = { ...live, order, publish: { ...live.publish, windowMs: 10_000 } };
  expect(timingOf(windowed)).toEqual({ cutMs: undefined, wakeMs: [5001, 10_751, 70_751] });
});

test('the clock looks in less and less often, at the likely moments, and then no more', () => {
  const clock = new CutClock(new Map([['alpha', { cutMs: undefined, wakeMs: [1000, 30_000] }]]));
  const writer = new Writer();
  clock.saw([writer.events('alpha', 'one', [{ id: '1', text: '{}' }], 0)]);
  const looks: number[] = [];
  for (let at = clock.nextAt(); at !== undefined; at = clock.nextAt()) {
    expect(clock.due(at - 1)).toEqual([]);
    expect(clock.due(at)).toEqual(['alpha']);
    looks.push(at);
    clock.saw([writer.cut('alpha', at)]);
  }
  expect(looks.slice(0, 6)).toEqual([250, 500, 750, 1000, 1250, 1500]);
  expect(looks.at(-1)).toBe(30_000);
  expect(looks.length).toBeLessThan(40);
});

test('new events start it again', () => {
  const clock = new CutClock(new Map([['alpha', { cutMs: undefined, wakeMs: [1000] }]]));
  clock.waits('alpha', 0);
  clock.waits('alpha', 900);
  expect(clock.nextAt()).toBe(1150);
  expect(clock.due(1100)).toEqual([]);
});

test('a wall clock that was set back makes nobody wait', () => {
  const clock = new CutClock(new Map([['alpha', { cutMs: undefined, wakeMs: [1000] }]]));
  clock.waits('alpha', 1_000_000);
  expect(clock.due(5)).toEqual([]);
  expect(clock.nextAt()).toBe(255);
});
