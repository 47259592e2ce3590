import { ed25519 } from '@noble/curves/ed25519.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { describe, expect, it } from 'vitest';
import { formatVerifierKey, signCheckpoint, verifierKey } from '../src/checkpoint.ts';
import type { VerifyOptions } from '../src/options.ts';
import type { Reason } from '../src/verdict.ts';
import { verifyProof } from '../src/verify.ts';
import {
  buildCheckpoint,
  buildEnvelope,
  buildProof,
  type Json,
  ORIGIN,
  operator,
  pins,
  publisher,
  sign,
} from './fixture.ts';

const plain = buildProof();
const salted = buildProof({ salted: true });
const rolledUp = buildProof({ rollup: true });
const change = (proof: Json, edit: (copy: Json) => void): Json => {
  const copy = structuredClone(proof);
  edit(copy);
  return copy;
};

describe('verifyProof: valid', () => {
  it('reports what is proven and what is left to trust', () => {
    expect(verifyProof(plain, pins)).toEqual({
      valid: true,
      level: 'anchored',
      chain: 'tidemark-dev',
      txid: plain.anchor.envelope.txid,
      vout: 1,
      blockHash: expect.stringMatching(/^000/),
      blockTime: 1_772_366_400,
      confirmations: 3,
      versionId: plain.versionId,
      origin: ORIGIN,
      index: 1,
      leafHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      proven: [
        `leaf 1 is in the log ${ORIGIN} of 5 leaves, unchanged`,
        'the payload is the one in the leaf',
        `the manifest ${plain.versionId} is signed by ${publisher}`,
        'the checkpoint is signed by the pinned log key',
        'the checkpoint is cosigned by witness.example/w1',
        expect.stringMatching(/^it existed before block 000.* of tidemark-dev, 3 confirmations deep$/),
      ],
      trusted: ['everything about time: the development chain proves mechanics only'],
    });
  });

  it('names everything that was not pinned', () => {
    const unanchored = change(plain, (p) => {
      p.anchor = null;
      delete p.payload;
    });
    const report = verifyProof(unanchored);
    expect(report).toMatchObject({ valid: true, level: 'certified' });
    expect(report).not.toHaveProperty('chain');
    expect(report.valid && report.proven).toHaveLength(2);
    expect(report.valid && report.trusted).toEqual([
      "that the signing key is the publisher's: no publisher is pinned",
      "the checkpoint's signature, not verified: no log key is pinned",
      'what the event said: its payload is absent, as after erasure',
      'that the operator shows everybody the same log: no witness is pinned',
      "the time 2026-03-01T12:00:03.000Z, the operator's word: not anchored",
    ]);
  });

  it('takes a salted payload, and an anchored rollup', () => {
    expect(verifyProof(salted, pins)).toMatchObject({ valid: true, level: 'anchored' });
    expect(verifyProof(rolledUp, pins)).toMatchObject({ valid: true, versionId: rolledUp.versionId });
  });

  it.each([0, 2, 3, 4])('takes leaf %d of the log', (index) => {
    expect(verifyProof(buildProof({ index }), pins)).toMatchObject({ valid: true, index });
  });

  it('takes a manifest that the operator alone has signed, unless a publisher is pinned', () => {
    const proof = change(plain, (p) => delete p.manifest.signatures.producer);
    const { publisher: _, ...others } = pins;
    const report = verifyProof(proof, others);
    expect(report.valid && report.proven[2]).toBe(`the manifest ${proof.versionId} is signed by ${operator}`);
    expect(report.valid && report.trusted).toContain(`the operator alone: ${publisher} has not signed`);
    expect(verifyProof(proof, pins)).toMatchObject({ valid: false, reason: 'signature-invalid' });
  });
});

