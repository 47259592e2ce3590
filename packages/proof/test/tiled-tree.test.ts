import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, toHex, utf8 } from '../src/bytes.ts';
import { leafHash, nodeHash, rootOf } from '../src/merkle.ts';
import { TiledTree, type TileReader } from '../src/tiled-tree.ts';

const leaves = Array.from({ length: 70_000 }, (_, n) => leafHash(utf8(`leaf ${n}`)));
const rows = [leaves];
function node(level: number, index: number): Uint8Array {
  for (let below = rows.at(-1)!; rows.length <= level; below = rows.at(-1)!) {
    const pairs = Math.floor(below.length / 2);
    rows.push(Array.from({ length: pairs }, (_, at) => nodeHash(below[2 * at]!, below[2 * at + 1]!)));
  }
  return rows[level]![index]!;
}
const rootHex = (size: number) => toHex(rootOf(size, node));
const honest: TileReader = async (level, index, width) =>
  concat(...Array.from({ length: width }, (_, place) => node(8 * level, index * 256 + place)));

/** One byte of one hash of one tile is another. */
function altered(tile: string, place: number): TileReader {
  return async (level, index, width) => {
    const hashes = await honest(level, index, width);
    if (`${level}/${index}` === tile) hashes[32 * place] = hashes[32 * place]! ^ 1;
    return hashes;
  };
}

const sizes = fc.integer({ min: 1, max: leaves.length });

describe('the tiles of a tree', () => {
  it('make its root, and the root of every tree before', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, sizes, async (one, other) => {
        const [before, size] = [Math.min(one, other), Math.max(one, other)];
        const tree = new TiledTree({ size, root: rootHex(size) }, honest);
        expect(await tree.isWhole()).toBe(true);
        expect(await tree.rootAt(before)).toBe(rootHex(before));
      }),
      { numRuns: 30 },
    );
  });

  it('have the leaf hashes of any range', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(), fc.integer({ min: 1, max: 700 }), async (size, at, count) => {
        const start = at % size;
        const end = Math.min(size, start + count);
        const tree = new TiledTree({ size, root: rootHex(size) }, honest);
        expect(await tree.leafHashes(start, end)).toEqual(concat(...leaves.slice(start, end)));
      }),
      { numRuns: 30 },
    );
  });

  it.each([
    ['a leaf in the range', '0/3', 0],
    ['a leaf beside it, in the same tile', '0/3', 255],
    ['what stands for the leaves before', '1/0', 1],
    ['what stands for the leaves behind', '1/0', 200],
    ['the right edge', '0/273', 5],
  ])('do not lead to the root where one hash is another: %s', async (_what, tile, place) => {
    const tree = new TiledTree({ size: 70_000, root: rootHex(70_000) }, altered(tile, place));
    expect(await tree.leafHashes(768, 900)).toBeUndefined();
    expect(await new TiledTree({ size: 900, root: rootHex(900) }, altered('0/3', 5)).rootAt(800)).toBeUndefined();
  });

  it('are of no use under another root', async () => {
    const tree = new TiledTree({ size: 900, root: rootHex(901) }, honest);
    expect([await tree.isWhole(), await tree.rootAt(300), await tree.leafHashes(0, 1)]).toEqual([
      false,
      undefined,
      undefined,
    ]);
  });

  it('are read once each, and only those that it takes', async () => {
    const asked: string[] = [];
    const reader: TileReader = (level, index, width) => {
      asked.push(`${level}/${index}/${width}`);
      return honest(level, index, width);
    };
    const tree = new TiledTree({ size: 70_000, root: rootHex(70_000) }, reader);
    await tree.leafHashes(512, 768);
    await tree.leafHashes(600, 601);
    expect(asked.sort()).toEqual(['0/2/256', '0/273/112', '1/0/256', '1/1/17']);
  });

  it.each([
    [0, 0],
    [5, 4],
    [-1, 3],
    [0, 11],
    [0.5, 2],
  ])('have no leaves [%s, %s) of ten', async (start, end) => {
    const tree = new TiledTree({ size: 10, root: rootHex(10) }, honest);
    await expect(tree.leafHashes(start, end)).rejects.toMatchObject({ code: 'invalid-range' });
  });
});
