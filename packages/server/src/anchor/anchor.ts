/**
 * Puts the newest packet of each stream on a chain, and every rollup: a packet proves all packets before it by its tree,
 * a rollup its parents. A transaction is in the ledger before it is sent, so that a crash at any point leaves nothing
 * on the chain that nobody knows of, and pays for nothing twice.
 */
import type { Headers } from '../headers/headers.ts';
import type { Spending } from '../store/coins.ts';
import type { Candidate, Submission } from '../store/submissions.ts';
import { AnchorBook, type AnchorLedger } from './book.ts';
import { type AnchorChain, AnchorError, type Commitment, type Fate } from './chain.ts';

/** Outputs of one transaction: with more versions than this, the others wait for the next. */
const MAX_COMMITMENTS = 1000;

interface Made {
  submission: Submission;
  spending: Spending | undefined;
}

export class Anchorer {
  readonly #ledger: AnchorLedger;
  readonly #chain: AnchorChain;
  readonly #book: AnchorBook;
  readonly #now: () => number;
  /** Why new versions are not being submitted. */
  #trouble: string | undefined;

  /** @param now milliseconds since 1970 */
  constructor(ledger: AnchorLedger, chain: AnchorChain, headers: Headers, now: () => number) {
    this.#ledger = ledger;
    this.#chain = chain;
    this.#book = new AnchorBook(ledger, headers);
    this.#now = now;
  }

  /** Undefined while all is well. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** @returns whether readers have something new to see */
  async run(): Promise<boolean> {
    const lost = this.#book.dropForked();
    let settled = false;
    for (const submission of this.#ledger.submissions.open()) {
      // One of a chain that the node has anchored on before is left as it is.
      if (submission.chain !== this.#chain.name || !this.#isOpen(submission)) continue;
      settled = (await this.#advance(submission)) || settled;
    }
    const submitted = await this.#submitNew();
    return lost || settled || submitted;
  }

  /** The failure of one takes those along that spend its change. */
  #isOpen({ txid }: Submission): boolean {
    const state = this.#ledger.submissions.one(txid)?.state;
    return state === 'made' || state === 'sent';
  }

  async #submitNew(): Promise<boolean> {
    const candidates = this.#ledger.submissions.waiting(MAX_COMMITMENTS);
    if (candidates.length === 0) return false;
    const made = await this.#make(candidates);
    if (made === undefined) return false;
    this.#ledger.submit.add(made.submission, made.spending);
    return this.#advance(made.submission);
  }

  async #make(candidates: readonly Candidate[]): Promise<Made | undefined> {
    try {
      const { txid, rawTx, vouts, spending } = await this.#chain.make(candidates.map(toCommitment));
      this.#trouble = undefined;
      const commitments = candidates.map(({ versionId }, index) => ({ versionId, vout: vouts[index]! }));
      const { name: chain } = this.#chain;
      const submission: Submission = {
        ...{ txid, chain, rawTx, commitments, madeAt: this.#now(), state: 'made', reason: undefined },
      };
      return { submission, spending };
    } catch (cause) {
      if (!(cause instanceof AnchorError)) throw cause;
      this.#trouble = cause.message;
      return undefined;
    }
  }

  /** @returns whether it is mined */
  async #advance(submission: Submission): Promise<boolean> {
    const { txid, state, reason } = submission;
    const fate = await (state === 'made' ? this.#chain.send(submission) : this.#chain.follow(submission));
    if (fate.state === 'mined') return this.#settle(submission, fate);
    if (fate.state === 'failed') this.#ledger.submit.fail(txid, fate.reason, fate.coins ?? 'good');
    else if (fate.state !== state || fate.reason !== reason) this.#ledger.submit.note(txid, fate.state, fate.reason);
    return false;
  }

  /** What a service says of a block counts for as much as the headers say too. */
  #settle(submission: Submission, { height, envelope }: Extract<Fate, { state: 'mined' }>): boolean {
    const { txid, commitments } = submission;
    const found = this.#book.prove(envelope, commitments[0]!.versionId);
    if (!found.valid) {
      this.#ledger.submit.note(txid, 'sent', `the proof that it is mined is not good: ${found.reason}`);
      return false;
    }
    this.#book.record(commitments, txid, height, envelope);
    return true;
  }
}

function toCommitment({ versionId, manifest }: Candidate): Commitment {
  const { lineage } = JSON.parse(manifest) as { lineage: { parents: string[] } };
  return { versionId, parents: lineage.parents };
}
