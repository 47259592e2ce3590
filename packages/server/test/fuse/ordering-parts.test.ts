import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AcceptedEvent, FusedRecord } from '../../src/event.ts';
import { Deadlines } from '../../src/fuse/deadlines.ts';
import { Heap } from '../../src/fuse/heap.ts';
import { Holdings } from '../../src/fuse/holdings.ts';
import { Spans } from '../../src/fuse/spans.ts';
import { Watermark } from '../../src/fuse/watermark.ts';
import { streamConfig } from '../support/node.ts';

test('a heap gives back what it was given, the least first, whatever comes in between', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(20), { freq: 3, nil: undefined })), (turns) => {
      const heap = new Heap<number>((a, b) => a < b);
      const model: number[] = [];
      for (const turn of turns) {
        if (turn === undefined) expect(heap.pop()).toBe(model.shift());
        else {
          heap.push(turn);
          model.push(turn);
          model.sort((a, b) => a - b);
        }
        expect([heap.size, heap.top]).toEqual([model.length, model[0]]);
        expect([...heap].sort((a, b) => a - b)).toEqual(model);
      }
    }),
  );
});

const order = { bufferMs: 100, idleMs: 1000, futureMs: 0, late: 'next' as const };

describe('the watermark', () => {
  test('follows the slowest source, a buffer behind it, once each has been heard', () => {
    const watermark = new Watermark(order, ['a', 'b'], 0);
    watermark.saw('a', 5000, 1);
    watermark.advance(1, 5001);
    expect(watermark.mark).toBeUndefined();
    watermark.saw('b', 3000, 2);
    watermark.advance(2, 5001);
    expect(watermark.mark).toBe(2900);
    expect([watermark.isLate(2899), watermark.isLate(2900)]).toEqual([true, false]);
  });

  test('never falls', () => {
    const watermark = new Watermark(order, ['a'], 0);
    watermark.saw('a', 3000, 1);
    watermark.advance(1, 3001);
    watermark.saw('a', 2000, 2);
    watermark.advance(2, 3001);
    expect(watermark.mark).toBe(2900);
    watermark.push(10);
    expect(watermark.mark).toBe(2900);
  });

  test('does not wait for a source that has been silent for too long', () => {
    const watermark = new Watermark(order, ['a', 'b'], 0);
    watermark.saw('a', 5000, 900);
    watermark.advance(999, 5001);
    expect(watermark.mark).toBeUndefined();
    watermark.advance(1000, 5001);
    expect(watermark.mark).toBe(4900);
  });

  test('follows the clock when all are silent, but not beyond what has come', () => {
    const watermark = new Watermark(order, ['a'], 0);
    watermark.saw('a', 2000, 500);
    for (const at of [500, 1499, 1500]) {
      watermark.advance(at, 2400);
      expect(watermark.mark).toBe(1900);
    }
    watermark.advance(2200, 2400);
    expect(watermark.mark).toBe(2100);
    watermark.advance(9000, 2400);
    expect(watermark.mark).toBe(2400);
  });

  test('forgets a source that feeds the stream no more, and waits for a new one', () => {
    const watermark = new Watermark(order, ['a', 'b'], 0);
    watermark.saw('a', 5000, 10);
    watermark.configure(order, ['a']);
    watermark.advance(10, 5001);
    expect(watermark.mark).toBe(4900);
    watermark.configure(order, ['a', 'c']);
    watermark.saw('a', 7000, 20);
    watermark.advance(20, 7001);
    expect(watermark.mark).toBe(4900);
  });

  test('is the same after a restart', () => {
    const before = new Watermark(order, ['a', 'b'], 5);
    before.saw('a', 5000, 10);
    before.push(42);
    const after = new Watermark(order, ['a', 'b'], 0);
    after.restore(before.state());
    expect(after.state()).toEqual(before.state());
    expect(after.state()).toEqual({ mark: 42, now: 10, sources: { a: [5000, 10], b: [null, 5] } });
  });
});

