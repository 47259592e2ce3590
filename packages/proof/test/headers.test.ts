import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../src/bytes.ts';
import { HeaderChain } from '../src/header-chain.ts';
import { type BlockHeader, meetsTarget, parseHeader, parseHeaders, targetFromBits, workOf } from '../src/headers.ts';
import { rootOfPath } from '../src/merkle-path.ts';
import { DEVELOPMENT_FLOOR_BITS, PINS, type Pin } from '../src/pins.ts';
import { parseTransaction, transactionId } from '../src/transaction.ts';
import { mine, mineChain } from './fixture.ts';
import { publicVectors, suiteName } from './vectors.ts';

const GENESIS = '000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f';
const BLOCK_99 = '00000000cd9b12643e6854cb25939b39cd7a1ad0af31a9bd8b2efe67854b1995';
const mainnet = publicVectors('headers/mainnet-0-99.headers');

describe.skipIf(mainnet === undefined)(suiteName('the first hundred headers of mainnet', mainnet), () => {
  const raw = mainnet === undefined ? new Uint8Array(0) : Uint8Array.from(readFileSync(mainnet));
  const headers = parseHeaders(raw);
  const pin: Pin = { height: 0, hash: GENESIS, floorBits: 0x1d00ffff };

  it('make a chain', () => {
    const chain = new HeaderChain(pin, headers);
    expect(chain.tip).toEqual({ height: 99, hash: BLOCK_99 });
    expect(chain.at(0)?.header.merkleRoot).toBe('4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b');
    expect(chain.find(GENESIS)?.height).toBe(0);
    expect(chain.confirmations(BLOCK_99)).toBe(1);
    expect(chain.confirmations(GENESIS)).toBe(100);
    expect(chain.at(42)?.header).toEqual(headers[42]);
    expect([chain.at(100), chain.at(-1)]).toEqual([undefined, undefined]);
  });

  it('read as in any block explorer', () => {
    expect(headers[0]).toEqual({
      hash: GENESIS,
      version: 1,
      prevHash: '00'.repeat(32),
      merkleRoot: '4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b',
      time: 1231006505,
      bits: 0x1d00ffff,
      nonce: 2083236893,
    });
  });

  it('go on from a pin in the middle, and miss a higher floor', () => {
    const middle = { ...pin, height: 50, hash: headers[50]!.hash };
    expect(new HeaderChain(middle, headers).tip).toEqual({ height: 99, hash: BLOCK_99 });
    expect(new HeaderChain({ ...middle, floorBits: 0x1d00fffe }, headers).tip).toEqual({
      height: 50,
      hash: middle.hash,
    });
  });

  it('with any bit changed lose that block and all after it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 80, max: raw.length - 1 }), fc.integer({ min: 0, max: 7 }), (at, bit) => {
        const broken = Uint8Array.from(raw);
        broken[at] = broken[at]! ^ (1 << bit);
        expect(new HeaderChain(pin, parseHeaders(broken)).tip.height).toBe(Math.floor(at / 80) - 1);
      }),
      { numRuns: 50 },
    );
  });
});

describe('targetFromBits', () => {
  it.each([
    [0x1d00ffff, 0xffffn << 208n],
    [0x207fffff, 0x7fffffn << 232n],
    [0x03123456, 0x123456n],
    [0x02123456, 0x1234n],
    [0x01123456, 0x12n],
    [0x2100ffff, 0xffffn << 240n],
    [0x220000ff, 0xffn << 248n],
  ])('%i', (bits, target) => expect(targetFromBits(bits)).toBe(target));

  it.each([
    ['zero', 0],
    ['a zero mantissa', 0x1d000000],
    ['shifted to zero', 0x01003456],
    ['negative', 0x1d80ffff],
    ['overflow by a byte', 0x2101ffff],
    ['overflow by an exponent', 0x2200ffff],
    ['overflow by far', 0xff7fffff],
  ])('refuses %s', (_, bits) => {
    expect(() => targetFromBits(bits)).toThrow(expect.objectContaining({ code: 'invalid-header' }));
  });
});

it('work is the mean number of hashes', () => {
  expect(workOf(targetFromBits(0x1d00ffff))).toBe(0x100010001n);
  expect(workOf(targetFromBits(PINS.main!.floorBits))).toBe((1n << 64n) - 1n);
  expect(workOf(targetFromBits(DEVELOPMENT_FLOOR_BITS))).toBe(4096n);
});

describe('meetsTarget', () => {
  it("asks for the header's own target and the floor", () => {
    const easy = parseHeader(mine('00'.repeat(32), '11'.repeat(32), 0, 0x207fffff));
    expect(meetsTarget(easy, 0x207fffff)).toBe(true);
    expect(meetsTarget(easy, DEVELOPMENT_FLOOR_BITS)).toBe(false);
    expect(meetsTarget({ ...easy, bits: 0x03000001 }, 0x207fffff)).toBe(false);
  });
});

