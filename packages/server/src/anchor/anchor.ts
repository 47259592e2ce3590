/** Puts the newest packet of each stream on a chain; by its parents and its tree it proves all packets before it. */
import type { AnchorRow, LedgerWriter, PacketRow } from '../store/ledger.ts';

/** What an output of a transaction commits to: 32-byte hashes, hex. */
export interface Commitment {
  versionId: string;
  parents: string[];
}

export interface Inclusion {
  txid: string;
  vout: number;
  height: number;
  /** SPV envelope as in `contracts/dlm1.md`. */
  envelope: object;
}

export interface AnchorChain {
  /** As proofs name it. */
  readonly name: string;
  /** Commitments in, their places on the chain out, in the same order. */
  anchor(commitments: readonly Commitment[]): Promise<Inclusion[]>;
}

/** Outputs of one transaction: with more streams than this, the others wait for the next block. */
const MAX_COMMITMENTS = 1000;

export class Anchorer {
  readonly #ledger: LedgerWriter;
  readonly #chain: AnchorChain;

  constructor(ledger: LedgerWriter, chain: AnchorChain) {
    this.#ledger = ledger;
    this.#chain = chain;
  }

  /** Anchors what is new since the last time. A crash half-way leaves a spare transaction on the chain, no more. */
  async run(): Promise<AnchorRow[]> {
    const packets = this.#ledger.unanchoredHeads().slice(0, MAX_COMMITMENTS);
    if (packets.length === 0) return [];
    const inclusions = await this.#chain.anchor(packets.map(toCommitment));
    const rows = inclusions.map((inclusion, index) => this.#toRow(packets[index]!, inclusion));
    this.#ledger.recordAnchors(rows);
    return rows;
  }

  #toRow({ versionId, stream, end }: PacketRow, { txid, vout, height, envelope }: Inclusion): AnchorRow {
    const chain = this.#chain.name;
    return { versionId, stream, end, chain, vout, txid, height, envelope: JSON.stringify(envelope) };
  }
}

function toCommitment({ versionId, manifest }: PacketRow): Commitment {
  const { lineage } = JSON.parse(manifest) as { lineage: { parents: string[] } };
  return { versionId, parents: lineage.parents };
}
