/** A log's tree as its leaves make it, and the stored tiles against it. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { Frontier, nodeHash } from '@tidemark/proof';
import { HASH_BYTES, TILE_WIDTH } from '../tile.ts';
import type { Findings } from './findings.ts';
import { nativeSha256 } from './sha256.ts';

interface Level {
  /** The tile that is being filled. */
  index: number;
  count: number;
  hashes: Buffer;
  /** The tree over the tile's hashes. */
  tree: Frontier;
}

export class TreeCheck {
  readonly #stream: string;
  readonly #findings: Findings;
  readonly #get: StatementSync;
  readonly #count: StatementSync;
  readonly #levels: Level[] = [];
  #seen = 0;

  constructor(ledger: DatabaseSync, stream: string, findings: Findings) {
    this.#stream = stream;
    this.#findings = findings;
    this.#get = ledger.prepare('SELECT hashes FROM tiles WHERE stream = ? AND level = ? AND idx = ?');
    this.#count = ledger.prepare('SELECT count(*) AS tiles FROM tiles WHERE stream = ?');
  }

  append(leafHash: Uint8Array): void {
    this.#push(0, leafHash);
  }

  /** Of all leaves so far. The trees over the unfinished tiles are the parts that it consists of. */
  root(): Uint8Array {
    const parts = this.#levels.toReversed().flatMap(({ tree }) => tree.nodes);
    if (parts.length === 0) return emptyTree().root();
    return parts.reduceRight((right, left) => nodeHash(left, right, nativeSha256));
  }

  /** The hash that a tile has for a leaf: stands in where the leaf itself cannot be read. */
  storedLeafHash(leaf: number): Uint8Array | undefined {
    const place = leaf % TILE_WIDTH;
    const hash = this.#stored(0, Math.floor(leaf / TILE_WIDTH))?.subarray(place * HASH_BYTES, (place + 1) * HASH_BYTES);
    return hash?.length === HASH_BYTES ? hash : undefined;
  }

  /** Looks at the unfinished tiles, and for tiles that should not be there. */
  finish(): void {
    for (const [number, level] of this.#levels.entries()) if (level.count > 0) this.#compare(number, level);
    const stored = Number(this.#count.get(this.#stream)?.tiles);
    if (stored > this.#seen) {
      this.#findings.violation('tile-extra', `stream ${this.#stream}`, `${stored - this.#seen} tiles too many`);
    }
  }

  #push(number: number, hash: Uint8Array): void {
    this.#levels[number] ??= { index: 0, count: 0, hashes: Buffer.alloc(TILE_WIDTH * HASH_BYTES), tree: emptyTree() };
    const level = this.#levels[number];
    level.hashes.set(hash, level.count * HASH_BYTES);
    level.tree.append(hash);
    level.count++;
    if (level.count < TILE_WIDTH) return;
    this.#compare(number, level);
    const root = level.tree.root();
    level.tree = emptyTree();
    level.count = 0;
    level.index++;
    this.#push(number + 1, root);
  }

  #compare(number: number, { index, count, hashes }: Level): void {
    const where = `stream ${this.#stream} tile ${number}/${index}`;
    const stored = this.#stored(number, index);
    if (stored === undefined) {
      this.#findings.violation('tile-missing', where, `a tile of ${count} hashes is due`);
      return;
    }
    this.#seen++;
    if (!hashes.subarray(0, count * HASH_BYTES).equals(stored)) {
      this.#findings.violation('tile-mismatch', where, 'its hashes are not those of the leaves');
    }
  }

  #stored(level: number, index: number): Uint8Array | undefined {
    const hashes = this.#get.get(this.#stream, level, index)?.hashes;
    return hashes instanceof Uint8Array ? hashes : undefined;
  }
}

function emptyTree(): Frontier {
  return new Frontier(undefined, nativeSha256);
}
