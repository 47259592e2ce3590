/**
 * Anchors on BSV, through ARC. What ARC says decides what is sent and asked next; that a transaction is mined counts
 * only where its path leads to a header that the node follows itself.
 */
import { fromHex, parseTransaction, toHex } from '@tidemark/proof';
import type { Headers } from '../../headers/headers.ts';
import type { IdentityKey } from '../../keys.ts';
import type { CoinReader } from '../../store/coins.ts';
import type { Submission } from '../../store/submissions.ts';
import { type AnchorChain, AnchorError, type Commitment, type Fate, type Prepared } from '../chain.ts';
import { extendedFormat, paymentScript } from '../raw-transaction.ts';
import { isCallbackToken } from './callback-token.ts';
import type { ArcAnswer, ArcClient } from './client.ts';
import { type FeeSettings, Fees } from './fees.ts';
import { isMined, minedEnvelope } from './mined.ts';
import { Pace } from './pace.ts';
import { anchorSpending } from './spending.ts';
import { type ArcStatus, parseCallback } from './status.ts';
import { blameOf, isMinedWord, isOnItsWay } from './verdicts.ts';

export interface ArcChainOptions {
  name: 'main' | 'test' | 'regtest';
  /** Holds the coins. */
  key: IdentityKey;
  client: ArcClient;
  coins: CoinReader;
  headers: Headers;
  fees?: FeeSettings;
  /** What ARC's callbacks come with; without one none is taken. */
  callbackToken?: string | undefined;
  /** Milliseconds since 1970. */
  now: () => number;
  /** From 0 to 1. */
  random: () => number;
}

/** What is known of an open submission in this process. */
interface Watched {
  pace: Pace;
  /** ARC's word that it is mined, looked at again with every run: our headers may be behind. */
  told: ArcStatus | undefined;
}

type Sent = Extract<Fate, { state: 'made' | 'sent' }>;

const FEES: FeeSettings = { fallback: 100, highest: 1000 };
/** Between two questions about one transaction. */
const POLL = { firstMs: 1000, longestMs: 60_000 };
/** After a refusal, before the next transaction is made. */
const REFUSED = { firstMs: 1000, longestMs: 600_000 };
/** While ARC is down. */
const OUTAGE = { firstMs: 1000, longestMs: 60_000 };
/** A transaction whose coins the network has not seen by then will not be waited for. */
const MAX_ORPHANED_MS = 3_600_000;
/** Coins that one transaction may take together. */
const MAX_COINS = 100;

export class ArcChain implements AnchorChain {
  readonly name: ArcChainOptions['name'];
  readonly #options: ArcChainOptions;
  readonly #fees: Fees;
  readonly #script: Uint8Array;
  readonly #watched = new Map<string, Watched>();
  readonly #outage: Pace;
  readonly #refusals: Pace;
  /** Why ARC is not asked now, and why no transaction is made. */
  #down: string | undefined;
  #refused: string | undefined;

  constructor(options: ArcChainOptions) {
    const { name, key, client, fees = FEES, now, random } = options;
    this.name = name;
    this.#options = options;
    this.#fees = new Fees(client, fees, now);
    this.#script = paymentScript(key.publicKey);
    this.#outage = new Pace({ ...OUTAGE, now, random });
    this.#refusals = new Pace({ ...REFUSED, now, random });
  }

