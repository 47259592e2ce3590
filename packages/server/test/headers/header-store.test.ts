import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { HeaderChain, PINS, type Pin, parseHeaders } from '@tidemark/proof';
import { afterAll, describe, expect, test } from 'vitest';
import { publicVectors, suiteName } from '../../../proof/test/vectors.ts';
import { HeaderStore } from '../../src/headers/header-store.ts';
import { StoredHeaders } from '../../src/headers/stored-headers.ts';
import { Directories } from '../support/directories.ts';
import { type Block, bytesOf, EASY_BITS, HARD_BITS, hexOf, mineBlock, mineBranch, NOW, PIN, START } from './chain.ts';

const directories = new Directories();
afterAll(() => directories.remove());

function openStore(pin: Pin = PIN, dir = directories.next()) {
  return { dir, store: new HeaderStore(dir, 'regtest', pin) };
}

const mainnet = publicVectors('headers/mainnet-0-99.headers');

describe.skipIf(mainnet === undefined)(suiteName('the first hundred headers of mainnet', mainnet), () => {
  const raw = mainnet === undefined ? Buffer.alloc(0) : readFileSync(mainnet);
  const hash = '000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f';
  const pin: Pin = { height: 0, hash, floorBits: 0x1d00ffff };
  const at = Date.UTC(2010, 0);

  test('are all taken, and read back', () => {
    const { store } = openStore(pin);
    const tip = { height: 99, hash: '00000000cd9b12643e6854cb25939b39cd7a1ad0af31a9bd8b2efe67854b1995' };
    expect(store.add(raw, at)).toEqual({ added: 100, known: 0, tip });
    expect(store.add(raw, at)).toEqual({ added: 0, known: 100 });
    expect(store.tip()).toEqual(tip);
    expect(store.bestHeight()).toBe(99);
    expect(Buffer.from(store.headersFrom(0, 1000).join(''), 'hex')).toEqual(raw);
    expect(store.headersFrom(98, 1)).toEqual([raw.subarray(98 * 80, 99 * 80).toString('hex')]);
    expect(store.headerAt(42)).toBe(raw.subarray(42 * 80, 43 * 80).toString('hex'));
    expect([store.heightOf(hash), store.heightOf(tip.hash)]).toEqual([0, 99]);
    store.close();
  });

  test('of which one is changed are taken up to that one', () => {
    const { store } = openStore(pin);
    const broken = Buffer.from(raw);
    broken[50 * 80 + 70]! ^= 1;
    const added = store.add(broken, at);
    expect(added).toMatchObject({ added: 50, refused: { reason: 'insufficient-work', count: 50 } });
    expect(store.bestHeight()).toBe(49);
    store.close();
  });
});

describe('a store', () => {
  test('that is empty has no header, only its pin', () => {
    const { store } = openStore();
    expect(store.chain).toBe('regtest');
    expect(store.bestHeight()).toBe(-1);
    expect(store.tip()).toEqual({ height: 100, hash: PIN.hash });
    expect([store.headerAt(100), store.headersFrom(100, 5), store.headersFrom(99, 5)]).toEqual([undefined, [], []]);
    expect([store.heightOf(PIN.hash), store.heightOf('no hash'), store.has(PIN.hash)]).toEqual([100, undefined, true]);
    store.close();
  });

  test('takes the pinned block itself once', () => {
    const pinned = mineBlock('bb'.repeat(32), START, 1);
    const { store } = openStore({ ...PIN, hash: pinned.hash });
    expect(store.add(pinned.raw, NOW)).toEqual({ added: 1, known: 0 });
    expect(store.add(pinned.raw, NOW)).toEqual({ added: 0, known: 1 });
    expect([store.bestHeight(), store.headerAt(100)]).toEqual([100, pinned.raw.toString('hex')]);
    store.close();
  });

  test('shows what is committed to a reader beside it, and to whoever opens it again', () => {
    const { dir, store } = openStore();
    const reader = new StoredHeaders(dir);
    const blocks = mineBranch(PIN.hash, 5);
    const side = mineBranch(PIN.hash, 2, { tag: 1 });
    store.add(bytesOf([...blocks, ...side]), NOW);
    expect(reader.bestHeight()).toBe(105);
    expect(reader.headersFrom(101, 10)).toEqual(hexOf(blocks));
    expect(reader.heightOf(side[0]!.hash)).toBeUndefined();
    reader.close();
    store.close();
    const { store: again } = openStore(PIN, dir);
    expect(again.tip()).toEqual({ height: 105, hash: blocks[4]!.hash });
    expect(again.add(bytesOf([...blocks, ...side]), NOW)).toEqual({ added: 0, known: 7 });
    again.close();
  });

  test('that is killed has every batch that it took, each whole', async () => {
    const dir = directories.next();
    const child = spawn(process.execPath, [join(import.meta.dirname, 'add-endlessly.ts'), dir]);
    const ended = once(child, 'exit');
    let taken = 0;
    for await (const line of createInterface(child.stdout)) {
      taken = Number(line);
      if (taken >= 1600) child.kill('SIGKILL');
    }
    expect(await ended).toEqual([null, 'SIGKILL']);
    const { store } = openStore(PIN, dir);
    const { height } = store.tip();
    expect(height).toBeGreaterThanOrEqual(taken);
    expect(height % 50).toBe(0);
    const raw = Buffer.from(store.headersFrom(101, 100_000).join(''), 'hex');
    expect(new HeaderChain(PIN, parseHeaders(raw)).tip).toEqual(store.tip());
    store.close();
  });

  test('is of one pin', () => {
    const { dir, store } = openStore();
    store.close();
    const changed = expect.objectContaining({ code: 'pin-changed' });
    expect(() => openStore({ ...PIN, height: 101 }, dir)).toThrow(changed);
    expect(() => openStore({ ...PIN, floorBits: HARD_BITS }, dir)).toThrow(changed);
    expect(() => new HeaderStore(dir, 'test', PIN)).toThrow(changed);
    openStore(PIN, dir).store.close();
    const floorless = expect.objectContaining({ code: 'invalid-header' });
    expect(() => openStore({ ...PIN, floorBits: 0 })).toThrow(floorless);
  });
});

