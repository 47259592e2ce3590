/** Packets with their ancestors and proofs, and whether a packet is ready to be relied on. */
import type { AnchorRow, LedgerReader, PacketRow } from '../store/ledger.ts';
import type { Headers, ProofBuilder } from './proofs.ts';

export interface Readiness {
  ready: boolean;
  reason?: 'missing-envelope' | 'insufficient-confs' | 'headers-unavailable';
  confirmations: number;
  confsUsed: number;
  bestHeight: number | null;
}

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

  packet(versionId: string): PacketRow | undefined {
    return this.#ledger.packet(versionId);
  }

  /** A packet is proven by its own anchor, or by that of a later packet of its log. */
  readiness(packet: PacketRow): Readiness {
    const confsUsed = this.#minConfirmations;
    if (this.#headers === undefined) {
      return { ready: false, reason: 'headers-unavailable', confirmations: 0, confsUsed, bestHeight: null };
    }
    const bestHeight = this.#headers.bestHeight();
    const anchor = this.#ledger.anchorCovering(packet.stream, packet.end);
    if (anchor === undefined) {
      return { ready: false, reason: 'missing-envelope', confirmations: 0, confsUsed, bestHeight };
    }
    const confirmations = bestHeight - anchor.height + 1;
    if (confirmations < confsUsed) {
      return { ready: false, reason: 'insufficient-confs', confirmations, confsUsed, bestHeight };
    }
    return { ready: true, confirmations, confsUsed, bestHeight };
  }

  /** The packet and `depth` generations of parents; `frontier` names those left out. */
  bundle(target: PacketRow, depth: number): object {
    const packets = [target];
    const frontier: string[] = [];
    const edges: { child: string; parent: string }[] = [];
    for (const packet of packets) {
      for (const parent of parentsOf(packet)) {
        edges.push({ child: packet.versionId, parent });
        const row = packets.length <= depth ? this.#ledger.packet(parent) : undefined;
        if (row === undefined) frontier.push(parent);
        else packets.push(row);
      }
    }
    const anchors = new Map<string, AnchorRow>();
    for (const { stream, end } of packets) {
      const anchor = this.#ledger.anchorCovering(stream, end);
      if (anchor !== undefined) anchors.set(anchor.versionId, anchor);
    }
    const { confsUsed, bestHeight } = this.readiness(target);
    return {
      bundleType: 'datasetLineageBundle',
      target: target.versionId,
      graph: { nodes: packets.map((packet) => this.#node(packet)), edges },
      manifests: packets.map(({ versionId, manifest }) => ({
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

  /** `txo` is where the packet's own hash is on the chain; `provenBy` names the later packet that stands for it. */
  #node({ versionId, stream, end }: PacketRow): object {
    const anchor = this.#ledger.anchorCovering(stream, end);
    const own = anchor?.versionId === versionId;
    return {
      versionId,
      manifestHash: versionId,
      txo: anchor !== undefined && own ? `${anchor.txid}:${anchor.vout}` : null,
      ...(anchor === undefined || own ? {} : { provenBy: anchor.versionId }),
    };
  }
}

function parentsOf({ manifest }: PacketRow): string[] {
  return (JSON.parse(manifest) as { lineage: { parents: string[] } }).lineage.parents;
}