describe('verifyProof: tampered', () => {
  const other = 'ee'.repeat(32);
  const resigned = (p: Json, edit: (manifest: Json) => void) => {
    edit(p.manifest);
    delete p.manifest.signatures;
    p.manifest = sign(p.manifest);
  };
  const edits: [string, Reason, (proof: Json) => void, VerifyOptions?][] = [
    ['another format', 'malformed', (p) => (p.format = 'tidemark-proof/2')],
    ['an unknown member', 'malformed', (p) => (p.note = 1)],
    ['no leaf', 'malformed', (p) => delete p.leaf],
    ['an unknown member of the leaf', 'malformed', (p) => (p.leaf.x = 1)],
    ['a salt without payload', 'malformed', (p) => Object.assign(p, { salt: other }) && delete p.payload],
    ['the payload', 'payload-mismatch', (p) => (p.payload.t = 21.6)],
    ['a salt where there is none', 'payload-mismatch', (p) => (p.salt = other)],
    ['the payloadHash', 'payload-mismatch', (p) => (p.leaf.payloadHash = other)],
    ['the stream', 'inclusion-mismatch', (p) => (p.leaf.stream = 'house')],
    ['the seq', 'inclusion-mismatch', (p) => (p.leaf.seq = 9)],
    ['the index', 'inclusion-mismatch', (p) => (p.index = 2)],
    ['an index past the end', 'inclusion-mismatch', (p) => (p.index = 5)],
    ['the path', 'inclusion-mismatch', (p) => (p.inclusion[1] = other)],
    ['a longer path', 'inclusion-mismatch', (p) => p.inclusion.push(other)],
    ['the root', 'inclusion-mismatch', (p) => (p.manifest.content.log.root = other)],
    ['no log in the manifest', 'malformed', (p) => delete p.manifest.content.log],
    ['the manifest', 'manifest-mismatch', (p) => (p.manifest.description = 'x')],
    ['the versionId', 'manifest-mismatch', (p) => (p.versionId = other)],
    ["the manifest's own versionId", 'manifest-mismatch', (p) => (p.manifest.versionId = other)],
    [
      "the producer's signature",
      'signature-invalid',
      (p) => (p.manifest.signatures.producer.signature = '3006020101020101'),
    ],
    ["the producer's key", 'signature-invalid', (p) => (p.manifest.signatures.producer.publicKey = operator)],
    ["the operator's key", 'signature-invalid', (p) => (p.manifest.signatures.endorsements[0].publicKey = publisher)],
    ["the operator's role", 'malformed', (p) => (p.manifest.signatures.endorsements[0].role = 'auditor')],
    ['no signatures', 'signature-invalid', (p) => delete p.manifest.signatures, { dev: true }],
    ['another publisher than pinned', 'signature-invalid', () => {}, { ...pins, publisher: operator }],
    [
      'a checkpoint signed by another key',
      'signature-invalid',
      (p) => (p.checkpoint = p.checkpoint.replace(/— tide.*\n/, '')),
    ],
    [
      'a checkpoint of another size, signed',
      'checkpoint-mismatch',
      (p) => (p.checkpoint = buildCheckpoint({ origin: ORIGIN, size: 6, root: p.manifest.content.log.root })),
    ],
    [
      'a checkpoint of another root, signed',
      'checkpoint-mismatch',
      (p) => (p.checkpoint = buildCheckpoint({ origin: ORIGIN, size: 5, root: other })),
    ],
    [
      'a checkpoint changed, no key pinned',
      'checkpoint-mismatch',
      (p) => (p.checkpoint = p.checkpoint.replace('\n5\n', '\n4\n')),
      { dev: true },
    ],
    [
      'a checkpoint changed, key pinned',
      'signature-invalid',
      (p) => (p.checkpoint = p.checkpoint.replace('\n5\n', '\n4\n')),
    ],
    ['a checkpoint with a line more', 'malformed', (p) => (p.checkpoint = p.checkpoint.replace('\n5\n', '\n5\n6\n'))],
    [
      'a checkpoint without its log',
      'signature-invalid',
      (p) => (p.checkpoint = p.checkpoint.replace(/— tide.*\n/, '')),
      { dev: true },
    ],
    ['a cosignature missing', 'signature-invalid', (p) => (p.checkpoint = p.checkpoint.replace(/— witness.*\n/, ''))],
    ['no anchor', 'unanchored', (p) => (p.anchor = null)],
    ['the development chain unasked', 'development-chain', () => {}, { ...pins, dev: false }],
    ['another chain', 'unknown-block-hash', (p) => (p.anchor.chain = 'regtest')],
    ['an unknown chain', 'malformed', (p) => (p.anchor.chain = 'btc')],
    ['no envelope', 'missing-envelope', (p) => delete p.anchor.envelope],
    ['confirmations in the envelope', 'malformed', (p) => (p.anchor.envelope.confirmations = 3)],
    ['a time in the envelope', 'malformed', (p) => (p.anchor.envelope.ts = 1)],
    ['the vout', 'tx-does-not-commit', (p) => (p.anchor.vout = 0)],
    ['the anchor of something else', 'tx-does-not-commit', (p) => (p.anchor.envelope = buildEnvelope(other))],
    [
      'the anchor before the broken manifest',
      'manifest-mismatch',
      (p) => Object.assign(p, { versionId: other, anchor: { ...p.anchor, envelope: buildEnvelope(other) } }),
    ],
    ['a depth not reached', 'insufficient-confs', () => {}, { ...pins, minConfs: 4 }],
    ['a packet re-signed, anchored before', 'manifest-mismatch', (p) => resigned(p, (m) => (m.description = 'new'))],
  ];

  it.each(edits)('%s: %s', (_, reason, edit, options = pins) => {
    expect(verifyProof(change(plain, edit), options)).toMatchObject({ valid: false, reason });
  });

  it.each<[string, Reason, (proof: Json) => void]>([
    ['that names other packets', 'manifest-mismatch', (p) => (p.rollup.lineage.parents = [other])],
    ['without lineage', 'manifest-mismatch', (p) => delete p.rollup.lineage],
    ['changed', 'signature-invalid', (p) => (p.rollup.description = 'x')],
    ['unsigned and changed', 'signature-invalid', (p) => delete p.rollup.signatures],
    ['taken out', 'tx-does-not-commit', (p) => delete p.rollup],
    ['unanchored', 'malformed', (p) => (p.anchor = null)],
  ])('a rollup %s: %s', (_, reason, edit) => {
    expect(verifyProof(change(rolledUp, edit), pins)).toMatchObject({ valid: false, reason });
  });

  it('refuses a valid signature by another key than the producer that the manifest names', () => {
    const proof = change(plain, (p) => {
      const [{ role: _, ...byOperator }] = p.manifest.signatures.endorsements;
      p.manifest.signatures = { producer: byOperator };
    });
    expect(verifyProof(proof, { dev: true })).toMatchObject({ valid: false, reason: 'signature-invalid' });
  });

  it('refuses a pinned log key of another name, though it has signed', () => {
    const secret = new Uint8Array(32).fill(1);
    const key = verifierKey('other.example/greenhouse', ed25519.getPublicKey(secret));
    const { root } = plain.manifest.content.log;
    const sign = (message: Uint8Array) => ed25519.sign(message, secret);
    const proof = change(plain, (p) =>
      Object.assign(p, { checkpoint: signCheckpoint({ origin: ORIGIN, size: 5, root }, key, sign) }),
    );
    const report = verifyProof(proof, { dev: true, logKey: formatVerifierKey(key) });
    expect(report).toMatchObject({ valid: false, reason: 'signature-invalid' });
  });

  it('refuses a payload on a leaf that has none', () => {
    const proof = change(buildProof({ index: 3 }), (p) => (p.payload = {}));
    expect(verifyProof(proof, pins)).toMatchObject({ valid: false, reason: 'payload-mismatch' });
  });
});

