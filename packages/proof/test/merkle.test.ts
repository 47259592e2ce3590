import { createHash } from 'node:crypto';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  consistencyProof,
  Frontier,
  inclusionProof,
  leafHash,
  type NodeReader,
  nodeHash,
  rootOf,
  verifyConsistency,
  verifyInclusion,
} from '../src/merkle.ts';
import { jsonFiles, publicVectors, suiteName } from './vectors.ts';

const native = (data: Uint8Array): Uint8Array => createHash('sha256').update(data).digest();
const leaves = Array.from({ length: 300 }, (_, i) => leafHash(Buffer.from(`leaf ${i}`)));

/** The definitions of RFC 9162, 2.1.1, 2.1.3.1 and 2.1.4.1, word for word. */
function naiveRoot(list: Uint8Array[]): Uint8Array {
  if (list.length === 0) return native(new Uint8Array(0));
  if (list.length === 1) return list[0]!;
  const k = naiveSplit(list.length);
  return native(Buffer.concat([Buffer.of(1), naiveRoot(list.slice(0, k)), naiveRoot(list.slice(k))]));
}

function naivePath(m: number, list: Uint8Array[]): Uint8Array[] {
  if (list.length === 1) return [];
  const k = naiveSplit(list.length);
  return m < k
    ? [...naivePath(m, list.slice(0, k)), naiveRoot(list.slice(k))]
    : [...naivePath(m - k, list.slice(k)), naiveRoot(list.slice(0, k))];
}

function naiveConsistency(m: number, list: Uint8Array[], whole = true): Uint8Array[] {
  if (m === list.length) return whole ? [] : [naiveRoot(list)];
  const k = naiveSplit(list.length);
  return m <= k
    ? [...naiveConsistency(m, list.slice(0, k), whole), naiveRoot(list.slice(k))]
    : [...naiveConsistency(m - k, list.slice(k), false), naiveRoot(list.slice(0, k))];
}

function naiveSplit(n: number): number {
  return 2 ** (Math.ceil(Math.log2(n)) - 1);
}

const node: NodeReader = (level, index) => naiveRoot(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level));
const size = fc.integer({ min: 1, max: leaves.length });
const sizeAndIndex = size.chain((n) => fc.tuple(fc.constant(n), fc.integer({ min: 0, max: n - 1 })));
const twoSizes = size.chain((n) => fc.tuple(fc.integer({ min: 1, max: n }), fc.constant(n)));

describe('Frontier', () => {
  it('has the root of the definition at every size, and goes on from what was saved', () => {
    let frontier = new Frontier();
    expect(hex(frontier.root())).toBe(hex(naiveRoot([])));
    leaves.forEach((leaf, i) => {
      frontier.append(leaf);
      if (i % 7 === 0) frontier = new Frontier({ size: frontier.size, nodes: frontier.nodes }, native);
      expect(hex(frontier.root())).toBe(hex(naiveRoot(leaves.slice(0, i + 1))));
    });
    expect(frontier.size).toBe(leaves.length);
  });

  it('appends beyond 2^32 leaves', () => {
    const before = 2 ** 40 + 2 ** 33 - 1;
    const nodes = Array.from({ length: 34 }, (_, i) => native(Buffer.of(i)));
    const frontier = new Frontier({ size: before, nodes });
    frontier.append(leaves[0]!);
    expect(frontier.size).toBe(2 ** 40 + 2 ** 33);
    expect(frontier.nodes).toHaveLength(2);
    const merged = nodes.slice(1).reduceRight((right, left) => nodeHash(left, right), leaves[0]!);
    expect(hex(frontier.nodes[1]!)).toBe(hex(merged));
  });

  it.each([
    [3, 1],
    [4, 2],
    [-1, 0],
    [1.5, 1],
    [2 ** 53, 1],
  ])('refuses %d leaves with %d hashes', (count, hashes) => {
    expect(() => new Frontier({ size: count, nodes: leaves.slice(0, hashes) })).toThrow(
      expect.objectContaining({ code: 'invalid-range' }),
    );
  });
});

