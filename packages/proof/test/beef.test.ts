import { readFileSync } from 'node:fs';
import { Beef as SdkBeef, Transaction as SdkTransaction } from '@bsv/sdk';
import { describe, expect, it } from 'vitest';
import { anchorScript } from '../src/anchor.ts';
import { type Beef, beefBytes, MAX_BEEF_BYTES, parseBeef } from '../src/beef.ts';
import { bumpBytes, bumpRoot } from '../src/bump.ts';
import { concat, fromHex, reversed, toHex } from '../src/bytes.ts';
import { beefOfEnvelope, bumpOfEnvelope, envelopeOfBeef, envelopeOfBump } from '../src/envelope-forms.ts';
import { verifyEnvelope } from '../src/spv.ts';
import { transactionId } from '../src/transaction.ts';
import { buildEnvelope, buildTransaction, type Json } from './fixture.ts';
import { publicVectors, suiteName } from './vectors.ts';

const folder = publicVectors('bump');
const load = (name: string): Json[] =>
  folder === undefined ? [] : JSON.parse(readFileSync(`${folder}/${name}.json`, 'utf8')).vectors;
const refusal = (code: string) => expect.objectContaining({ name: 'ProofError', code });
const invalid = refusal('invalid-beef');

const versionId = '77'.repeat(32);
const { headerChain: _, ...envelope } = buildEnvelope(versionId);
const HEIGHT = 905_064;
const mined = beefOfEnvelope(envelope, HEIGHT);

/** A transaction that spends the first output of another. */
function spend(txid: string, note: number): { txid: string; raw: Uint8Array } {
  const raw = fromHex(buildTransaction([anchorScript({ mh: note.toString(16).padStart(64, '0'), parents: [] })]));
  raw.set(reversed(fromHex(txid)), 5);
  return { txid: transactionId(raw), raw };
}

const child = spend(envelope.txid, 1);
const grandchild = spend(child.txid, 2);
const chain: Beef = { ...mined, transactions: [...mined.transactions, child, grandchild] };

describe.skipIf(folder === undefined)(suiteName('BEEF vectors', folder), () => {
  it('a mined parent and its child, read and written', () => {
    for (const { input } of load('beef-isvalid-hydration')) {
      const beef = parseBeef(input.beef_hex);
      expect([beef.version, beef.bumps.length]).toEqual([1, 1]);
      expect(beef.transactions.map(({ bumpIndex }) => bumpIndex)).toEqual([0, undefined]);
      expect(toHex(beefBytes(beef))).toBe(input.beef_hex);
    }
  });

  it('without transactions; the one vector with a byte after its end is refused', () => {
    const [version2, version1] = load('beef-v2-txid-panic').map(({ input }) => input.beef_hex);
    expect(parseBeef(version1)).toEqual({ version: 1, bumps: [], transactions: [] });
    expect(() => parseBeef(version2)).toThrow(invalid);
    expect(parseBeef(version2.slice(0, -2))).toEqual({ version: 2, bumps: [], transactions: [] });
  });
});

describe('the other implementation', () => {
  it('finds ours valid, version 1 and 2, with the same root', () => {
    for (const version of [1, 2] as const) {
      const theirs = SdkBeef.fromBinary([...beefBytes({ ...chain, version })]);
      expect(theirs.verifyValid()).toEqual({ valid: true, roots: { [HEIGHT]: envelope.proof.merkleRoot } });
      expect(theirs.txs.map(({ txid }) => txid)).toEqual(chain.transactions.map(({ txid }) => txid));
    }
  });

  it('writes what we read: versions 1 and 2, a txid alone, atomic', () => {
    const theirs = new SdkBeef();
    theirs.mergeBump(SdkBeef.fromBinary([...beefBytes(mined)]).bumps[0]!);
    for (const { raw } of chain.transactions) theirs.mergeRawTx([...raw!]);
    const atomic = parseBeef(Uint8Array.from(theirs.toBinaryAtomic(grandchild.txid)));
    expect(atomic).toEqual({ ...chain, version: atomic.version, subject: grandchild.txid });

    const known = new SdkBeef();
    known.mergeTxidOnly(child.txid);
    known.mergeTransaction(SdkTransaction.fromBinary([...grandchild.raw]));
    const beef = parseBeef(known.toHex());
    expect(beef).toEqual({ version: 2, bumps: [], transactions: [{ txid: child.txid }, grandchild] });
    expect(toHex(beefBytes(beef))).toBe(known.toHex());
  });

  it('reads our atomic form', () => {
    const theirs = SdkBeef.fromBinary([...beefBytes({ ...chain, subject: grandchild.txid })]);
    expect([theirs.atomicTxid, theirs.isValid()]).toEqual([grandchild.txid, true]);
  });
});

