/** A node that anchors through ARC: everything real but the network in between. */
import { createHash } from 'node:crypto';
import { verifyEnvelope } from '@tidemark/proof';
import { expect } from 'vitest';
import { Anchorer } from '../../src/anchor/anchor.ts';
import { ArcChain, type ArcChainOptions } from '../../src/anchor/arc/arc-chain.ts';
import { ArcClient } from '../../src/anchor/arc/client.ts';
import { fundingCoins } from '../../src/anchor/arc/funding.ts';
import { followed } from '../../src/anchor/followed.ts';
import { HeaderStore } from '../../src/headers/header-store.ts';
import { hashOf } from '../../src/headers/raw-header.ts';
import { IdentityKey } from '../../src/keys.ts';
import type { LedgerWriter } from '../../src/store/ledger.ts';
import type { ArcStandIn } from '../support/arc-stand-in.ts';
import type { BcashNode } from '../support/bcash.ts';
import type { Directories } from '../support/directories.ts';
import { Writer } from '../support/journal.ts';
import { streamConfig } from '../support/node.ts';
import { Works } from '../support/passage.ts';

export const TOKEN = 'arc-token';
export const CALLBACK = { url: 'https://node.example/anchor/arc', token: 'callback-token' };
/** Longer than any wait between two questions, shorter than what makes an orphan a failure. */
const STEP_MS = 11 * 60_000;
const TIMEOUT_MS = 400;

type Ledger = ConstructorParameters<typeof Anchorer>[0] & Pick<LedgerWriter, 'coins'>;

export class ArcWorld {
  readonly node: BcashNode;
  readonly arc: ArcStandIn;
  readonly works: Works;
  readonly headers: HeaderStore;
  readonly key: IdentityKey;
  chain!: ArcChain;
  anchorer!: Anchorer;
  now = Date.now();
  readonly #writer = new Writer();
  readonly #options: Partial<ArcChainOptions>;
  readonly #askedBefore: number;
  #open = true;

  private constructor(dir: string, node: BcashNode, arc: ArcStandIn, options: Partial<ArcChainOptions>) {
    this.node = node;
    this.arc = arc;
    this.#options = options;
    this.#askedBefore = arc.asked.length;
    this.key = new IdentityKey(createHash('sha256').update(dir).digest());
    this.works = new Works(dir);
    const pinned = node.blocks[1]!;
    this.headers = new HeaderStore(dir, 'regtest', { height: 1, hash: hashOf(pinned.header), floorBits: 0x207f_ffff });
    node.onBlock(({ header }) => {
      if (this.#open) this.headers.add(header, Date.now());
    });
    this.restart();
  }

  /** @param amounts coins that it has, satoshis */
  static async start(
    directories: Directories,
    node: BcashNode,
    arc: ArcStandIn,
    { amounts = [100_000], ...options }: Partial<ArcChainOptions> & { amounts?: number[] } = {},
  ): Promise<ArcWorld> {
    arc.fault = undefined;
    const world = new ArcWorld(directories.next(), node, arc, options);
    world.works.journal.append([world.#writer.config(streamConfig('alpha', { alpha: {} }), 0)]);
    await world.works.run();
    if (amounts.length > 0) await world.fund(amounts);
    return world;
  }

  /** As after a crash: whatever is not on disk is gone. @param ledger in place of the real one */
  restart(ledger: Ledger = this.works.ledger): void {
    const { headers, key } = this;
    const now = () => this.now;
    const client = new ArcClient({ url: this.arc.url, token: TOKEN, callback: CALLBACK, timeoutMs: TIMEOUT_MS });
    this.chain = new ArcChain({
      ...{ name: 'regtest', key, client, coins: ledger.coins, headers, now, random: () => 1 },
      callbackToken: CALLBACK.token,
      ...this.#options,
    });
    this.anchorer = new Anchorer(ledger, this.chain, headers, now);
  }

  async fund(amounts: readonly number[]): Promise<void> {
    const raw = await this.node.pay(this.key.publicKey, amounts);
    this.works.ledger.fund(fundingCoins(raw, 'regtest', this.key.publicKey));
  }

  /** Seals a packet. @returns its versionId */
  async packet(id: string): Promise<string> {
    const { works } = this;
    works.journal.append([
      this.#writer.events('alpha', 'alpha', [{ id, text: `{"id":"${id}"}` }], 1),
      this.#writer.cut('alpha', 2),
    ]);
    await works.run();
    return works.ledger.stream('alpha')?.head ?? '';
  }

  /** Time passes, a block is found, and the node looks. */
  async rounds(count: number): Promise<void> {
    for (let round = 0; round < count; round++) {
      this.now += STEP_MS;
      await this.anchorer.run();
      await this.node.mine();
    }
    this.now += STEP_MS;
    await this.anchorer.run();
  }

  /** Transactions that it has asked ARC to take, in order. */
  get made(): string[] {
    const asked = this.arc.asked.slice(this.#askedBefore).filter(({ method }) => method === 'POST');
    return [...new Set(asked.map(({ txid }) => txid ?? ''))];
  }

  /** Depth of a version's anchor, checked as a stranger would; undefined where it has none. */
  confirmations(versionId: string): number | undefined {
    const anchor = this.works.ledger.standingAnchor(versionId);
    if (anchor === undefined) return undefined;
    const { envelope, vout } = anchor;
    const verdict = verifyEnvelope(JSON.parse(envelope), { versionId, vout, chain: followed(this.headers) });
    expect(verdict).toMatchObject({ valid: true, txid: anchor.txid, height: anchor.height });
    return verdict.valid ? verdict.confirmations : undefined;
  }

  /** What the coins hold, of which the node must agree that it is unspent. */
  balance(): number {
    const { coins } = this.works.ledger;
    return coins.free('regtest', this.key.publicKey, 1000).reduce((sum, { satoshis }) => sum + satoshis, 0);
  }

  close(): void {
    this.#open = false;
    this.chain.close();
    this.headers.close();
    this.works.close();
  }
}
