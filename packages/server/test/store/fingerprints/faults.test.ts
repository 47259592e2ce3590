import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkFingerprints } from '../../../src/store/fingerprints/check.ts';
import { decodeFooter, ENTRY_BYTES, encodeFooter, layoutOf } from '../../../src/store/fingerprints/format.ts';
import { FingerprintIndex } from '../../../src/store/fingerprints/index.ts';
import { RunWriter } from '../../../src/store/fingerprints/run-writer.ts';
import { fill, keyOf, runFiles, TestDirectories, wrongAnswers } from './helpers.ts';

const directories = new TestDirectories();
afterAll(() => directories[Symbol.dispose]());

const HEAD = 1000;
/** The three runs of the fixture do not start a merge yet. */
const OPTIONS = { flushAt: 10, fanout: 4 };
/** Three runs of 600, 300 and 100 entries. */
const RUNS = ['0-600.run', '600-900.run', '900-1000.run'];
const MIDDLE = '600-900.run';
const MIDDLE_LAYOUT = layoutOf(300);

let sound: string;
beforeAll(() => {
  sound = directories.next();
  const index = FingerprintIndex.open(sound, 0, { flushAt: 1 });
  fill(index, 0, 600, 600);
  fill(index, 600, 900, 300);
  fill(index, 900, 1000, 100);
  index.close();
  expect(runFiles(sound)).toEqual(RUNS);
});

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at]! ^= 0x10;
  writeFileSync(file, bytes);
}

interface Fault {
  name: string;
  harm: (dir: string) => void;
  /** What is left of the index when it is opened. */
  through: number;
  damage: { file: string; what: RegExp } | undefined;
  files: string[];
}

const middleDamaged = (what: RegExp) => ({ through: 600, damage: { file: MIDDLE, what }, files: ['0-600.run'] });
const unharmed = { through: 1000, damage: undefined, files: RUNS };

const faults: Fault[] = [
  { name: 'none', harm: () => {}, ...unharmed },
  {
    name: 'a run cut short',
    harm: (dir) => truncateSync(join(dir, MIDDLE), MIDDLE_LAYOUT.size - 1),
    ...middleDamaged(/footer damaged/),
  },
  { name: 'an empty run', harm: (dir) => truncateSync(join(dir, MIDDLE), 0), ...middleDamaged(/truncated/) },
  {
    name: 'a run with bytes missing in front of an intact footer',
    harm: (dir) => {
      const bytes = readFileSync(join(dir, MIDDLE));
      writeFileSync(join(dir, MIDDLE), bytes.subarray(ENTRY_BYTES));
    },
    ...middleDamaged(/size differs/),
  },
  {
    name: 'a flipped bit in the page index',
    harm: (dir) => flip(join(dir, MIDDLE), MIDDLE_LAYOUT.pageIndexAt),
    ...middleDamaged(/page index damaged/),
  },
  {
    name: 'a flipped bit in the filter',
    harm: (dir) => flip(join(dir, MIDDLE), MIDDLE_LAYOUT.filterAt + 5),
    ...middleDamaged(/filter damaged/),
  },
  ...Array.from({ length: 64 }, (_, at) => ({
    name: `a flipped bit in byte ${at} of the footer`,
    harm: (dir: string) => flip(join(dir, MIDDLE), MIDDLE_LAYOUT.footerAt + at),
    ...middleDamaged(/footer damaged/),
  })),
  {
    name: 'a run under the name of another',
    harm: (dir) => cpSync(join(dir, '0-600.run'), join(dir, MIDDLE)),
    ...middleDamaged(/footer damaged/),
  },
  {
    name: 'the middle run missing',
    harm: (dir) => rmSync(join(dir, MIDDLE)),
    through: 600,
    damage: { file: '900-1000.run', what: /does not follow on position 600/ },
    files: ['0-600.run'],
  },
  {
    name: 'the first run missing',
    harm: (dir) => rmSync(join(dir, '0-600.run')),
    through: 0,
    damage: { file: MIDDLE, what: /does not follow on position 0/ },
    files: [],
  },
  {
    name: 'the last run missing: as if it had never been flushed',
    harm: (dir) => rmSync(join(dir, '900-1000.run')),
    through: 900,
    damage: undefined,
    files: RUNS.slice(0, 2),
  },
  {
    name: 'unfinished files left by a crash',
    harm: (dir) => {
      writeFileSync(join(dir, '1000-1100.run.tmp'), 'half');
      writeFileSync(join(dir, '0-900.run.tmp'), '');
    },
    ...unharmed,
  },
  {
    name: 'inputs of a merge left by a crash',
    harm: (dir) => {
      writeFileSync(join(dir, '0-100.run'), '');
      writeFileSync(join(dir, '100-600.run'), '');
      writeFileSync(join(dir, '700-900.run'), '');
    },
    ...unharmed,
  },
  {
    name: 'the whole directory gone',
    harm: (dir) => rmSync(dir, { recursive: true }),
    through: 0,
    damage: undefined,
    files: [],
  },
];

