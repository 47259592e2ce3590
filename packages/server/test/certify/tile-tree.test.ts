import { hash } from 'node:crypto';
import { Frontier, rootOf, toHex } from '@tidemark/proof';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TileTree } from '../../src/certify/tile-tree.ts';
import type { Tile } from '../../src/event.ts';

const leaf = (index: number) => hash('sha256', `leaf ${index}`, 'latin1');
const bytes = (latin1: string) => Buffer.from(latin1, 'latin1');

/** What the ledger keeps of a log: of each tile, how it was last seen. */
class Store {
  readonly #tiles = new Map<string, Buffer>();

  put(tiles: readonly Tile[]): void {
    for (const { level, index, hashes } of tiles) this.#tiles.set(`${level}/${index}`, hashes);
  }

  tile(level: number, index: number): Buffer {
    return this.#tiles.get(`${level}/${index}`) ?? Buffer.alloc(0);
  }

  get count(): number {
    return this.#tiles.size;
  }

  /** The tree as it is opened again. */
  open(size: number): TileTree {
    const partial: Buffer[] = [];
    for (let level = 0, width = 1; width <= size; level++, width *= 256) {
      const entries = Math.floor(size / width) % 256;
      const tile = this.tile(level, Math.floor(size / (width * 256)));
      // A tile that has grown since holds what it held before, and more.
      partial.push(tile.subarray(0, entries * 32));
    }
    return new TileTree(size, partial);
  }
}

/** Roots of all sizes up to `size`, by the verifier's own code. */
function rootsUpTo(size: number): string[] {
  const frontier = new Frontier();
  const roots = [toHex(frontier.root())];
  for (let index = 0; index < size; index++) {
    frontier.append(bytes(leaf(index)));
    roots.push(toHex(frontier.root()));
  }
  return roots;
}

describe('up to 600 leaves', () => {
  const expected = rootsUpTo(600);

  test('every root is that of RFC 9162', () => {
    const tree = new TileTree();
    const roots = [tree.root()];
    for (let index = 0; index < 600; index++) {
      tree.append(leaf(index));
      roots.push(tree.root());
    }
    expect(roots).toEqual(expected);
    expect(tree.size).toBe(600);
  });

  test('stored at any sizes, and opened again at any of them, it goes on as if nothing had been', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(600), { minLength: 1, maxLength: 8 }), (picked) => {
        const sizes = picked.sort((a, b) => a - b);
        const store = new Store();
        let tree = new TileTree();
        for (const size of sizes) {
          while (tree.size < size) tree.append(leaf(tree.size));
          store.put(tree.takeChanged());
          tree = store.open(size);
          expect(tree.root()).toBe(expected[size]);
        }
        for (const size of sizes) expect(store.open(size).root()).toBe(expected[size]);
      }),
      { numRuns: 50 },
    );
  });

  test('what is taken is what changed since the last time', () => {
    const tree = new TileTree();
    const taken = (upTo: number) => {
      while (tree.size < upTo) tree.append(leaf(tree.size));
      return tree.takeChanged().map(({ level, index, hashes }) => [level, index, hashes.length / 32]);
    };
    expect(taken(0)).toEqual([]);
    expect(taken(3)).toEqual([[0, 0, 3]]);
    expect(taken(256)).toEqual([
      [0, 0, 256],
      [1, 0, 1],
    ]);
    expect(taken(257)).toEqual([
      [0, 1, 1],
      [1, 0, 1],
    ]);
    expect(taken(600)).toEqual([
      [0, 1, 256],
      [0, 2, 88],
      [1, 0, 2],
    ]);
  });
});

test('past 65,536 leaves, three levels of tiles', () => {
  const LAST = 65_536 + 300;
  const stops = [255, 256, 257, 511, 512, 513, 12_345, 65_279, 65_280, 65_535, 65_536, 65_537, 65_792, LAST];
  const frontier = new Frontier();
  const store = new Store();
  let tree = new TileTree();
  for (const stop of stops) {
    while (tree.size < stop) {
      frontier.append(bytes(leaf(tree.size)));
      tree.append(leaf(tree.size));
    }
    expect(tree.root()).toBe(toHex(frontier.root()));
    store.put(tree.takeChanged());
    tree = store.open(stop);
    expect(tree.root()).toBe(toHex(frontier.root()));
  }
  expect(store.tile(0, 257).length / 32).toBe(44);
  expect(store.tile(1, 1).length / 32).toBe(1);
  expect(store.tile(2, 0).length / 32).toBe(1);
  expect(store.count).toBe(258 + 2 + 1);
  for (const size of [1, 300, 65_536, LAST]) {
    const node = (level: number, index: number): Uint8Array => {
      if (level % 8 === 0) {
        const at = (index % 256) * 32;
        return store.tile(level / 8, Math.floor(index / 256)).subarray(at, at + 32);
      }
      return bytes(
        hash(
          'sha256',
          Buffer.concat([Buffer.of(1), node(level - 1, 2 * index), node(level - 1, 2 * index + 1)]),
          'latin1',
        ),
      );
    };
    expect(store.open(size).root()).toBe(toHex(rootOf(size, node)));
  }
});
