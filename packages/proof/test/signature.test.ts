import { secp256k1 } from '@noble/curves/secp256k1.js';
import { describe, expect, it } from 'vitest';
import { PRIMITIVES } from '../src/primitives.ts';
import { sha256 } from '../src/sha256.ts';
import { verifyEcdsa, verifyEd25519 } from '../src/signature.ts';
import { describeWycheproof } from './wycheproof.ts';

describeWycheproof('the functions that ship', PRIMITIVES);

describe('verifyEcdsa', () => {
  const secret = new Uint8Array(32).fill(0x5a);
  const publicKey = secp256k1.getPublicKey(secret);
  const digest = sha256(new Uint8Array(0));
  const sign = (lowS: boolean) => secp256k1.sign(digest, secret, { prehash: false, lowS, format: 'der' });

  it('takes low S alone', () => {
    const low = sign(true);
    const { r, s } = secp256k1.Signature.fromBytes(low, 'der');
    const high = new secp256k1.Signature(r, secp256k1.Point.Fn.ORDER - s).toBytes('der');
    expect(verifyEcdsa(digest, low, publicKey)).toBe(true);
    expect(verifyEcdsa(digest, high, publicKey)).toBe(false);
  });

  it('is false, not an exception, for what is no key or signature', () => {
    expect(verifyEcdsa(digest, sign(true), new Uint8Array(33))).toBe(false);
    expect(verifyEcdsa(digest, new Uint8Array(0), publicKey)).toBe(false);
    expect(verifyEcdsa(digest.slice(1), sign(true), publicKey)).toBe(false);
    expect(verifyEd25519(digest, new Uint8Array(64).fill(0xff), new Uint8Array(32).fill(0xff))).toBe(false);
  });
});
