/** Commitments put on the development chain at once, as the anchorer does it. */
import type { Commitment } from '../../src/anchor/chain.ts';
import type { LocalChain } from '../../src/anchor/local-chain.ts';
import type { Submission } from '../../src/store/submissions.ts';

export interface Inclusion {
  txid: string;
  vout: number;
  height: number;
  envelope: object;
}

/** @returns the place of each commitment, in the same order */
export async function anchorAll(chain: LocalChain, commitments: readonly Commitment[]): Promise<Inclusion[]> {
  const { txid, rawTx, vouts } = await chain.make(commitments);
  const submission: Submission = {
    ...{ txid, rawTx, chain: chain.name, commitments: [], madeAt: 0, state: 'made', reason: undefined },
  };
  const fate = await chain.send(submission);
  if (fate.state !== 'mined') throw new Error(`not mined: ${fate.reason}`);
  return vouts.map((vout) => ({ txid, vout, height: fate.height, envelope: fate.envelope }));
}
