/**
 * A stream's RFC 9162 tree as C2SP tiles: rows of up to 256 hashes, where entry i of a tile at level L is the root of
 * the complete subtree over 256^L leaves. A full tile's root is the next entry one level up, so the state is one
 * unfinished tile a level. (https://c2sp.org/tlog-tiles)
 */
import { hash } from 'node:crypto';
import type { Tile } from '../event.ts';
import { HASH_BYTES, hashPair, subtreeRoot, TILE_WIDTH } from '../tile.ts';

interface Edge {
  hashes: Buffer;
  count: number;
}

export class TileTree {
  #size: number;
  readonly #edges: Edge[] = [];
  /** Tiles that became full since `takeChanged`. */
  #full: Tile[] = [];

  /** @param partial the unfinished tile of each level, lowest first, for a tree of `size` leaves */
  constructor(size = 0, partial: readonly Buffer[] = []) {
    this.#size = size;
    for (const [level, hashes] of partial.entries()) {
      const edge = this.#edge(level);
      hashes.copy(edge.hashes);
      edge.count = hashes.length / HASH_BYTES;
    }
  }

  get size(): number {
    return this.#size;
  }

  /** @param leafHash 32 bytes as latin1 text, the cheapest form in which Node gives a digest */
  append(leafHash: string): void {
    this.#size++;
    this.#push(0, leafHash);
  }

  /** Root over all leaves, hex. */
  root(): string {
    const [last, ...subtrees] = this.#edges.flatMap(completeSubtrees);
    if (last === undefined) return hash('sha256', '', 'hex');
    let root = last;
    for (const left of subtrees) root = hashPair(left, root);
    return Buffer.from(root, 'latin1').toString('hex');
  }

  /** The tiles that changed since the last call: those that became full, then the unfinished one of each level. */
  takeChanged(): Tile[] {
    const changed = this.#full;
    this.#full = [];
    for (const [level, edge] of this.#edges.entries()) {
      if (edge.count === 0) continue;
      const hashes = Buffer.from(edge.hashes.subarray(0, edge.count * HASH_BYTES));
      changed.push({ level, index: this.#tileIndex(level), hashes });
    }
    return changed;
  }

  #push(level: number, digest: string): void {
    const edge = this.#edge(level);
    edge.hashes.write(digest, edge.count * HASH_BYTES, HASH_BYTES, 'latin1');
    edge.count++;
    if (edge.count < TILE_WIDTH) return;
    const index = this.#tileIndex(level) - 1;
    this.#full.push({ level, index, hashes: Buffer.from(edge.hashes) });
    const root = subtreeRoot(edge.hashes, 0, TILE_WIDTH);
    edge.count = 0;
    this.#push(level + 1, root);
  }

  /** Index of the tile that level's edge is in. */
  #tileIndex(level: number): number {
    return Math.floor(this.#size / TILE_WIDTH ** (level + 1));
  }

  #edge(level: number): Edge {
    let edge = this.#edges[level];
    if (edge === undefined) {
      edge = { hashes: Buffer.alloc(TILE_WIDTH * HASH_BYTES), count: 0 };
      this.#edges[level] = edge;
    }
    return edge;
  }
}

/** Roots of the largest complete subtrees that make up an unfinished tile, rightmost first. */
function completeSubtrees({ hashes, count }: Edge): string[] {
  const roots: string[] = [];
  for (let from = 0, width = TILE_WIDTH / 2; width >= 1; width /= 2) {
    if ((count & width) === 0) continue;
    roots.push(subtreeRoot(hashes, from, width));
    from += width;
  }
  return roots.reverse();
}
