import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FingerprintIndex, FingerprintIndexOptions } from '../../../src/store/fingerprints/index.ts';

/** Small enough that a few hundred entries pass through several levels. */
export const TINY: FingerprintIndexOptions = { flushAt: 10, fanout: 3 };

export interface Key {
  hi: number;
  lo: number;
}

/** A uniform fingerprint for a number: every number its own. */
export function keyOf(number: number): Key {
  return { hi: scramble(number), lo: scramble(number ^ 0x5bd1e995) };
}

function scramble(number: number): number {
  let word = Math.imul(number ^ (number >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return (word ^ (word >>> 16)) >>> 0;
}

/** Adds `keyOf(position)` at each position from `after + 1` to `through`, with a `maintain` every `batch` entries. */
export function fill(index: FingerprintIndex, after: number, through: number, batch: number): void {
  for (let position = after + 1; position <= through; position++) {
    const { hi, lo } = keyOf(position);
    index.add(hi, lo, position);
    if (position % batch === 0) index.maintain();
  }
}

/** The positions from 1 to `through` that the index does not answer with exactly themselves. */
export function wrongAnswers(index: FingerprintIndex, through: number): number[] {
  const wrong: number[] = [];
  for (let position = 1; position <= through; position++) {
    const { hi, lo } = keyOf(position);
    const hits = index.lookup(hi, lo);
    if (hits.length !== 1 || hits[0] !== position) wrong.push(position);
  }
  return wrong;
}

export function runFiles(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => name.endsWith('.run'))
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
}

/** Directories of a test, deleted together. */
export class TestDirectories {
  readonly #root = mkdtempSync(join(tmpdir(), 'fingerprints-'));
  #count = 0;

  next(): string {
    return join(this.#root, String(this.#count++));
  }

  /** The directory as a crash at this moment would leave it. */
  copyOf(dir: string): string {
    const copy = this.next();
    cpSync(dir, copy, { recursive: true });
    return copy;
  }

  [Symbol.dispose](): void {
    rmSync(this.#root, { recursive: true });
  }
}
