import { concat } from './bytes.ts';
import { ProofError } from './errors.ts';
import { MAX_LEAF_BYTES } from './leaf.ts';
import { type NodeReader, nodeHash } from './merkle.ts';
import { type Sha256, sha256 } from './sha256.ts';

/**
 * The resources of a tiled log (C2SP tlog-tiles): where its hashes and entries are served, and how entries are packed.
 * Tile `index` of a level holds up to 256 hashes, of complete subtrees over 256^level leaves each.
 */
export interface TilePath {
  /** `entries` names bundles of leaves, cut as the tiles of level 0 are. */
  level: number | 'entries';
  index: number;
  /** 1 to 256; less than 256 for a partial tile. */
  width: number;
}

/** Hashes in a full tile, and leaves in a full bundle of entries. */
export const TILE_WIDTH = 256;
const TILE_HEIGHT = 8;
const HASH_LENGTH = 32;
const MAX_LEVEL = 63;
const LENGTH_BYTES = 2;
// An index of 18 digits is beyond 2^53 - 1, so more groups than six could name no tile.
const PATH = /^(entries|0|[1-9]\d?)\/((?:x\d{3}\/){0,5}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/;

/** `<L>/<N>[.p/<W>]`, as it follows `/tile/`. Throws `invalid-range` for what is no tile. */
export function formatTilePath({ level, index, width }: TilePath): string {
  if (!isLevel(level) || !isIndex(index) || !isWidth(width)) fail('there is no such tile');
  const digits = String(index).padStart(Math.ceil(String(index).length / 3) * 3, '0');
  const path = digits.replace(/\d{3}(?=\d)/g, 'x$&/');
  return `${level}/${path}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

/** The inverse of `formatTilePath`, and of nothing else. Throws `invalid-range`. */
export function parseTilePath(text: string): TilePath {
  const match = PATH.exec(text);
  if (match === null) fail('a tile is named <level>/<index>[.p/<width>], the index as in x001/x234/067');
  const [level, index, width] = match.slice(1) as [string, string, string | undefined];
  const path: TilePath = {
    level: level === 'entries' ? level : Number(level),
    index: Number(index.replace(/[x/]/g, '')),
    width: width === undefined ? TILE_WIDTH : Number(width),
  };
  // A width of 256 is written without one, an index without groups of leading zeroes.
  if (formatTilePath(path) !== text) fail('a tile has one name: no needless zeroes, and no width where it is full');
  return path;
}

/** How many hashes of a level a tree of `size` leaves has: the last tile has the rest of these modulo 256. */
export function hashesAt(level: number | 'entries', size: number): number {
  return level === 'entries' ? size : Math.floor(size / TILE_WIDTH ** level);
}

/** Entries of a bundle, packed: each with its length before it, two bytes, big-endian. Throws `invalid-range`. */
export function encodeEntries(entries: readonly Uint8Array[]): Uint8Array {
  const parts = entries.flatMap((entry) => {
    if (entry.length > MAX_LEAF_BYTES) fail(`an entry of ${entry.length} bytes, at most ${MAX_LEAF_BYTES}`);
    return [Uint8Array.of(entry.length >> 8, entry.length & 0xff), entry];
  });
  return concat(...parts);
}

/** The entries of a bundle, as views of its bytes. Throws `invalid-bytes` where they do not end with it. */
export function decodeEntries(bundle: Uint8Array): Uint8Array[] {
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bundle.length; ) {
    const start = at + LENGTH_BYTES;
    const length = start > bundle.length ? 0 : bundle[at]! * 256 + bundle[at + 1]!;
    at = start + length;
    if (at > bundle.length) throw new ProofError('invalid-bytes', 'the bundle ends within an entry');
    entries.push(bundle.subarray(start, at));
  }
  return entries;
}

/** Reads nodes out of tiles. `tile` gives the hashes of a tile, end to end: all that the tree has of it. */
export function tileNodes(tile: (level: number, index: number) => Uint8Array, hash: Sha256 = sha256): NodeReader {
  return (level, index) => {
    const width = 2 ** (level % TILE_HEIGHT);
    const first = index * width;
    const hashes = tile(Math.floor(level / TILE_HEIGHT), Math.floor(first / TILE_WIDTH));
    return subtree(hashes, first % TILE_WIDTH, width, hash);
  };
}

function subtree(hashes: Uint8Array, from: number, width: number, hash: Sha256): Uint8Array {
  if (width === 1) {
    const node = hashes.slice(from * HASH_LENGTH, (from + 1) * HASH_LENGTH);
    if (node.length < HASH_LENGTH) fail('the tile is shorter than the tree');
    return node;
  }
  const half = width / 2;
  return nodeHash(subtree(hashes, from, half, hash), subtree(hashes, from + half, half, hash), hash);
}

function isLevel(level: number | 'entries'): boolean {
  return level === 'entries' || (Number.isInteger(level) && level >= 0 && level <= MAX_LEVEL);
}

function isIndex(index: number): boolean {
  return Number.isSafeInteger(index) && index >= 0;
}

function isWidth(width: number): boolean {
  return Number.isInteger(width) && width >= 1 && width <= TILE_WIDTH;
}

function fail(detail: string): never {
  throw new ProofError('invalid-range', detail);
}
