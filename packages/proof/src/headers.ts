import { reversed, toHex } from './bytes.ts';
import { ProofError } from './errors.ts';
import { sha256d } from './sha256.ts';

export const HEADER_BYTES = 80;

/** A block header. Hashes as block explorers show them, hex. */
export interface BlockHeader {
  hash: string;
  version: number;
  prevHash: string;
  merkleRoot: string;
  /** Seconds since 1970, the miner's word within two hours. */
  time: number;
  /** The target in compact form. */
  bits: number;
  nonce: number;
}

/** Reads the 80 bytes; the proof of work is not looked at. Throws `invalid-header`. */
export function parseHeader(raw: Uint8Array): BlockHeader {
  if (raw.length !== HEADER_BYTES) throw new ProofError('invalid-header', `a header has ${HEADER_BYTES} bytes`);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  return {
    hash: toHex(reversed(sha256d(raw))),
    version: view.getInt32(0, true),
    prevHash: toHex(reversed(raw.subarray(4, 36))),
    merkleRoot: toHex(reversed(raw.subarray(36, 68))),
    time: view.getUint32(68, true),
    bits: view.getUint32(72, true),
    nonce: view.getUint32(76, true),
  };
}

/** Splits concatenated headers, as in a headers file. Throws `invalid-header`. */
export function parseHeaders(raw: Uint8Array): BlockHeader[] {
  if (raw.length % HEADER_BYTES !== 0) {
    throw new ProofError('invalid-header', `${raw.length} bytes are no whole number of ${HEADER_BYTES}-byte headers`);
  }
  return Array.from({ length: raw.length / HEADER_BYTES }, (_, i) =>
    parseHeader(raw.subarray(i * HEADER_BYTES, (i + 1) * HEADER_BYTES)),
  );
}

/** The target that compact bits stand for. Throws `invalid-header` for a negative, zero or overflowing one. */
export function targetFromBits(bits: number): bigint {
  const exponent = bits >>> 24;
  const mantissa = BigInt(bits & 0x7fffff);
  const target = exponent <= 3 ? mantissa >> BigInt(8 * (3 - exponent)) : mantissa << BigInt(8 * (exponent - 3));
  if ((bits & 0x800000) !== 0 || target === 0n || target >= 1n << 256n) {
    throw new ProofError('invalid-header', `bits ${bits.toString(16)} are no target`);
  }
  return target;
}

/** The hashes that a block with this target takes on average: 2^256 / (target + 1). */
export function workOf(target: bigint): bigint {
  return (1n << 256n) / (target + 1n);
}

/** Whether the header's hash is within its own target, and that target within the network's floor (compact bits). */
export function meetsTarget(header: BlockHeader, floorBits: number): boolean {
  const target = targetFromBits(header.bits);
  return BigInt(`0x${header.hash}`) <= target && target <= targetFromBits(floorBits);
}
