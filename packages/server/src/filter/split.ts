/** Consumer groups: of n members each takes its share, by the hash of a key, and nobody has to share anything out. */
import { hash } from 'node:crypto';
import { canonicalText } from '../json/canonical.ts';
import { FilterError } from './errors.ts';
import { MAX_KEY_PATHS, MAX_SPLIT } from './limits.ts';
import type { Path, Subject } from './path.ts';
import { parsePaths } from './path-list.ts';

const SPLIT = /^(0|[1-9]\d{0,3})\/([1-9]\d{0,3})$/;
const DEFAULT_KEY = 'eventId';

export class Split {
  /** Which member this is, from 0. */
  readonly index: number;
  /** How many there are. */
  readonly of: number;
  /** Equal for splits that are written alike. */
  readonly canonical: string;
  readonly #key: readonly Path[];

  private constructor(index: number, of: number, key: readonly Path[]) {
    this.index = index;
    this.of = of;
    this.canonical = `${index}/${of} ${key.map(({ text }) => text).join(',')}`;
    this.#key = key;
  }

  /**
   * @param text `i/n`, i from 0 to n−1
   * @param keyPaths comma-separated; what has the same values there goes to the same member
   * @throws FilterError `bad-split` in the text, any other in the paths
   */
  static parse(text: string, keyPaths: string = DEFAULT_KEY): Split {
    const [, index, of] = SPLIT.exec(text) ?? [];
    if (index === undefined || Number(of) > MAX_SPLIT || Number(index) >= Number(of)) {
      throw new FilterError('bad-split', 0, `expected i/n, n from 1 to ${MAX_SPLIT} and i from 0 to n-1`);
    }
    return new Split(Number(index), Number(of), parsePaths(keyPaths, MAX_KEY_PATHS));
  }

  /**
   * Whether it falls to this member: the first four bytes (big-endian) of SHA-256 of the RFC 8785 text of the array of
   * the key's values, null for one that is missing, modulo n, give the member. Of all members, exactly one takes it.
   */
  takes(subject: Subject): boolean {
    const values = this.#key.map((path) => path.read(subject) ?? null);
    const digest = hash('sha256', canonicalText(values), 'buffer');
    return digest.readUInt32BE(0) % this.of === this.index;
  }
}
