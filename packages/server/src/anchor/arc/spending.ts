/** Which coins pay for a transaction, and what is left of them. */
import { anchorScript, toHex, transactionId } from '@tidemark/proof';
import type { IdentityKey } from '../../keys.ts';
import type { Coin } from '../../store/coins.ts';
import { AnchorError, type Commitment, type Prepared } from '../chain.ts';
import { MAX_INPUT_BYTES, maxSize, type Output, paymentScript, signedTransaction } from '../raw-transaction.ts';

/**
 * One transaction for all commitments: theirs are the first outputs, the change is the last.
 * @param free coins in the order in which they are to be spent; no more are taken than needed
 * @param perKb fee, satoshis for 1000 bytes
 * @throws AnchorError `no-funds`
 */
export function anchorSpending(
  free: readonly Coin[],
  commitments: readonly Commitment[],
  key: IdentityKey,
  perKb: number,
): Prepared {
  const carried: Output[] = commitments.map(({ versionId, parents }) => ({
    ...{ satoshis: 0, script: anchorScript({ mh: versionId, parents }) },
  }));
  const script = paymentScript(key.publicKey);
  const { coins, change: satoshis } = choose(free, carried, script, perKb);
  const outputs = satoshis === 0 ? carried : [...carried, { satoshis, script }];
  const raw = signedTransaction(coins, outputs, key);
  const txid = transactionId(raw);
  const { chain, owner } = coins[0]!;
  const change = satoshis === 0 ? undefined : { txid, vout: carried.length, chain, owner, satoshis };
  return {
    txid,
    rawTx: toHex(raw),
    vouts: commitments.map((_, vout) => vout),
    spending: { spends: coins.map(({ txid: spent, vout }) => ({ txid: spent, vout })), change },
  };
}

/** What could not pay for being spent again is left to the miner: such change would be worth nothing. */
function choose(
  free: readonly Coin[],
  carried: readonly Output[],
  script: Uint8Array,
  perKb: number,
): { coins: Coin[]; change: number } {
  const fee = (inputs: number, outputs: readonly Output[]) => feeOf(maxSize(inputs, outputs), perKb);
  const withChange = [...carried, { satoshis: 0, script }];
  const coins: Coin[] = [];
  let sum = 0;
  for (const coin of free) {
    coins.push(coin);
    sum += coin.satoshis;
    if (sum < fee(coins.length, carried)) continue;
    const change = sum - fee(coins.length, withChange);
    return { coins, change: change > feeOf(MAX_INPUT_BYTES, perKb) ? change : 0 };
  }
  throw new AnchorError(
    'no-funds',
    `the next anchor costs ${fee(Math.max(1, coins.length), carried)} satoshis and the coins hold ${sum}: ` +
      'pay to the address that "tidemark anchor address" shows, and bring the transaction in with "tidemark anchor fund"',
  );
}

/** @returns satoshis, at least 1 */
function feeOf(bytes: number, perKb: number): number {
  return Math.max(1, Math.ceil((bytes * perKb) / 1000));
}
