/** Fused records by the id of what was decided about. */
import type { AnchorRow, DecisionRow, LedgerReader, PacketRow } from '../store/ledger.ts';
import { type Audit, parseAudit } from './audit.ts';
import type { Decisions } from './decisions.ts';
import type { Line, PacketLines } from './lines.ts';

/** A decision and the leaf that names it. */
export interface FusedVersion {
  row: DecisionRow;
  audit: Audit;
  packet: PacketRow;
  line: Line;
  anchor: AnchorRow | undefined;
}

export class FusedReader {
  readonly #ledger: LedgerReader;
  readonly #lines: PacketLines;
  readonly #decisions: Decisions;

  constructor(ledger: LedgerReader, lines: PacketLines, decisions: Decisions) {
    this.#ledger = ledger;
    this.#lines = lines;
    this.#decisions = decisions;
  }

  /** The decision and its corrections, oldest first; none for an id that nothing was decided about. */
  versions(eventId: string): FusedVersion[] {
    return this.#decisions.about(eventId).map((row) => {
      const packet = this.#decisions.packetOf(row);
      const line = this.#lines.one(packet, row.leaf);
      const anchor = this.#ledger.anchorCovering(packet.stream, packet.end);
      return { row, audit: parseAudit(row), packet, line, anchor };
    });
  }
}

/** The newest record; where none came of any decision, the newest decision. */
export function newestFused(versions: readonly FusedVersion[]): FusedVersion | undefined {
  return versions.findLast(({ line }) => line.leaf.kind === 'fused') ?? versions.at(-1);
}
