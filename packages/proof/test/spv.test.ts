import { describe, expect, it } from 'vitest';
import { anchorScript } from '../src/anchor.ts';
import { fromHex, toHex } from '../src/bytes.ts';
import { parseEnvelope } from '../src/envelope.ts';
import { HeaderChain } from '../src/header-chain.ts';
import { parseHeader, parseHeaders } from '../src/headers.ts';
import { DEVELOPMENT_FLOOR_BITS, type Pin } from '../src/pins.ts';
import { verifyEnvelope } from '../src/spv.ts';
import { transactionId } from '../src/transaction.ts';
import type { Reason } from '../src/verdict.ts';
import { verifyProof } from '../src/verify.ts';
import { buildEnvelope, buildProof, buildTransaction, type Json, mine, mineChain, pins } from './fixture.ts';

const versionId = '77'.repeat(32);
const other = 'ee'.repeat(32);
const dev = buildEnvelope(versionId);
const edited = (edit: (envelope: Json) => void): Json => {
  const copy = structuredClone(dev);
  edit(copy);
  return copy;
};
const withTransaction = (rawTx: string) =>
  edited((e) => {
    const txid = transactionId(fromHex(rawTx));
    Object.assign(e, { rawTx, txid, proof: { ...e.proof, txid } });
  });

describe('verifyEnvelope on the development chain', () => {
  const wanted = { versionId, chain: 'tidemark-dev' } as const;

  it('counts the confirmations of its own headers', () => {
    expect(verifyEnvelope(dev, wanted)).toEqual({
      valid: true,
      txid: dev.txid,
      vout: 1,
      blockHash: parseHeader(fromHex(dev.block.blockHeader)).hash,
      blockTime: 1_772_366_400,
      confirmations: 3,
    });
    const alone = edited((e) => delete e.headerChain);
    expect(verifyEnvelope(alone, wanted)).toMatchObject({ valid: true, confirmations: 1 });
  });

  it('does not believe what stands beside the evidence', () => {
    const boasting = edited((e) => Object.assign(e, { confirmations: 1000, ts: 5 }));
    expect(verifyEnvelope(boasting, wanted)).toMatchObject({ valid: true, confirmations: 3 });
    expect(parseEnvelope(boasting, 'elsewhere')).toEqual(dev);
    expect(() => parseEnvelope(boasting, 'proof-file')).toThrow(expect.objectContaining({ code: 'invalid-envelope' }));
  });

  const anchor = anchorScript({ mh: versionId, parents: [] });
  const weak = mineChain({ length: 1 })[0]!;
  const edits: [string, Reason, Json][] = [
    ['nothing', 'missing-envelope', null],
    ['no object', 'malformed', 'x'],
    ['an unknown member', 'malformed', edited((e) => Object.assign(e, { x: 1 }))],
    ['upper-case hex', 'malformed', edited((e) => Object.assign(e, { rawTx: e.rawTx.toUpperCase() }))],
    ['a position that is none', 'malformed', edited((e) => Object.assign(e.proof.path[0], { position: 'up' }))],
    ['a block named twice over', 'malformed', edited((e) => Object.assign(e.block, { blockHash: other }))],
    ['a path longer than any', 'malformed', edited((e) => e.proof.path.push(...Array(64).fill(e.proof.path[0])))],
    ['another txid on top', 'txid-mismatch-top-level-vs-proof', edited((e) => Object.assign(e, { txid: other }))],
    [
      'another txid below',
      'txid-mismatch-rawtx-vs-proof',
      edited((e) => Object.assign(e, { txid: other }) && Object.assign(e.proof, { txid: other })),
    ],
    ['another rawTx', 'txid-mismatch-rawtx-vs-proof', edited((e) => Object.assign(e, { rawTx: `${e.rawTx}00` }))],
    ['an inner node as transaction', 'tx-does-not-commit', withTransaction('00'.repeat(64))],
    ['what is no transaction', 'tx-does-not-commit', withTransaction('0100')],
    [
      'another commitment',
      'tx-does-not-commit',
      withTransaction(buildTransaction([anchorScript({ mh: other, parents: [] })])),
    ],
    [
      'the commitment as a parent',
      'tx-does-not-commit',
      withTransaction(buildTransaction([anchorScript({ mh: other, parents: [versionId] })])),
    ],
    ['the commitment twice', 'tx-does-not-commit', withTransaction(buildTransaction([anchor, anchor]))],
    ['a short header', 'invalid-block-header', edited((e) => Object.assign(e.block, { blockHeader: 'ab' }))],
    ['no hex', 'invalid-block-header', edited((e) => Object.assign(e.block, { blockHeader: 'zz'.repeat(80) }))],
    [
      'negative bits',
      'invalid-block-header',
      edited((e) =>
        Object.assign(e.block, { blockHeader: `${e.block.blockHeader.slice(0, 144)}ffff801f${'0'.repeat(8)}` }),
      ),
    ],
    ['headers that begin elsewhere', 'invalid-block-header', edited((e) => e.headerChain.shift())],
    ['headers with a gap', 'invalid-block-header', edited((e) => e.headerChain.splice(1, 1))],
    ['a header short of work', 'insufficient-work', edited((e) => spoil(e))],
    [
      'a target below the floor',
      'insufficient-work',
      edited((e) => {
        e.block.blockHeader = toHex(mine('00'.repeat(32), e.proof.merkleRoot, 1, 0x207fffff));
        delete e.headerChain;
      }),
    ],
    ['a successor short of work', 'insufficient-work', edited((e) => easySuccessor(e))],
    [
      'no header',
      'merkle-root-unavailable',
      edited((e) => Object.assign(e, { block: { blockHash: other, blockHeight: 1 } })),
    ],
    [
      'another root in the header',
      'invalid-merkle-path',
      edited((e) => Object.assign(e, { block: { blockHeader: weak }, headerChain: [weak] })),
    ],
    ['another root in the proof', 'invalid-merkle-path', edited((e) => Object.assign(e.proof, { merkleRoot: other }))],
    ['another sibling', 'invalid-merkle-path', edited((e) => Object.assign(e.proof.path[0], { hash: other }))],
    ['another side', 'invalid-merkle-path', edited((e) => Object.assign(e.proof.path[0], { position: 'right' }))],
    ['a shorter path', 'invalid-merkle-path', edited((e) => e.proof.path.pop())],
  ];

  it.each(edits)('%s: %s', (_, reason, envelope) => {
    expect(verifyEnvelope(envelope, wanted)).toMatchObject({ valid: false, reason });
  });

  it('asks for the depth and the output wanted', () => {
    expect(verifyEnvelope(dev, { ...wanted, minConfs: 4 })).toMatchObject({ reason: 'insufficient-confs' });
    expect(verifyEnvelope(dev, { ...wanted, vout: 0 })).toMatchObject({ reason: 'tx-does-not-commit' });
  });
});