describe('BEEF, refused', () => {
  const other = spend('11'.repeat(32), 3);
  const cases: [string, Beef][] = [
    ['a child before its parent', { ...chain, transactions: [...chain.transactions].reverse() }],
    ['a transaction twice', { ...chain, transactions: [...chain.transactions, child] }],
    ['a BUMP that is not there', { ...chain, bumps: [] }],
    ['a BUMP of another transaction', { ...mined, transactions: [...mined.transactions, { ...other, bumpIndex: 0 }] }],
    ['a transaction that nothing proves', { ...mined, transactions: [...mined.transactions, other] }],
    ['a txid alone in version 1', { ...mined, transactions: [{ txid: child.txid }] }],
    ['an atomic one without its subject', { ...mined, subject: child.txid }],
    ['an atomic one with a stranger', { ...chain, subject: child.txid }],
  ];

  it.each(cases)('%s', (_, beef) => {
    expect(() => beefBytes(beef)).toThrow(invalid);
  });

  const hex = toHex(beefBytes(chain));
  it.each([
    ['bytes after the end', `${hex}00`, 'invalid-beef'],
    ['an end that comes early', hex.slice(0, -2), 'invalid-beef'],
    ['another version', hex.replace(/^01/, '03'), 'invalid-beef'],
    ['a flag that is none', `${hex.slice(0, -2)}02`, 'invalid-beef'],
    ['a format that is none', '0200beef000103', 'invalid-beef'],
    ['upper-case hex', hex.toUpperCase(), 'invalid-beef'],
    ['two atomic prefixes', `01010101${'00'.repeat(32)}01010101${'00'.repeat(32)}${hex}`, 'invalid-beef'],
    ['more than the limit', '00'.repeat(MAX_BEEF_BYTES + 1), 'invalid-beef'],
    ['a BUMP with a hash changed', hex.replace('1111', '1112'), undefined],
  ])('%s', (_, text, code) => {
    expect(text).not.toBe(hex);
    if (code !== undefined) expect(() => parseBeef(text)).toThrow(refusal(code));
    // A hash beside the path only moves the root, which is for the headers to refuse.
    else expect(bumpRoot(parseBeef(text).bumps[0]!)).not.toBe(envelope.proof.merkleRoot);
  });
});

describe('an envelope', () => {
  const header = envelope.block.blockHeader;

  it('goes to BUMP and BEEF and back, and still verifies', () => {
    const bytes = beefBytes(mined);
    expect(envelopeOfBeef(parseBeef(bytes), envelope.txid, header)).toEqual(envelope);
    expect(envelopeOfBump(fromHex(envelope.rawTx), bumpOfEnvelope(envelope, HEIGHT), header)).toEqual(envelope);
    const back = envelopeOfBeef(parseBeef(concat(bytes)), envelope.txid, header);
    expect(verifyEnvelope(back, { versionId, chain: 'tidemark-dev' })).toMatchObject({ valid: true, vout: 1 });
    expect(parseBeef(bytes).bumps.map((bump) => toHex(bumpBytes(bump)))).toEqual([toHex(bumpBytes(mined.bumps[0]!))]);
  });

  it('is not made for another header, or a transaction without a path', () => {
    const beef = parseBeef(beefBytes(chain));
    const wrong = header.replace(reversedHex(envelope.proof.merkleRoot), '00'.repeat(32));
    expect(() => envelopeOfBeef(beef, envelope.txid, wrong)).toThrow(refusal('invalid-bump'));
    expect(() => envelopeOfBeef(beef, envelope.txid, header.slice(2))).toThrow(refusal('invalid-header'));
    expect(() => envelopeOfBeef(beef, envelope.txid, 'x')).toThrow(refusal('invalid-header'));
    expect(() => envelopeOfBeef(beef, child.txid, header)).toThrow(invalid);
    expect(() => envelopeOfBump(child.raw, beef.bumps[0]!, header)).toThrow(refusal('invalid-bump'));
  });
});

function reversedHex(hash: string): string {
  return toHex(reversed(fromHex(hash)));
}