describe('HeaderChain', () => {
  const pin: Pin = { height: 100, hash: 'aa'.repeat(32), floorBits: DEVELOPMENT_FLOOR_BITS };
  const branch = (length: number, prevHash: string, time: number) =>
    mineChain({ length, prevHash, time }).map((hex) => parseHeader(fromHex(hex)));
  const trunk = branch(3, pin.hash, 1000);
  const short = branch(1, trunk[0]!.hash, 2000);
  const long = branch(3, trunk[0]!.hash, 3000);

  it('starts at the pin', () => {
    const chain = new HeaderChain(pin);
    expect(chain.tip).toEqual({ height: 100, hash: pin.hash });
    expect(chain.find(pin.hash)).toBeUndefined();
  });

  it('says what became of a header', () => {
    const chain = new HeaderChain(pin);
    const [first, second] = trunk as [BlockHeader, BlockHeader];
    const weak = parseHeader(mine(pin.hash, '11'.repeat(32), 1, 0x207fffff));
    expect(chain.add(second)).toBe('unlinked');
    expect(chain.add(first)).toBe('added');
    expect(chain.add(first)).toBe('known');
    expect(chain.add(weak)).toBe('insufficient-work');
    expect(chain.add({ ...first, hash: '00'.repeat(32), bits: 0 })).toBe('insufficient-work');
    expect(chain.tip).toEqual({ height: 101, hash: first.hash });
  });

  it('follows the most work, and keeps the first seen on a tie', () => {
    const chain = new HeaderChain(pin, [...trunk, ...short, ...long.slice(0, 2)]);
    expect(chain.tip.hash).toBe(trunk[2]!.hash);
    expect([...short, ...long].map(({ hash }) => chain.confirmations(hash))).toEqual([0, 0, 0, 0]);
    chain.add(long[2]!);
    expect(chain.tip).toEqual({ height: 104, hash: long[2]!.hash });
    expect(trunk.map(({ hash }) => chain.confirmations(hash))).toEqual([4, 0, 0]);
    expect(long.map(({ hash }) => chain.confirmations(hash))).toEqual([3, 2, 1]);
    expect([101, 102, 103, 104].map((height) => chain.at(height)?.header.hash)).toEqual([
      trunk[0]!.hash,
      ...long.map(({ hash }) => hash),
    ]);
  });

  it('prefers one hard block to several easy ones', () => {
    const hard = parseHeader(mine(pin.hash, '11'.repeat(32), 1, 0x1f01ffff));
    const chain = new HeaderChain(pin, [...trunk, hard]);
    expect(chain.tip).toEqual({ height: 101, hash: hard.hash });
    expect(chain.confirmations(trunk[0]!.hash)).toBe(0);
  });

  it('refuses a pin whose floor is no target', () => {
    expect(() => new HeaderChain({ ...pin, floorBits: 0 })).toThrow(
      expect.objectContaining({ code: 'invalid-header' }),
    );
  });
});

describe('rootOfPath', () => {
  const txid = '4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b';

  it('of a block with one transaction is its id', () => {
    expect(rootOfPath(txid, [])).toBe(txid);
  });

  it('of block 100,000 of mainnet', () => {
    const path = [
      { hash: '8c14f0db3df150123e6f3dbbf30f8b955a8249b62ac1d1ff16284aefa3d06d87', position: 'left' },
      { hash: '8e30899078ca1813be036a073bbf80b86cdddde1c96e9e9c99e9e3782df4ae49', position: 'right' },
    ] as const;
    expect(rootOfPath('fff2525b8931402dd09222c50775608f75787bd2b87e56995a7bdd30f79702c4', path)).toBe(
      'f3e94742aca4b5ef85488dc37c06c3282295ffec960994b2c0d5ac2a25a95766',
    );
  });

  it('takes a node paired with itself on the right alone', () => {
    expect(rootOfPath(txid, [{ hash: txid, position: 'right' }])).toMatch(/^[0-9a-f]{64}$/);
    expect(rootOfPath(txid, [{ hash: txid, position: 'left' }])).toBeUndefined();
  });
});

describe('parseTransaction', () => {
  const genesis =
    '01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054' +
    '696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420' +
    '666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61' +
    'deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000';

  it('reads the first coinbase', () => {
    const transaction = parseTransaction(fromHex(genesis));
    expect(transactionId(fromHex(genesis))).toBe('4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b');
    expect(transaction).toMatchObject({ version: 1, lockTime: 0 });
    expect(transaction.inputs).toMatchObject([{ txid: '00'.repeat(32), vout: 0xffffffff, sequence: 0xffffffff }]);
    expect(transaction.outputs.map(({ satoshis, script }) => [satoshis, script.length])).toEqual([
      [5_000_000_000n, 67],
    ]);
    expect(toHex(transaction.outputs[0]!.script)).toMatch(/^4104678afdb0fe.*ac$/);
  });

  it.each([
    ['nothing', ''],
    ['a trailing byte', `${genesis}00`],
    ['an end too soon', genesis.slice(0, -2)],
    ['no inputs', `0100000000${genesis.slice(10)}`],
    ['a count not in its shortest form', genesis.replace('0100000001', '01000000fd0100')],
    ['a script longer than all', genesis.replace('ffffffff4d', 'ffffffffffffffffffffffffffff')],
    ['a witness marker', genesis.replace('0100000001', '01000000000101')],
  ])('refuses %s', (_, hex) => {
    expect(() => parseTransaction(fromHex(hex))).toThrow(expect.objectContaining({ code: 'invalid-transaction' }));
  });

  it('throws its own error for any bytes cut or changed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          parseTransaction(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid-transaction' });
        }
      }),
    );
  });
});
