/** The audit trail of fusion decisions: what was decided, among whom, by which rule and why. */

import { StoreError } from '../store/errors.ts';
import type { DecisionFilter, DecisionRow, LedgerReader, PacketRow } from '../store/ledger.ts';
import { type Audit, type AuditCandidate, parseAudit } from './audit.ts';
import type { EventRecord } from './events.ts';

export type CandidateItem = Omit<AuditCandidate, 'source'> & { sourceId: string };

export interface DecisionItem extends Omit<Audit, 'v' | 'candidates'> {
  /** SHA-256 of the audit entry, which is the leaf's `decision`. */
  decisionId: string;
  /** Id of what was decided about: that of the fused record, if there is one. */
  eventId: string;
  candidates: CandidateItem[];
  /** The sources did not all say the same. */
  conflict: boolean;
  /** When its packet was sealed, RFC 3339. */
  decidedAt: string;
  versionId: string;
  leafIndex: number;
}

export interface DecisionPage {
  items: DecisionItem[];
  /** `decisionId` of the last item; null when there are no older ones. */
  nextCursor: string | null;
}

/** Characters of audit entries after which a page ends early: one may have a million. */
const PAGE_LENGTH = 4_000_000;
const READ_AT_A_TIME = 16;
const NO_QUORUM = 'no-quorum:';

export class Decisions {
  readonly #ledger: LedgerReader;
  /** Of the packet that was looked for last: most often the next decision is in the same. */
  #packet: PacketRow | undefined;

  constructor(ledger: LedgerReader) {
    this.#ledger = ledger;
  }

  /**
   * Newest first.
   * @param after `decisionId` of the last item seen
   * @returns undefined when `after` is no decision of that stream
   */
  page(filter: DecisionFilter, after: string | undefined, limit: number): DecisionPage | undefined {
    const before = after === undefined ? undefined : this.#ledger.decision(after);
    const strange = filter.stream !== undefined && before !== undefined && before.stream !== filter.stream;
    if (after !== undefined && (before === undefined || strange)) return undefined;
    const items: DecisionItem[] = [];
    let length = 0;
    for (const row of this.#rows(filter, before)) {
      const last = items.at(-1);
      if (last !== undefined && (items.length >= limit || length >= PAGE_LENGTH)) {
        return { items, nextCursor: last.decisionId };
      }
      items.push(this.item(row));
      length += row.audit.length;
    }
    return { items, nextCursor: null };
  }

  /**
   * All of them, newest first.
   * @param since those whose packets were sealed before are passed by; milliseconds since 1970
   */
  *newest(filter: DecisionFilter, since = Number.NEGATIVE_INFINITY): Generator<DecisionItem> {
    for (const row of this.#rows(filter, undefined)) if (this.packetOf(row).sealedAt >= since) yield this.item(row);
  }

  item(row: DecisionRow): DecisionItem {
    const { candidates, v: _, ...entry } = parseAudit(row);
    const { versionId, sealedAt } = this.packetOf(row);
    return {
      decisionId: row.decision,
      eventId: row.eventId,
      ...entry,
      candidates: candidates.map(candidateItem),
      conflict: row.conflict,
      decidedAt: new Date(sealedAt).toISOString(),
      versionId,
      leafIndex: row.leaf,
    };
  }

  /** The packet of the leaf that names the decision. */
  packetOf({ stream, leaf, decision }: DecisionRow): PacketRow {
    const known = this.#packet;
    if (known?.stream === stream && known.start <= leaf && leaf < known.end) return known;
    const packet = this.#ledger.packetOfLeaf(stream, leaf);
    if (packet === undefined) throw new StoreError('damaged', `the decision ${decision} is in no packet`);
    this.#packet = packet;
    return packet;
  }

  /** The decision that an event ended in; undefined for one that nothing was decided about. */
  ofEvent({ certified }: EventRecord): DecisionRow | undefined {
    if (certified?.line.leaf.kind === 'fused') return this.named(certified.line.leaf.decision);
    const reason = certified?.reasons?.find((text) => text.startsWith(NO_QUORUM));
    return reason === undefined ? undefined : this.named(reason.slice(NO_QUORUM.length));
  }

  /** @param decision as a leaf names it, or the reasons of one */
  named(decision: string): DecisionRow {
    const row = this.#ledger.decision(decision);
    if (row === undefined) throw new StoreError('damaged', `the decision ${decision} is missing`);
    return row;
  }

  /** Oldest first. */
  about(eventId: string): DecisionRow[] {
    return this.#ledger.decisionsAbout(eventId);
  }

  *#rows(filter: DecisionFilter, from: DecisionRow | undefined): Generator<DecisionRow> {
    for (let before = from; ; ) {
      const rows = this.#ledger.decisionsBefore(before, filter, READ_AT_A_TIME);
      yield* rows;
      if (rows.length < READ_AT_A_TIME) return;
      before = rows.at(-1);
    }
  }
}

export function candidateItem({ source, ...candidate }: AuditCandidate): CandidateItem {
  return { sourceId: source, ...candidate };
}
