import { ed25519 } from '@noble/curves/ed25519.js';
import { describe, expect, it } from 'vitest';
import { toBase64, utf8 } from '../src/bytes.ts';
import { formatVerifierKey, verifierKey } from '../src/checkpoint.ts';
import { controlText, verifyControl } from '../src/control.ts';
import { type ControlLeaf, parseLeaf } from '../src/leaf.ts';
import { verifyProof } from '../src/verify.ts';
import { buildControl, buildProof, pins } from './fixture.ts';

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

describe('in a proof', () => {
  const other = new Uint8Array(32).fill(6);
  const { logKey: _, ...unpinned } = pins;
  const proofOf = (control: ControlLeaf) => buildProof({ index: 3, leaf: control });
  const trusted = "the control leaf's own signature, not verified";

  it('is held against the pinned log key', () => {
    const report = verifyProof(proofOf(buildControl('erased', { seq: 2 })), pins);
    expect(report).toMatchObject({ valid: true, level: 'anchored', index: 3 });
    expect(report.valid && report.trusted.includes(trusted)).toBe(false);
    for (const signature of ['none', 'AA==', buildControl('erased', { seq: 3 }).signature]) {
      const proof = proofOf({ ...buildControl('erased', { seq: 2 }), signature });
      expect(verifyProof(proof, pins)).toMatchObject({ valid: false, reason: 'signature-invalid' });
    }
    const stranger = proofOf(buildControl('erased', { seq: 2 }, other));
    expect(verifyProof(stranger, pins)).toMatchObject({ valid: false, reason: 'signature-invalid' });
  });

  it('is taken on trust, and the report says so, without a pin; and of a rotation, which the key before signs', () => {
    const unverified = [
      verifyProof(proofOf(buildControl('erased', { seq: 2 }, other)), unpinned),
      verifyProof(proofOf(buildControl('key-rotated', {}, other)), pins),
    ];
    for (const report of unverified)
      expect(report).toMatchObject({ valid: true, trusted: expect.arrayContaining([trusted]) });
  });

  it('is looked at after what comes before it, and before the checkpoint and the anchor', () => {
    const proof = { ...proofOf(buildControl('erased', {}, other)), anchor: null };
    expect(verifyProof(proof, pins)).toMatchObject({ reason: 'signature-invalid' });
    proof.versionId = '00'.repeat(32);
    expect(verifyProof(proof, pins)).toMatchObject({ reason: 'manifest-mismatch' });
  });
});
