import { HeaderChain, parseHeader } from '@tidemark/proof';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { HeaderStore } from '../../src/headers/header-store.ts';
import { MAX_REORGANIZATION, MAX_SIDE_BLOCKS } from '../../src/headers/placing.ts';
import { Directories } from '../support/directories.ts';
import {
  type Block,
  bytesOf,
  EASY_BITS,
  HARD_BITS,
  hashesOf,
  hexOf,
  mineBlock,
  mineBranch,
  NOW,
  PIN,
  START,
} from './chain.ts';

const directories = new Directories();
afterAll(() => directories.remove());
const openStore = () => new HeaderStore(directories.next(), 'regtest', PIN);

describe('reorganizations', () => {
  test.each([1, 2, 3, 4, 5, 6])('of %i blocks are followed and reported', (depth) => {
    const store = openStore();
    const trunk = mineBranch(PIN.hash, 8);
    store.add(bytesOf(trunk), NOW);
    const base = trunk[7 - depth]!;
    const rival = mineBranch(base.hash, depth + 1, { tag: 1, time: START + 9000 });
    expect(store.add(bytesOf(rival.slice(0, depth)), NOW)).toEqual({ added: depth, known: 0 });
    expect(store.add(rival[depth]!.raw, NOW)).toEqual({
      added: 1,
      known: 0,
      tip: { height: 109, hash: rival[depth]!.hash },
      reorganized: { from: 109 - depth, left: hashesOf(trunk.slice(8 - depth)) },
    });
    expect(store.headersFrom(101, 100)).toEqual(hexOf([...trunk.slice(0, 8 - depth), ...rival]));
    expect(trunk.map(({ hash }) => store.heightOf(hash) !== undefined)).toEqual(trunk.map((_, i) => i < 8 - depth));
    store.close();
  });

  test('there and back in one batch are none', () => {
    const store = openStore();
    const trunk = mineBranch(PIN.hash, 4);
    const rival = mineBranch(PIN.hash, 3, { tag: 1 });
    store.add(bytesOf(trunk.slice(0, 2)), NOW);
    const added = store.add(bytesOf([...rival, ...trunk.slice(2)]), NOW);
    expect(added).toEqual({ added: 5, known: 0, tip: { height: 104, hash: trunk[3]!.hash } });
    expect(store.headersFrom(101, 100)).toEqual(hexOf(trunk));
    store.close();
  });

  test('twice in one batch, ever deeper, report the blocks of the start', () => {
    const store = openStore();
    const trunk = mineBranch(PIN.hash, 3);
    const shallow = mineBranch(trunk[1]!.hash, 2, { tag: 1, time: START + 9000 });
    const deep = mineBranch(PIN.hash, 5, { tag: 2 });
    store.add(bytesOf(trunk), NOW);
    expect(store.add(bytesOf([...shallow, ...deep]), NOW)).toEqual({
      added: 7,
      known: 0,
      tip: { height: 105, hash: deep[4]!.hash },
      reorganized: { from: 101, left: hashesOf(trunk) },
    });
    store.close();
  });

  test('to branches of branches, that have left or joined in between', () => {
    const store = openStore();
    const a = mineBranch(PIN.hash, 3);
    const b = mineBranch(PIN.hash, 4, { tag: 1 });
    const ofA = mineBranch(a[1]!.hash, 3, { tag: 2, time: START + 9000 });
    const ofB = mineBranch(b[1]!.hash, 4, { tag: 3, time: START + 9000 });
    store.add(bytesOf([...a, ofA[0]!, b[0]!, b[1]!, ofB[0]!]), NOW);
    expect(store.add(bytesOf(b), NOW).reorganized).toEqual({ from: 101, left: hashesOf(a) });
    expect(store.add(bytesOf(ofA), NOW).reorganized).toEqual({ from: 101, left: hashesOf(b) });
    expect(store.headersFrom(101, 100)).toEqual(hexOf([a[0]!, a[1]!, ...ofA]));
    const left = [a[0]!, a[1]!, ...ofA];
    expect(store.add(bytesOf(ofB), NOW).reorganized).toEqual({ from: 101, left: hashesOf(left) });
    expect(store.headersFrom(101, 100)).toEqual(hexOf([b[0]!, b[1]!, ...ofB]));
    store.close();
  });

  test('go by work and not by length; of equal work the first stays', () => {
    const store = openStore();
    const trunk = mineBranch(PIN.hash, 3);
    store.add(bytesOf(trunk), NOW);
    const equal = mineBranch(PIN.hash, 3, { tag: 1 });
    expect(store.add(bytesOf(equal), NOW)).toEqual({ added: 3, known: 0 });
    const hard = mineBlock(PIN.hash, START, 2, HARD_BITS);
    expect(store.add(hard.raw, NOW)).toMatchObject({ tip: { height: 101, hash: hard.hash } });
    expect(store.headersFrom(101, 10)).toEqual([hard.raw.toString('hex')]);
    store.close();
  });

  test('below the deepest that is followed are refused, and branches from there forgotten', () => {
    const store = openStore();
    const trunk = mineBranch(PIN.hash, MAX_REORGANIZATION + 1);
    const side = mineBranch(PIN.hash, 1, { tag: 1 });
    store.add(bytesOf([...trunk.slice(0, MAX_REORGANIZATION), ...side]), NOW);
    expect(store.has(side[0]!.hash)).toBe(true);
    store.add(trunk[MAX_REORGANIZATION]!.raw, NOW);
    expect(store.has(side[0]!.hash)).toBe(false);
    expect(store.add(side[0]!.raw, NOW).refused).toEqual({ hash: side[0]!.hash, reason: 'too-deep', count: 1 });
    const deepest = mineBlock(trunk[0]!.hash, START + 9000, 1);
    expect(store.add(deepest.raw, NOW).added).toBe(1);
    store.close();
  });
});

