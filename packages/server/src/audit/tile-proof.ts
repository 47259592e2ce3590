/** What the hash tiles of a log say: of the tree that a checkpoint signs, and of an earlier one within it. */
import { hash } from 'node:crypto';
import {
  consistencyProof,
  fromHex,
  hashesAt,
  type NodeReader,
  rootOf,
  tileNodes,
  toHex,
  verifyConsistency,
} from '@tidemark/proof';
import { AuditError } from './findings.ts';
import type { TiledLog } from './tiled-log.ts';

/** Size of a tree and its root in hex. */
export interface Head {
  size: number;
  root: string;
}

const TILE_WIDTH = 256;
const NO_HASHES = new Uint8Array(TILE_WIDTH * 32);
const sha256 = (data: Uint8Array): Uint8Array => hash('sha256', data, 'buffer');

export class TileProof {
  readonly #log: TiledLog;
  readonly #head: Head;
  readonly #tiles = new Map<string, Uint8Array>();

  constructor(log: TiledLog, head: Head) {
    this.#log = log;
    this.#head = head;
  }

  /** @throws AuditError `root-mismatch` where the tiles are not of the tree that the checkpoint signs */
  async checkRoot(): Promise<void> {
    const { size, root } = this.#head;
    if ((await this.#reading((nodes) => toHex(rootOf(size, nodes, sha256)))) === root) return;
    throw new AuditError('root-mismatch', `the tiles of ${size} leaves have another root than the checkpoint`);
  }

  /**
   * The root of the first `size` leaves of the tree that the checkpoint signs, hex: proven, not told.
   * @param size 1 up to the head's
   */
  async rootAt(size: number): Promise<string> {
    const head = this.#head;
    const { root, path } = await this.#reading((nodes) => ({
      root: rootOf(size, nodes, sha256),
      path: consistencyProof(size, head.size, nodes, sha256),
    }));
    if (verifyConsistency(size, head.size, path, root, fromHex(head.root), sha256)) return toHex(root);
    throw new AuditError(
      'root-mismatch',
      `the tiles do not lead from ${size} leaves to the checkpoint of ${head.size}`,
    );
  }

  /** Which nodes it takes does not hang on their values: a first run notes the tiles, a second has them. */
  async #reading<T>(work: (nodes: NodeReader) => T): Promise<T> {
    const wanted = new Map<string, [number, number]>();
    const note = (level: number, index: number) => {
      wanted.set(`${level}/${index}`, [level, index]);
      return NO_HASHES;
    };
    work(tileNodes(note, sha256));
    for (const [name, [level, index]] of wanted) {
      if (!this.#tiles.has(name)) this.#tiles.set(name, await this.#fetch(level, index));
    }
    return work(tileNodes((level, index) => this.#tiles.get(`${level}/${index}`)!, sha256));
  }

  #fetch(level: number, index: number): Promise<Uint8Array> {
    const width = Math.min(TILE_WIDTH, hashesAt(level, this.#head.size) - index * TILE_WIDTH);
    return this.#log.tile(level, index, width);
  }
}