  /** @throws AnchorError; one made during an outage would only queue up, and its successors with it */
  async make(commitments: readonly Commitment[]): Promise<Prepared> {
    if (this.#down !== undefined && !this.#outage.due) throw new AnchorError('unreachable', this.#down);
    if (this.#refused !== undefined && !this.#refusals.due) {
      throw new AnchorError('refused', `the last transaction was refused: ${this.#refused}`);
    }
    const { coins, key } = this.#options;
    const rate = await this.#fees.rate();
    return anchorSpending(coins.free(this.name, key.publicKey, MAX_COINS), commitments, key, rate);
  }

  send(submission: Submission): Promise<Fate> {
    return this.#attempt(submission, () => this.#submit(submission));
  }

  async follow(submission: Submission): Promise<Fate> {
    const { told } = this.#watch(submission.txid);
    const fate = told && this.#mined(submission, told);
    if (fate?.state === 'mined') return this.#settled(submission.txid, fate);
    return this.#attempt(submission, async () => {
      const answer = await this.#options.client.status(submission.txid);
      const isStale = answer.kind === 'status' && answer.status.txStatus === 'MINED_IN_STALE_BLOCK';
      // The network may have forgotten it, or its block may have lost: sent once more, it does no harm.
      return isStale || answer.kind === 'unknown' ? this.#submit(submission) : answer;
    });
  }

  /** A report by ARC: it only brings the next question forward, or a path that is checked like any other. */
  callback(body: unknown, token: string | undefined): 'taken' | 'refused' {
    if (!isCallbackToken(this.#options.callbackToken, token)) return 'refused';
    const statuses = parseCallback(body);
    if (statuses === undefined) return 'refused';
    for (const status of statuses) {
      const watched = this.#watched.get(status.txid);
      if (watched === undefined) continue;
      watched.pace.reset();
      if (isMinedWord(status.txStatus)) watched.told = status;
    }
    return 'taken';
  }

  /** Breaks off requests that are under way; what they were about stays as it is. */
  close(): void {
    this.#options.client.close();
  }

  #submit({ txid, rawTx }: Submission): Promise<ArcAnswer> {
    const raw = fromHex(rawTx);
    const amounts = parseTransaction(raw).inputs.map((input) => this.#options.coins.one(input)?.satoshis);
    const known = amounts.filter((amount) => amount !== undefined);
    const extended = known.length === amounts.length ? toHex(extendedFormat(raw, known, this.#script)) : rawTx;
    return this.#options.client.submit(extended, txid);
  }

  async #attempt(submission: Submission, ask: () => Promise<ArcAnswer>): Promise<Fate> {
    const { pace } = this.#watch(submission.txid);
    if (!pace.due || !this.#outage.due) return asBefore(submission);
    const answer = await ask();
    pace.attempted(answer.kind === 'trouble' ? answer.retryAfterMs : undefined);
    this.#noteHealth(answer);
    return this.#settled(submission.txid, await this.#judge(submission, answer));
  }

  #noteHealth(answer: ArcAnswer): void {
    if (answer.kind === 'trouble' && answer.everywhere) {
      this.#down = answer.why;
      this.#outage.attempted(answer.retryAfterMs);
    } else {
      this.#down = undefined;
      this.#outage.reset();
    }
  }

  async #judge(submission: Submission, answer: ArcAnswer): Promise<Fate> {
    if (answer.kind === 'trouble') return asBefore(submission, answer.why);
    if (answer.kind === 'unknown') return asBefore(submission, 'ARC does not know it');
    if (answer.kind === 'refused') {
      const { coins, fee } = blameOf(answer.code);
      if (fee) this.#fees.raise();
      return { state: 'failed', reason: answer.why, coins };
    }
    return this.#judgeStatus(submission, answer.status);
  }

  async #judgeStatus(submission: Submission, status: ArcStatus): Promise<Fate> {
    const { txStatus } = status;
    const says = `ARC says ${txStatus}${status.extraInfo && `: ${status.extraInfo}`}`;
    if (isMinedWord(txStatus)) return this.#mined(submission, status);
    const winner = await this.#minedAmong(status.competing.filter((txid) => txid !== submission.txid));
    if (winner !== undefined)
      return { state: 'failed', reason: `${winner} spends the same, and is mined`, coins: 'gone' };
    if (txStatus === 'REJECTED') return { state: 'failed', reason: says, coins: 'doubtful' };
    if (txStatus === 'SEEN_IN_ORPHAN_MEMPOOL' && this.#options.now() - submission.madeAt > MAX_ORPHANED_MS) {
      return { state: 'failed', reason: `${says}, and it has for an hour`, coins: 'doubtful' };
    }
    if (!isOnItsWay(txStatus)) return { state: 'sent', reason: says };
    this.#accepted();
    return { state: 'sent' };
  }

  /** Mined, if the path leads to a header of ours; else why that cannot be said yet. */
  #mined({ txid, rawTx }: Submission, status: ArcStatus): Fate {
    this.#watch(txid).told = status;
    const found = minedEnvelope(rawTx, status.merklePath, this.#options.headers);
    if ('why' in found) return { state: 'sent', reason: `ARC says ${status.txStatus}: ${found.why}` };
    return { state: 'mined', ...found };
  }

  /** The first of these transactions that a block of our headers has. */
  async #minedAmong(txids: readonly string[]): Promise<string | undefined> {
    for (const txid of txids) {
      const answer = await this.#options.client.status(txid);
      if (answer.kind !== 'status' || !isMinedWord(answer.status.txStatus)) continue;
      if (isMined(txid, answer.status.merklePath, this.#options.headers)) return txid;
    }
    return undefined;
  }

  #watch(txid: string): Watched {
    const { now, random } = this.#options;
    const watched = this.#watched.get(txid) ?? { pace: new Pace({ ...POLL, now, random }), told: undefined };
    this.#watched.set(txid, watched);
    return watched;
  }

  /** Whoever fails or is mined is not watched any more; should its block be lost, it is asked about at once. */
  #settled(txid: string, fate: Fate): Fate {
    if (fate.state === 'mined' || fate.state === 'failed') this.#watched.delete(txid);
    if (fate.state === 'mined') this.#accepted();
    if (fate.state === 'failed') {
      this.#refused = fate.reason;
      this.#refusals.attempted();
    }
    return fate;
  }

  #accepted(): void {
    this.#refused = undefined;
    this.#refusals.reset();
  }
}

/** @param reason what has been learnt; without it nothing has */
function asBefore({ state, reason: before }: Submission, reason = before): Sent {
  return { state: state === 'made' ? 'made' : 'sent', ...(reason !== undefined && { reason }) };
}
