import { readdirSync } from 'node:fs';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { checkFingerprints } from '../../../src/store/fingerprints/check.ts';
import { FingerprintIndex } from '../../../src/store/fingerprints/index.ts';
import { fill, keyOf, runFiles, TestDirectories, TINY, wrongAnswers } from './helpers.ts';

const directories = new TestDirectories();
afterAll(() => directories[Symbol.dispose]());

let dir: string;
beforeEach(() => {
  dir = directories.next();
});

const ANY_POSITION = Number.MAX_SAFE_INTEGER;

describe('look-ups', () => {
  test('find an entry as soon as it is added, and nothing else', () => {
    const index = FingerprintIndex.open(dir, 0);
    index.add(7, 8, 1);
    expect(index.lookup(7, 8)).toEqual([1]);
    expect(index.lookup(8, 7)).toEqual([]);
    expect(index.lookup(7, 9)).toEqual([]);
    expect(index.lookup(6, 8)).toEqual([]);
    index.close();
  });

  test('a miss allocates nothing', () => {
    const index = FingerprintIndex.open(dir, 0);
    expect(index.lookup(1, 2)).toBe(index.lookup(3, 4));
    index.close();
  });

  test('handle the ends of the ranges', () => {
    const index = FingerprintIndex.open(dir, 0, { flushAt: 1 });
    const keys = [0, 1, 0x7fffffff, 0x80000000, 0xffffffff];
    const entries = keys.flatMap((hi) => keys.map((lo) => ({ hi, lo })));
    const positionOf = (number: number) => 2 ** 48 - entries.length + number;
    for (const [number, { hi, lo }] of entries.entries()) index.add(hi, lo, positionOf(number));
    const expected = entries.map((_, number) => [positionOf(number)]);
    expect(entries.map(({ hi, lo }) => index.lookup(hi, lo))).toEqual(expected);
    index.maintain();
    expect(index.stats()).toMatchObject({ recent: 0, stored: 25 });
    expect(entries.map(({ hi, lo }) => index.lookup(hi, lo))).toEqual(expected);
    index.close();
  });

  test('give all positions of a fingerprint, ascending, from memory and from every run', () => {
    const index = FingerprintIndex.open(dir, 0, TINY);
    const expected: number[] = [];
    for (let position = 1; position <= 2000; position++) {
      const { hi, lo } = position % 3 === 0 ? { hi: 5, lo: 6 } : keyOf(position);
      index.add(hi, lo, position);
      if (position % 3 === 0) expected.push(position);
      if (position % 7 === 0) index.maintain();
    }
    expect(index.stats().runs).toBeGreaterThan(3);
    expect(index.stats().recent).toBeGreaterThan(3);
    expect(index.lookup(5, 6)).toEqual(expected);
    index.close();
  });

  test('tell fingerprints apart that differ in their last bits only', () => {
    const index = FingerprintIndex.open(dir, 0, { flushAt: 1, fanout: 2 });
    for (let position = 1; position <= 64; position++) {
      index.add(0xabcdef01, 0xffffffff - position, position);
      index.maintain();
    }
    expect(index.stats().runs).toBeLessThan(12);
    for (let position = 1; position <= 64; position++) {
      expect(index.lookup(0xabcdef01, 0xffffffff - position)).toEqual([position]);
    }
    index.close();
    expect(checkFingerprints(dir, 64)).toEqual([]);
  });

  test('one event with thousands of revisions fills pages without hiding its neighbours', () => {
    const index = FingerprintIndex.open(dir, 0, { flushAt: 4000, fanout: 2 });
    const neighbours = [
      { hi: 500, lo: 499 },
      { hi: 500, lo: 501 },
      { hi: 499, lo: 500 },
      { hi: 501, lo: 500 },
    ];
    for (let position = 1; position <= 8000; position++) {
      const { hi, lo } = neighbours[position % 1000] ?? { hi: 500, lo: 500 };
      index.add(hi, lo, position);
      if (position % 4000 === 0) index.maintain();
    }
    expect(index.lookup(500, 500)).toHaveLength(8000 - 8 * 4);
    expect(neighbours.map(({ hi, lo }) => index.lookup(hi, lo)[1])).toEqual([2000, 1001, 1002, 1003]);
    index.close();
  });
});

