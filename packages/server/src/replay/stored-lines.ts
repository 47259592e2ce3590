/** Lines of stored packet contents, read one at a time, and the tree's hashes of their leaves. */
import { hash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { canonicalize, type Leaf } from '@tidemark/proof';
import { linesOf } from '../store/content-lines.ts';
import type { Line } from './leaf-difference.ts';

/** RFC 9162: leaves are hashed with a zero byte before them. */
const LEAF_PREFIX = '\0';

/** Number of the line that begins at an offset. */
export function lineNumber(path: string, offset: number): number {
  let number = 0;
  for (const { end } of linesOf(path)) {
    if (end > offset) break;
    number++;
  }
  return number;
}

/** Undefined where there is no such line; `unreadable` where it holds no leaf. */
export function storedLine(path: string, number: number): Line | 'unreadable' | undefined {
  if (!existsSync(path)) return undefined;
  let at = 0;
  for (const { bytes } of linesOf(path)) if (at++ === number) return parseLine(bytes.toString());
  return undefined;
}

export function parseLine(text: string): Line | 'unreadable' {
  try {
    const line = JSON.parse(text) as Line;
    return isLeaf(line?.leaf) ? line : 'unreadable';
  } catch {
    return 'unreadable';
  }
}

/** As far as it takes to look at its members: which of them is damaged is yet to be found out. */
function isLeaf(leaf: Leaf | undefined): boolean {
  switch (leaf?.kind) {
    case 'fused':
      return Array.isArray(leaf.inputs) && leaf.inputs.every((input) => Array.isArray(input));
    case 'control':
      return typeof leaf.data === 'object' && leaf.data !== null;
    default:
      return leaf?.kind === 'header' || leaf?.kind === 'record' || leaf?.kind === 'quarantined';
  }
}

/** Hashes of all leaves, hex; undefined where one cannot be read. */
export function storedLeafHashes(path: string): string[] | undefined {
  const hashes: string[] = [];
  try {
    for (const { bytes } of linesOf(path)) {
      const { leaf } = JSON.parse(bytes.toString()) as Line;
      hashes.push(hash('sha256', LEAF_PREFIX + canonicalize(leaf), 'hex'));
    }
  } catch {
    return undefined;
  }
  return hashes;
}
