import { reversed, toHex } from './bytes.ts';
import { ProofError } from './errors.ts';
import { sha256d } from './sha256.ts';

export interface TransactionInput {
  /** The spent output: transaction id as shown, and index. */
  txid: string;
  vout: number;
  script: Uint8Array;
  sequence: number;
}

export interface TransactionOutput {
  satoshis: bigint;
  script: Uint8Array;
}

export interface Transaction {
  version: number;
  inputs: TransactionInput[];
  outputs: TransactionOutput[];
  lockTime: number;
}

/** The id as shown: SHA-256d of the raw bytes, reversed, hex. */
export function transactionId(raw: Uint8Array): string {
  return toHex(reversed(sha256d(raw)));
}

/** A transaction in the original wire format (no witness data), to the last byte. Throws `invalid-transaction`. */
export function parseTransaction(raw: Uint8Array): Transaction {
  const reader = new Reader(raw);
  const version = reader.uint32();
  const inputs = reader.list(readInput);
  const outputs = reader.list(readOutput);
  const lockTime = reader.uint32();
  reader.end();
  return { version, inputs, outputs, lockTime };
}

function readInput(reader: Reader): TransactionInput {
  return {
    txid: toHex(reversed(reader.bytes(32))),
    vout: reader.uint32(),
    script: reader.bytes(reader.count()),
    sequence: reader.uint32(),
  };
}

function readOutput(reader: Reader): TransactionOutput {
  return { satoshis: reader.uint64(), script: reader.bytes(reader.count()) };
}

class Reader {
  readonly #raw: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(raw: Uint8Array) {
    this.#raw = raw;
    this.#view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  }

  bytes(length: number): Uint8Array {
    const start = this.#skip(length);
    return this.#raw.subarray(start, start + length);
  }

  uint32(): number {
    return this.#view.getUint32(this.#skip(4), true);
  }

  uint64(): bigint {
    return this.#view.getBigUint64(this.#skip(8), true);
  }

  /** A variable-length count, in its shortest form. */
  count(): number {
    const first = this.#view.getUint8(this.#skip(1));
    if (first < 0xfd) return first;
    if (first === 0xfd) return this.#atLeast(0xfd, this.#view.getUint16(this.#skip(2), true));
    if (first === 0xfe) return this.#atLeast(0x1_0000, this.uint32());
    return this.#atLeast(0x1_0000_0000, Number(this.uint64()));
  }

  /** One or more entries, counted. A count that lies runs out of bytes, so it needs no bound of its own. */
  list<T>(read: (reader: Reader) => T): T[] {
    const entries: T[] = [];
    for (let left = this.#atLeast(1, this.count()); left > 0; left--) entries.push(read(this));
    return entries;
  }

  end(): void {
    if (this.#at !== this.#raw.length) fail('bytes after the end');
  }

  #skip(length: number): number {
    const start = this.#at;
    if (start + length > this.#raw.length) fail('ends early');
    this.#at = start + length;
    return start;
  }

  #atLeast(min: number, count: number): number {
    if (count < min) fail('a count is zero or not in its shortest form');
    return count;
  }
}

function fail(detail: string): never {
  throw new ProofError('invalid-transaction', `transaction: ${detail}`);
}
