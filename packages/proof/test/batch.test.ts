import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../src/bytes.ts';
import { KnownTree } from '../src/known-tree.ts';
import { inclusionProof, leafHash, nodeHash, rootOf, verifyInclusion } from '../src/merkle.ts';
import { sha256 } from '../src/sha256.ts';
import { verifyEcdsa, verifyEd25519 } from '../src/signature.ts';
import { ProofVerifier, verifyProof } from '../src/verify.ts';
import { buildProof, type Json, pins } from './fixture.ts';
import { mutations, places, replaceAt } from './mutations.ts';
import { packetProofs } from './packet.ts';

const proofs: Json[] = [
  ...[0, 1, 2, 3, 4].map((index) => buildProof({ index })),
  buildProof({ salted: true }),
  ...[1, 4].map((index) => buildProof({ rollup: true, index })),
  // The same packet, certified only: another anchor under the same versionId.
  { ...buildProof({ index: 2 }), anchor: null },
];
const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
const optionSets = [pins, { dev: true }, { ...pins, dev: false }, { ...pins, minConfs: 4 }];

describe('a ProofVerifier', () => {
  it('gives the report of verifyProof for whatever comes, in any order', () => {
    const whole = fc.constantFrom(...proofs);
    const changed = whole.chain((proof) =>
      fc
        .tuple(fc.constantFrom(...places(proof)), fc.constantFrom(...mutations), fc.nat(200))
        .map(([path, mutate, n]) => replaceAt(proof, path, (old) => mutate(old, n))),
    );
    const sequence = fc.array(fc.oneof(whole, changed), { minLength: 2, maxLength: 10 });
    fc.assert(
      fc.property(fc.constantFrom(...optionSets), sequence, (options, inputs) => {
        const verifier = new ProofVerifier(options);
        const known = new Map<Json, unknown>();
        for (const input of [...inputs, ...inputs]) {
          if (!known.has(input)) known.set(input, verifyProof(input, options));
          expect(verifier.verify(input)).toEqual(known.get(input));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('gives the same report for the text, in any order', () => {
    const texts = proofs.flatMap((proof) => [
      JSON.stringify(proof),
      `${JSON.stringify(proof)}\n`,
      JSON.stringify(proof, null, 1),
    ]);
    const changed = fc
      .tuple(fc.constantFrom(...texts), fc.nat(), fc.constantFrom('', '0', '"', ',', '}', '{', 'null', ' '), fc.nat(3))
      .map(([text, at, piece, removed]) => {
        const place = at % text.length;
        return text.slice(0, place) + piece + text.slice(place + removed);
      });
    const sequence = fc.array(fc.oneof(fc.constantFrom(...texts), changed), { minLength: 2, maxLength: 12 });
    fc.assert(
      fc.property(fc.constantFrom(...optionSets), sequence, (options, inputs) => {
        const verifier = new ProofVerifier(options);
        for (const text of [...inputs, ...inputs])
          expect(verifier.verifyText(text)).toEqual(verifyProof(parsed(text), options));
      }),
      { numRuns: 40 },
    );
  });

  const whole = JSON.stringify(buildProof({ index: 2 }));
  const ending = whole.slice(whole.indexOf(',"manifest"'));
  const own = whole.slice(0, -ending.length);
  it.each<[string, string]>([
    ['nothing before', `{${ending}`],
    ['a member twice', `{"index":0,${own.slice(1)}${ending}`],
    ['a member twice, the second wrong', `${own},"index":0${ending}`],
    ["a packet's member before", `{"anchor":null,${own.slice(1)}${ending}`],
    ['a rollup before', `{"rollup":{"junk":1},${own.slice(1)}${ending}`],
    ['a member too many', `${own},"more":1${ending}`],
    ['a prototype', `${own},"__proto__":{"index":0}${ending}`],
    ['the ending in a text', `${own},"more":"${ending}`],
    ['the ending in an object', `{"leaf":${own}${ending}}`],
    ['the ending in a list', `[${own}${ending}`],
    ['the ending twice', `${own}${ending.slice(0, -1)}${ending}`],
    ['space between', `${own} \n${ending}`],
    ['space around', ` ${own}${ending}`],
    ['two texts', `${own}${ending}${own}${ending}`],
    ['the ending alone', ending],
    ['nothing', ''],
  ])('of a known packet reads a text with %s as JSON has it', (_, text) => {
    const verifier = new ProofVerifier(pins);
    expect(verifier.verifyText(whole)).toMatchObject({ valid: true });
    expect(verifier.verifyText(text)).toEqual(verifyProof(parsed(text), pins));
    expect(verifier.verifyText(whole)).toMatchObject({ valid: true });
  });

  it('refuses each change of a proof whose packet it knows, for the reason that verifyProof gives', () => {
    const verifier = new ProofVerifier(pins);
    const proof = buildProof({ rollup: true });
    expect(verifier.verify(proof)).toMatchObject({ valid: true });
    for (const path of places(proof)) {
      const changed = replaceAt(proof, path, (old) => (typeof old === 'string' ? `${old}0` : null));
      // An own signature of the envelope's path is changed to null where it was null already: no change.
      if (JSON.stringify(changed) === JSON.stringify(proof)) continue;
      expect(verifier.verify(changed)).toEqual(verifyProof(changed, pins));
    }
  });

  it('goes by what it reads now, not by an object that it has seen', () => {
    const verifier = new ProofVerifier(pins);
    const proof = buildProof();
    expect(verifier.verify(proof)).toMatchObject({ valid: true });
    proof.manifest.policy.license = 'none';
    expect(verifier.verify(proof)).toMatchObject({ valid: false, reason: 'manifest-mismatch' });
    proof.manifest.policy.license = 'cc-by-4.0';
    proof.manifest.content.more = undefined;
    expect(verifier.verify(proof)).toEqual(verifyProof(proof, pins));
    expect(verifier.verify(proof)).toMatchObject({ valid: false, reason: 'malformed' });
    delete proof.manifest.content.more;
    expect(verifier.verify(proof)).toMatchObject({ valid: true });
  });

  it('verifies the signatures of a packet once, with the functions that it is given', () => {
    const calls = { sha256: 0, verifyEcdsa: 0, verifyEd25519: 0 };
    const counted =
      <A extends unknown[], R>(name: keyof typeof calls, call: (...args: A) => R) =>
      (...args: A): R => {
        calls[name]++;
        return call(...args);
      };
    const primitives = {
      sha256: counted('sha256', sha256),
      verifyEcdsa: counted('verifyEcdsa', verifyEcdsa),
      verifyEd25519: counted('verifyEd25519', verifyEd25519),
    };
    const verifier = new ProofVerifier({ ...pins, primitives });
    let count = 0;
    for (const text of packetProofs(1000)) {
      const report = verifier.verify(JSON.parse(text));
      expect(report).toMatchObject({ valid: true, index: count });
      count++;
    }
    // Producer and operator; log and witness. Of each leaf its own hash and its payload's, and half of the others' parent.
    expect(calls).toMatchObject({ verifyEcdsa: 2, verifyEd25519: 2 });
    expect(calls.sha256).toBeLessThan(count * 4.1);
  });

  it('refuses what a given function refuses', () => {
    const never = { ...pins, primitives: { verifyEcdsa: () => false } };
    expect(verifyProof(buildProof(), never)).toMatchObject({ valid: false, reason: 'signature-invalid' });
    const notLogs = { ...pins, primitives: { verifyEd25519: () => false } };
    expect(verifyProof(buildProof(), notLogs)).toMatchObject({ valid: false, reason: 'signature-invalid' });
  });

  it('says at once when options are of no use', () => {
    expect(() => new ProofVerifier({ minConfs: -1 })).toThrow(expect.objectContaining({ code: 'invalid-option' }));
  });
});

describe('a KnownTree', () => {
  const leaves = Array.from({ length: 70 }, (_, i) => leafHash(Uint8Array.of(i)));
  const node = (level: number, i: number): Uint8Array =>
    level === 0 ? leaves[i]! : nodeHash(node(level - 1, 2 * i), node(level - 1, 2 * i + 1));

  const tampering = fc.constantFrom<(path: string[], n: number) => string[]>(
    (path) => path,
    (path) => path,
    (path, n) => path.with(n % path.length, 'ab'.repeat(32)),
    (path) => path.slice(1),
    (path) => path.slice(0, -1),
    (path) => [...path, 'ab'.repeat(32)],
    (path, n) => [...path, path[n % path.length]!],
    (path) => [...path].reverse(),
  );

  it('agrees with verifyInclusion on every path, whatever it has seen', () => {
    const steps = fc.array(fc.tuple(fc.nat(80), fc.nat(80), fc.nat(10), tampering), { maxLength: 60 });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 70 }), steps, (size, sequence) => {
        const root = rootOf(size, node);
        const tree = new KnownTree(size, toHex(root), sha256);
        for (const [of, at, n, tamper] of sequence) {
          const path = tamper(inclusionProof(of % size, size, node).map(toHex), n);
          // Mostly the leaf's own place, at times another.
          const index = n > 7 ? at : of % size;
          const leaf = n === 7 ? leaves[at % 70]! : leaves[of % size]!;
          expect(tree.leads(index, leaf, path)).toBe(verifyInclusion(index, size, leaf, path.map(fromHex), root));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('remembers no more than the tree has above its leaves, and can forget', () => {
    const tree = new KnownTree(64, toHex(rootOf(64, node)), sha256);
    const all = () =>
      Array.from({ length: 64 }, (_, i) => tree.leads(i, leaves[i]!, inclusionProof(i, 64, node).map(toHex)));
    expect(all()).toEqual(Array(64).fill(true));
    // All but the root, which is known from the start.
    expect(tree.count).toBe(62);
    tree.forget();
    expect(tree.count).toBe(0);
    expect(all()).toEqual(Array(64).fill(true));
    expect(tree.count).toBe(62);
  });

  it('of one leaf', () => {
    const tree = new KnownTree(1, toHex(leaves[0]!), sha256);
    expect([tree.leads(0, leaves[0]!, []), tree.leads(0, leaves[1]!, []), tree.leads(1, leaves[0]!, [])]).toEqual([
      true,
      false,
      false,
    ]);
  });
});
