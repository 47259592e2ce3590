/** Where a key is paid: the hash of it, and the address that wallets take. */
import { hash } from 'node:crypto';
import { fromHex } from '@tidemark/proof';
import { doubleHash } from './mining.ts';

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const VERSION = { main: 0x00, test: 0x6f } as const;
const CHECKSUM_BYTES = 4;

/** RIPEMD-160 of SHA-256. @param publicKey compressed, hex */
export function keyHash(publicKey: string): Uint8Array {
  return hash('ripemd160', hash('sha256', fromHex(publicKey), 'buffer'), 'buffer');
}

/** Base58Check of version and hash. @param publicKey compressed, hex */
export function addressOf(publicKey: string, network: 'main' | 'test'): string {
  const body = Buffer.concat([Uint8Array.of(VERSION[network]), keyHash(publicKey)]);
  return base58(Buffer.concat([body, doubleHash(body).subarray(0, CHECKSUM_BYTES)]));
}

function base58(bytes: Buffer): string {
  let text = '';
  for (let value = BigInt(`0x${bytes.toString('hex')}`); value > 0n; value /= 58n) {
    text = `${BASE58[Number(value % 58n)]}${text}`;
  }
  // Zero bytes in front add nothing to the number; each is a 1.
  const zeros = bytes.findIndex((byte) => byte !== 0);
  return '1'.repeat(zeros) + text;
}
