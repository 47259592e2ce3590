import { fromHex, toHex } from './bytes.ts';
import { nodeHash } from './merkle.ts';
import type { Sha256 } from './sha256.ts';

/** What a proof adds to a tree: level, index and hash, one after the other. */
type Node = [level: number, index: number, hash: string];

/**
 * Checks paths to the root of one RFC 9162 tree, and remembers the nodes on and beside those that led there: the paths
 * of neighbours share all but the lowest, so most of their hashes need only be compared. Of a leaf with a known parent
 * two hashes are made, its own and that parent's; the outcome is always that of `verifyInclusion`.
 */
export class KnownTree {
  readonly #size: number;
  readonly #root: string;
  readonly #hash: Sha256;
  /** By level from 1 and index: the leaves' own level is half of the tree and spares little. */
  readonly #levels: Map<number, string>[] = [];
  #count = 0;

  /** A tree of `size` leaves, at least one, and its root, hex. */
  constructor(size: number, root: string, hash: Sha256) {
    this.#size = size;
    this.#root = root;
    this.#hash = hash;
  }

  /** Nodes remembered; each takes some 150 bytes. */
  get count(): number {
    return this.#count;
  }

  forget(): void {
    this.#levels.length = 0;
    this.#count = 0;
  }

  /** Whether `path` (32 bytes hex each) leads from the leaf hash at `index` to the root (RFC 9162, 2.1.3.2). */
  leads(index: number, leaf: Uint8Array, path: readonly string[]): boolean {
    if (index >= this.#size) return false;
    const place = new Place(index, this.#size);
    const passed: Node[] = [];
    let node = leaf;
    for (let step = 0; step < path.length; step++) {
      if (!place.toPair()) return false;
      const known = this.#levels[place.level]?.get(place.index);
      if (known !== undefined) {
        return known === toHex(node) && this.#continues(place, path, step) && this.#keep(passed);
      }
      const sibling = path[step]!;
      if (place.level > 0) passed.push([place.level, place.index, toHex(node)], [place.level, place.pair, sibling]);
      const other = fromHex(sibling);
      node = place.isRight ? nodeHash(other, node, this.#hash) : nodeHash(node, other, this.#hash);
      place.up();
    }
    return place.isRoot && toHex(node) === this.#root && this.#keep(passed);
  }

  /** From a known node on, all siblings are known. */
  #continues(place: Place, path: readonly string[], from: number): boolean {
    for (let step = from; step < path.length; step++, place.up()) {
      if (!place.toPair() || this.#levels[place.level]?.get(place.pair) !== path[step]) return false;
    }
    return place.isRoot;
  }

  #keep(nodes: Node[]): true {
    for (const [level, index, hash] of nodes) {
      this.#levels[level] ??= new Map();
      const known = this.#levels[level].size;
      this.#count += this.#levels[level].set(index, hash).size - known;
    }
    return true;
  }
}

/** A node's place on the way up. The last of an odd row rises as it is, to where it has a pair. */
class Place {
  level = 0;
  index: number;
  #last: number;

  constructor(index: number, size: number) {
    this.index = index;
    this.#last = size - 1;
  }

  get isRoot(): boolean {
    return this.#last === 0;
  }

  get isRight(): boolean {
    return this.index % 2 === 1;
  }

  get pair(): number {
    return this.isRight ? this.index - 1 : this.index + 1;
  }

  up(): void {
    this.index = Math.floor(this.index / 2);
    this.#last = Math.floor(this.#last / 2);
    this.level++;
  }

  /** Goes up to where the node has a pair; false at the root, which has none. */
  toPair(): boolean {
    if (this.isRoot) return false;
    while (this.index === this.#last && !this.isRight) this.up();
    return true;
  }
}
