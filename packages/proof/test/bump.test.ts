import { readFileSync } from 'node:fs';
import { MerklePath } from '@bsv/sdk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Bump, bumpBytes, bumpOfPath, bumpRoot, parseBump, pathOfBump } from '../src/bump.ts';
import { concat, fromHex, reversed, toHex } from '../src/bytes.ts';
import { rootOfPath } from '../src/merkle-path.ts';
import { sha256, sha256d } from '../src/sha256.ts';
import type { Json } from './fixture.ts';
import { publicVectors, suiteName } from './vectors.ts';

const invalid = expect.objectContaining({ name: 'ProofError', code: 'invalid-bump' });
const txids = (count: number) => Array.from({ length: count }, (_, i) => toHex(sha256(Uint8Array.of(i, i >> 8))));

function parent(left: string, right: string): string {
  return toHex(reversed(sha256d(concat(reversed(fromHex(left)), reversed(fromHex(right))))));
}

/** The rows of a block's tree as Bitcoin defines them, the odd last node of each repeated. */
function rows(leaves: string[]): string[][] {
  const all = [leaves];
  for (let row = leaves; row.length > 1; all.push(row)) {
    row = row.flatMap((hash, i) => (i % 2 === 0 ? [parent(hash, row[i + 1] ?? hash)] : []));
  }
  return all;
}

/** The path of one transaction, by that definition. */
function naivePath(leaves: string[], index: number) {
  return rows(leaves)
    .slice(0, -1)
    .map((row, level) => {
      const at = Math.floor(index / 2 ** level);
      return at % 2 === 0
        ? { hash: row[at + 1] ?? row[at]!, position: 'right' as const }
        : { hash: row[at - 1]!, position: 'left' as const };
    });
}

const folder = publicVectors('bump');
const load = (name: string): Json[] =>
  folder === undefined ? [] : JSON.parse(readFileSync(`${folder}/${name}.json`, 'utf8')).vectors;

describe.skipIf(folder === undefined)(suiteName('BRC-74 vectors', folder), () => {
  const vectors = load('merkle-path');
  const byId = (id: string): Json => vectors.find((vector) => vector.id === id);

  it.each(['mp-parse-001', 'mp-serialize-001'])('%s: read and written', (id) => {
    const { bump_hex } = byId(id).input;
    const bump = parseBump(bump_hex);
    expect([bump.blockHeight, bump.path.length, bump.path[0]?.length]).toEqual([813_706, 12, 4]);
    expect(toHex(bumpBytes(bump))).toBe(bump_hex);
  });

  it.each(['mp-computeroot-001', 'mp-computeroot-002', 'mp-computeroot-003', 'mp-single-tx-001'])('%s', (id) => {
    const { input, expected } = byId(id);
    const bump = parseBump(input.bump_hex);
    const txid = input.txid ?? bump.path[0]?.find(({ hash }) => hash !== undefined)?.hash;
    expect(bumpRoot(bump)).toBe(expected.merkle_root);
    expect(rootOfPath(txid, pathOfBump(bump, txid))).toBe(expected.merkle_root);
  });

  it('a block listed whole has its root, without upper levels or marks', () => {
    const { input, expected } = byId('mp-compound-001');
    expect(bumpRoot(parseBump(input.bump_hex))).toBe(expected.merkle_root_for_tx0);
    const block = byId('mp-block125632-001');
    const path = [block.input.txids.map((hash: string, offset: number) => ({ offset, hash }))];
    expect(bumpRoot({ blockHeight: block.input.block_height, path })).toBe(block.expected.merkle_root);
    for (const [index, txid] of block.input.txids.entries()) {
      expect(pathOfBump({ blockHeight: 1, path }, txid)).toEqual(naivePath(block.input.txids, index));
    }
  });

  it('three merged paths of a block, read and written', () => {
    const { input, expected } = byId('mp-combine-001');
    const bump = parseBump(input.combined_bump_hex);
    expect(toHex(bumpBytes(bump))).toBe(expected.serialized_bump_hex);
    for (const txid of [input.txid_tx2, input.txid_tx5, input.txid_tx8]) {
      expect(rootOfPath(txid, pathOfBump(bump, txid))).toBe(expected.merkle_root);
    }
  });

  it('the block of a coinbase alone', () => {
    const { input, expected } = byId('mp-coinbase-001');
    const bump = bumpOfPath(input.height, input.txid, []);
    expect(toHex(bumpBytes(bump))).toBe(expected.bump_hex);
    expect(bumpRoot(bump)).toBe(expected.merkle_root);
  });

  it('odd nodes are repeated on every level', () => {
    const vector = load('merkle-path-odd-node').find(({ id }) => id.endsWith('0005'));
    const raw = [1, 2, 3, 4, 5].map((n) => n.toString(16).padStart(64, '0'));
    const leaves = raw.map((hash) => toHex(reversed(fromHex(hash))));
    const root = bumpRoot(bumpOfPath(7, leaves[0]!, naivePath(leaves, 0)));
    expect(toHex(reversed(fromHex(root)))).toBe(vector.expected.parent_hex);
  });

  it('malformed and cut short are refused', () => {
    const paths = load('merkle-path-validation').flatMap(({ id, input }) => {
      const path = input.body.merklePath;
      return path === undefined || ['.1', '.9'].some((end) => id.endsWith(`merklepath${end}`)) ? [] : [path];
    });
    expect(paths.length).toBe(6);
    for (const path of paths) expect(() => parseBump(path)).toThrow(invalid);
  });
});