test('blocks beside the best chain are bounded, and those with the most work stay', () => {
  const store = openStore();
  const base = mineBranch(PIN.hash, 3);
  store.add(bytesOf(base), NOW);
  const promising = mineBranch(PIN.hash, 2, { tag: 1 });
  const flood = Array.from({ length: MAX_SIDE_BLOCKS + 5 }, (_, tag) => mineBlock(PIN.hash, START, tag + 2));
  expect(store.add(bytesOf([...promising, ...flood]), NOW).added).toBe(MAX_SIDE_BLOCKS + 7);
  expect(promising.map(({ hash }) => store.has(hash))).toEqual([true, true]);
  expect(flood.filter(({ hash }) => store.has(hash)).length).toBe(MAX_SIDE_BLOCKS - 2);
  store.close();
});

test('property: over any tree of headers, in any order, the best chain is that of the verifier', () => {
  const tree = fc.array(fc.record({ parent: fc.nat(), hard: fc.boolean() }), { minLength: 1, maxLength: 24 });
  const order = fc.array(fc.nat(), { minLength: 48, maxLength: 48 });
  fc.assert(
    fc.property(tree, order, fc.integer({ min: 1, max: 5 }), (shape, picks, size) => {
      const blocks: Block[] = [];
      const heights: number[] = [];
      for (const [tag, { parent, hard }] of shape.entries()) {
        const below = parent % (blocks.length + 1);
        const height = (heights[below - 1] ?? 0) + 1;
        heights.push(height);
        const prevHash = blocks[below - 1]?.hash ?? PIN.hash;
        blocks.push(mineBlock(prevHash, START + height * 600, tag, hard ? 0x203fffff : EASY_BITS));
      }
      const given = picks.map((pick) => blocks[pick % blocks.length]!);
      const store = openStore();
      const model = new HeaderChain(PIN);
      for (let at = 0; at < given.length; at += size) {
        const batch = given.slice(at, at + size);
        const before = bestOf(model);
        const expected = { added: 0, known: 0, refused: 0 };
        for (const { raw } of batch) {
          const result = model.add(parseHeader(raw));
          expected[result === 'added' || result === 'known' ? result : 'refused']++;
        }
        const { added, known, refused, reorganized } = store.add(bytesOf(batch), NOW);
        expect({ added, known, refused: refused?.count ?? 0 }).toEqual(expected);
        const after = new Set(bestOf(model));
        const left = before.filter((hash) => !after.has(hash));
        expect(reorganized?.left ?? []).toEqual(left);
        if (left[0] !== undefined) expect(reorganized?.from).toBe(101 + before.indexOf(left[0]));
        expect(store.tip()).toEqual(model.tip);
        expect(store.headersFrom(101, 100).map((hex) => parseHeader(Buffer.from(hex, 'hex')).hash)).toEqual([...after]);
      }
      store.close();
    }),
    { numRuns: 60 },
  );
});

function bestOf(chain: HeaderChain): string[] {
  const length = chain.tip.height - PIN.height;
  return Array.from({ length }, (_, index) => chain.at(101 + index)?.header.hash ?? '');
}
