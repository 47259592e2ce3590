/** Proof of work for the development chain. */
import { hash } from 'node:crypto';

/** One in 4096 hashes meets it: some 6 ms of work, real and checkable, and worth nothing. */
export const DEVELOPMENT_BITS = 0x1f0f_ffff;
const TARGET = 0x0fffffn << (8n * 28n);
const VERSION = 0x2000_0000;

export interface BlockTemplate {
  /** Hashes as they stand in the header, 32 bytes each. */
  previous: Uint8Array;
  merkleRoot: Uint8Array;
  /** Seconds since 1970. */
  time: number;
}

/** Finds a nonce. @returns the 80 bytes of the header */
export function mine(template: BlockTemplate): Buffer {
  const header = Buffer.alloc(80);
  header.writeUInt32LE(VERSION, 0);
  header.set(template.previous, 4);
  header.set(template.merkleRoot, 36);
  header.writeUInt32LE(DEVELOPMENT_BITS, 72);
  for (let time = template.time; ; time++) {
    header.writeUInt32LE(time, 68);
    for (let nonce = 0; nonce < 0xffff_ffff; nonce++) {
      header.writeUInt32LE(nonce, 76);
      const digest = doubleHash(header);
      // The number is little-endian: its highest bytes are the last ones.
      if (digest[31] === 0 && digest[30]! < 0x10 && BigInt(`0x${reversedHex(digest)}`) <= TARGET) return header;
    }
  }
}

/** SHA-256d. */
export function doubleHash(bytes: Uint8Array): Buffer {
  return Buffer.from(hash('sha256', Buffer.from(hash('sha256', bytes, 'latin1'), 'latin1'), 'latin1'), 'latin1');
}

/** A hash as block explorers show it. */
export function reversedHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).reverse().toString('hex');
}