describe('BUMP', () => {
  it('and path of every transaction in blocks of 1 to 40 give each other, and the root', () => {
    for (let count = 1; count <= 40; count++) {
      const leaves = txids(count);
      const root = rows(leaves).at(-1)![0];
      leaves.forEach((txid, index) => {
        const path = naivePath(leaves, index);
        const bump = bumpOfPath(840_000, txid, path);
        expect(bumpRoot(bump)).toBe(root);
        expect(pathOfBump(parseBump(bumpBytes(bump)), txid)).toEqual(path);
      });
    }
  });

  it('is read alike by the other implementation, and reads what that one merges', () => {
    const block = fc.integer({ min: 2, max: 60 }).chain((count) =>
      fc.record({
        count: fc.constant(count),
        wanted: fc.uniqueArray(fc.nat(count - 1), { minLength: 1, maxLength: 5 }),
      }),
    );
    fc.assert(
      fc.property(block, ({ count, wanted }) => {
        const leaves = txids(count);
        const ours = wanted.map((i) => bumpBytes(bumpOfPath(900_000, leaves[i]!, naivePath(leaves, i))));
        const [theirs, ...others] = ours.map((bytes) => MerklePath.fromBinary([...bytes]));
        for (const other of others) theirs!.combine(other);
        const merged = parseBump(theirs!.toHex());
        expect(bumpRoot(merged)).toBe(rows(leaves).at(-1)![0]);
        for (const i of wanted) {
          expect(theirs!.computeRoot(leaves[i])).toBe(bumpRoot(merged));
          expect(pathOfBump(merged, leaves[i]!)).toEqual(naivePath(leaves, i));
        }
        expect(toHex(bumpBytes(merged))).toBe(theirs!.toHex());
      }),
      { numRuns: 60 },
    );
  });

  it('takes the leaves of a level in any order, and writes them in one', () => {
    const leaves = txids(5);
    const bump = bumpOfPath(1, leaves[2]!, naivePath(leaves, 2));
    const mixed = { ...bump, path: bump.path.map((level) => [...level].reverse()) };
    expect(bumpBytes(mixed)).toEqual(bumpBytes(bump));
  });
});