const event = (seq: number): AcceptedEvent => ({
  ...{ kind: 'record', position: seq, source: 'a', seq, eventId: '', eventTime: '', rawHash: '', policyHash: '' },
  ...{ supersedes: undefined, payload: 'x'.repeat(10), payloadHash: '' },
});

describe('what is held', () => {
  test('keeps the log from claiming more than it has', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([1, 2, 3, 4, 5, 6], { minLength: 6 }), (leaving) => {
        const holdings = new Holdings();
        for (let seq = 1; seq <= 6; seq++) holdings.took(event(seq));
        const gone = new Set<number>();
        for (const seq of leaving) {
          holdings.left(event(seq));
          gone.add(seq);
          let through = 0;
          while (gone.has(through + 1)) through++;
          expect(holdings.through).toEqual(through === 0 ? {} : { a: through });
        }
        expect([holdings.events, holdings.bytes]).toEqual([0, 0]);
      }),
    );
  });

  test('leaves with the decision that names it, once', () => {
    const holdings = new Holdings();
    for (const seq of [1, 2, 3]) holdings.took(event(seq));
    const input = (seq: number) => ({ position: seq, source: 'a', seq, rawHash: '', policyHash: '', placed: false });
    const fused = { kind: 'fused', inputs: [input(1), input(2)] } as unknown as FusedRecord;
    holdings.left(fused);
    holdings.left(fused);
    expect([holdings.events, holdings.through]).toEqual([1, { a: 2 }]);
  });

  test('is the same after a restart', () => {
    const before = new Holdings();
    for (const seq of [1, 2, 3, 4]) before.took(event(seq));
    before.left(event(1));
    before.left(event(3));
    const after = new Holdings();
    after.restore(before.state(), [event(4), event(2)]);
    expect([after.events, after.bytes, after.through]).toEqual([before.events, before.bytes, before.through]);
    for (const holdings of [before, after]) {
      holdings.left(event(2));
      expect(holdings.through).toEqual({ a: 3 });
    }
  });
});

describe('spans', () => {
  const config = streamConfig('s', {});

  test('by themselves, buckets, windows, and both', () => {
    const plain = new Spans({ ...config, order });
    expect([plain.release(7), plain.flush(7), plain.window(7)]).toEqual([8, 8, undefined]);
    const byId = new Spans({ ...config, order, fusion: { strategy: 'latest' } });
    expect([byId.bucket(7), byId.release(7)]).toEqual([7, 108]);
    const buckets = new Spans({ ...config, order, fusion: { strategy: 'latest', bucketMs: 10 } });
    expect([buckets.bucket(17), buckets.release(17), buckets.bucket(-3)]).toEqual([10, 20, -10]);
    const windows = new Spans({ ...config, order, publish: { ...config.publish, windowMs: 100 } });
    expect([windows.window(257), windows.complete(300), windows.flush(257)]).toEqual([200, 300, 300]);
    // The second goes on where one of another length ended.
    expect([windows.windowEnd(200), windows.windowEnd(250)]).toEqual([300, 300]);
  });

  test('a bucket that begins in a window and ends beyond it holds the window open', () => {
    const fusion = { strategy: 'latest' as const, bucketMs: 70 };
    const both = new Spans({ ...config, order, fusion, publish: { ...config.publish, windowMs: 100 } });
    expect(both.complete(100)).toBe(140);
  });
});

test('a deadline counts from the first event, and not before its bucket is over', () => {
  const deadlines = new Deadlines(50);
  deadlines.add(1000, 400);
  deadlines.add(1000, 2000);
  deadlines.add(900, 2000);
  expect(deadlines.expired(1049)).toBeUndefined();
  expect(deadlines.expired(1050)).toBe(1000);
  expect(deadlines.expired(2049)).toBeUndefined();
  expect(deadlines.expired(2050)).toBe(900);
});
