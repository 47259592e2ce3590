import { concat, fromHex, isHex, reversed, toHex } from './bytes.ts';
import { ProofError } from './errors.ts';
import type { PathStep } from './merkle-path.ts';
import { countBytes, listBytes, Reader } from './reader.ts';
import { sha256d } from './sha256.ts';

/** A node of a block's Merkle tree, `offset` nodes from the left of its level. */
export interface BumpLeaf {
  offset: number;
  /** As shown, hex; absent where the node is the repetition of the one to its left, the last of an odd row. */
  hash?: string;
  /** On level 0: a transaction that the path is for, not one that only stands beside. */
  txid?: true;
}

/** A BUMP (BRC-74): paths of transactions in one block, merged. `path[0]` is the level of the transactions. */
export interface Bump {
  blockHeight: number;
  path: BumpLeaf[][];
}

/** 30,000 nodes; a single path through the largest tree takes 2 KiB. */
export const MAX_BUMP_BYTES = 1024 * 1024;
/** The limit of BRC-74. */
const MAX_LEVELS = 64;
const FLAGS = { hash: 0, duplicate: 1, txid: 2 };

/** What a level of the tree holds, by offset: hashes as shown. */
type Level = Map<number, string>;

/**
 * Reads a BUMP, binary or hex, and follows every path in it: nothing may be missing, left over or repeated, and all
 * paths end in one root. Throws `invalid-bump`.
 */
export function parseBump(input: Uint8Array | string): Bump {
  if (typeof input === 'string' && !isHex(input)) fail('not lower-case hex');
  const reader = new Reader(typeof input === 'string' ? fromHex(input) : input, 'invalid-bump');
  const bump = readBump(reader);
  reader.end();
  return bump;
}

/** The BUMP that starts where the reader stands, checked like `parseBump`'s. */
export function readBump(reader: Reader): Bump {
  const start = reader.at;
  const blockHeight = reader.count();
  const levels = reader.uint8();
  if (levels === 0 || levels > MAX_LEVELS) reader.fail(`a BUMP has 1 to ${MAX_LEVELS} levels`);
  const path = Array.from({ length: levels }, (_, level) => reader.list(() => readLeaf(reader, level, start)));
  const bump = { blockHeight, path };
  climb(bump);
  return bump;
}

function readLeaf(reader: Reader, level: number, start: number): BumpLeaf {
  if (reader.at - start > MAX_BUMP_BYTES) reader.fail(`longer than ${MAX_BUMP_BYTES} bytes`);
  const offset = reader.count();
  const flags = reader.uint8();
  if (flags === FLAGS.duplicate) return { offset };
  if (flags > FLAGS.txid || (flags === FLAGS.txid && level > 0)) reader.fail(`flags ${flags} on level ${level}`);
  const hash = toHex(reversed(reader.bytes(32)));
  return flags === FLAGS.txid ? { offset, hash, txid: true } : { offset, hash };
}

/** The binary form, leaves of a level in order of their offsets. Throws `invalid-bump` for what `parseBump` refuses. */
export function bumpBytes({ blockHeight, path }: Bump): Uint8Array {
  const levels = path.map((leaves) => listBytes([...leaves].sort((a, b) => a.offset - b.offset).map(leafBytes)));
  const bytes = concat(countBytes(blockHeight), Uint8Array.of(path.length), ...levels);
  parseBump(bytes);
  return bytes;
}

function leafBytes({ offset, hash, txid }: BumpLeaf): Uint8Array {
  if (hash === undefined) return concat(countBytes(offset), Uint8Array.of(FLAGS.duplicate));
  const flags = txid === undefined ? FLAGS.hash : FLAGS.txid;
  return concat(countBytes(offset), Uint8Array.of(flags), reversed(fromHex(hash)));
}

/** The root, as shown, that all paths lead to. Throws `invalid-bump`. */
export function bumpRoot(bump: Bump): string {
  return climb(bump).at(-1)!.get(0)!;
}

/** The path of one transaction as an SPV envelope has it. Throws `invalid-bump` where the BUMP has none. */
export function pathOfBump(bump: Bump, txid: string): PathStep[] {
  const levels = climb(bump);
  let offset = bump.path[0]?.find(({ hash }) => hash === txid)?.offset;
  if (offset === undefined) return fail('no path for that transaction');
  const path: PathStep[] = [];
  for (const level of levels.slice(0, -1)) {
    const right = offset % 2 === 0;
    path.push({ hash: level.get(right ? offset + 1 : offset - 1)!, position: right ? 'right' : 'left' });
    offset = Math.floor(offset / 2);
  }
  return path;
}