describe('proofs', () => {
  it('of inclusion are those of the definition, and verify', () => {
    fc.assert(
      fc.property(sizeAndIndex, ([n, index]) => {
        const path = inclusionProof(index, n, node);
        const root = naiveRoot(leaves.slice(0, n));
        expect(path.map(hex)).toEqual(naivePath(index, leaves.slice(0, n)).map(hex));
        expect(hex(rootOf(n, node))).toBe(hex(root));
        expect(verifyInclusion(index, n, leaves[index]!, path, root)).toBe(true);
        expect(verifyInclusion(index, n, leaves[index]!, path, root, native)).toBe(true);
      }),
    );
  });

  it('of inclusion hold for no other index, leaf, root or path', () => {
    fc.assert(
      fc.property(sizeAndIndex, fc.nat(leaves.length), ([n, index], other) => {
        const path = inclusionProof(index, n, node);
        const root = naiveRoot(leaves.slice(0, n));
        if (other !== index) expect(verifyInclusion(other, n, leaves[index]!, path, root)).toBe(false);
        const stranger = native(Buffer.of(1));
        expect(verifyInclusion(index, n, stranger, path, root)).toBe(false);
        expect(verifyInclusion(index, n, leaves[index]!, path, stranger)).toBe(false);
        expect(verifyInclusion(index, n, leaves[index]!, [...path, stranger], root)).toBe(false);
        expect(verifyInclusion(index, n, leaves[index]!, path.slice(1), root)).toBe(path.length === 0);
      }),
    );
  });

  it('of consistency are those of the definition, and verify', () => {
    fc.assert(
      fc.property(twoSizes, ([m, n]) => {
        const path = consistencyProof(m, n, node);
        const [root1, root2] = [naiveRoot(leaves.slice(0, m)), naiveRoot(leaves.slice(0, n))];
        expect(path.map(hex)).toEqual(naiveConsistency(m, leaves.slice(0, n)).map(hex));
        expect(verifyConsistency(m, n, path, root1, root2)).toBe(true);
        expect(verifyConsistency(m, n, path, native(Buffer.of(1)), root2)).toBe(false);
        expect(verifyConsistency(m, n, path, root1, native(Buffer.of(1)))).toBe(false);
      }),
    );
  });

  it('reach to the largest safe size', () => {
    // Every complete subtree of a level has the same hash: a tree of 2^53 − 1 equal leaves.
    const levels = [native(Buffer.of(0))];
    for (let level = 1; level < 53; level++) levels.push(nodeHash(levels[level - 1]!, levels[level - 1]!));
    const equalLeaves: NodeReader = (level) => levels[level]!;
    const n = Number.MAX_SAFE_INTEGER;
    const path = inclusionProof(n - 1, n, equalLeaves);
    expect(path).toHaveLength(52);
    expect(verifyInclusion(n - 1, n, levels[0]!, path, rootOf(n, equalLeaves))).toBe(true);
    const m = 2 ** 40 + 3;
    const consistency = consistencyProof(m, n, equalLeaves);
    expect(verifyConsistency(m, n, consistency, rootOf(m, equalLeaves), rootOf(n, equalLeaves))).toBe(true);
  });

  it('are refused outside the tree', () => {
    const invalid = expect.objectContaining({ code: 'invalid-range' });
    for (const index of [-1, 5, 0.5, Number.NaN]) expect(() => inclusionProof(index, 5, node)).toThrow(invalid);
    expect(() => consistencyProof(0, 5, node)).toThrow(invalid);
    expect(() => consistencyProof(6, 5, node)).toThrow(invalid);
    expect(() => rootOf(2 ** 53, node)).toThrow(invalid);
  });
});

interface InclusionVector {
  leafIdx: number;
  treeSize: number;
  root: string | null;
  leafHash: string | null;
  proof: string[] | null;
  wantErr: boolean;
}

interface ConsistencyVector {
  size1: number;
  size2: number;
  root1: string | null;
  root2: string | null;
  proof: string[] | null;
  wantErr: boolean;
}

const rfc9162 = publicVectors('rfc9162');

describe.skipIf(rfc9162 === undefined)(suiteName('RFC 9162 public vectors', rfc9162), () => {
  const folder = rfc9162 ?? '.';
  const inclusion = rfc9162 === undefined ? [] : jsonFiles<InclusionVector>(join(folder, 'inclusion'));
  const consistency = rfc9162 === undefined ? [] : jsonFiles<ConsistencyVector>(join(folder, 'consistency'));

  it.each(inclusion)('inclusion $name', ({ vector: v }) => {
    const path = (v.proof ?? []).map(bytes);
    expect(verifyInclusion(v.leafIdx, v.treeSize, bytes(v.leafHash), path, bytes(v.root))).toBe(!v.wantErr);
  });

  it.each(consistency)('consistency $name', ({ vector: v }) => {
    const path = (v.proof ?? []).map(bytes);
    expect(verifyConsistency(v.size1, v.size2, path, bytes(v.root1), bytes(v.root2))).toBe(!v.wantErr);
  });

  it('are all there', () => {
    expect([inclusion.length > 80, consistency.length > 90]).toEqual([true, true]);
  });
});

function bytes(base64: string | null): Uint8Array {
  return Uint8Array.from(Buffer.from(base64 ?? '', 'base64'));
}

function hex(data: Uint8Array): string {
  return Buffer.from(data).toString('hex');
}
