/** Events as lists show them. */
import type { JsonValue } from '../json/parse.ts';
import type { ErasureEntry } from '../store/journal.ts';
import type { DecisionRow, PacketRow } from '../store/ledger.ts';
import { parseAudit, sourcesOf, winnerOf } from './audit.ts';
import type { Line } from './lines.ts';

/** `failed`: an operator has discarded it from quarantine. */
export type Status = 'received' | 'certified' | 'quarantined' | 'failed';

/** Times in epoch seconds, as in the seed. */
export interface EventItem {
  eventId: string;
  /** Of a fused record, the source whose word it is; null where it is nobody's alone. */
  sourceId: string | null;
  stream: string;
  status: Status;
  contentHash: string | null;
  versionId: string | null;
  leafIndex: number | null;
  eventTime: string | null;
  normalized: JsonValue | null;
  createdAt: number;
  updatedAt: number;
  erased?: Erased;
}

/** Who has had an event erased, when and why. */
export interface Erased {
  at: string;
  by: string;
  reason: string;
}

export function erasedBy({ at, by, reason }: ErasureEntry): Erased {
  return { at: new Date(at).toISOString(), by, reason };
}

/** What several sources said, decided. */
export interface FusedItem extends EventItem {
  /** All that had a say. */
  sources: string[];
  /** SHA-256 of the audit entry. */
  decision: string;
  conflict: boolean;
}

/**
 * @param line the leaf that names the decision: of a fused record, or, where there was no quorum, of a candidate that
 *   is held back
 */
export function fusedItem(packet: PacketRow, line: Line, row: DecisionRow): FusedItem {
  const audit = parseAudit(row);
  const { leaf } = line;
  const sealedAt = Math.floor(packet.sealedAt / 1000);
  return {
    eventId: row.eventId,
    sourceId: winnerOf(audit),
    stream: row.stream,
    status: leaf.kind === 'fused' ? 'certified' : 'quarantined',
    contentHash: leaf.kind === 'fused' ? leaf.payloadHash : null,
    versionId: packet.versionId,
    leafIndex: line.index,
    eventTime: leaf.kind === 'fused' ? leaf.eventTime : audit.bucket,
    normalized: payloadOf(line),
    createdAt: sealedAt,
    updatedAt: sealedAt,
    ...{ sources: sourcesOf(audit), decision: row.decision, conflict: row.conflict },
  };
}

export function payloadOf(line: Line | undefined): JsonValue | null {
  return line?.payload === undefined ? null : (JSON.parse(line.payload) as JsonValue);
}