describe('entries in memory', () => {
  test('a batch may exceed what the table was made for', () => {
    const index = FingerprintIndex.open(dir, 0, TINY);
    fill(index, 0, 5000, ANY_POSITION);
    expect(index.stats()).toMatchObject({ recent: 5000, stored: 0, runs: 0 });
    expect(wrongAnswers(index, 5000)).toEqual([]);
    index.maintain();
    expect(index.stats()).toMatchObject({ recent: 0, stored: 5000, runs: 1 });
    expect(wrongAnswers(index, 5000)).toEqual([]);
    index.close();
  });

  test('rollback forgets exactly what came after', () => {
    const index = FingerprintIndex.open(dir, 0);
    fill(index, 0, 100, ANY_POSITION);
    index.add(keyOf(1).hi, keyOf(1).lo, 101);
    index.rollback(60);
    expect(wrongAnswers(index, 60)).toEqual([]);
    expect(index.lookup(keyOf(61).hi, keyOf(61).lo)).toEqual([]);
    fill(index, 60, 200, ANY_POSITION);
    expect(wrongAnswers(index, 200)).toEqual([]);
    index.close();
  });

  test('positions must ascend, also past a flush, and cannot be taken back from a run', () => {
    const index = FingerprintIndex.open(dir, 0, TINY);
    fill(index, 0, 10, 10);
    expect(index.through).toBe(10);
    const outOfOrder = expect.objectContaining({ name: 'StoreError', code: 'out-of-order' });
    expect(() => index.add(1, 1, 10)).toThrow(outOfOrder);
    index.add(1, 1, 11);
    expect(() => index.add(2, 2, 11)).toThrow(outOfOrder);
    expect(() => index.rollback(9)).toThrow(outOfOrder);
    expect(index.lookup(2, 2)).toEqual([]);
    index.close();
  });
});

describe('runs', () => {
  test('nothing is written before maintain, as the journal may still lose it', () => {
    const index = FingerprintIndex.open(dir, 0, TINY);
    fill(index, 0, 1000, ANY_POSITION);
    expect(readdirSync(dir)).toEqual([]);
    expect(index.through).toBe(0);
    index.close();
    expect(readdirSync(dir)).toEqual([]);
  });

  test('merge over several levels and stay few', () => {
    const options = { flushAt: 1000, fanout: 4 };
    const index = FingerprintIndex.open(dir, 0, options);
    let most = 0;
    for (let position = 0; position < 150_000; position += 100) {
      fill(index, position, position + 100, 100);
      most = Math.max(most, index.stats().runs);
    }
    // 150 flushes have four digits to base 4, each at most 3; besides, each level may wait for a merge of 4.
    expect(most).toBeGreaterThan(8);
    expect(most).toBeLessThan(17);
    expect(index.through).toBe(150_000);
    expect(wrongAnswers(index, 150_000)).toEqual([]);
    index.close();
    expect(checkFingerprints(dir, 150_000)).toEqual([]);
    const again = FingerprintIndex.open(dir, 150_000, options);
    expect(again.through).toBe(150_000);
    expect(wrongAnswers(again, 150_000)).toEqual([]);
    again.close();
  });

  test('a merge takes many calls, each in proportion to what was added', () => {
    const index = FingerprintIndex.open(dir, 0, { flushAt: 1000, fanout: 2 });
    fill(index, 0, 2000, 1);
    expect(runFiles(dir)).toEqual(['0-1000.run', '1000-2000.run']);
    index.maintain();
    let calls = 0;
    for (; runFiles(dir)[0] === '0-1000.run' && calls < 1000; calls++) fill(index, 2000 + calls, 2001 + calls, 1);
    expect(calls).toBeGreaterThan(200);
    expect(calls).toBeLessThan(300);
    expect(runFiles(dir)[0]).toBe('0-2000.run');
    expect(wrongAnswers(index, 2000 + calls)).toEqual([]);
    index.close();
  });

  test('a run is not held back by positions that have no id', () => {
    const index = FingerprintIndex.open(dir, 0, { flushAt: 2 });
    index.add(1, 1, 1_000);
    index.add(2, 2, 2_000);
    index.maintain();
    index.add(3, 3, 2_005);
    expect(index.through).toBe(2_000);
    expect(runFiles(dir)).toEqual(['0-2000.run']);
    index.close();
  });
});
