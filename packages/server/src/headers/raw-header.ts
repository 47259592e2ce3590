/** Reading headers at the rate of an initial load: with the native hash, and targets worked out once for all. */
import { HEADER_BYTES, ProofError, targetFromBits, workOf } from '@tidemark/proof';
import { doubleHash, reversedHex } from '../anchor/mining.ts';

export interface RawHeader {
  /** Hashes as shown. */
  hash: string;
  prevHash: string;
  /** Seconds since 1970. */
  time: number;
  bits: number;
  /** A copy of the 80 bytes. */
  raw: Buffer;
}

/** @param raw 80 bytes */
export function readHeader(raw: Uint8Array): RawHeader {
  const bytes = Buffer.from(raw);
  return {
    hash: hashOf(bytes),
    prevHash: prevHashOf(bytes),
    time: timeOf(bytes),
    bits: bytes.readUInt32LE(72),
    raw: bytes,
  };
}

/** @param raw a whole number of headers */
export function* readHeaders(raw: Uint8Array): Generator<RawHeader> {
  for (let at = 0; at < raw.length; at += HEADER_BYTES) yield readHeader(raw.subarray(at, at + HEADER_BYTES));
}

/** The hash of the block with this header, as shown. */
export function hashOf(raw: Uint8Array): string {
  return reversedHex(doubleHash(raw));
}

/** The last four bytes of a hash, those that no proof of work makes zero: what blocks are looked up by. */
export function keyOf(hash: string): number {
  return Number.parseInt(hash.slice(-8), 16);
}

export function prevHashOf(raw: Uint8Array): string {
  return reversedHex(raw.subarray(4, 36));
}

export function timeOf(raw: Uint8Array): number {
  return Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).readUInt32LE(68);
}

interface Rated {
  target: bigint;
  /** The target in the form of a hash: hex of one length orders as the numbers do. */
  limit: string;
  work: bigint;
}

/** Targets remembered; a real chain changes its own with every block, a forger would fill any table. */
const REMEMBERED = 1024;

/**
 * What a header's work counts. Beside the header's own target only the pin's floor is asked for: that each target also
 * follows from the blocks before it, as the network's nodes check, is not looked at. A forger who uses that still has
 * to do more work in all than everybody else.
 */
export class WorkRule {
  readonly #floor: bigint;
  readonly #rated = new Map<number, Rated | undefined>();

  /** @throws ProofError `invalid-header` when the floor is no target */
  constructor(floorBits: number) {
    this.#floor = targetFromBits(floorBits);
  }

  /** The work of a header that meets its own target and the floor; undefined for another. */
  workOf({ hash, bits }: RawHeader): bigint | undefined {
    const rated = this.#rate(bits);
    return rated !== undefined && rated.target <= this.#floor && hash <= rated.limit ? rated.work : undefined;
  }

  #rate(bits: number): Rated | undefined {
    if (this.#rated.has(bits)) return this.#rated.get(bits);
    if (this.#rated.size >= REMEMBERED) this.#rated.clear();
    const rated = rate(bits);
    this.#rated.set(bits, rated);
    return rated;
  }
}

function rate(bits: number): Rated | undefined {
  try {
    const target = targetFromBits(bits);
    return { target, limit: target.toString(16).padStart(64, '0'), work: workOf(target) };
  } catch (error) {
    if (error instanceof ProofError) return undefined;
    throw error;
  }
}
