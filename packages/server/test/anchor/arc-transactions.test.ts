import { LockingScript, Spend, Transaction, UnlockingScript } from '@bsv/sdk';
import { decodeAnchorScript, fromHex, parseTransaction, toHex, transactionId } from '@tidemark/proof';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fundingCoins } from '../../src/anchor/arc/funding.ts';
import { anchorSpending } from '../../src/anchor/arc/spending.ts';
import type { Commitment, Prepared } from '../../src/anchor/chain.ts';
import { extendedFormat, paymentScript } from '../../src/anchor/raw-transaction.ts';
import type { Coin } from '../../src/store/coins.ts';
import { BcashNode } from '../support/bcash.ts';
import { IDENTITY as KEY } from '../support/node.ts';

let node: BcashNode;
beforeAll(async () => {
  node = await BcashNode.start();
});
afterAll(() => node.close());

const commitments = (count: number, from = 0): Commitment[] =>
  Array.from({ length: count }, (_, index) => ({
    versionId: (from + index).toString(16).padStart(64, 'a'),
    parents: index % 2 === 0 ? [] : ['b'.repeat(64)],
  }));
const coinOf = (txid: string, vout: number, satoshis: number): Coin => ({
  ...{ txid, vout, chain: 'regtest', owner: KEY.publicKey, satoshis },
});
const COINS = [coinOf('11'.repeat(32), 3, 40), coinOf('22'.repeat(32), 0, 1_000_000)];

function feeOf({ rawTx, spending }: Prepared, coins: readonly Coin[]): number {
  const spent = spending!.spends.map(({ txid }) => coins.find((coin) => coin.txid === txid)?.satoshis ?? 0);
  const { outputs } = parseTransaction(fromHex(rawTx));
  return spent.reduce((sum, one) => sum + one, 0) - outputs.reduce((sum, { satoshis }) => sum + Number(satoshis), 0);
}

/** By the library's own interpreter. */
function unlocks(rawTx: string, index: number, satoshis: number): boolean {
  const tx = Transaction.fromHex(rawTx);
  const input = tx.inputs[index]!;
  return new Spend({
    sourceTXID: input.sourceTXID!,
    sourceOutputIndex: input.sourceOutputIndex,
    sourceSatoshis: satoshis,
    lockingScript: LockingScript.fromBinary([...paymentScript(KEY.publicKey)]),
    transactionVersion: tx.version,
    otherInputs: tx.inputs.filter((other) => other !== input),
    outputs: tx.outputs,
    inputIndex: index,
    unlockingScript: UnlockingScript.fromBinary(input.unlockingScript!.toBinary()),
    inputSequence: input.sequence!,
    lockTime: tx.lockTime,
  }).validate();
}

describe('a transaction for ARC', () => {
  test.each([1, 2, 250, 1000])('carries %i commitments in their order, then the change', (count) => {
    const made = anchorSpending(COINS, commitments(count), KEY, 50);
    const { outputs } = parseTransaction(fromHex(made.rawTx));
    expect(made.vouts).toEqual(Array.from({ length: count }, (_, vout) => vout));
    const carried = outputs.slice(0, -1).map(({ script }) => decodeAnchorScript(script));
    expect(carried).toEqual(commitments(count).map(({ versionId, parents }) => ({ mh: versionId, parents })));
    expect(made.spending?.change).toEqual(coinOf(made.txid, count, Number(outputs.at(-1)?.satoshis)));
    expect(transactionId(fromHex(made.rawTx))).toBe(made.txid);
  });

  test('unlocks each coin that it spends, and is the same in Extended Format', () => {
    const made = anchorSpending(COINS, commitments(3), KEY, 500);
    expect(made.spending?.spends.length).toBe(2);
    expect([unlocks(made.rawTx, 0, 40), unlocks(made.rawTx, 1, 1_000_000)]).toEqual([true, true]);
    expect(() => unlocks(made.rawTx, 0, 41)).toThrow();
    const amounts = COINS.map(({ satoshis }) => satoshis);
    const extended = extendedFormat(fromHex(made.rawTx), amounts, paymentScript(KEY.publicKey));
    const read = Transaction.fromEF([...extended]);
    expect([read.id('hex'), read.toHex(), read.toHexEF()]).toEqual([made.txid, made.rawTx, toHex(extended)]);
    expect(read.getFee()).toBe(feeOf(made, COINS));
  });

  test.each([1, 50, 100, 999, 1000])('pays %i satoshis for 1000 bytes, and hardly more', (rate) => {
    for (const count of [1, 7, 300]) {
      const made = anchorSpending(COINS.slice(1), commitments(count), KEY, rate);
      const due = (made.rawTx.length / 2) * (rate / 1000);
      const fee = feeOf(made, COINS);
      expect(fee).toBeGreaterThanOrEqual(due);
      expect(fee).toBeLessThanOrEqual(due + 1 + (2 * 4 * rate) / 1000);
    }
  });

  test('leaves no change that would not pay for being spent', () => {
    const changeOf = (satoshis: number) =>
      anchorSpending([coinOf('11'.repeat(32), 0, satoshis)], commitments(1), KEY, 50).spending?.change?.satoshis;
    // With change it costs 13; to spend an output costs 8.
    expect([11, 13, 21, 22, 30].map(changeOf)).toEqual([undefined, undefined, undefined, 9, 17]);
  });

  test('says what it lacks', () => {
    expect(() => anchorSpending([coinOf('11'.repeat(32), 0, 10)], commitments(1), KEY, 50)).toThrow(
      /the next anchor costs 11 satoshis and the coins hold 10: pay to the address/,
    );
  });

  test('is taken by a real node: 500 in a chain, and one with 1000 commitments', async () => {
    const funding = await node.pay(KEY.publicKey, [1_000_000]);
    let [coin] = fundingCoins(funding, 'regtest', KEY.publicKey);
    const txids: string[] = [];
    for (let made = 0; made <= 500; made++) {
      const next = anchorSpending([coin!], commitments(made === 500 ? 1000 : 1, made), KEY, 50);
      await node.send(fromHex(next.rawTx));
      coin = next.spending?.change;
      txids.push(next.txid);
    }
    await node.mine();
    expect(txids.map((txid) => node.blockOf(txid)?.height)).toEqual(txids.map(() => node.height));
  });
});
