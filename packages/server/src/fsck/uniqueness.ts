/** Events that the journal has more than once: only as versions, each with bytes of its own, and marked. */
import type { DatabaseSync } from 'node:sqlite';
import type { Position } from '../event.ts';
import { EventBatch } from '../store/batch.ts';
import type { Findings } from './findings.ts';
import { type IdKeys, keyOf } from './id-keys.ts';

/** Ids looked at in one pass over the headers; more of them take more passes, not more memory. */
const KEYS_A_PASS = 200_000;
const NO_BYTES = Buffer.alloc(0);

/** @param ids of all events; two with the same 64 bits are compared in full */
export function checkUniqueness(db: DatabaseSync, ids: IdKeys, findings: Findings): void {
  const repeated = ids.repeated();
  for (let from = 0; from < repeated.length; from += KEYS_A_PASS) {
    pass(db, new Set(repeated.slice(from, from + KEYS_A_PASS)), findings);
  }
}

function pass(db: DatabaseSync, keys: ReadonlySet<bigint>, findings: Findings): void {
  const versions = new Map<string, Map<string, Position>>();
  const sql = "SELECT first, headers FROM entries WHERE kind = 'events' AND headers NOT NULL ORDER BY first";
  for (const row of db.prepare(sql).iterate()) {
    const batch = new EventBatch(row.headers as Uint8Array, NO_BYTES);
    for (let index = 0; index + 1 <= batch.count; index++) {
      if (!keys.has(keyOf(batch.fingerprintHigh(index), batch.fingerprintLow(index)))) continue;
      compare(versions, batch, index, Number(row.first) + index, findings);
    }
  }
}

/** @param versions by event id: where each raw hash has been seen */
function compare(
  versions: Map<string, Map<string, Position>>,
  batch: EventBatch,
  index: number,
  position: Position,
  findings: Findings,
): void {
  const eventId = batch.eventId(index);
  const rawHash = batch.rawHash(index);
  const known = versions.get(eventId);
  if (known === undefined) {
    versions.set(eventId, new Map([[rawHash, position]]));
    return;
  }
  const where = `journal position ${position}`;
  const twin = known.get(rawHash);
  if (twin !== undefined) findings.violation('journaled-twice', where, `event ${eventId} stands at ${twin} already`);
  else if (batch.supersedes(index) === undefined) {
    findings.violation('revision-unmarked', where, `another version of ${eventId} stands before, and is not named`);
  }
  known.set(rawHash, position);
}
