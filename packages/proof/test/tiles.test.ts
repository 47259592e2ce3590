import { describe, expect, it } from 'vitest';
import { utf8 } from '../src/bytes.ts';
import { leafHash, nodeHash, rootOf } from '../src/merkle.ts';
import { decodeEntries, encodeEntries, formatTilePath, hashesAt, parseTilePath, tileNodes } from '../src/tiles.ts';

describe('tile paths', () => {
  it.each([
    [{ level: 0, index: 0, width: 256 }, '0/000'],
    [{ level: 0, index: 67, width: 1 }, '0/067.p/1'],
    [{ level: 2, index: 1_234_067, width: 256 }, '2/x001/x234/067'],
    [{ level: 'entries', index: 1000, width: 255 }, 'entries/x001/000.p/255'],
    [{ level: 63, index: 999, width: 256 }, '63/999'],
    [{ level: 0, index: Number.MAX_SAFE_INTEGER, width: 256 }, '0/x009/x007/x199/x254/x740/991'],
  ] as const)('%o is %s, and back', (path, text) => {
    expect(formatTilePath(path)).toBe(text);
    expect(parseTilePath(text)).toEqual(path);
  });

  it.each([
    ['', 'no level'],
    ['0', 'no index'],
    ['64/000', 'a level too high'],
    ['00/000', 'a needless zero in the level'],
    ['-1/000', 'a sign'],
    ['data/000', 'another kind'],
    ['0/0', 'too few digits'],
    ['0/1234', 'too many digits'],
    ['0/x000/001', 'a needless group'],
    ['0/001/234', 'a group without x'],
    ['0/x001', 'no last group'],
    ['0/x999/x999/x999/x999/x999/999', 'an index beyond 2^53 - 1'],
    ['0/000.p/0', 'a width of none'],
    ['0/000.p/256', 'a width that is full'],
    ['0/000.p/01', 'a needless zero in the width'],
    ['0/000.p/', 'no width'],
    ['0/000/', 'a trailing slash'],
    ['0/000\n', 'a line feed'],
    ['0/０００', 'digits of another script'],
  ])('%j is none: %s', (text) => {
    expect(() => parseTilePath(text)).toThrow(expect.objectContaining({ code: 'invalid-range' }));
  });

  it('are not made of what is no tile', () => {
    const good = { level: 0, index: 0, width: 256 };
    for (const wrong of [
      { level: 64 },
      { level: 0.5 },
      { index: -1 },
      { index: 2 ** 53 },
      { width: 0 },
      { width: 257 },
    ]) {
      expect(() => formatTilePath({ ...good, ...wrong })).toThrow(expect.objectContaining({ code: 'invalid-range' }));
    }
  });

  it('has as many hashes a level as tlog-tiles says of a tree of 70,000', () => {
    expect([0, 1, 2, 3].map((level) => hashesAt(level, 70_000))).toEqual([70_000, 273, 1, 0]);
    expect(hashesAt('entries', 70_000)).toBe(70_000);
  });
});

describe('entry bundles', () => {
  it('put the length of each entry before it, two bytes, the high one first', () => {
    const long = new Uint8Array(258).fill(7);
    const bundle = encodeEntries([utf8('ab'), new Uint8Array(0), long]);
    expect([...bundle.subarray(0, 8)]).toEqual([0, 2, 0x61, 0x62, 0, 0, 1, 2]);
    expect(bundle.length).toBe(4 + 2 + 260);
    expect(decodeEntries(bundle)).toEqual([utf8('ab'), new Uint8Array(0), long]);
  });

  it('takes entries up to 65,535 bytes, and none beyond', () => {
    const longest = new Uint8Array(65_535).fill(1);
    expect(decodeEntries(encodeEntries([longest]))).toEqual([longest]);
    expect(() => encodeEntries([new Uint8Array(65_536)])).toThrow(expect.objectContaining({ code: 'invalid-range' }));
  });

  it.each([[[0]], [[0, 1]], [[0, 2, 1]], [[0, 1, 1, 0]]])('does not end within an entry: %j', (bytes) => {
    expect(() => decodeEntries(Uint8Array.from(bytes))).toThrow(expect.objectContaining({ code: 'invalid-bytes' }));
  });

  it('may be empty, and then has none', () => {
    expect(decodeEntries(encodeEntries([]))).toEqual([]);
  });
});

describe('nodes read out of tiles', () => {
  const leaves = Array.from({ length: 600 }, (_, n) => leafHash(utf8(`leaf ${n}`)));
  const direct = (level: number, index: number): Uint8Array =>
    level === 0 ? leaves[index]! : nodeHash(direct(level - 1, 2 * index), direct(level - 1, 2 * index + 1));
  /** As a log has them: level 1 over the full tiles of level 0. */
  const tile = (level: number, index: number) => {
    const hashes = level === 0 ? leaves : [direct(8, 0), direct(8, 1)];
    return Uint8Array.from(hashes.slice(256 * index, 256 * (index + 1)).flatMap((hash) => [...hash]));
  };

  it('give the root of every tree that they hold', () => {
    const nodes = tileNodes(tile);
    for (const size of [1, 2, 255, 256, 257, 511, 512, 600]) expect(rootOf(size, nodes)).toEqual(rootOf(size, direct));
  });

  it('are not there where the tile is shorter', () => {
    expect(() => tileNodes(tile)(0, 600)).toThrow(expect.objectContaining({ code: 'invalid-range' }));
  });
});
