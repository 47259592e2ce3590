/** What anchoring needs of a chain. */
import type { Chain } from '@tidemark/proof';
import type { CoinVerdict, Spending } from '../store/coins.ts';
import type { Submission } from '../store/submissions.ts';

/** What an output of a transaction commits to: 32-byte hashes, hex. */
export interface Commitment {
  versionId: string;
  parents: string[];
}

/** A signed transaction. */
export interface Prepared {
  txid: string;
  /** Hex. */
  rawTx: string;
  /** Of each commitment, in the same order. */
  vouts: number[];
  /** Of a chain where coins have to be brought in. */
  spending?: Spending;
}

/**
 * What has become of a transaction: `made`: it could not be sent and is to be sent again; `sent`: the network has it, or
 * may have it; `mined`: a block has it, as the envelope shows; `failed`: no block ever will.
 */
export type Fate =
  | { state: 'made' | 'sent'; reason?: string }
  | { state: 'mined'; height: number; envelope: object }
  | { state: 'failed'; reason: string; coins?: CoinVerdict };

export interface AnchorChain {
  /** As proofs name it. */
  readonly name: Chain;
  /**
   * A transaction that carries the commitments. Nothing leaves this node yet.
   * @throws AnchorError
   */
  make(commitments: readonly Commitment[]): Promise<Prepared>;
  /** Sends a transaction, perhaps not for the first time. Trouble on the way is a fate too, and never thrown. */
  send(submission: Submission): Promise<Fate>;
  /** Asks about one that was sent, as often as is polite; and sends it again where the network has forgotten it. */
  follow(submission: Submission): Promise<Fate>;
}

/**
 * Why no transaction is made now.
 *
 * - `no-funds`: the coins do not pay for it
 * - `fee-too-high`: the network asks more than the settings allow
 * - `unreachable`: the network's service is down, and what is made could not be sent
 * - `refused`: the last ones were refused, and it is too early to try again
 */
export type AnchorErrorCode = 'no-funds' | 'fee-too-high' | 'unreachable' | 'refused';

export class AnchorError extends Error {
  readonly code: AnchorErrorCode;

  constructor(code: AnchorErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AnchorError';
    this.code = code;
  }
}