describe('refused', () => {
  const leaves = txids(7);
  const valid = bumpOfPath(100, leaves[4]!, naivePath(leaves, 4));
  const last = bumpOfPath(100, leaves[6]!, naivePath(leaves, 6));
  const hash = 'ab'.repeat(32);
  const changed = (change: (path: Bump['path']) => void): Bump => {
    const copy = structuredClone(valid);
    change(copy.path);
    return copy;
  };
  // Leaves 4 of 7: offsets 4 and 5, then 3 (a repeat, offset 6 and 7 give it), then 0.
  const cases: [string, Bump][] = [
    ['no level', { blockHeight: 1, path: [] }],
    ['an empty level 0', { blockHeight: 1, path: [[]] }],
    ['a level short', changed((path) => path.pop())],
    ['a node that is missing', changed((path) => path[1]!.pop())],
    ['a node on no path', changed((path) => path[1]!.push({ offset: 0, hash }))],
    ['a transaction without its pair', changed((path) => path[0]!.push({ offset: 0, hash }))],
    ['an offset twice', changed((path) => path[0]!.push({ offset: 5, hash }))],
    ['a node that its children contradict', changed((path) => path[1]!.push({ offset: 2, hash }))],
    ['a repeat on the left', changed((path) => path[2]!.splice(0, 1, { offset: 0 }))],
    ['a repeat of nothing', changed((path) => path[1]!.push({ offset: 9 }))],
    [
      'a repeat in the middle of a row',
      { blockHeight: 1, path: [[{ offset: 0, hash }, { offset: 1 }], [{ offset: 1, hash }]] },
    ],
    [
      'the same with the hash written out',
      { blockHeight: 1, path: [[0, 1].map((offset) => ({ offset, hash })), [{ offset: 1, hash: leaves[0]! }]] },
    ],
    ['a lone transaction not at the left', { blockHeight: 1, path: [[{ offset: 1, hash }]] }],
    [
      'a whole block with a gap',
      { blockHeight: 1, path: [[0, 1, 3].map((offset) => ({ offset, hash: leaves[offset]! }))] },
    ],
    ['a tree that goes on beside its last node', { ...last, path: [...last.path, [{ offset: 1, hash }]] }],
  ];

  it.each(cases)('%s', (_, bump) => {
    expect(() => bumpRoot(bump)).toThrow(invalid);
    expect(() => bumpBytes(bump)).toThrow(invalid);
  });

  it.each([
    ['bytes after the end', (hex: string) => `${hex}00`],
    ['upper-case hex', (hex: string) => hex.toUpperCase()],
    ['a height not in its shortest form', (hex: string) => `fd6400${hex.slice(2)}`],
    ['no levels', () => '6400'],
    ['65 levels', (hex: string) => `${hex.slice(0, 2)}41${hex.slice(4)}`],
    ['unknown flags', (hex: string) => hex.replace(/^64030204../, '6403020403')],
    ['the mark of a transaction above level 0', (hex: string) => hex.replace('01030', '01032')],
    ['a count that lies', (hex: string) => `${hex.slice(0, 4)}ffffffffffffff1f00`],
  ])('%s', (_, change) => {
    const hex = toHex(bumpBytes(valid));
    expect(change(hex)).not.toBe(hex);
    expect(() => parseBump(change(hex))).toThrow(invalid);
  });

  it('any bytes at all, or read', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          expect(bumpRoot(parseBump(bytes))).toMatch(/^[0-9a-f]{64}$/);
        } catch (error) {
          expect(error).toEqual(invalid);
        }
      }),
    );
  });

  it('a path that no block has', () => {
    const equal = [{ hash: leaves[0]!, position: 'left' as const }];
    expect(() => bumpOfPath(1, leaves[0]!, equal)).toThrow(invalid);
    const long = Array.from({ length: 64 }, () => ({ hash, position: 'left' as const }));
    expect(() => bumpOfPath(1, leaves[0]!, long)).toThrow(invalid);
    expect(() => pathOfBump(valid, hash)).toThrow(invalid);
  });
});
