/** The order in which readers see packets and anchors: without a gap, and each of them once. */
import type { DatabaseSync } from 'node:sqlite';
import type { Findings } from './findings.ts';

const ENTRIES = `SELECT entries.first, entries.count, entries.kind, entries.version_id,
    packets.stream, packets."start", packets."end", anchors.version_id AS anchored,
    (SELECT count(*) FROM decisions WHERE decisions.stream = packets.stream AND conflict = 1
      AND leaf >= packets."start" AND leaf < packets."end") AS conflicts
  FROM entries LEFT JOIN packets USING (version_id) LEFT JOIN anchors USING (version_id) ORDER BY entries.first`;

// An anchor on a chain that others mine is made known once more when it is mined once more.
const REPEATED = `SELECT entries.kind, version_id FROM entries LEFT JOIN anchors USING (version_id)
  WHERE entries.kind <> 'anchor' OR chain = 'tidemark-dev' GROUP BY entries.kind, version_id HAVING count(*) > 1`;

export function checkLedgerEntries(ledger: DatabaseSync, findings: Findings): void {
  checkOrder(ledger, findings);
  for (const { kind, version_id } of ledger.prepare(REPEATED).iterate()) {
    findings.violation('ledger-entry-twice', `${kind} ${version_id}`, 'more than one entry makes it known');
  }
  for (const kind of ['packet', 'anchor'] as const) {
    // Of rollups' anchors, which prove no leaf by themselves, readers are not told.
    const told = kind === 'anchor' ? 'WHERE "end" > 0' : '';
    const sql = `SELECT version_id FROM ${kind}s ${told} EXCEPT SELECT version_id FROM entries WHERE kind = ?`;
    for (const { version_id } of ledger.prepare(sql).iterate(kind)) {
      findings.violation('ledger-entry-missing', `${kind} ${version_id}`, 'no entry makes it known');
    }
  }
}

function checkOrder(ledger: DatabaseSync, findings: Findings): void {
  /** By stream: end of its last packet so far. */
  const ends = new Map<string, number>();
  let next = 1;
  for (const row of ledger.prepare(ENTRIES).iterate()) {
    const first = Number(row.first);
    const where = `ledger position ${first}`;
    if (first !== next) findings.violation('ledger-not-contiguous', where, `position ${next} is due`);
    next = first + Number(row.count);
    const wrong = wrongEntry(row, ends);
    if (wrong !== undefined) findings.violation('ledger-entry-mismatch', where, wrong);
    if (row.kind === 'packet') ends.set(String(row.stream), Number(row.end));
  }
}

function wrongEntry(row: Record<string, unknown>, ends: ReadonlyMap<string, number>): string | undefined {
  const { kind, count, version_id: id } = row;
  if (row.stream === null) return `there is no packet ${id}`;
  const [stream, start, end] = [String(row.stream), Number(row.start), Number(row.end)];
  if (kind === 'packet') {
    // Each leaf has two positions: as an event that is normalized, and as one that is certified; each conflict has one.
    const leaves = end - start;
    const due = 2 * leaves + Number(row.conflicts);
    if (count !== due)
      return `${count} positions for the ${leaves} leaves and ${row.conflicts} conflicts of packet ${id}`;
    return start === (ends.get(stream) ?? 0) ? undefined : `packet ${id} is not the next one of the stream ${stream}`;
  }
  if (kind !== 'anchor' || count !== 1) return `an entry of kind ${kind} with ${count} positions`;
  if (row.anchored === null) return `there is no anchor of ${id}`;
  return end <= (ends.get(stream) ?? 0) ? undefined : `the anchor of ${id} comes before its packet`;
}