describe('is refused', () => {
  const [first, second] = mineBranch(PIN.hash, 2) as [Block, Block];
  const refusedAs = (reason: string, block: Block) => ({
    added: 0,
    known: 0,
    refused: { hash: block.hash, reason, count: 1 },
  });

  test('a header whose parent is not known; those beside it are taken', () => {
    const { store } = openStore();
    expect(store.add(second.raw, NOW)).toEqual(refusedAs('unlinked', second));
    const stray = mineBlock('cc'.repeat(32), START, 0);
    expect(store.add(bytesOf([stray, first, stray, second]), NOW)).toEqual({
      added: 2,
      known: 0,
      refused: { hash: stray.hash, reason: 'unlinked', count: 2 },
      tip: { height: 102, hash: second.hash },
    });
    store.close();
  });

  test('a header without the work that it claims, or with less than the floor', () => {
    const { store } = openStore({ ...PIN, floorBits: HARD_BITS });
    expect(store.add(first.raw, NOW)).toEqual(refusedAs('insufficient-work', first));
    const claims = Buffer.from(first.raw);
    claims.writeUInt32LE(0x03000001, 72);
    const none = Buffer.from(first.raw);
    none.writeUInt32LE(0, 72);
    expect(store.add(Buffer.concat([claims, none]), NOW).refused).toMatchObject({
      reason: 'insufficient-work',
      count: 2,
    });
    expect(store.tip().height).toBe(100);
    store.close();
  });

  test('on mainnet, whatever a laptop can make', () => {
    const { store } = openStore(PINS.main);
    const cheap = mineBlock(PINS.main!.hash, START, 0, HARD_BITS);
    expect(store.add(cheap.raw, NOW)).toEqual(refusedAs('insufficient-work', cheap));
    store.close();
  });

  test('a header more than two hours ahead of the clock, until it is not', () => {
    const { store } = openStore();
    const ahead = mineBlock(PIN.hash, START + 7201, 0);
    expect(store.add(ahead.raw, START * 1000)).toEqual(refusedAs('bad-time', ahead));
    expect(store.add(ahead.raw, (START + 1) * 1000).added).toBe(1);
    store.close();
  });

  test('a header that is not later than the median of the eleven before it', () => {
    const { store } = openStore();
    const trunk = mineBranch(PIN.hash, 11);
    const median = START + 5 * 600;
    // Ten blocks after a pin in the middle of a chain the eleven are not all known.
    const unjudged = mineBlock(trunk[9]!.hash, START, 1);
    store.add(bytesOf(trunk), NOW);
    const late = mineBlock(trunk[10]!.hash, median, 0);
    const inTime = mineBlock(trunk[10]!.hash, median + 1, 0);
    expect(store.add(late.raw, NOW)).toEqual(refusedAs('bad-time', late));
    expect(store.add(bytesOf([inTime, unjudged]), NOW).added).toBe(2);
    store.close();
  });

  test('at the start of a chain the median is of what there is', () => {
    const genesis = mineBlock('00'.repeat(32), START, 0);
    const { store } = openStore({ height: 0, hash: genesis.hash, floorBits: EASY_BITS });
    const early = mineBlock(genesis.hash, START, 0);
    expect(store.add(bytesOf([genesis, early]), NOW)).toMatchObject({ added: 1, refused: { reason: 'bad-time' } });
    store.close();
  });

  test('a part of a header', () => {
    const { store } = openStore();
    const malformed = expect.objectContaining({ code: 'headers-malformed' });
    expect(() => store.add(Buffer.concat([first.raw, Buffer.alloc(79)]), NOW)).toThrow(malformed);
    expect(store.bestHeight()).toBe(-1);
    store.close();
  });
});
