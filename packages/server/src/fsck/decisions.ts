/** Fusion decisions: their audit entries, and the leaves that name them. */
import { hash } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { fusedEventId } from '@tidemark/proof';
import type { Audit } from '../read/audit.ts';
import type { Findings } from './findings.ts';

interface DecisionRow {
  decision: string;
  leaf: number;
  event_id: string;
  audit: string;
}

const NO_QUORUM = 'no-quorum:';

export class Decisions {
  readonly #stream: string;
  readonly #findings: Findings;
  readonly #at: StatementSync;
  readonly #named: StatementSync;
  readonly #count: StatementSync;
  /** Rows whose leaf names them; undefined once a leaf could not be read. */
  #claimed: number | undefined = 0;

  constructor(ledger: DatabaseSync, stream: string, findings: Findings) {
    this.#stream = stream;
    this.#findings = findings;
    this.#at = ledger.prepare('SELECT decision, leaf, event_id, audit FROM decisions WHERE stream = ? AND leaf = ?');
    this.#named = ledger.prepare(
      'SELECT decision, leaf, event_id, audit FROM decisions WHERE decision = ? AND stream = ? ORDER BY leaf',
    );
    this.#count = ledger.prepare('SELECT count(*) AS rows FROM decisions WHERE stream = ?');
  }

  /** The audit entry of the decision that a fused leaf names, if it is there and is the one. */
  ofFused(leaf: number, decision: string, where: string): Audit | undefined {
    const row = this.#at.all(this.#stream, leaf).find((each) => each.decision === decision);
    if (row !== undefined) return this.#claim(row as unknown as DecisionRow, where);
    this.#findings.violation('decision-missing', where, `there is no audit entry of ${decision}`);
    return undefined;
  }

  /** The contests for want of whose quorum an event was held back; one of its candidates has the decision's row. */
  ofHeldBack(leaf: number, source: string, seq: number, reasons: readonly string[], where: string): void {
    for (const reason of reasons) {
      if (!reason.startsWith(NO_QUORUM)) continue;
      const decision = reason.slice(NO_QUORUM.length);
      const rows = this.#named.all(decision, this.#stream) as unknown as DecisionRow[];
      const own = rows.find((row) => row.leaf === leaf);
      const row = own ?? rows[0];
      const audit = own === undefined ? row && parsed(row) : this.#claim(own, where);
      if (row === undefined) {
        this.#findings.violation('decision-missing', where, `there is no audit entry of ${decision}`);
      } else if (audit !== undefined && !isHeldBackBy(audit, source, seq)) {
        this.#findings.violation('decision-mismatch', where, 'the audit entry does not hold this event back');
      }
    }
  }

  /** Whether there is a decision of this hash about the same thing, in a leaf before. */
  isCorrected(decision: string, eventId: string, leaf: number): boolean {
    const rows = this.#named.all(decision, this.#stream) as unknown as DecisionRow[];
    return rows.some((row) => row.event_id === eventId && row.leaf < leaf);
  }

  /** A leaf could not be read, so that nobody knows which decisions it names. */
  lost(): void {
    this.#claimed = undefined;
  }

  finish(): void {
    const surplus = Number(this.#count.get(this.#stream)?.rows) - (this.#claimed ?? Number.POSITIVE_INFINITY);
    if (surplus > 0) {
      this.#findings.violation('decision-extra', `stream ${this.#stream}`, `${surplus} audit entries of no leaf`);
    }
  }

  #claim(row: DecisionRow, where: string): Audit | undefined {
    if (this.#claimed !== undefined) this.#claimed++;
    const audit = parsed(row);
    const wrong =
      hash('sha256', row.audit, 'hex') !== row.decision
        ? 'the audit entry does not have the hash in the leaf'
        : audit === undefined
          ? 'the audit entry cannot be read'
          : wrongEntry(audit, row, this.#stream);
    if (wrong === undefined) return audit;
    this.#findings.violation('decision-mismatch', where, wrong);
    return undefined;
  }
}

function wrongEntry({ stream, key, bucket }: Audit, row: DecisionRow, due: string): string | undefined {
  if (stream !== due) return `the audit entry is of the stream ${stream}`;
  const eventId = fusedEventId(stream, key, bucket);
  return row.event_id === eventId ? undefined : `key and bucket make the event ${eventId}, the row has ${row.event_id}`;
}

function isHeldBackBy({ outcome, candidates }: Audit, source: string, seq: number): boolean {
  return outcome === 'quarantined' && candidates.some((each) => each.source === source && each.seq === seq);
}

function parsed({ audit }: DecisionRow): Audit | undefined {
  try {
    const entry = JSON.parse(audit) as Audit | null;
    return Array.isArray(entry?.candidates) ? entry : undefined;
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}