/** Another nonce, one that misses the target. */
function spoil(envelope: Json): void {
  const { blockHeader } = envelope.block;
  envelope.block.blockHeader = `${blockHeader.slice(0, 152)}ffffffff`;
  delete envelope.headerChain;
}

function easySuccessor(envelope: Json): void {
  const { hash } = parseHeader(fromHex(envelope.block.blockHeader));
  envelope.headerChain = [envelope.block.blockHeader, toHex(mine(hash, other, 1, 0x207fffff))];
}

describe('verifyEnvelope against the chain the verifier follows', () => {
  const headers = parseHeaders(fromHex(dev.headerChain.join('')));
  const block = headers[0]!;
  // The fixture's block follows the zero hash; here that is the pinned block.
  const pin: Pin = { height: 700_000, hash: block.prevHash, floorBits: DEVELOPMENT_FLOOR_BITS };
  const chain = new HeaderChain(pin, headers);
  const wanted = { versionId, chain };
  const byHash = (blockHash: string, blockHeight: number) =>
    edited((e) => {
      delete e.headerChain;
      e.block = { blockHash, blockHeight };
    });

  it('takes the header or its hash and height', () => {
    const expected = { valid: true, height: 700_001, confirmations: 3, blockHash: block.hash };
    expect(verifyEnvelope(dev, wanted)).toMatchObject(expected);
    expect(verifyEnvelope(byHash(block.hash, 700_001), wanted)).toMatchObject(expected);
  });

  it('refuses another height, an unknown block, and one on a lost branch', () => {
    expect(verifyEnvelope(byHash(block.hash, 700_002), wanted)).toMatchObject({ reason: 'block-height-mismatch' });
    expect(verifyEnvelope(byHash(other, 700_001), wanted)).toMatchObject({ reason: 'unknown-block-hash' });
    const empty = new HeaderChain(pin);
    expect(verifyEnvelope(dev, { ...wanted, chain: empty })).toMatchObject({ reason: 'unknown-block-hash' });
    const rival = parseHeaders(fromHex(mineChain({ length: 4, prevHash: pin.hash, time: 5 }).join('')));
    const reorganized = new HeaderChain(pin, [...headers, ...rival]);
    expect(verifyEnvelope(dev, { ...wanted, chain: reorganized })).toMatchObject({ reason: 'unknown-block-hash' });
  });

  it("does not count the envelope's own headers", () => {
    const behind = new HeaderChain(pin, [block]);
    expect(verifyEnvelope(dev, { ...wanted, chain: behind })).toMatchObject({ confirmations: 1 });
    expect(verifyEnvelope(dev, { ...wanted, chain: behind, minConfs: 2 })).toMatchObject({
      reason: 'insufficient-confs',
    });
  });

  it("holds the block to the pin's floor", () => {
    const strict = new HeaderChain({ ...pin, floorBits: 0x1d00ffff }, headers);
    expect(verifyEnvelope(dev, { ...wanted, chain: strict })).toMatchObject({ reason: 'insufficient-work' });
  });
});

describe('verifyProof on a public chain', () => {
  const proof = buildProof();
  const headers = fromHex(proof.anchor.envelope.headerChain.join(''));
  const pin: Pin = { height: 9, hash: parseHeaders(headers)[0]!.prevHash, floorBits: DEVELOPMENT_FLOOR_BITS };
  const { dev: _, ...options } = pins;
  const on = (chain: string) => ({ ...proof, anchor: { ...proof.anchor, chain } });

  it("takes the verifier's own pin and headers", () => {
    const report = verifyProof(on('regtest'), { ...options, headers, pins: { regtest: pin } });
    expect(report).toMatchObject({ valid: true, chain: 'regtest', height: 10, confirmations: 3 });
    expect(report.valid && report.trusted).toEqual(['the headers of regtest that were handed in, from the pin on']);
  });

  it('refuses without pin, without headers, and below the floor that ships for main', () => {
    expect(verifyProof(on('regtest'), { ...options, headers })).toMatchObject({ reason: 'unknown-block-hash' });
    const pinned = { ...options, pins: { regtest: pin } };
    expect(verifyProof(on('regtest'), pinned)).toMatchObject({ reason: 'unknown-block-hash' });
    expect(verifyProof(on('main'), { ...options, headers })).toMatchObject({ reason: 'insufficient-work' });
  });

  it('does not let a pin lift the development chain to a public one', () => {
    const pinned = { ...options, headers, pins: { 'tidemark-dev': pin } };
    expect(verifyProof(proof, pinned)).toMatchObject({ reason: 'development-chain' });
  });
});
