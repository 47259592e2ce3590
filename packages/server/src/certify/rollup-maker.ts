/**
 * Makes the rollups that have come due, each from packets that are certified already: so it may take its time, and what
 * is certified meanwhile does not wait for it.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { StoreError } from '../store/errors.ts';
import type { LedgerWriter } from '../store/ledger.ts';
import type { PacketFiles } from '../store/packets.ts';
import type { DueRollup } from '../store/rollups.ts';
import type { StreamConfig } from '../stream.ts';
import { type Aggregates, aggregate, COUNTS, rollupContent, type Tallied } from './aggregates.ts';
import { type SignVersion, signedRollup } from './manifest.ts';

interface Covered {
  versionId: string;
  contentHash: string;
}

const PACKETS_AT_A_TIME = 256;

export class RollupMaker {
  readonly #ledger: Pick<LedgerWriter, 'rollups' | 'packetsFrom' | 'recordRollup'>;
  readonly #files: PacketFiles;
  readonly #sign: SignVersion;
  #stopping = false;

  constructor(
    ledger: Pick<LedgerWriter, 'rollups' | 'packetsFrom' | 'recordRollup'>,
    files: PacketFiles,
    sign: SignVersion,
  ) {
    this.#ledger = ledger;
    this.#files = files;
    this.#sign = sign;
  }

  /** Makes all that are due, in the order in which they came due; each is committed by itself. */
  async run(): Promise<void> {
    for (let [due] = this.#due(); due !== undefined; [due] = this.#due()) await this.#make(due);
  }

  /** Has `run` settle soon; what it leaves stays due. */
  stop(): void {
    this.#stopping = true;
  }

  #due(): DueRollup[] {
    return this.#stopping ? [] : this.#ledger.rollups.due(1);
  }

  async #make(due: DueRollup): Promise<void> {
    const config = JSON.parse(due.config) as StreamConfig;
    const packets = this.#covered(due);
    const aggregates = await this.#aggregate(packets, due.batch === undefined ? config.rollup : COUNTS);
    if (aggregates === undefined) return;
    const writer = this.#files.create();
    writer.write(Buffer.from(rollupContent(due, packets.length, aggregates)));
    const { contentHash, sizeBytes, durable } = writer.finish();
    const { config: _, ...extent } = due;
    const parents = packets.map(({ versionId }) => versionId);
    const facts = { ...extent, contentHash, sizeBytes, parents };
    const signed = signedRollup(config, facts, this.#sign);
    await durable;
    this.#ledger.recordRollup({ ...signed, ...extent, contentHash, sealedAt: due.window.end });
  }

  #covered({ stream, start, end }: DueRollup): Covered[] {
    const packets: Covered[] = [];
    for (let leaf = start; leaf < end; ) {
      const rows = this.#ledger.packetsFrom(stream, leaf, PACKETS_AT_A_TIME);
      for (const { start: from, end: to, versionId, contentHash } of rows) {
        if (leaf === end) break;
        if (from !== leaf || to > end) throw new StoreError('damaged', `no packet of ${stream} begins at leaf ${leaf}`);
        packets.push({ versionId, contentHash });
        leaf = to;
      }
      if (rows.length === 0) throw new StoreError('damaged', `leaf ${leaf} of ${stream} is in no packet`);
    }
    return packets;
  }

  /** @returns undefined when it was stopped */
  async #aggregate(packets: readonly Covered[], policy: Tallied | undefined): Promise<Aggregates | undefined> {
    if (policy === undefined) throw new StoreError('damaged', 'a rollup is due under a configuration without any');
    const work = aggregate(
      packets.map(({ contentHash }) => this.#files.existing(contentHash)),
      policy,
    );
    for (;;) {
      const step = work.next();
      if (step.done === true) return step.value;
      await nextTurn();
      if (this.#stopping) {
        work.return(undefined as never);
        return undefined;
      }
    }
  }
}
