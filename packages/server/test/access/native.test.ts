import { readFileSync } from 'node:fs';
import { verifyEcdsa, verifyEd25519 } from '@tidemark/proof';
import secp256k1 from 'secp256k1';
import { describe, expect, it } from 'vitest';
import { publicVectors, suiteName } from '../../../proof/test/vectors.ts';
import { LogKey } from '../../src/keys.ts';
import { nativeVerifyEcdsa, nativeVerifyEd25519 } from '../../src/native.ts';

interface Vector {
  tcId: number;
  comment: string;
  msg: string;
  sig: string;
  result: 'valid' | 'invalid';
}

interface Wycheproof {
  numberOfTests: number;
  testGroups: { publicKey: { uncompressed?: string; pk?: string }; tests: Vector[] }[];
}

type Verify = (message: Uint8Array, signature: Uint8Array, key: Uint8Array) => boolean;

const ecdsa = publicVectors('wycheproof/ecdsa_secp256k1_sha256_bitcoin_test.json');
const ed25519 = publicVectors('wycheproof/ed25519_test.json');
const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));
const digest = async (message: Uint8Array) => new Uint8Array(await crypto.subtle.digest('SHA-256', message.slice()));

/** Ids of the vectors that come out otherwise, and how many there were. */
async function outcome(path: string, verify: Verify, prepare: (message: Uint8Array) => Promise<Uint8Array>) {
  const { testGroups, numberOfTests } = JSON.parse(readFileSync(path, 'utf8')) as Wycheproof;
  const wrong: string[] = [];
  let count = 0;
  for (const { publicKey, tests } of testGroups) {
    const { uncompressed, pk } = publicKey;
    const key = uncompressed === undefined ? hex(pk ?? '') : secp256k1.publicKeyConvert(hex(uncompressed), true);
    for (const { tcId, comment, msg, sig, result } of tests) {
      count++;
      const valid = verify(await prepare(hex(msg)), hex(sig), key);
      if (valid !== (result === 'valid')) wrong.push(`${tcId} ${comment}`);
    }
  }
  return { count, expected: numberOfTests, wrong };
}

describe.skipIf(ecdsa === undefined)(suiteName('Wycheproof ECDSA secp256k1, Bitcoin, native', ecdsa), () => {
  it('every vector has its outcome', async () => {
    const { count, expected, wrong } = await outcome(ecdsa!, nativeVerifyEcdsa, digest);
    expect({ count, wrong }).toEqual({ count: expected, wrong: [] });
  });
});

describe.skipIf(ed25519 === undefined)(suiteName('Wycheproof Ed25519, native', ed25519), () => {
  it('every vector has its outcome', async () => {
    const { count, expected, wrong } = await outcome(ed25519!, nativeVerifyEd25519, async (message) => message);
    expect({ count, wrong }).toEqual({ count: expected, wrong: [] });
  });
});

describe('nativeVerifyEcdsa', () => {
  const secret = new Uint8Array(32).fill(0x5a);
  const key = secp256k1.publicKeyCreate(secret, true);
  const hashed = new Uint8Array(32).fill(7);
  const { signature } = secp256k1.ecdsaSign(hashed, secret);
  const der = secp256k1.signatureExport(signature);

  it('takes what the portable verifier takes', () => {
    expect(nativeVerifyEcdsa(hashed, der, key)).toBe(true);
    expect(verifyEcdsa(hashed, der, key)).toBe(true);
  });

  it('is false, not an exception, for what is no key, digest or signature', () => {
    expect(nativeVerifyEcdsa(hashed.slice(1), der, key)).toBe(false);
    expect(nativeVerifyEcdsa(hashed, der, secp256k1.publicKeyConvert(key, false))).toBe(false);
    expect(nativeVerifyEcdsa(hashed, der, new Uint8Array(33))).toBe(false);
    expect(nativeVerifyEcdsa(hashed, new Uint8Array(0), key)).toBe(false);
    expect(nativeVerifyEcdsa(hashed, signature, key)).toBe(false);
  });

  it('a byte anywhere makes it another signature', () => {
    for (let at = 0; at < der.length; at++) {
      const other = Uint8Array.from(der, (byte, i) => (i === at ? byte ^ 1 : byte));
      expect(nativeVerifyEcdsa(hashed, other, key)).toBe(false);
    }
  });
});

describe('nativeVerifyEd25519', () => {
  const message = new Uint8Array([1, 2, 3]);
  const key = new LogKey(new Uint8Array(32).fill(9));

  it('takes what the portable verifier takes', () => {
    const signature = key.sign(message);
    expect(nativeVerifyEd25519(message, signature, key.publicKey)).toBe(true);
    expect(verifyEd25519(message, signature, key.publicKey)).toBe(true);
    expect(nativeVerifyEd25519(new Uint8Array(3), signature, key.publicKey)).toBe(false);
    expect(nativeVerifyEd25519(message, signature.subarray(1), key.publicKey)).toBe(false);
    expect(nativeVerifyEd25519(message, signature, key.publicKey.subarray(1))).toBe(false);
  });

  /**
   * With the neutral point as key and as R, and S = 0, the equation holds for every message: so whoever publishes such
   * a key could show anything as signed.
   */
  const neutral = `01${'00'.repeat(31)}`;
  it.each([
    ['the neutral point', neutral],
    ['its other sign', `01${'00'.repeat(30)}80`],
    ['its coordinate plus the field prime', `ee${'ff'.repeat(30)}7f`],
    ['order 2', `ec${'ff'.repeat(30)}7f`],
    ['order 4', '00'.repeat(32)],
    ['order 4, the other', `${'00'.repeat(31)}80`],
    ['order 8', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'],
    ['order 8, the other', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa'],
  ])('refuses a key of small order: %s', (_, small) => {
    const signature = hex(neutral + '00'.repeat(32));
    for (let i = 0; i < 16; i++) {
      const any = new Uint8Array([i]);
      expect(nativeVerifyEd25519(any, signature, hex(small))).toBe(false);
      expect(verifyEd25519(any, signature, hex(small))).toBe(false);
    }
  });
});