/** The BUMP of one transaction, from its path in an SPV envelope. Throws `invalid-bump` for a path that no block has. */
export function bumpOfPath(blockHeight: number, txid: string, path: readonly PathStep[]): Bump {
  if (path.length > MAX_LEVELS) fail(`a BUMP has 1 to ${MAX_LEVELS} levels`);
  const bump: Bump = { blockHeight, path: [] };
  let node = txid;
  let offset = path.reduceRight((sum, { position }) => sum * 2 + (position === 'left' ? 1 : 0), 0);
  if (!Number.isSafeInteger(offset)) fail('an offset is beyond 2^53 − 1');
  const own: BumpLeaf = { offset, hash: txid, txid: true };
  for (const { hash, position } of path) {
    const right = position === 'right';
    bump.path.push([
      right && hash === node ? { offset: offset + 1 } : { offset: right ? offset + 1 : offset - 1, hash },
    ]);
    node = right ? parent(node, hash) : parent(hash, node);
    offset = Math.floor(offset / 2);
  }
  if (path.length === 0) bump.path.push([]);
  bump.path[0]!.push(own);
  bump.path[0]!.sort((a, b) => a.offset - b.offset);
  climb(bump);
  return bump;
}

/** All nodes that the leaves give, level by level; the last level is the root alone. */
function climb({ path }: Bump): Level[] {
  if (path.length === 0) fail('no level');
  const levels: Level[] = [];
  const whole = path.length === 1;
  // The offset of the row's last node: known of a whole block, and from where a node is repeated upwards.
  let last = whole ? realLeaves(path[0]!) - 1 : Number.POSITIVE_INFINITY;
  let row: Level = new Map();
  const height = whole ? Math.ceil(Math.log2(last + 1)) : path.length;
  for (let at = 0; at < height; at++) {
    const leaves = path[at] ?? [];
    addLeaves(row, leaves, at > 0);
    last = repeatLast(row, leaves, last, whole);
    levels.push(row);
    row = parents(row);
    last = Math.floor(last / 2);
  }
  if (height === 0) addLeaves(row, path[0]!, false);
  if (row.size !== 1 || !row.has(0)) fail('the paths do not end in one root');
  return [...levels, row];
}

/**
 * One level alone lists the whole block, of one transaction or, where the writer left out what can be computed, of
 * more; how its rows end is then known without marks.
 */
function realLeaves(leaves: readonly BumpLeaf[]): number {
  return leaves.filter(({ hash }) => hash !== undefined).length;
}

/** Adds the hashes that are given to those computed from below, of which each has to be the other of a pair. */
function addLeaves(row: Level, leaves: readonly BumpLeaf[], above: boolean): void {
  const computed = new Map(row);
  const seen = new Set<number>();
  for (const { offset, hash } of leaves) {
    if (seen.has(offset)) fail(`offset ${offset} twice on a level`);
    seen.add(offset);
    if (above && !computed.has(pairOf(offset))) fail(`offset ${offset} is on no path`);
    if (hash === undefined) continue;
    if (computed.has(offset) && computed.get(offset) !== hash) fail(`offset ${offset} is not what its children give`);
    row.set(offset, hash);
  }
}

/** Repeats the last node of an odd row, where a mark says so or the block is whole, and returns that node's offset. */
function repeatLast(row: Level, leaves: readonly BumpLeaf[], known: number, whole: boolean): number {
  const marks = leaves.filter(({ hash }) => hash === undefined).map(({ offset }) => offset);
  if (whole && known % 2 === 0 && !marks.includes(known + 1)) marks.push(known + 1);
  for (const offset of marks) {
    if (offset % 2 === 0 || row.has(offset) || !row.has(offset - 1)) fail(`offset ${offset} repeats nothing`);
    row.set(offset, row.get(offset - 1)!);
  }
  return lastOf(row, known);
}

/**
 * The offset of the row's last node, if it shows: that of the one pair of equals. Such a pair is refused anywhere else,
 * for with it a tree of other transactions would have the same root.
 */
function lastOf(row: Level, known: number): number {
  let [repeated, top] = [Number.POSITIVE_INFINITY, 0];
  for (const [offset, hash] of row) {
    const pair = row.get(pairOf(offset));
    if (pair === undefined) fail(`nothing at offset ${pairOf(offset)}`);
    if (pair === hash && offset % 2 === 1) continue;
    if (pair === hash) repeated = Math.min(repeated, offset);
    top = Math.max(top, offset);
  }
  const last = Math.min(repeated, known);
  if (top > last || (repeated < known && known !== Number.POSITIVE_INFINITY)) fail('a row goes on after its last node');
  return last;
}

function parents(row: Level): Level {
  const above: Level = new Map();
  for (const [offset, hash] of row) {
    if (offset % 2 === 0) above.set(offset / 2, parent(hash, row.get(offset + 1)!));
  }
  return above;
}

function pairOf(offset: number): number {
  return offset % 2 === 0 ? offset + 1 : offset - 1;
}

function parent(left: string, right: string): string {
  return toHex(reversed(sha256d(concat(reversed(fromHex(left)), reversed(fromHex(right))))));
}

function fail(detail: string): never {
  throw new ProofError('invalid-bump', `bump: ${detail}`);
}
