import { createHash } from 'node:crypto';
import { DEVELOPMENT_FLOOR_BITS, meetsTarget, parseHeader } from '@tidemark/proof';
import { expect, test } from 'vitest';
import { DEVELOPMENT_BITS, doubleHash, mine, reversedHex } from '../../src/anchor/mining.ts';

test('the hash of a block is that of Bitcoin: its first block', () => {
  const header = Buffer.from(
    '0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c',
    'hex',
  );
  expect(reversedHex(doubleHash(header))).toBe('000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f');
});

test('the verifier has the same floor', () => {
  expect(DEVELOPMENT_BITS).toBe(DEVELOPMENT_FLOOR_BITS);
});

test('a mined header holds what it was made of, and meets the target', () => {
  for (let index = 0; index < 20; index++) {
    const [previous, merkleRoot] = ['p', 'm'].map((part) => createHash('sha256').update(`${part}${index}`).digest());
    const raw = mine({ previous: previous!, merkleRoot: merkleRoot!, time: 1_700_000_000 + index });
    const header = parseHeader(raw);
    expect(header).toMatchObject({
      prevHash: reversedHex(previous!),
      merkleRoot: reversedHex(merkleRoot!),
      time: 1_700_000_000 + index,
      bits: DEVELOPMENT_BITS,
      hash: reversedHex(doubleHash(raw)),
    });
    expect(meetsTarget(header, DEVELOPMENT_FLOOR_BITS)).toBe(true);
    expect(header.hash).toMatch(/^000/);
  }
});
