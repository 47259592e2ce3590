/** Hashes of complete subtrees of a stream's log, worked out from the stored tiles. */
import { StoreError } from '../store/errors.ts';
import type { LedgerReader } from '../store/ledger.ts';
import { HASH_BYTES, subtreeRoot, TILE_HEIGHT, TILE_WIDTH } from '../tile.ts';

export class TileNodes {
  readonly #ledger: Pick<LedgerReader, 'tile'>;
  readonly #stream: string;
  readonly #tiles = new Map<string, Buffer>();

  constructor(ledger: Pick<LedgerReader, 'tile'>, stream: string) {
    this.#ledger = ledger;
    this.#stream = stream;
  }

  /** Root of the complete subtree over the leaves `[index × 2^level, (index + 1) × 2^level)`. */
  read(level: number, index: number): Uint8Array {
    const tileLevel = Math.floor(level / TILE_HEIGHT);
    const width = 2 ** (level % TILE_HEIGHT);
    const first = index * width;
    const tile = this.#tile(tileLevel, Math.floor(first / TILE_WIDTH));
    const from = first % TILE_WIDTH;
    if (tile.length < (from + width) * HASH_BYTES) {
      throw new StoreError('damaged', `a tile of ${this.#stream} is too short`);
    }
    return Buffer.from(subtreeRoot(tile, from, width), 'latin1');
  }

  #tile(level: number, index: number): Buffer {
    const key = `${level}/${index}`;
    let tile = this.#tiles.get(key);
    if (tile === undefined) {
      tile = this.#ledger.tile(this.#stream, level, index);
      if (tile === undefined) throw new StoreError('damaged', `tile ${key} of ${this.#stream} is missing`);
      this.#tiles.set(key, tile);
    }
    return tile;
  }
}
