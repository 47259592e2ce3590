/** What anchoring needs of a chain. */
import type { Chain } from '@tidemark/proof';
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
}

/**
 * What has become of a transaction: `made`: it could not be sent and is to be sent again; `sent`: the network has it, or
 * may have it; `mined`: a block has it, as the envelope shows; `failed`: no block ever will.
 */
export type Fate =
  | { state: 'made' | 'sent'; reason?: string }
  | { state: 'mined'; height: number; envelope: object }
  | { state: 'failed'; reason: string };

export interface AnchorChain {
  /** As proofs name it. */
  readonly name: Chain;
  /**
   * A transaction that carries the commitments. Nothing leaves this node yet.
   * @throws AnchorError `no-funds`
   */
  make(commitments: readonly Commitment[]): Promise<Prepared>;
  /** Sends a transaction, perhaps not for the first time. Trouble on the way is a fate too, and never thrown. */
  send(submission: Submission): Promise<Fate>;
  /** Asks about one that was sent, as often as is polite; and sends it again where the network has forgotten it. */
  follow(submission: Submission): Promise<Fate>;
}

export class AnchorError extends Error {
  readonly code: 'no-funds';

  constructor(code: AnchorError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AnchorError';
    this.code = code;
  }
}
