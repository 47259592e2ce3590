import { createHash } from 'node:crypto';
import { Spend, Transaction } from '@bsv/sdk';
import {
  DEVELOPMENT_FLOOR_BITS,
  decodeAnchorScript,
  type Envelope,
  HeaderChain,
  meetsTarget,
  parseHeader,
  parseTransaction,
  verifyEnvelope,
} from '@tidemark/proof';
import { afterAll, describe, expect, test } from 'vitest';
import type { Commitment } from '../../src/anchor/chain.ts';
import { LocalChain } from '../../src/anchor/local-chain.ts';
import { LocalHeaders } from '../../src/anchor/local-headers.ts';
import { anchorAll, type Inclusion } from '../support/anchored.ts';
import { Directories } from '../support/directories.ts';
import { IDENTITY } from '../support/node.ts';

const directories = new Directories();
afterAll(() => directories.remove());

const START = Date.parse('2026-03-01T12:00:00Z');
const versionOf = (name: string | number) => createHash('sha256').update(`${name}`).digest('hex');
const commitment = (name: string | number, ...parents: string[]): Commitment => ({
  versionId: versionOf(name),
  parents,
});
const envelopeOf = (inclusion: Inclusion | undefined) => inclusion?.envelope as Envelope;
const hex = (text: string) => Buffer.from(text, 'hex');

/** A chain whose clock is set by hand. */
function open(dir = directories.next()) {
  const clock = { now: START };
  return { dir, clock, chain: new LocalChain(dir, IDENTITY, () => clock.now) };
}

const headersOf = (chain: LocalHeaders) => chain.headersFrom(0, 10_000).map((header) => parseHeader(hex(header)));

function verify(inclusion: Inclusion | undefined, versionId: string, minConfs = 1, headerChain: string[] = []) {
  const vout = inclusion?.vout ?? 0;
  return verifyEnvelope(
    { ...envelopeOf(inclusion), headerChain },
    { versionId, vout, chain: 'tidemark-dev', minConfs },
  );
}

describe('blocks', () => {
  test('link to one another from the first on, and each meets the target', async () => {
    const { chain } = open();
    expect(chain.bestHeight()).toBe(0);
    for (let index = 0; index < 5; index++) await anchorAll(chain, [commitment(index)]);
    const headers = headersOf(chain);
    expect(headers).toHaveLength(6);
    expect(headers[0]?.prevHash).toBe('0'.repeat(64));
    for (const header of headers) expect(meetsTarget(header, DEVELOPMENT_FLOOR_BITS)).toBe(true);
    const followed = new HeaderChain({ height: 0, hash: headers[0]!.hash, floorBits: DEVELOPMENT_FLOOR_BITS }, headers);
    expect(followed.tip).toEqual({ height: 5, hash: headers[5]?.hash });
    expect(chain.headersFrom(2, 2).map((header) => parseHeader(hex(header)).hash)).toEqual([
      headers[2]?.hash,
      headers[3]?.hash,
    ]);
    expect(chain.headersFrom(6, 10)).toEqual([]);
    chain.close();
  });

  test('carry the time, which never runs backwards', async () => {
    const { chain, clock } = open();
    for (const seconds of [5, 3, 9]) {
      clock.now = START + seconds * 1000 + 999;
      await anchorAll(chain, [commitment(seconds)]);
    }
    expect(headersOf(chain).map(({ time }) => time - START / 1000)).toEqual([0, 5, 5, 9]);
    chain.close();
  });
});

