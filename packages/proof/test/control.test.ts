import { ed25519 } from '@noble/curves/ed25519.js';
import { describe, expect, it } from 'vitest';
import { toBase64, utf8 } from '../src/bytes.ts';
import { formatVerifierKey, verifierKey } from '../src/checkpoint.ts';
import { controlText, verifyControl } from '../src/control.ts';
import { type ControlLeaf, parseLeaf } from '../src/leaf.ts';

const seed = new Uint8Array(32).fill(5);
const keyOf = (secret: Uint8Array) =>
  formatVerifierKey(verifierKey('node.example/alpha', ed25519.getPublicKey(secret)));
const logKey = keyOf(seed);
const unsigned = {
  ...({ v: 1, kind: 'control', stream: 'alpha', action: 'quarantine-discarded' } as const),
  data: { source: 'one', seq: 3, reason: 'é' },
};
const leaf: ControlLeaf = { ...unsigned, signature: toBase64(ed25519.sign(utf8(controlText(unsigned)), seed)) };

describe('the signature of a control leaf', () => {
  it('covers the RFC 8785 text of the other members', () => {
    expect(controlText(leaf)).toBe(
      '{"action":"quarantine-discarded","data":{"reason":"é","seq":3,"source":"one"},"kind":"control","stream":"alpha","v":1}',
    );
    expect(verifyControl(parseLeaf({ ...leaf }) as ControlLeaf, logKey)).toBe(true);
  });

  it.each<[string, Partial<ControlLeaf>]>([
    ['the action', { action: 'erased' }],
    ['the data', { data: { ...unsigned.data, seq: 4 } }],
    ['the stream', { stream: 'beta' }],
    ['a bit of itself', { signature: `${leaf.signature[0] === 'A' ? 'B' : 'A'}${leaf.signature.slice(1)}` }],
    ['its length', { signature: '' }],
    ['its encoding', { signature: '!'.repeat(88) }],
  ])('does not survive a change of %s', (_what, change) => {
    expect(verifyControl({ ...leaf, ...change }, logKey)).toBe(false);
  });

  it('is that of one key, and no other; what is no key is an error', () => {
    expect(verifyControl(leaf, keyOf(new Uint8Array(32).fill(6)))).toBe(false);
    expect(() => verifyControl(leaf, 'nonsense')).toThrow(expect.objectContaining({ code: 'invalid-key' }));
  });
});
