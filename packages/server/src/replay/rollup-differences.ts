/** Rollups as they come due when a stream is derived anew, held against those that the ledger has. */
import { hash } from 'node:crypto';
import { type Aggregates, aggregate, COUNTS, rollupContent, type Tallied } from '../certify/aggregates.ts';
import { signedRollup } from '../certify/manifest.ts';
import { StoreError } from '../store/errors.ts';
import type { PacketFiles } from '../store/packets.ts';
import type { DueRollup } from '../store/rollups.ts';
import type { StreamConfig } from '../stream.ts';
import type { Difference } from './report.ts';
import type { StoredLedger, StoredPacket, StoredRollup } from './stored-ledger.ts';

export class RollupDifferences {
  readonly #ledger: StoredLedger;
  readonly #files: PacketFiles;

  constructor(ledger: StoredLedger, files: PacketFiles) {
    this.#ledger = ledger;
    this.#files = files;
  }

  /** @returns undefined where it is as it should be, or has not been made yet */
  between(due: DueRollup): Difference | undefined {
    const { stream, start, end, window } = due;
    const stored = this.#ledger.rollupFrom(stream, start);
    if (stored === undefined) return undefined;
    if (stored.start >= end) return differing('missing', 'order', { start, end, versionId: '' }, 'no such rollup');
    if (stored.start !== start || stored.end !== end) {
      return differing('differs', 'order', stored, `a rollup covers other leaves: [${start},${end}) are due`);
    }
    if (stored.window.start !== window.start || stored.window.end !== window.end) {
      return differing('differs', 'order', stored, 'a rollup is of another window');
    }
    const versionId = this.#versionIdOf(due);
    if (versionId === stored.versionId) return undefined;
    const what =
      versionId === undefined ? 'a rollup does not follow from its packets' : `it is the rollup ${versionId}`;
    return differing('differs', 'certify', stored, what);
  }

  /** @param from leaf up to which all rollups have been derived */
  extra(stream: string, from: number): Difference | undefined {
    const stored = this.#ledger.rollupFrom(stream, from);
    if (stored === undefined) return undefined;
    return differing('extra', 'order', stored, 'the journal does not give this rollup');
  }

  /** @returns undefined where its packets are not there, or cannot be read */
  #versionIdOf({ config: text, ...extent }: DueRollup): string | undefined {
    const config = JSON.parse(text) as StreamConfig;
    const packets = this.#covered(extent);
    const policy = extent.batch === undefined ? config.rollup : COUNTS;
    const aggregates = packets && policy && this.#aggregates(packets, policy);
    if (packets === undefined || aggregates === undefined) return undefined;
    const content = rollupContent(extent, packets.length, aggregates);
    const contentHash = hash('sha256', content, 'hex');
    const parents = packets.map(({ versionId }) => versionId);
    const facts = { ...extent, contentHash, sizeBytes: Buffer.byteLength(content), parents };
    // What is signed over a manifest is not part of its versionId.
    return signedRollup(config, facts, () => '').versionId;
  }

  #covered({ stream, start, end }: Omit<DueRollup, 'config'>): StoredPacket[] | undefined {
    const packets: StoredPacket[] = [];
    for (let leaf = start; leaf < end; ) {
      const packet = this.#ledger.packetFrom(stream, leaf);
      if (packet?.start !== leaf) return undefined;
      packets.push(packet);
      leaf = packet.end;
    }
    return packets;
  }

  #aggregates(packets: readonly StoredPacket[], policy: Tallied): Aggregates | undefined {
    try {
      const paths = packets.map(({ contentHash }) => this.#files.existing(contentHash));
      const work = aggregate(paths, policy);
      let step = work.next();
      while (step.done !== true) step = work.next();
      return step.value;
    } catch (cause) {
      // Packets that are not in the range have not been compared, and may be anything.
      if (cause instanceof StoreError || cause instanceof SyntaxError || cause instanceof TypeError) return undefined;
      throw cause;
    }
  }
}

function differing(
  kind: Difference['kind'],
  stage: Difference['stage'],
  { start, end, versionId }: Pick<StoredRollup, 'start' | 'end' | 'versionId'>,
  what: string,
): Difference {
  return { kind, stage, packet: { start, end, versionId }, leaf: undefined, event: undefined, what };
}
