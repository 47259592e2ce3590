/** What anchoring is paid with: outputs that pay to the anchor key. */
import type { Chain } from '@tidemark/proof';

export interface Outpoint {
  txid: string;
  vout: number;
}

export interface Coin extends Outpoint {
  chain: Chain;
  /** The compressed public key, hex, whose hash it pays to. */
  owner: string;
  satoshis: number;
}

export interface CoinRow extends Coin {
  /** `spent` by a submission that is open or mined; `aside`: the network would not have it spent. */
  state: 'free' | 'spent' | 'aside';
  spentBy: string | undefined;
}

/** What a transaction does to the coins. */
export interface Spending {
  spends: readonly Outpoint[];
  change: Coin | undefined;
}

/**
 * What the failure of a transaction says of the coins that it spent. `good`: nothing; `doubtful`: they may be spent
 * already, and are set aside when that happens for the third time; `gone`: they are spent, or never can be.
 */
export type CoinVerdict = 'good' | 'doubtful' | 'gone';

export interface CoinReader {
  /**
   * Coins that may be spent. Those of failed transactions first: what spends them again cannot be mined beside the
   * former, should that turn up in a block after all. Then the largest.
   */
  free(chain: Chain, owner: string, limit: number): Coin[];
  one(outpoint: Outpoint): CoinRow | undefined;
  /** All that are not spent. */
  unspent(): CoinRow[];
}
