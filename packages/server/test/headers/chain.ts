/** Headers that meet the easiest of targets, for chains of any shape. */
import { type Pin, targetFromBits } from '@tidemark/proof';
import { doubleHash, reversedHex } from '../../src/anchor/mining.ts';

/** Every other hash meets it: the floor of a regression test network. */
export const EASY_BITS = 0x207fffff;
/** One hash in 256. */
export const HARD_BITS = 0x2000ffff;
export const START = 1_700_000_000;
/** Milliseconds since 1970, well after every block. */
export const NOW = (START + 10_000_000) * 1000;

export interface Block {
  hash: string;
  raw: Buffer;
}

/** @param tag tells blocks of one parent apart; `time` in seconds since 1970 */
export function mineBlock(prevHash: string, time: number, tag: number, bits = EASY_BITS): Block {
  const raw = Buffer.alloc(80);
  raw.writeUInt32LE(1, 0);
  Buffer.from(prevHash, 'hex').reverse().copy(raw, 4);
  raw.writeUInt32LE(tag, 36);
  raw.writeUInt32LE(time, 68);
  raw.writeUInt32LE(bits, 72);
  const limit = targetFromBits(bits).toString(16).padStart(64, '0');
  for (let nonce = 0; ; nonce++) {
    raw.writeUInt32LE(nonce, 76);
    const hash = reversedHex(doubleHash(raw));
    if (hash <= limit) return { hash, raw };
  }
}

/** `length` blocks, ten minutes apart, each on the one before. */
export function mineBranch(prevHash: string, length: number, options: { tag?: number; time?: number } = {}): Block[] {
  const { tag = 0, time = START } = options;
  const blocks: Block[] = [];
  for (let index = 0; index < length; index++) {
    blocks.push(mineBlock(blocks.at(-1)?.hash ?? prevHash, time + index * 600, tag));
  }
  return blocks;
}

export function bytesOf(blocks: readonly Block[]): Buffer {
  return Buffer.concat(blocks.map(({ raw }) => raw));
}

export function hashesOf(blocks: readonly Block[]): string[] {
  return blocks.map(({ hash }) => hash);
}

export function hexOf(blocks: readonly Block[]): string[] {
  return blocks.map(({ raw }) => raw.toString('hex'));
}

/** The block that chains of tests are pinned to. */
export const PINNED = mineBlock('aa'.repeat(32), START - 600, 0);
export const PIN: Pin = { height: 100, hash: PINNED.hash, floorBits: EASY_BITS };
