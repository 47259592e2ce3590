/** The steps an event has taken, each with what shows it. */
import type { AnchorRow, DecisionRow, LedgerReader, PacketRow } from '../store/ledger.ts';
import { type Audit, parseAudit, resultOf } from './audit.ts';
import type { Decisions } from './decisions.ts';
import { type EventRecord, seqOf } from './events.ts';
import type { FusedVersion } from './fused.ts';
import { erasedBy } from './item.ts';
import type { Line } from './lines.ts';
import type { Quarantine } from './quarantine.ts';
import type { Rebuilt } from './reconstruction.ts';

export class Evidence {
  readonly #ledger: LedgerReader;
  readonly #decisions: Decisions;
  readonly #quarantine: Quarantine;

  constructor(ledger: LedgerReader, decisions: Decisions, quarantine: Quarantine) {
    this.#ledger = ledger;
    this.#decisions = decisions;
    this.#quarantine = quarantine;
  }

  of(record: EventRecord, rebuilt: Rebuilt): object[] {
    const { position, entry, place, certified } = record;
    return [
      {
        step: 'received',
        at: time(entry.at),
        journalPosition: position,
        seq: seqOf(record),
        rawHash: entry.events.rawHash(place),
        ...ifDefined('supersedes', entry.events.supersedes(place)),
      },
      { step: 'normalize', policyHash: rebuilt.policyHash, issues: rebuilt.issues },
      ...this.#order(record, rebuilt),
      ...this.#fuse(record),
      ...this.#resolve(record),
      ...(record.erased === undefined ? [] : [{ step: 'erase', ...erasedBy(record.erased) }]),
      ...(certified === undefined ? [] : sealing(certified)),
    ];
  }

  /** One version's whole path, with every id and hash. */
  trace(record: EventRecord, rebuilt: Rebuilt): object {
    const { entry, certified } = record;
    const steps = this.of(record, rebuilt);
    return { sourceId: entry.source, stream: entry.stream, steps, ...sealed(certified) };
  }

  /** What was found out about it among the others of its stream. */
  #order(record: EventRecord, { issues }: Rebuilt): object[] {
    const { position, certified } = record;
    if (certified === undefined) return [];
    const { reasons } = certified;
    // A policy's own issues are the reasons where it refused the event.
    const found = reasons === undefined ? this.#ledger.notes(position) : reasons.filter((one) => !issues.includes(one));
    const own = found?.filter((one) => !one.startsWith('no-quorum:')) ?? [];
    return own.length === 0 ? [] : [{ step: 'order', issues: own }];
  }

  #fuse(record: EventRecord): object[] {
    const row = this.#decisions.ofEvent(record);
    if (row === undefined) return [];
    const audit = parseAudit(row);
    const result = resultOf(audit, record.entry.source, seqOf(record));
    return [{ ...fuseStep(row, audit), eventId: row.eventId, result }];
  }

  /** What an operator has made of it, and why it was in quarantine. */
  #resolve({ position, erased }: EventRecord): object[] {
    const resolution = this.#quarantine.resolution(position);
    if (resolution === undefined) return [];
    const reasons = erased === undefined ? this.#ledger.reasons(position) : undefined;
    return [{ step: 'resolve', ...resolution, quarantinedFor: reasons ?? [] }];
  }
}

export function fusedEvidence({ row, audit, packet, line, anchor }: FusedVersion): object[] {
  const { policyHash, strategy, losers } = audit;
  return [{ ...fuseStep(row, audit), policyHash, strategy, losers }, ...sealing({ packet, line, anchor })];
}

/** With the audit entry as it was hashed: the SHA-256 of its RFC 8785 text is the decision that the leaf names. */
export function fusedTrace(version: FusedVersion): object {
  const { row, audit } = version;
  return { decision: row.decision, stream: row.stream, steps: fusedEvidence(version), audit, ...sealed(version) };
}

function fuseStep({ decision, conflict }: DecisionRow, audit: Audit): object {
  const { rule, tieBreaker, winner, outcome, reason, supersedes } = audit;
  const how = { rule, ...ifDefined('tieBreaker', tieBreaker), winner, outcome, conflict, reason };
  return { step: 'fuse', decision, ...how, ...ifDefined('supersedes', supersedes) };
}

interface Sealed {
  packet: PacketRow;
  line: Line;
  anchor: AnchorRow | undefined;
}

function sealing({ packet, line, anchor }: Sealed): object[] {
  const { sealedAt, versionId, start, end } = packet;
  const certify = { step: 'certify', at: time(sealedAt), versionId, packet: { start, end }, leafIndex: line.index };
  if (anchor === undefined) return [certify];
  const { chain, txid, vout, height } = anchor;
  return [certify, { step: 'anchor', chain, txid, vout, height, versionId: anchor.versionId }];
}

function sealed(at: Sealed | undefined): object {
  return {
    leaf: at?.line.leaf ?? null,
    manifest: at === undefined ? null : (JSON.parse(at.packet.manifest) as unknown),
    checkpoint: at?.packet.checkpoint ?? null,
  };
}

function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

function ifDefined(name: string, value: unknown): object {
  return value === undefined ? {} : { [name]: value };
}
