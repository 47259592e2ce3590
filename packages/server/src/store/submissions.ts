/** Transactions that carry commitments: known from before they are sent, until a block has them for good. */
import type { Chain } from '@tidemark/proof';
import type { CoinVerdict, Spending } from './coins.ts';
import type { AnchorRow } from './ledger.ts';

/**
 * `made`: not known to have left this node; `sent`: a service of the network has it; `mined`: a block of the best chain
 * has it; `failed`: none ever will, and what it carried waits for another.
 */
export type SubmissionState = 'made' | 'sent' | 'mined' | 'failed';

export interface Submission {
  txid: string;
  chain: Chain;
  /** Hex. */
  rawTx: string;
  /** In the order of its outputs. */
  commitments: { versionId: string; vout: number }[];
  /** Milliseconds since 1970. */
  madeAt: number;
  state: SubmissionState;
  /** Why it is in its state: what the network says of it, if anything. */
  reason: string | undefined;
}

/** A version that is to be anchored: the newest packet of a stream, or a rollup. */
export interface Candidate {
  versionId: string;
  stream: string;
  /** Leaves that its anchor proves: those below. 0 for a rollup, which proves its parents alone. */
  end: number;
  /** JSON text. */
  manifest: string;
}

/** What a block that has a transaction shows of it. */
export interface Mined {
  txid: string;
  height: number;
  /** SPV envelope as JSON text, without `headerChain`. */
  envelope: string;
}

export interface SubmissionReader {
  /** Versions that no anchor covers and no open submission carries, rollups last. */
  waiting(limit: number): Candidate[];
  /** Submissions that are `made` or `sent`, oldest first. */
  open(): Submission[];
  one(txid: string): Submission | undefined;
  /** The newest submission that carries a version. */
  carrying(versionId: string): Submission | undefined;
  /** The oldest open submission that carries this packet of the stream, or a later one. */
  covering(stream: string, end: number): Submission | undefined;
  /** Transactions with anchors in blocks of the chain from this height on. */
  minedFrom(chain: Chain, height: number): Mined[];
}

/** Each call is one atomic commit. */
export interface SubmissionWriter {
  /**
   * To be called before the transaction is sent. One that has failed may be added again: what is made of the same coins
   * for the same versions is the same transaction.
   * @param spending coins that are kept here, spent and made by it
   */
  add(submission: Submission, spending?: Spending): void;
  /** Where an open one has got to, and why. */
  note(txid: string, state: 'made' | 'sent', reason: string | undefined): void;
  /** An open one fails, and with it all that spend its change; their other coins are free again. */
  fail(txid: string, reason: string, coins: CoinVerdict): void;
  /**
   * The blocks of these transactions have left the best chain. Their anchors prove nothing any more, and the
   * submissions among them are `sent` again.
   */
  lose(txids: readonly string[]): AnchorRow[];
}
