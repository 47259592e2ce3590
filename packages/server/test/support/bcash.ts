/** A real node in this process, on a regression test network of its own: bcash, whose scripts and blocks BSV shares. */
import { createRequire } from 'node:module';
import { paymentScript, signedTransaction } from '../../src/anchor/raw-transaction.ts';
import { IdentityKey } from '../../src/keys.ts';
import type { Coin } from '../../src/store/coins.ts';

interface BlockAt {
  hash(encoding: 'hex'): string;
  rhash(): string;
  toRaw(): Buffer;
  txs: { txid(): string; toRaw(): Buffer }[];
}

interface Entry {
  height: number;
}

interface FullNode {
  http: object;
  ensure(): Promise<void>;
  open(): Promise<void>;
  close(): Promise<void>;
  chain: {
    tip: Entry;
    add(block: BlockAt): Promise<unknown>;
    getEntryByHeight(height: number): Promise<Entry>;
    on(event: 'connect' | 'disconnect', listener: (entry: Entry, block: BlockAt) => void): void;
  };
  mempool: {
    options: Record<string, unknown>;
    addTX(tx: unknown): Promise<unknown>;
    getEntry(hash: Buffer): unknown;
    reset(): Promise<void>;
  };
  miner: { addresses: unknown[]; options: Record<string, unknown>; mineBlock(tip?: Entry): Promise<BlockAt> };
}

interface Bcash {
  FullNode: new (options: object) => FullNode;
  TX: { fromRaw(raw: Buffer): unknown };
  Address: { fromScript(script: unknown): unknown };
  Script: { fromRaw(raw: Buffer): unknown };
}

export interface MinedBlock {
  height: number;
  /** 80 bytes. */
  header: Buffer;
  txids: string[];
}

const MATURITY = 100;
const REWARD = 50 * 100_000_000;

export class BcashNode {
  /** Its best chain, by height. */
  readonly blocks: MinedBlock[] = [];
  readonly #bcash: Bcash;
  readonly #node: FullNode;
  readonly #miner = new IdentityKey(Buffer.alloc(32, 3));
  readonly #listeners: ((block: MinedBlock) => void)[] = [];
  /** Rewards of the miner's, oldest first. */
  readonly #rewards: { coin: Coin; height: number }[] = [];

  private constructor(bcash: Bcash, node: FullNode) {
    this.#bcash = bcash;
    this.#node = node;
    node.chain.on('connect', ({ height }, block) => this.#connect(height, block));
  }

  static async start(): Promise<BcashNode> {
    const bcash = load();
    const node = new bcash.FullNode({
      network: 'regtest',
      memory: true,
      workers: false,
      listen: false,
      logLevel: 'none',
    });
    // As BSV has it: no limit to chains of transactions, and a fee that is next to nothing.
    Object.assign(node.mempool.options, { minRelay: 1, maxAncestors: 100_000, limitFree: false, relayPriority: false });
    node.miner.options.minSize = node.miner.options.maxSize;
    // Its own interface would listen at a fixed port.
    node.http = { open: () => {}, close: () => {} };
    await node.ensure();
    await node.open();
    const started = new BcashNode(bcash, node);
    const script = bcash.Script.fromRaw(Buffer.from(paymentScript(started.#miner.publicKey)));
    node.miner.addresses = [bcash.Address.fromScript(script)];
    await started.mine(MATURITY + 5);
    return started;
  }

  get height(): number {
    return this.#node.chain.tip.height;
  }

  /** Told of each block that joins the best chain. */
  onBlock(listener: (block: MinedBlock) => void): void {
    for (const block of this.blocks) if (block !== undefined) listener(block);
    this.#listeners.push(listener);
  }

  async mine(count = 1): Promise<void> {
    for (let made = 0; made < count; made++) await this.#node.chain.add(await this.#node.miner.mineBlock());
  }

  /** Blocks without anybody's transactions take the place of the last ones; those transactions are forgotten. */
  async reorganize(depth: number): Promise<void> {
    const { chain, miner, mempool } = this.#node;
    const fork = this.height - depth;
    let tip = await chain.getEntryByHeight(fork);
    await mempool.reset();
    for (let made = 0; made <= depth; made++) {
      const block = await miner.mineBlock(tip);
      tip = (await chain.add(block)) as Entry;
    }
    await mempool.reset();
  }

  /** @throws with `reason` in the node's words */
  async send(raw: Uint8Array): Promise<void> {
    const missing = await this.#node.mempool.addTX(this.#bcash.TX.fromRaw(Buffer.from(raw)));
    if (Array.isArray(missing)) throw Object.assign(new Error('missing inputs'), { reason: 'missing-inputs' });
  }

  isWaiting(txid: string): boolean {
    return this.#node.mempool.getEntry(Buffer.from(txid, 'hex').reverse()) != null;
  }

  blockOf(txid: string): MinedBlock | undefined {
    return this.blocks.find((block) => block?.txids.includes(txid));
  }

  /** Pays each amount to the key, in one transaction in a block. @returns the transaction */
  async pay(publicKey: string, amounts: readonly number[]): Promise<Uint8Array> {
    const index = this.#rewards.findIndex(({ height }) => height <= this.height - MATURITY);
    const [reward] = this.#rewards.splice(index, 1);
    if (reward === undefined) throw new Error('no reward is mature');
    const script = paymentScript(publicKey);
    const outputs = amounts.map((satoshis) => ({ satoshis, script }));
    const rest = reward.coin.satoshis - amounts.reduce((sum, amount) => sum + amount, 0) - 10_000;
    outputs.push({ satoshis: rest, script: paymentScript(this.#miner.publicKey) });
    const raw = signedTransaction([reward.coin], outputs, this.#miner);
    await this.send(raw);
    await this.mine();
    return raw;
  }

  close(): Promise<void> {
    return this.#node.close();
  }

  #connect(height: number, block: BlockAt): void {
    const raw = block.toRaw();
    const mined = { height, header: raw.subarray(0, 80), txids: block.txs.map((tx) => tx.txid()) };
    this.blocks.length = height;
    this.blocks[height] = mined;
    const txid = mined.txids[0]!;
    const coin: Coin = { txid, vout: 0, chain: 'regtest', owner: this.#miner.publicKey, satoshis: REWARD };
    if (block.txs.length === 1 && height < 150) this.#rewards.push({ coin, height });
    for (const listener of this.#listeners) listener(mined);
  }
}

/** Without its native add-ons: what they do, it also does in JavaScript, and its database is in memory. */
function load(): Bcash {
  process.env.NODE_BACKEND = 'js';
  const require = createRequire(import.meta.url);
  const fromNode = createRequire(require.resolve('bcash'));
  const level = createRequire(fromNode.resolve('bdb')).resolve('./level.js');
  require.cache[level] = Object.assign(Object.create(null), {
    id: level,
    filename: level,
    loaded: true,
    exports: class {},
  });
  return require('bcash') as Bcash;
}