describe('options', () => {
  it.each<[string, VerifyOptions]>([
    ['a publisher that is no key', { publisher: 'me' }],
    ['a log key that is no key', { logKey: 'tidemark.example/greenhouse+00000000+placeholder' }],
    ['a witness as log key', { logKey: pins.witnesses?.[0] ?? '' }],
    ['a log key as witness', { witnesses: [pins.logKey ?? ''] }],
    ['a witness twice', { witnesses: [...(pins.witnesses ?? []), ...(pins.witnesses ?? [])] }],
    ['a quorum beyond the witnesses', { ...pins, quorum: 2 }],
    ['fractional confirmations', { minConfs: 0.5 }],
    ['headers that are none', { headers: new Uint8Array(81) }],
  ])('%s are misuse', (_, options) => {
    expect(() => verifyProof(plain, options)).toThrow(expect.objectContaining({ name: 'ProofError' }));
  });

  it('a quorum of fewer than all witnesses will do', () => {
    const proof = change(plain, (p) => (p.checkpoint = p.checkpoint.replace(/— witness.*\n/, '')));
    expect(verifyProof(proof, { ...pins, quorum: 0 })).toMatchObject({ valid: true });
  });

  it('does not take a high-S signature', () => {
    const proof = change(plain, (p) => {
      const { producer } = p.manifest.signatures;
      const { r, s } = secp256k1.Signature.fromHex(producer.signature, 'der');
      producer.signature = new secp256k1.Signature(r, secp256k1.Point.Fn.ORDER - s).toHex('der');
    });
    expect(verifyProof(proof, pins)).toMatchObject({ reason: 'signature-invalid' });
  });
});