describe('opening after a fault', () => {
  test.each(faults)('$name', ({ harm, through, damage, files }) => {
    const dir = directories.copyOf(sound);
    harm(dir);
    const index = FingerprintIndex.open(dir, HEAD, OPTIONS);
    expect(index.through).toBe(through);
    expect(index.damage?.file).toBe(damage?.file);
    expect(index.damage?.what ?? '').toMatch(damage?.what ?? /^$/);
    expect(readdirSync(dir).sort()).toEqual([...files].sort());
    fill(index, through, HEAD, 50);
    expect(wrongAnswers(index, HEAD)).toEqual([]);
    index.close();
    expect(checkFingerprints(dir, HEAD)).toEqual([]);
  });

  test('a journal that ends before the index does takes the runs beyond it along', () => {
    const dir = directories.copyOf(sound);
    const index = FingerprintIndex.open(dir, 950, OPTIONS);
    expect(index.damage).toEqual({ file: '900-1000.run', what: 'ahead of the journal, which ends at 950' });
    expect(index.through).toBe(900);
    expect(index.lookup(keyOf(980).hi, keyOf(980).lo)).toEqual([]);
    index.close();
  });

  test('what cannot be read at all is not taken for damage', () => {
    const dir = directories.copyOf(sound);
    rmSync(join(dir, MIDDLE));
    mkdirSync(join(dir, MIDDLE));
    expect(() => FingerprintIndex.open(dir, HEAD)).toThrow(expect.objectContaining({ code: 'read-failed' }));
    expect(runFiles(dir)).toEqual(RUNS);
  });
});

describe('a damaged page of entries, which opening does not read', () => {
  const flipEntry = (dir: string) => flip(join(dir, MIDDLE), 299 * ENTRY_BYTES);
  const indexDamaged = expect.objectContaining({ name: 'StoreError', code: 'index-damaged' });

  test('is never answered from; opening again makes up for it', () => {
    const dir = directories.copyOf(sound);
    flipEntry(dir);
    const index = FingerprintIndex.open(dir, HEAD, OPTIONS);
    expect(index.damage).toBeUndefined();
    expect(() => wrongAnswers(index, HEAD)).toThrow(indexDamaged);
    index.close();
    const again = FingerprintIndex.open(dir, HEAD, OPTIONS);
    expect(again.damage?.file).toBe('900-1000.run');
    expect(again.through).toBe(600);
    fill(again, 600, HEAD, 50);
    expect(wrongAnswers(again, HEAD)).toEqual([]);
    again.close();
  });

  test('is not merged', () => {
    const dir = directories.copyOf(sound);
    flipEntry(dir);
    const index = FingerprintIndex.open(dir, HEAD, { flushAt: 10_000, fanout: 3 });
    expect(() => fill(index, HEAD, HEAD + 200, 10)).toThrow(indexDamaged);
    expect(readdirSync(dir).sort()).toEqual(['0-600.run', '900-1000.run']);
    index.close();
    const again = FingerprintIndex.open(dir, HEAD, OPTIONS);
    expect(again.through).toBe(600);
    again.close();
  });

  test('is named by the check, which changes nothing', () => {
    const dir = directories.copyOf(sound);
    flipEntry(dir);
    expect(checkFingerprints(dir, HEAD)).toEqual([`${MIDDLE}: page 1 is damaged`]);
    expect(runFiles(dir)).toEqual(RUNS);
  });
});

