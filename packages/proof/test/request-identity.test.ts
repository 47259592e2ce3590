import { createHash } from 'node:crypto';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { describe, expect, it, test } from 'vitest';
import { fromHex, toHex, utf8 } from '../src/bytes.ts';
import { ProofError } from '../src/errors.ts';
import {
  type IdentityHeaders,
  parseIdentityHeaders,
  type RequestToSign,
  requestDigest,
} from '../src/request-identity.ts';
import { verifyEcdsa } from '../src/signature.ts';
import { golden } from './vectors.ts';

const { identity } = golden<{ identity: { publicKey: string; digestA: string; digestB: string } }>('dlm1.json');

const secret = new Uint8Array(32).fill(0x5a);
const body = '{"hello":"world","n":1}';
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const formTwo: RequestToSign & { form: '2' } = {
  form: '2',
  method: 'POST',
  host: 'node.example:8443',
  target: '/submit?b=2&a=1',
  timestamp: 1_767_225_600,
  nonce: 'AAAAAAAAAAAAAAAAAAAAAA',
  bodyHash: sha256(body),
};

describe('what is signed', () => {
  test('forms A and B, on the golden vectors', () => {
    const nonce = 'abc123';
    expect(toHex(requestDigest({ form: 'A', nonce, bodyHash: sha256(body) }))).toBe(identity.digestA);
    expect(toHex(requestDigest({ form: 'B', nonce, body: utf8(body) }))).toBe(identity.digestB);
    expect(toHex(secp256k1.getPublicKey(secret))).toBe(identity.publicKey);
  });

  test('form 2', () => {
    const text = `tidemark-req|v2|POST|node.example:8443|/submit?b=2&a=1|1767225600|AAAAAAAAAAAAAAAAAAAAAA|${sha256(body)}`;
    expect(toHex(requestDigest(formTwo))).toBe(sha256(text));
  });

  test.each<[string, Partial<RequestToSign & { form: '2' }>]>([
    ['a method in lower case', { method: 'post' }],
    ['a method with a bar', { method: 'POST|X' }],
    ['no host', { host: '' }],
    ['a host with a bar', { host: 'a|b' }],
    ['a target with a blank', { target: '/a b' }],
    ['a target that is no ASCII', { target: '/é' }],
    ['no target', { target: '' }],
    ['a fraction of a second', { timestamp: 1.5 }],
    ['a time before 1970', { timestamp: -1 }],
    ['a hash in upper case', { bodyHash: sha256(body).toUpperCase() }],
    ['a hash that is too short', { bodyHash: 'ab' }],
  ])('refuses %s', (_, change) => {
    expect(() => requestDigest({ ...formTwo, ...change })).toThrow(ProofError);
  });

  test('each part counts', () => {
    const changes: Partial<RequestToSign & { form: '2' }>[] = [
      { method: 'PUT' },
      { host: 'node.example' },
      { target: '/submit?a=1&b=2' },
      { timestamp: formTwo.timestamp + 1 },
      { nonce: 'BAAAAAAAAAAAAAAAAAAAAA' },
      { bodyHash: sha256('') },
    ];
    const digests = [{}, ...changes].map((change) => toHex(requestDigest({ ...formTwo, ...change })));
    expect(new Set(digests).size).toBe(changes.length + 1);
  });
});

