import { concat } from './bytes.ts';
import { ProofError, type ProofErrorCode } from './errors.ts';

/** Reads Bitcoin's wire formats from untrusted bytes; each failure is a `ProofError` of the format's code. */
export class Reader {
  readonly #raw: Uint8Array;
  readonly #view: DataView;
  readonly #code: ProofErrorCode;
  #at = 0;

  constructor(raw: Uint8Array, code: ProofErrorCode) {
    this.#raw = raw;
    this.#view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
    this.#code = code;
  }

  /** Bytes read so far. */
  get at(): number {
    return this.#at;
  }

  bytes(length: number): Uint8Array {
    const start = this.#skip(length);
    return this.#raw.subarray(start, start + length);
  }

  /** What was read from `start` on. */
  since(start: number): Uint8Array {
    return this.#raw.subarray(start, this.#at);
  }

  uint8(): number {
    return this.#view.getUint8(this.#skip(1));
  }

  uint32(): number {
    return this.#view.getUint32(this.#skip(4), true);
  }

  uint64(): bigint {
    return this.#view.getBigUint64(this.#skip(8), true);
  }

  /** A variable-length count, in its shortest form and at most 2^53 − 1. */
  count(): number {
    const first = this.uint8();
    if (first < 0xfd) return first;
    if (first === 0xfd) return this.#atLeast(0xfd, this.#view.getUint16(this.#skip(2), true));
    if (first === 0xfe) return this.#atLeast(0x1_0000, this.uint32());
    const count = this.#atLeast(0x1_0000_0000, Number(this.uint64()));
    if (!Number.isSafeInteger(count)) this.fail('a count is beyond 2^53 − 1');
    return count;
  }

  /** Counted entries. A count that lies runs out of bytes, so it needs no bound of its own. */
  list<T>(read: (reader: Reader) => T, min = 0): T[] {
    const entries: T[] = [];
    for (let left = this.#atLeast(min, this.count()); left > 0; left--) entries.push(read(this));
    return entries;
  }

  end(): void {
    if (this.#at !== this.#raw.length) this.fail('bytes after the end');
  }

  fail(detail: string): never {
    throw new ProofError(this.#code, `${this.#code.replace('invalid-', '')}: ${detail}`);
  }

  #skip(length: number): number {
    const start = this.#at;
    if (start + length > this.#raw.length) this.fail('ends early');
    this.#at = start + length;
    return start;
  }

  #atLeast(min: number, count: number): number {
    if (count < min) this.fail('a count is zero or not in its shortest form');
    return count;
  }
}

/** A variable-length count in its shortest form; the inverse of `Reader.count`. Throws `invalid-range` for no count. */
export function countBytes(count: number): Uint8Array {
  if (!Number.isSafeInteger(count) || count < 0) throw new ProofError('invalid-range', `${count} is no count`);
  if (count < 0xfd) return Uint8Array.of(count);
  const bytes = new Uint8Array(9);
  const view = new DataView(bytes.buffer);
  if (count < 0x1_0000) {
    bytes[0] = 0xfd;
    view.setUint16(1, count, true);
    return bytes.subarray(0, 3);
  }
  if (count < 0x1_0000_0000) {
    bytes[0] = 0xfe;
    view.setUint32(1, count, true);
    return bytes.subarray(0, 5);
  }
  bytes[0] = 0xff;
  view.setBigUint64(1, BigInt(count), true);
  return bytes;
}

/** Counted entries, end to end; the inverse of `Reader.list`. */
export function listBytes(entries: readonly Uint8Array[]): Uint8Array {
  return concat(countBytes(entries.length), ...entries);
}
