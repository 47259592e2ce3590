import { concat, fromHex, reversed, toHex } from './bytes.ts';
import { sha256d } from './sha256.ts';

/** One step of a path through a block's Merkle tree: the sibling's hash as shown, and its side. */
export interface PathStep {
  hash: string;
  position: 'left' | 'right';
}

/**
 * The root, as shown, that the path leads to from a transaction; an empty path is that of a block with one transaction.
 * Undefined for a path that no block has: the last node of an odd row is paired with itself and then stands left,
 * so a left sibling equal to the node is a mirrored, second form of a valid path.
 */
export function rootOfPath(txid: string, path: readonly PathStep[]): string | undefined {
  let node = reversed(fromHex(txid));
  for (const { hash, position } of path) {
    const sibling = reversed(fromHex(hash));
    if (position === 'left' && hash === toHex(reversed(node))) return undefined;
    node = sha256d(position === 'left' ? concat(sibling, node) : concat(node, sibling));
  }
  return toHex(reversed(node));
}