describe('headers', () => {
  const digest = requestDigest(formTwo);
  const sign = (format: 'der' | 'compact', lowS = true) =>
    toHex(secp256k1.sign(digest, secret, { prehash: false, lowS, format }));
  const key = identity.publicKey;
  const good: IdentityHeaders = {
    identityKey: [key],
    nonce: [formTwo.nonce],
    timestamp: ['1767225600'],
    signature: [sign('der')],
  };

  function highS(format: 'der' | 'compact'): string {
    const { r, s } = secp256k1.Signature.fromBytes(fromHex(sign('der')), 'der');
    return toHex(new secp256k1.Signature(r, secp256k1.Point.Fn.ORDER - s).toBytes(format));
  }

  /** x = 5 is on no point of the curve. */
  const offCurve = `02${'0'.repeat(63)}5`;

  it('reads a DER signature', () => {
    expect(parseIdentityHeaders(good)).toEqual({
      identityKey: key,
      nonce: formTwo.nonce,
      timestamp: 1_767_225_600,
      signature: fromHex(sign('der')),
    });
  });

  it('turns r and s into DER', () => {
    const claim = parseIdentityHeaders({ ...good, signature: [sign('compact')] });
    if ('refused' in claim) throw new TypeError(claim.detail);
    expect(toHex(claim.signature)).toBe(sign('der'));
    expect(verifyEcdsa(digest, claim.signature, fromHex(key))).toBe(true);
  });

  it('takes no timestamp for form A', () => {
    expect(parseIdentityHeaders({ ...good, timestamp: undefined })).toMatchObject({ timestamp: undefined });
  });

  it.each<[string, Partial<IdentityHeaders>, string]>([
    ['no key', { identityKey: undefined }, 'identity-required'],
    ['no nonce', { nonce: undefined }, 'identity-required'],
    ['no signature', { signature: undefined }, 'identity-required'],
    ['a key in upper case', { identityKey: [key.toUpperCase()] }, 'signature-invalid'],
    ['an uncompressed key', { identityKey: [toHex(secp256k1.getPublicKey(secret, false))] }, 'signature-invalid'],
    ['a key with another prefix', { identityKey: [`05${key.slice(2)}`] }, 'signature-invalid'],
    ['a key that is off the curve', { identityKey: [offCurve] }, 'signature-invalid'],
    ['a key beyond the field', { identityKey: [`02${'f'.repeat(64)}`] }, 'signature-invalid'],
    ['a short key', { identityKey: [key.slice(2)] }, 'signature-invalid'],
    ['two keys', { identityKey: [key, key] }, 'signature-invalid'],
    ['two nonces', { nonce: [formTwo.nonce, formTwo.nonce] }, 'signature-invalid'],
    ['two signatures', { signature: [sign('der'), sign('der')] }, 'signature-invalid'],
    ['two timestamps', { timestamp: ['1767225600', '1767225600'] }, 'signature-invalid'],
    ['a nonce of 21 characters', { nonce: ['a'.repeat(21)] }, 'signature-invalid'],
    ['a nonce of 129 characters', { nonce: ['a'.repeat(129)] }, 'signature-invalid'],
    ['a nonce with a bar', { nonce: [`${'a'.repeat(22)}|`] }, 'signature-invalid'],
    ['a nonce with a line end', { nonce: [`${'a'.repeat(22)}\n`] }, 'signature-invalid'],
    ['a signature in upper case', { signature: [sign('der').toUpperCase()] }, 'signature-invalid'],
    ['a high S in DER', { signature: [highS('der')] }, 'signature-invalid'],
    ['a high S in r and s', { signature: [highS('compact')] }, 'signature-invalid'],
    ['r and s of zero', { signature: ['00'.repeat(64)] }, 'signature-invalid'],
    ['r and s beyond the order', { signature: ['ff'.repeat(64)] }, 'signature-invalid'],
    ['DER with a byte behind', { signature: [`${sign('der')}00`] }, 'signature-invalid'],
    ['DER that ends early', { signature: [sign('der').slice(0, -2)] }, 'signature-invalid'],
    ['half a byte', { signature: [sign('der').slice(0, -1)] }, 'signature-invalid'],
    ['an empty signature', { signature: [''] }, 'signature-invalid'],
    ['a very long signature', { signature: ['30'.repeat(10_000)] }, 'signature-invalid'],
    ['a fraction of a second', { timestamp: ['1767225600.5'] }, 'signature-invalid'],
    ['a date', { timestamp: ['2026-01-01T00:00:00Z'] }, 'signature-invalid'],
    ['a leading zero', { timestamp: ['01767225600'] }, 'signature-invalid'],
    ['a sign', { timestamp: ['+1767225600'] }, 'signature-invalid'],
    ['an exponent', { timestamp: ['1e9'] }, 'signature-invalid'],
    ['an empty timestamp', { timestamp: [''] }, 'signature-invalid'],
  ])('refuses %s', (_, change, refused) => {
    expect(parseIdentityHeaders({ ...good, ...change })).toEqual({ refused, detail: expect.any(String) });
  });

  it('takes the longest and the shortest nonce', () => {
    for (const nonce of ['-_'.repeat(64), 'Az09-_'.repeat(4).slice(0, 22)]) {
      expect(parseIdentityHeaders({ ...good, nonce: [nonce] })).toMatchObject({ nonce });
    }
  });
});
