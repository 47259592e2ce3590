/**
 * Puts the newest packet of each stream on a chain, and every rollup: a packet proves all packets before it by its tree,
 * a rollup its parents. A transaction is in the ledger before it is sent, so that a crash at any point leaves nothing
 * on the chain that nobody knows of, and pays for nothing twice.
 */
import { parseHeader, verifyEnvelope } from '@tidemark/proof';
import type { Headers } from '../headers/headers.ts';
import type { AnchorRow, LedgerWriter } from '../store/ledger.ts';
import type { Candidate, Submission } from '../store/submissions.ts';
import { type AnchorChain, AnchorError, type Commitment, type Fate } from './chain.ts';
import { followed } from './followed.ts';

type Ledger = Pick<LedgerWriter, 'packet' | 'rollups' | 'recordAnchors' | 'submissions' | 'submit'>;

/** Outputs of one transaction: with more versions than this, the others wait for the next. */
const MAX_COMMITMENTS = 1000;
/** Blocks below the tip in which anchors are looked for after a reorganization; no deeper one is followed. */
const DEEPEST_FORK = 1000;

export class Anchorer {
  readonly #ledger: Ledger;
  readonly #chain: AnchorChain;
  readonly #headers: Headers;
  readonly #now: () => number;
  /** Why new versions are not being submitted. */
  #trouble: string | undefined;
  #lastTip: { height: number; header: string | undefined } | undefined;

  /** @param now milliseconds since 1970 */
  constructor(ledger: Ledger, chain: AnchorChain, headers: Headers, now: () => number) {
    this.#ledger = ledger;
    this.#chain = chain;
    this.#headers = headers;
    this.#now = now;
  }

  /** Undefined while all is well. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** @returns whether readers have something new to see */
  async run(): Promise<boolean> {
    const lost = this.#dropForked();
    let settled = false;
    for (const submission of this.#ledger.submissions.open()) settled = (await this.#advance(submission)) || settled;
    const submitted = await this.#submitNew();
    return lost || settled || submitted;
  }

  /** Anchors whose blocks have left the best chain prove nothing until they are mined again. */
  #dropForked(): boolean {
    const height = this.#headers.bestHeight();
    const last = this.#lastTip;
    this.#lastTip = { height, header: this.#headers.headerAt(height) };
    if (last !== undefined && this.#headers.headerAt(last.height) === last.header) return false;
    const mined = this.#ledger.submissions.minedFrom(height - DEEPEST_FORK);
    const gone = mined.filter(({ envelope }) => this.#headers.heightOf(blockHash(envelope)) === undefined);
    if (gone.length === 0) return false;
    this.#ledger.submit.lose(gone.map(({ txid }) => txid));
    return true;
  }

  async #submitNew(): Promise<boolean> {
    const candidates = this.#ledger.submissions.waiting(MAX_COMMITMENTS);
    if (candidates.length === 0) return false;
    const submission = await this.#make(candidates);
    if (submission === undefined) return false;
    this.#ledger.submit.add(submission);
    return this.#advance(submission);
  }

  async #make(candidates: readonly Candidate[]): Promise<Submission | undefined> {
    try {
      const { txid, rawTx, vouts } = await this.#chain.make(candidates.map(toCommitment));
      this.#trouble = undefined;
      const commitments = candidates.map(({ versionId }, index) => ({ versionId, vout: vouts[index]! }));
      const { name: chain } = this.#chain;
      return { txid, chain, rawTx, commitments, madeAt: this.#now(), state: 'made', reason: undefined };
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
    if (fate.state !== state || fate.reason !== reason) this.#ledger.submit.note(txid, fate.state, fate.reason);
    return false;
  }

  /** What a service says of a block counts for as much as the headers say too. */
  #settle(submission: Submission, { height, envelope }: Extract<Fate, { state: 'mined' }>): boolean {
    const { txid, commitments } = submission;
    const chain = this.#chain.name === 'tidemark-dev' ? 'tidemark-dev' : followed(this.#headers);
    const verdict = verifyEnvelope(envelope, { versionId: commitments[0]!.versionId, chain });
    if (!verdict.valid) {
      this.#ledger.submit.note(txid, 'sent', `the proof that it is mined is not good: ${verdict.reason}`);
      return false;
    }
    const place = { chain: this.#chain.name, txid, height, envelope: JSON.stringify(envelope) };
    this.#ledger.recordAnchors(commitments.map((commitment) => ({ ...place, ...this.#anchored(commitment) })));
    return true;
  }

  #anchored({
    versionId,
    vout,
  }: Submission['commitments'][number]): Pick<AnchorRow, 'versionId' | 'vout' | 'stream' | 'end'> {
    const packet = this.#ledger.packet(versionId);
    if (packet !== undefined) return { versionId, vout, stream: packet.stream, end: packet.end };
    return { versionId, vout, stream: this.#ledger.rollups.one(versionId)?.stream ?? '', end: 0 };
  }
}

function toCommitment({ versionId, manifest }: Candidate): Commitment {
  const { lineage } = JSON.parse(manifest) as { lineage: { parents: string[] } };
  return { versionId, parents: lineage.parents };
}

function blockHash(envelope: string): string {
  const { block } = JSON.parse(envelope) as { block: { blockHeader: string } | { blockHash: string } };
  return 'blockHash' in block ? block.blockHash : parseHeader(Buffer.from(block.blockHeader, 'hex')).hash;
}
