import { equal } from './bytes.ts';
import { ProofError } from './errors.ts';
import { type Sha256, sha256 } from './sha256.ts';

/**
 * The Merkle tree of RFC 9162, section 2.1. Sizes and indexes go up to 2^53 − 1, so there are no bit operators here:
 * JavaScript's work on 32 bits.
 */

/** The hash of the complete subtree over leaves [index × 2^level, (index + 1) × 2^level). */
export type NodeReader = (level: number, index: number) => Uint8Array;

const HASH_LENGTH = 32;

/** H(0x00 ‖ data). */
export function leafHash(data: Uint8Array, hash: Sha256 = sha256): Uint8Array {
  // The first byte is the prefix, 0.
  const prefixed = new Uint8Array(1 + data.length);
  prefixed.set(data, 1);
  return hash(prefixed);
}

/** H(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array, hash: Sha256 = sha256): Uint8Array {
  const data = new Uint8Array(1 + 2 * HASH_LENGTH);
  data[0] = 1;
  data.set(left, 1);
  data.set(right, 1 + HASH_LENGTH);
  return hash(data);
}

/** The right edge of a growing tree: the roots of its complete subtrees, largest first. O(log n) memory. */
export class Frontier {
  readonly #nodes: Uint8Array[];
  readonly #hash: Sha256;
  #size: number;

  /** Empty, or as saved: `size` leaves and the `nodes` that belong to them. */
  constructor(saved: { size: number; nodes: readonly Uint8Array[] } = { size: 0, nodes: [] }, hash: Sha256 = sha256) {
    checkSize(saved.size);
    if (saved.nodes.length !== onesIn(saved.size) || saved.nodes.some((node) => node.length !== HASH_LENGTH)) {
      throw new ProofError('invalid-range', `a frontier of ${saved.size} leaves has ${onesIn(saved.size)} hashes`);
    }
    this.#size = saved.size;
    this.#nodes = [...saved.nodes];
    this.#hash = hash;
  }

  get size(): number {
    return this.#size;
  }