describe('the check finds what checksums cannot', () => {
  test.each([
    {
      what: 'page 0 is out of order',
      entries: [
        [2, 2, 1],
        [2, 1, 2],
      ],
    },
    {
      what: 'page 0 is out of order',
      entries: [
        [2, 2, 2],
        [2, 2, 1],
      ],
    },
    {
      what: 'page 0 holds position 3',
      entries: [
        [1, 1, 1],
        [2, 2, 3],
      ],
    },
  ])('$entries: $what', ({ what, entries }) => {
    const dir = directories.next();
    mkdirSync(dir);
    const writer = new RunWriter(dir, { after: 0, through: 2, level: 0, count: 2 });
    for (const [hi = 0, lo = 0, position = 0] of entries) writer.append(hi, lo, position);
    writer.finish().close();
    expect(checkFingerprints(dir, 2)).toEqual([`0-2.run: ${what}`]);
  });

  test('a filter that does not know an entry', () => {
    const dir = directories.copyOf(sound);
    const bytes = readFileSync(join(dir, MIDDLE));
    const { filterAt, footerAt } = MIDDLE_LAYOUT;
    const filter = bytes.subarray(filterAt, footerAt).fill(0);
    const footer = decodeFooter(new Uint32Array(new Uint8Array(bytes.subarray(footerAt)).buffer));
    if (!footer) throw new TypeError('the fixture has no footer');
    bytes.set(encodeFooter({ ...footer, filterChecksum: crc32(filter) }), footerAt);
    writeFileSync(join(dir, MIDDLE), bytes);
    expect(checkFingerprints(dir, HEAD)).toEqual([
      `${MIDDLE}: page 0 has an entry that the filter does not know`,
      `${MIDDLE}: page 1 has an entry that the filter does not know`,
    ]);
  });

  test('a missing run, while leftovers are no violation', () => {
    const dir = directories.copyOf(sound);
    writeFileSync(join(dir, '1000-1100.run.tmp'), 'half');
    rmSync(join(dir, MIDDLE));
    expect(checkFingerprints(dir, HEAD)).toEqual(['900-1000.run: does not follow on position 600']);
    expect(readdirSync(dir).sort()).toEqual(['0-600.run', '1000-1100.run.tmp', '900-1000.run']);
  });
});

describe('a disk that refuses', () => {
  const writeFailed = expect.objectContaining({ name: 'StoreError', code: 'write-failed' });

  test('a flush fails, nothing is lost, the next one succeeds', () => {
    const dir = directories.next();
    const index = FingerprintIndex.open(dir, 0, OPTIONS);
    rmSync(dir, { recursive: true });
    expect(() => fill(index, 0, 20, 20)).toThrow(writeFailed);
    expect(index.through).toBe(0);
    expect(wrongAnswers(index, 20)).toEqual([]);
    mkdirSync(dir);
    index.maintain();
    expect(index.through).toBe(20);
    expect(wrongAnswers(index, 20)).toEqual([]);
    index.close();
    expect(checkFingerprints(dir, 20)).toEqual([]);
  });

  test('a merge cannot be finished, is given up, and done again later', () => {
    const dir = directories.copyOf(sound);
    const index = FingerprintIndex.open(dir, HEAD, { flushAt: 1000, fanout: 3 });
    index.maintain();
    rmSync(join(dir, '0-1000.run.tmp'));
    expect(() => fill(index, HEAD, HEAD + 900, 30)).toThrow(writeFailed);
    const reached = HEAD + index.stats().recent;
    expect(wrongAnswers(index, reached)).toEqual([]);
    fill(index, reached, 3000, 30);
    expect(wrongAnswers(index, 3000)).toEqual([]);
    expect(runFiles(dir)[0]).toBe('0-1000.run');
    index.close();
    expect(checkFingerprints(dir, 3000)).toEqual([]);
  });
});
