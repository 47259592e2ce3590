/** Tiles of a log: rows of up to 256 hashes (https://c2sp.org/tlog-tiles), and the RFC 9162 nodes within one. */
import { hash } from 'node:crypto';

export const TILE_WIDTH = 256;
/** Levels of the tree from a tile's entries to the root over all 256. */
export const TILE_HEIGHT = 8;
export const HASH_BYTES = 32;

const scratch = Buffer.alloc((TILE_WIDTH / 2) * HASH_BYTES);
const node = Buffer.alloc(1 + 2 * HASH_BYTES);
node[0] = 0x01;

/** Root of the complete subtree over `width` (a power of two) entries of a tile from `from` on, as latin1 text. */
export function subtreeRoot(hashes: Buffer, from: number, width: number): string {
  if (width === 1) return hashes.toString('latin1', from * HASH_BYTES, (from + 1) * HASH_BYTES);
  let source = hashes;
  let offset = from * HASH_BYTES;
  let digest = '';
  for (let pairs = width / 2; pairs >= 1; pairs /= 2) {
    for (let pair = 0; pair < pairs; pair++) {
      const at = offset + pair * 2 * HASH_BYTES;
      source.copy(node, 1, at, at + 2 * HASH_BYTES);
      digest = hash('sha256', node, 'latin1');
      scratch.write(digest, pair * HASH_BYTES, HASH_BYTES, 'latin1');
    }
    source = scratch;
    offset = 0;
  }
  return digest;
}

/** Hash of an inner node over two hashes, all as latin1 text. */
export function hashPair(left: string, right: string): string {
  node.write(left, 1, HASH_BYTES, 'latin1');
  node.write(right, 1 + HASH_BYTES, HASH_BYTES, 'latin1');
  return hash('sha256', node, 'latin1');
}