describe('an inclusion', () => {
  test('is one that the verifier takes, on the development chain alone', async () => {
    const { chain } = open();
    for (let index = 0; index < 4; index++) {
      const [inclusion] = await anchorAll(chain, [commitment(index, versionOf('parent'))]);
      const { txid, height } = inclusion!;
      const header = headersOf(chain)[height];
      expect(height).toBe(index + 1);
      expect(verify(inclusion, versionOf(index))).toEqual({
        ...{ valid: true, txid, vout: 0, confirmations: 1 },
        ...{ blockHash: header?.hash, blockTime: header?.time },
      });
      expect(verify(inclusion, versionOf('another'))).toMatchObject({ valid: false, reason: 'tx-does-not-commit' });
    }
    chain.close();
  });

  test('gains confirmations with each block', async () => {
    const { chain } = open();
    const [inclusion] = await anchorAll(chain, [commitment('first')]);
    expect(verify(inclusion, versionOf('first'), 2)).toMatchObject({ valid: false, reason: 'insufficient-confs' });
    for (let index = 0; index < 2; index++) await anchorAll(chain, [commitment(index)]);
    const after = chain.headersFrom(inclusion!.height, 100);
    expect(verify(inclusion, versionOf('first'), 3, after)).toMatchObject({ valid: true, confirmations: 3 });
    chain.close();
  });

  test('of several is in one transaction of one block, each with its parents, in their order', async () => {
    const { chain } = open();
    const parents = [[], [versionOf('p1')], [versionOf('p2'), versionOf('p1'), versionOf('p3')]];
    const commitments = parents.map((list, index) => commitment(index, ...list));
    const inclusions = await anchorAll(chain, commitments);
    expect(inclusions.map(({ vout, height }) => [vout, height])).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
    ]);
    expect(new Set(inclusions.map(({ txid }) => txid)).size).toBe(1);
    for (const [index, inclusion] of inclusions.entries()) {
      expect(verify(inclusion, versionOf(index))).toMatchObject({ valid: true, vout: index });
      const output = parseTransaction(hex(envelopeOf(inclusion).rawTx)).outputs[index];
      expect(output?.satoshis).toBe(0n);
      expect(decodeAnchorScript(output!.script)).toEqual({ mh: versionOf(index), parents: parents[index] });
    }
    expect(chain.bestHeight()).toBe(1);
    chain.close();
  });

  test('may be of a thousand', async () => {
    const { chain } = open();
    const inclusions = await anchorAll(
      chain,
      Array.from({ length: 1000 }, (_, index) => commitment(index)),
    );
    expect(verify(inclusions[999], versionOf(999))).toMatchObject({ valid: true, vout: 999 });
    chain.close();
  });

  test('with anything changed is none', async () => {
    const { chain } = open();
    const [inclusion] = await anchorAll(chain, [commitment('x')]);
    const envelope = envelopeOf(inclusion);
    const [step] = envelope.proof.path;
    const refused = (changed: object) =>
      verifyEnvelope({ ...envelope, ...changed }, { versionId: versionOf('x'), chain: 'tidemark-dev' });
    const path = [{ ...step, position: 'right' }];
    expect(refused({ proof: { ...envelope.proof, path } })).toMatchObject({
      valid: false,
      reason: 'invalid-merkle-path',
    });
    expect(refused({ rawTx: envelope.rawTx.replace(/..$/, '01') })).toMatchObject({
      reason: 'txid-mismatch-rawtx-vs-proof',
    });
    chain.close();
  });
});

test('each transaction spends the change of the one before, with a valid signature', async () => {
  const { chain } = open();
  const raws: string[] = [];
  for (let index = 0; index < 3; index++) {
    const [inclusion] = await anchorAll(chain, [commitment(index), commitment(`${index}b`)]);
    raws.push(envelopeOf(inclusion).rawTx);
  }
  const transactions = raws.map((raw) => Transaction.fromHex(raw));
  for (const [index, transaction] of transactions.slice(1).entries()) {
    const [input] = transaction.inputs;
    const source = transactions[index]!;
    expect([input?.sourceTXID, input?.sourceOutputIndex]).toEqual([source.id('hex'), 2]);
    const { lockingScript, satoshis } = source.outputs[2]!;
    const spend = new Spend({
      ...{ sourceTXID: source.id('hex'), sourceOutputIndex: 2, sourceSatoshis: satoshis!, lockingScript },
      ...{ transactionVersion: transaction.version, lockTime: transaction.lockTime, outputs: transaction.outputs },
      ...{ inputIndex: 0, otherInputs: [], unlockingScript: input!.unlockingScript!, inputSequence: input!.sequence! },
    });
    expect(spend.validate()).toBe(true);
    expect(transaction.outputs.at(-1)?.satoshis).toBe(satoshis);
  }
  chain.close();
});

describe('opened again', () => {
  test('the chain goes on where it ended', async () => {
    const { dir, chain } = open();
    const [before] = await anchorAll(chain, [commitment('before')]);
    const headers = headersOf(chain);
    chain.close();
    const again = open(dir).chain;
    expect(headersOf(again)).toEqual(headers);
    const [after] = await anchorAll(again, [commitment('after')]);
    expect(after?.height).toBe(2);
    expect(headersOf(again)[2]?.prevHash).toBe(headers[1]?.hash);
    expect(verify(after, versionOf('after'))).toMatchObject({ valid: true });
    expect(verify(before, versionOf('before'), 2, again.headersFrom(1, 10))).toMatchObject({ valid: true });
    again.close();
  });

  test('readers see its headers as they come', async () => {
    const { dir, chain } = open();
    const reader = new LocalHeaders(dir);
    expect(reader.bestHeight()).toBe(0);
    await anchorAll(chain, [commitment('x')]);
    expect(reader.bestHeight()).toBe(1);
    expect(reader.headersFrom(0, 10)).toEqual(chain.headersFrom(0, 10));
    reader.close();
    chain.close();
  });
});