  /** What the constructor takes back. */
  get nodes(): readonly Uint8Array[] {
    return [...this.#nodes];
  }

  /** Adds a leaf hash. The array is kept, so it must not be written to afterwards. */
  append(leaf: Uint8Array): void {
    let node = leaf;
    // Each trailing one bit of the size is a complete subtree that the new one completes to the next level.
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2)
      node = nodeHash(this.#nodes.pop()!, node, this.#hash);
    this.#nodes.push(node);
    this.#size++;
  }

  /** The root of the tree of `size` leaves; of the empty tree, the hash of nothing. */
  root(): Uint8Array {
    if (this.#size === 0) return this.#hash(new Uint8Array(0));
    return this.#nodes.reduceRight((right, left) => nodeHash(left, right, this.#hash));
  }
}

/** The root of the first `size` leaves. Throws `invalid-range` for a size that is no count. */
export function rootOf(size: number, node: NodeReader, hash: Sha256 = sha256): Uint8Array {
  checkSize(size);
  return size === 0 ? hash(new Uint8Array(0)) : subtree(0, size, node, hash);
}

/** PATH(index, D[size]) of RFC 9162, 2.1.3.1: siblings from the leaf up. Throws `invalid-range` unless index < size. */
export function inclusionProof(index: number, size: number, node: NodeReader, hash: Sha256 = sha256): Uint8Array[] {
  checkSize(size);
  if (!Number.isInteger(index) || index < 0 || index >= size) {
    throw new ProofError('invalid-range', `no leaf ${index} in a tree of ${size}`);
  }
  const fromRoot: Uint8Array[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + split(end - start);
    const left = index < middle;
    fromRoot.push(left ? subtree(middle, end, node, hash) : subtree(start, middle, node, hash));
    if (left) end = middle;
    else start = middle;
  }
  return fromRoot.reverse();
}

/** PROOF(size1, D[size2]) of RFC 9162, 2.1.4.1. Throws `invalid-range` unless 0 < size1 ≤ size2. */
export function consistencyProof(size1: number, size2: number, node: NodeReader, hash: Sha256 = sha256): Uint8Array[] {
  checkSize(size1);
  checkSize(size2);
  if (size1 === 0 || size1 > size2) {
    throw new ProofError('invalid-range', `no proof between sizes ${size1} and ${size2}`);
  }
  const fromRoot: Uint8Array[] = [];
  let [start, end] = [0, size2];
  // Down to the subtree that ends where the old tree ended; it is left out when it is the old tree itself.
  while (end !== size1) {
    const middle = start + split(end - start);
    const left = size1 <= middle;
    fromRoot.push(left ? subtree(middle, end, node, hash) : subtree(start, middle, node, hash));
    if (left) end = middle;
    else start = middle;
  }
  if (start > 0) fromRoot.push(subtree(start, end, node, hash));
  return fromRoot.reverse();
}

/** Whether `path` leads from the leaf at `index` to the `root` of `size` leaves (RFC 9162, 2.1.3.2). */
export function verifyInclusion(
  index: number,
  size: number,
  leaf: Uint8Array,
  path: readonly Uint8Array[],
  root: Uint8Array,
  hash: Sha256 = sha256,
): boolean {
  if (!isCount(index) || !isCount(size) || index >= size || !allHashes([leaf, ...path])) return false;
  let [fn, sn, r] = [index, size - 1, leaf];
  for (const sibling of path) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      r = nodeHash(sibling, r, hash);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn / 2, half(sn)];
    } else {
      r = nodeHash(r, sibling, hash);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && equal(r, root);
}

/** Whether `path` shows the tree of `size1` and `root1` to be the start of that of `size2` (RFC 9162, 2.1.4.2). */
export function verifyConsistency(
  size1: number,
  size2: number,
  path: readonly Uint8Array[],
  root1: Uint8Array,
  root2: Uint8Array,
  hash: Sha256 = sha256,
): boolean {
  if (!isCount(size1) || !isCount(size2) || size1 === 0 || size1 > size2 || !allHashes(path)) return false;
  if (size1 === size2) return path.length === 0 && equal(root1, root2);
  if (path.length === 0) return false;
  let [fn, sn] = [size1 - 1, size2 - 1];
  while (fn % 2 === 1) [fn, sn] = [half(fn), half(sn)];
  // A power of two is a subtree of its own, whose hash the verifier has: the path leaves it out.
  const [seed, ...rest] = onesIn(size1) === 1 ? [root1, ...path] : path;
  let [fr, sr] = [seed!, seed!];
  for (const sibling of rest) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      fr = nodeHash(sibling, fr, hash);
      sr = nodeHash(sibling, sr, hash);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn / 2, half(sn)];
    } else {
      sr = nodeHash(sr, sibling, hash);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && equal(fr, root1) && equal(sr, root2);
}

/** MTH(D[start:end]), where [start, end) is a node of RFC 9162's recursion, so `start` is aligned to its width. */
function subtree(start: number, end: number, node: NodeReader, hash: Sha256): Uint8Array {
  const width = end - start;
  if (onesIn(width) === 1) return node(Math.log2(width), start / width);
  const middle = start + split(width);
  return nodeHash(subtree(start, middle, node, hash), subtree(middle, end, node, hash), hash);
}

/** The largest power of two below `width`, which is at least 2. */
function split(width: number): number {
  let power = 1;
  while (power * 2 < width) power *= 2;
  return power;
}

function onesIn(size: number): number {
  let ones = 0;
  for (let rest = size; rest > 0; rest = half(rest)) ones += rest % 2;
  return ones;
}

function half(n: number): number {
  return Math.floor(n / 2);
}

function isCount(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0;
}

function checkSize(size: number): void {
  if (!isCount(size)) throw new ProofError('invalid-range', `${size} is not a tree size`);
}

function allHashes(hashes: readonly Uint8Array[]): boolean {
  return hashes.every((hash) => hash.length === HASH_LENGTH);
}
