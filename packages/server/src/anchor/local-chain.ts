/**
 * The embedded development chain: real transactions in real blocks with proof of work, mined when there is something to
 * mine. It shows the mechanics and proves nothing to others, who could mine as much themselves; every proof names it.
 */
import { join } from 'node:path';
import type { SQLOutputValue } from 'node:sqlite';
import { anchorScript, parseTransaction, transactionId } from '@tidemark/proof';
import type { IdentityKey } from '../keys.ts';
import type { Coin } from '../store/coins.ts';
import { inTransaction, openDatabase } from '../store/sqlite/database.ts';
import type { Submission } from '../store/submissions.ts';
import type { AnchorChain, Commitment, Fate, Prepared } from './chain.ts';
import { chainFile, LocalHeaders } from './local-headers.ts';
import { doubleHash, mine, reversedHex } from './mining.ts';
import { coinbase, paymentScript, signedTransaction } from './raw-transaction.ts';

const MIGRATIONS = join(import.meta.dirname, '..', 'store', 'sqlite', 'migrations', 'chain');

const SUBSIDY = 50 * 100_000_000;

interface Block {
  height: number;
  header: Uint8Array;
  coinbase: Uint8Array;
  anchor: Uint8Array | undefined;
}

export class LocalChain extends LocalHeaders implements AnchorChain {
  readonly name = 'tidemark-dev';
  readonly #key: IdentityKey;
  readonly #now: () => number;

  /** @param now milliseconds since 1970; block times come from it */
  constructor(dataDir: string, key: IdentityKey, now: () => number) {
    super(dataDir, openDatabase(chainFile(dataDir), { migrations: MIGRATIONS }));
    this.#key = key;
    this.#now = now;
    if (this.bestHeight() < 0) this.#addBlock(undefined, undefined);
  }

  /** One transaction for all of them. */
  async make(commitments: readonly Commitment[]): Promise<Prepared> {
    const scripts = commitments.map(({ versionId, parents }) => anchorScript({ mh: versionId, parents }));
    const coin = this.#coinOf(this.#tip());
    // There is no fee: nobody else mines this chain.
    const change = { satoshis: coin.satoshis, script: paymentScript(this.#key.publicKey) };
    const outputs = [...scripts.map((script) => ({ satoshis: 0, script })), change];
    const rawTx = signedTransaction([coin], outputs, this.#key);
    return {
      txid: transactionId(rawTx),
      rawTx: Buffer.from(rawTx).toString('hex'),
      vouts: commitments.map((_, vout) => vout),
    };
  }

  /** Mines a block with it, which is on disk when this settles. */
  async send({ txid, rawTx }: Submission): Promise<Fate> {
    const raw = Buffer.from(rawTx, 'hex');
    const tip = this.#tip();
    const spent = parseTransaction(raw).inputs[0];
    const coin = this.#coinOf(tip);
    const isNext = spent?.txid === coin.txid && spent.vout === coin.vout;
    const block = isNext ? this.#addBlock(tip, raw) : this.#blockOf(raw);
    if (block === undefined) return { state: 'failed', reason: 'what it spends has been spent' };
    const envelope = {
      rawTx,
      txid,
      proof: {
        txid,
        merkleRoot: reversedHex(block.header.subarray(36, 68)),
        path: [{ hash: reversedHex(doubleHash(block.coinbase)), position: 'left' as const }],
      },
      block: { blockHeader: Buffer.from(block.header).toString('hex') },
    };
    return { state: 'mined', height: block.height, envelope };
  }

  follow(submission: Submission): Promise<Fate> {
    return this.send(submission);
  }

  #addBlock(tip: Block | undefined, anchor: Uint8Array | undefined): Block {
    const height = (tip?.height ?? -1) + 1;
    const coinbaseTx = coinbase(height, { satoshis: SUBSIDY, script: paymentScript(this.#key.publicKey) });
    const leaves = [coinbaseTx, ...(anchor === undefined ? [] : [anchor])].map(doubleHash);
    const header = mine({
      previous: tip === undefined ? Buffer.alloc(32) : doubleHash(tip.header),
      merkleRoot: leaves.length === 1 ? leaves[0]! : doubleHash(Buffer.concat(leaves)),
      time: Math.max(Math.floor(this.#now() / 1000), tip === undefined ? 0 : timeOf(tip)),
    });
    inTransaction(this.db, () => {
      this.db
        .prepare('INSERT INTO blocks VALUES (?, ?, ?, ?, ?)')
        .run(height, reversedHex(doubleHash(header)), header, coinbaseTx, anchor ?? null);
    });
    return { height, header, coinbase: coinbaseTx, anchor };
  }

  /** What the next transaction spends: the change of the last one, or the first block's reward. */
  #coinOf({ anchor, coinbase: reward }: Block): Coin {
    const raw = anchor ?? reward;
    const { outputs } = parseTransaction(raw);
    const vout = outputs.length - 1;
    const satoshis = Number(outputs[vout]!.satoshis);
    return { txid: transactionId(raw), vout, satoshis, chain: this.name, owner: this.#key.publicKey };
  }

  #tip(): Block {
    return toBlock(this.db.prepare('SELECT * FROM blocks ORDER BY height DESC LIMIT 1').get() ?? {});
  }

  /** The block that has a transaction: after a crash the newest one may. */
  #blockOf(rawTx: Uint8Array): Block | undefined {
    const row = this.db.prepare('SELECT * FROM blocks WHERE anchor = ? ORDER BY height DESC LIMIT 1').get(rawTx);
    return row && toBlock(row);
  }
}

function toBlock(row: Record<string, SQLOutputValue>): Block {
  return {
    height: Number(row.height),
    header: row.header as Uint8Array,
    coinbase: row.coinbase as Uint8Array,
    anchor: (row.anchor as Uint8Array | null) ?? undefined,
  };
}

function timeOf(block: Block): number {
  return Buffer.from(block.header).readUInt32LE(68);
}
