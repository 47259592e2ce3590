import { readFileSync } from 'node:fs';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { describe, expect, it } from 'vitest';
import { fromHex } from '../src/bytes.ts';
import type { Primitives } from '../src/primitives.ts';
import { sha256 } from '../src/sha256.ts';
import { publicVectors, suiteName } from './vectors.ts';

interface Wycheproof {
  numberOfTests: number;
  testGroups: {
    publicKey: { uncompressed?: string; pk?: string };
    tests: { tcId: number; comment: string; msg: string; sig: string; result: 'valid' | 'invalid' }[];
  }[];
}

const ecdsa = publicVectors('wycheproof/ecdsa_secp256k1_sha256_bitcoin_test.json');
const ed25519 = publicVectors('wycheproof/ed25519_test.json');

function load(path: string | undefined): Wycheproof {
  return path === undefined ? { numberOfTests: 0, testGroups: [] } : JSON.parse(readFileSync(path, 'utf8'));
}

/** The ids of the vectors whose outcome is not the one wanted, and how many there were. */
function disagreements(
  file: Wycheproof,
  verify: (group: Wycheproof['testGroups'][0], msg: Uint8Array, sig: Uint8Array) => boolean,
) {
  const tests = file.testGroups.flatMap((group) => group.tests.map((test) => ({ group, ...test })));
  const wrong = tests.filter((t) => verify(t.group, fromHex(t.msg), fromHex(t.sig)) !== (t.result === 'valid'));
  return { count: tests.length, wrong: wrong.map((t) => `${t.tcId} ${t.comment}`) };
}

/** Every Wycheproof vector against signature checks that are to be handed in as a verifier's primitives. */
export function describeWycheproof(
  whose: string,
  { verifyEcdsa, verifyEd25519 }: Pick<Primitives, 'verifyEcdsa' | 'verifyEd25519'>,
): void {
  describe.skipIf(ecdsa === undefined)(suiteName(`Wycheproof ECDSA secp256k1, Bitcoin: ${whose}`, ecdsa), () => {
    it('every vector has its outcome', () => {
      const file = load(ecdsa);
      const outcome = disagreements(file, (group, msg, sig) => {
        const key = secp256k1.Point.fromHex(group.publicKey.uncompressed ?? '').toBytes(true);
        return verifyEcdsa(sha256(msg), sig, key);
      });
      expect(outcome).toEqual({ count: file.numberOfTests, wrong: [] });
    });
  });

  describe.skipIf(ed25519 === undefined)(suiteName(`Wycheproof Ed25519: ${whose}`, ed25519), () => {
    it('every vector has its outcome', () => {
      const file = load(ed25519);
      const outcome = disagreements(file, (group, msg, sig) =>
        verifyEd25519(msg, sig, fromHex(group.publicKey.pk ?? '')),
      );
      expect(outcome).toEqual({ count: file.numberOfTests, wrong: [] });
    });
  });
}
