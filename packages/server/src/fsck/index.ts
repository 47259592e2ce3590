/**
 * Checks a data directory against everything that its server promises: what has been acknowledged is numbered without a
 * gap, is in exactly one leaf, unchanged, under roots, manifests, checkpoints and anchors that hold. Reads only, also
 * while a server is at work. Memory: 8 bytes an event, and otherwise no more with more events.
 */

import { hash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Position } from '../event.ts';
import { readStreamKeys } from '../keys.ts';
import { PacketFiles } from '../store/packets.ts';
import { checkAnchors } from './anchors.ts';
import { checkBatches, checkBatchMarks, markedTo } from './batches.ts';
import { checkChain } from './chain.ts';
import { checkErased, checkErasures } from './erasures.ts';
import { Findings } from './findings.ts';
import { checkJournal, type JournalFacts } from './journal.ts';
import { JournalEvents } from './journal-events.ts';
import { checkLedgerEntries } from './ledger-entries.ts';
import { checkNotes } from './notes.ts';
import { checkPlacements } from './placements.ts';
import { checkDiscarded, checkResolutions } from './resolutions.ts';
import { checkRollups } from './rollups.ts';
import { openSnapshot, type Snapshot } from './snapshot.ts';
import { checkStages } from './stages.ts';
import { walkStream } from './stream.ts';
import { checkStreamRow, readStreamRows } from './stream-row.ts';
import { checkUniqueness } from './uniqueness.ts';

export { FsckError, type FsckErrorCode } from './errors.ts';
export type { Checked, Findings, Note, Violation, ViolationCode } from './findings.ts';

/** SQLite's codes ERROR (as for a table that is not there), CORRUPT and NOTADB. */
const DAMAGE: ReadonlySet<number> = new Set([1, 11, 26]);

/** @throws FsckError when there is nothing that could be checked */
export function fsck(dataDir: string): Findings {
  const findings = new Findings();
  let snapshot: Snapshot | undefined;
  try {
    snapshot = openSnapshot(dataDir);
    checkSnapshot(snapshot, dataDir, findings);
  } catch (cause) {
    if (!isDamage(cause)) throw cause;
    findings.violation('database-damaged', dataDir, `${cause.message}; what comes after was not checked`);
  } finally {
    snapshot?.close();
  }
  return findings;
}

function checkSnapshot({ journal, ledger, chain, headers }: Snapshot, dataDir: string, findings: Findings): void {
  const databases = { 'journal.db': journal, 'ledger.db': ledger, 'chain.db': chain, 'headers.db': headers };
  for (const [name, db] of Object.entries(databases)) if (db !== undefined) checkIntegrity(db, name, findings);
  const facts = checkJournal(journal, (streams) => readStreamKeys(dataDir, streams), findings);
  checkUniqueness(journal, facts.ids, findings);
  checkResolutions(journal, findings);
  checkErasures(journal, findings);
  checkBatchMarks(journal, findings);
  if (ledger !== undefined) {
    const files = new PacketFiles(dataDir);
    checkStreams(journal, ledger, files, facts, findings);
    checkRollups(ledger, files, facts.configs, findings);
    checkBatches(journal, ledger, findings);
    checkLedgerEntries(ledger, findings);
    checkPolicies(ledger, facts, findings);
    checkAnchors(ledger, { chain, headers }, dataDir, findings);
    if (existsSync(join(dataDir, 'packets'))) noteUnnamedFiles(ledger, files, findings);
  } else if (findings.checked.events > 0) {
    findings.violation('ledger-missing', 'ledger.db', 'the journal has events, and there is no ledger');
  }
  if (chain !== undefined) checkChain(chain, findings);
}

function checkStreams(
  journal: DatabaseSync,
  ledger: DatabaseSync,
  files: PacketFiles,
  { next, configs, seqs }: JournalFacts,
  findings: Findings,
): void {
  const cursor: Position = Number(ledger.prepare('SELECT position FROM cursor').get()?.position);
  if (!(cursor <= next))
    findings.violation('cursor-wrong', 'cursor', `it is at ${cursor}, the journal ends at ${next - 1}`);
  const rows = readStreamRows(ledger);
  const consumed = new Map([...rows].map(([stream, row]) => [stream, row.consumed]));
  checkDiscarded(journal, ledger, cursor, findings);
  checkErased(journal, ledger, cursor, findings);
  checkNotes(ledger, findings);
  const events = new JournalEvents(journal);
  const stages = checkStages({ journal, ledger, configs, seqs, events, rows, cursor, next }, findings);
  const placed = checkPlacements(journal, ledger, { cursor, consumed, stages, next }, findings);
  const packets = ledger
    .prepare('SELECT DISTINCT stream FROM packets')
    .all()
    .map(({ stream }) => String(stream));
  for (const stream of new Set([...configs.streams, ...rows.keys(), ...placed.keys(), ...packets])) {
    const walked = walkStream(stream, { journal, ledger, files, configs }, findings);
    const row = rows.get(stream);
    const reached = { placedTo: placed.get(stream) ?? 0, markedTo: markedTo(journal, stream, row?.consumed ?? 0) };
    checkStreamRow({ ...walked, ...reached, stream, row, configs, cursor }, findings);
    findings.checked.streams++;
  }
}

/** Proofs show the policies that leaves name by hash. */
function checkPolicies(ledger: DatabaseSync, { configs }: JournalFacts, findings: Findings): void {
  const stored = new Set<string>();
  for (const row of ledger.prepare('SELECT * FROM policies').iterate()) {
    const name = String(row.hash);
    stored.add(name);
    if (hash('sha256', String(row.policy), 'hex') === name) continue;
    findings.violation('policy-mismatch', `policy ${name}`, 'its text does not have this hash');
  }
  for (const [stream, { consumed }] of readStreamRows(ledger)) {
    const applied = configs.of(stream).filter(({ position }) => position < consumed);
    for (const name of new Set(applied.flatMap(({ policyHashes }) => [...policyHashes]))) {
      if (!stored.has(name)) findings.violation('policy-mismatch', `policy ${name}`, `missing, used in ${stream}`);
    }
  }
}

function checkIntegrity(db: DatabaseSync, name: string, findings: Findings): void {
  for (const { integrity_check: result } of db.prepare('PRAGMA integrity_check(20)').iterate()) {
    if (result !== 'ok') findings.violation('database-damaged', name, String(result));
  }
}

function noteUnnamedFiles(ledger: DatabaseSync, files: PacketFiles, findings: Findings): void {
  const tables = ['packets', 'rollups'];
  const named = tables.map((table) => ledger.prepare(`SELECT 1 FROM ${table} WHERE content_hash = ?`));
  let unnamed = 0;
  for (const contentHash of files.list()) if (!named.some((one) => one.get(contentHash) !== undefined)) unnamed++;
  if (unnamed === 0) return;
  findings.note('packet-file-unnamed', `${unnamed} packet files`, 'written since this check began, or left by a crash');
}

/** Whether it is the data that SQLite cannot read, and not that it may not, or that the disk will not. */
function isDamage(cause: unknown): cause is Error {
  return cause instanceof Error && 'errcode' in cause && DAMAGE.has(Number(cause.errcode) & 0xff);
}
