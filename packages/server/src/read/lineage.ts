/** Packets and rollups with their ancestors and proofs, and whether one is ready to be relied on. */
import type { Headers } from '../headers/headers.ts';
import type { AnchorRow, LedgerReader, PacketRow } from '../store/ledger.ts';
import type { RollupRow } from '../store/rollups.ts';
import type { ProofBuilder } from './proofs.ts';

export interface Readiness {
  ready: boolean;
  reason?: 'missing-envelope' | 'insufficient-confs' | 'headers-unavailable';
  confirmations: number;
  confsUsed: number;
  bestHeight: number | null;
}

/** A packet, or a rollup, which has packets as parents and is nobody's. */
export type Version = PacketRow | RollupRow;

/** A rollup has all of its packets as parents, and a bundle has to end somewhere. */
const MAX_PACKETS = 1001;

export class Lineage {
  readonly #ledger: LedgerReader;
  readonly #proofs: ProofBuilder;
  readonly #headers: Headers | undefined;
  readonly #minConfirmations: number;

  constructor(ledger: LedgerReader, proofs: ProofBuilder, headers: Headers | undefined, minConfirmations: number) {
    this.#ledger = ledger;
    this.#proofs = proofs;
    this.#headers = headers;
    this.#minConfirmations = minConfirmations;
  }

  version(versionId: string): Version | undefined {
    return this.#ledger.packet(versionId) ?? this.#ledger.rollups.one(versionId);
  }

  /** A packet is proven by its own anchor, or by that of a later packet of its log; a rollup by none of these. */
  readiness(version: Version): Readiness {
    const confsUsed = this.#minConfirmations;
    if (this.#headers === undefined) {
      return { ready: false, reason: 'headers-unavailable', confirmations: 0, confsUsed, bestHeight: null };
    }
    const bestHeight = this.#headers.bestHeight();
    const anchor = isPacket(version) ? this.#ledger.anchorCovering(version.stream, version.end) : undefined;
    if (anchor === undefined) {
      return { ready: false, reason: 'missing-envelope', confirmations: 0, confsUsed, bestHeight };
    }
    const confirmations = bestHeight - anchor.height + 1;
    if (confirmations < confsUsed) {
      return { ready: false, reason: 'insufficient-confs', confirmations, confsUsed, bestHeight };
    }
    return { ready: true, confirmations, confsUsed, bestHeight };
  }

  /** The target and `depth` generations of parents; `frontier` names those left out. */
  bundle(target: Version, depth: number): object {
    const { versions, edges, frontier } = this.#ancestry(target, depth);
    const anchors = new Map<string, AnchorRow>();
    for (const { stream, end } of versions.filter(isPacket)) {
      const anchor = this.#ledger.anchorCovering(stream, end);
      if (anchor !== undefined) anchors.set(anchor.versionId, anchor);
    }
    const { confsUsed, bestHeight } = this.readiness(target);
    return {
      bundleType: 'datasetLineageBundle',
      target: target.versionId,
      graph: { nodes: versions.map((version) => this.#node(version)), edges },
      manifests: versions.map(({ versionId, manifest }) => ({
        manifestHash: versionId,
        manifest: JSON.parse(manifest) as unknown,
      })),
      proofs: [...anchors.values()].map((anchor) => ({
        versionId: anchor.versionId,
        chain: anchor.chain,
        envelope: this.#proofs.envelope(anchor),
      })),
      frontier,
      confsUsed,
      bestHeight,
    };
  }

  #ancestry(target: Version, depth: number) {
    const versions = new Map<string, { version: Version; generation: number }>();
    versions.set(target.versionId, { version: target, generation: 0 });
    const frontier = new Set<string>();
    const edges: { child: string; parent: string }[] = [];
    for (const { version, generation } of versions.values()) {
      for (const parent of parentsOf(version)) {
        edges.push({ child: version.versionId, parent });
        if (versions.has(parent)) continue;
        const row = generation < depth && versions.size < MAX_PACKETS ? this.#ledger.packet(parent) : undefined;
        if (row === undefined) frontier.add(parent);
        else versions.set(parent, { version: row, generation: generation + 1 });
      }
    }
    return { versions: [...versions.values()].map(({ version }) => version), edges, frontier: [...frontier] };
  }

  /** `txo` is where the packet's own hash is on the chain; `provenBy` names the later packet that stands for it. */
  #node(version: Version): object {
    const { versionId, stream, end } = version;
    const anchor = isPacket(version) ? this.#ledger.anchorCovering(stream, end) : undefined;
    const own = anchor?.versionId === versionId;
    return {
      versionId,
      manifestHash: versionId,
      txo: anchor !== undefined && own ? `${anchor.txid}:${anchor.vout}` : null,
      ...(anchor === undefined || own ? {} : { provenBy: anchor.versionId }),
    };
  }
}

function isPacket(version: Version): version is PacketRow {
  return 'checkpoint' in version;
}

function parentsOf({ manifest }: Version): string[] {
  return (JSON.parse(manifest) as { lineage: { parents: string[] } }).lineage.parents;
}
