import { concat, fromHex, toHex } from './bytes.ts';
import { ProofError } from './errors.ts';
import { consistencyProof, type NodeReader, nodeHash, rootOf, verifyConsistency } from './merkle.ts';
import { type Sha256, sha256 } from './sha256.ts';
import { hashesAt, TILE_WIDTH, tileNodes } from './tiles.ts';

/** Size of a tree and its root in hex, as a checkpoint signs them. */
export interface TreeHead {
  size: number;
  root: string;
}

/** Gets a tile of hashes, 32 bytes each, end to end; `width` is how many the tree has of it. */
export type TileReader = (level: number, index: number, width: number) => Promise<Uint8Array>;

const NO_HASHES = new Uint8Array(TILE_WIDTH * 32);
const noHash: Sha256 = () => NO_HASHES.subarray(0, 32);

/**
 * What the tiles of a log say of the tree whose head is known. Tiles come from whoever serves the log, and nothing
 * they say is passed on unless it leads to the head's root. Each is read once.
 */
export class TiledTree {
  readonly #head: TreeHead;
  readonly #read: TileReader;
  readonly #hash: Sha256;
  readonly #tiles = new Map<string, Uint8Array>();

  constructor(head: TreeHead, read: TileReader, hash: Sha256 = sha256) {
    this.#head = head;
    this.#read = read;
    this.#hash = hash;
  }

  /** Whether the tiles make the head's root. */
  async isWhole(): Promise<boolean> {
    const { size, root } = this.#head;
    return (await this.#reading((nodes, hash) => toHex(rootOf(size, nodes, hash)))) === root;
  }

  /**
   * The root of the first `size` leaves, hex: proven, not told. Undefined where the tiles do not lead to the head's.
   * @param size 1 up to the head's
   */
  async rootAt(size: number): Promise<string | undefined> {
    const head = this.#head;
    const { root, path } = await this.#reading((nodes, hash) => ({
      root: rootOf(size, nodes, hash),
      path: consistencyProof(size, head.size, nodes, hash),
    }));
    const grown = verifyConsistency(size, head.size, path, root, fromHex(head.root), this.#hash);
    return grown ? toHex(root) : undefined;
  }

  /**
   * Leaf hashes `[start, end)`, 32 bytes each, end to end: those of the tree. Undefined where the tiles do not lead to
   * the head's root. Throws `invalid-range` unless 0 ≤ start < end ≤ the head's size.
   */
  async leafHashes(start: number, end: number): Promise<Uint8Array | undefined> {
    const { size, root } = this.#head;
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || start >= end || end > size) {
      throw new ProofError('invalid-range', `no leaves [${start}, ${end}) in a tree of ${size}`);
    }
    const { leaves, made } = await this.#reading((nodes, hash) => {
      const leaves = Array.from({ length: end - start }, (_, place) => nodes(0, start + place));
      // Within the range the tree is made of the leaves themselves, and beside it of whatever nodes there are.
      const within = over({ start, leaves }, nodes, hash);
      return { leaves, made: toHex(rootOf(size, within, hash)) };
    });
    return made === root ? concat(...leaves) : undefined;
  }

  /** Which nodes it takes does not hang on their values: a first run notes the tiles, a second has them. */
  async #reading<T>(work: (nodes: NodeReader, hash: Sha256) => T): Promise<T> {
    const wanted = new Map<string, [number, number]>();
    const note = (level: number, index: number) => {
      wanted.set(`${level}/${index}`, [level, index]);
      return NO_HASHES;
    };
    work(tileNodes(note, noHash), noHash);
    for (const [name, [level, index]] of wanted) {
      if (!this.#tiles.has(name)) this.#tiles.set(name, await this.#tile(level, index));
    }
    return work(
      tileNodes((level, index) => this.#tiles.get(`${level}/${index}`)!, this.#hash),
      this.#hash,
    );
  }

  #tile(level: number, index: number): Promise<Uint8Array> {
    const width = Math.min(TILE_WIDTH, hashesAt(level, this.#head.size) - index * TILE_WIDTH);
    return this.#read(level, index, width);
  }
}

/** Nodes over the leaves from `start` on, made of these leaves, and all others as they are read. */
function over(range: { start: number; leaves: readonly Uint8Array[] }, nodes: NodeReader, hash: Sha256): NodeReader {
  const { start, leaves } = range;
  return function node(level: number, index: number): Uint8Array {
    const width = 2 ** level;
    const from = index * width;
    if (from + width <= start || from >= start + leaves.length) return nodes(level, index);
    if (level === 0) return leaves[index - start]!;
    return nodeHash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1), hash);
  };
}
