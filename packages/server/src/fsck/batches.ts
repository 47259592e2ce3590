/** Batches: where they begin and end in the journal, and the leaves that are rolled up as theirs. */
import type { DatabaseSync } from 'node:sqlite';
import type { Position } from '../event.ts';
import type { OpenBatch } from '../store/ledger.ts';
import type { Findings } from './findings.ts';

const DANGLING = `SELECT mark.entry, mark.batch, mark.action FROM batch_marks AS mark
  LEFT JOIN entries ON entries.first = mark.entry
  LEFT JOIN batch_marks AS opened ON opened.batch = mark.batch AND opened.action = 'open'
  LEFT JOIN entries AS begin ON begin.first = opened.entry
  WHERE entries.kind IS NOT 'batch' OR mark.action NOT IN ('open', 'end')
    OR opened.entry IS NULL OR opened.entry > mark.entry OR begin.stream IS NOT entries.stream`;
const SILENT = `SELECT first FROM entries
  WHERE kind = 'batch' AND NOT EXISTS (SELECT 1 FROM batch_marks WHERE entry = first)`;
const MARKS = `SELECT entry, batch, action, stream, at FROM batch_marks JOIN entries ON first = entry ORDER BY entry`;
const ROLLED_UP = `SELECT batch, stream, "start", "end", window_start, window_end FROM rollups WHERE batch IS NOT NULL
  UNION ALL SELECT batch, stream, "start", "end", window_start, window_end FROM due_rollups WHERE batch IS NOT NULL`;
const BETWEEN = 'SELECT 1 FROM placements WHERE stream = ? AND first > ? AND first < ? LIMIT 1';
const ASTRAY = `SELECT first FROM placements WHERE stream = $stream AND CASE WHEN first > $opened AND first < $ended
  THEN leaf < $start OR leaf + count > $end ELSE leaf + count > $start AND leaf < $end END LIMIT 1`;

interface Marks {
  stream: string;
  opened: Position;
  openedAt: number;
  /** Infinity while it is open. */
  ended: Position;
  endedAt: number;
}

/** Each mark is an entry of its own; a batch ends on the stream where it began, and a stream has one at a time. */
export function checkBatchMarks(journal: DatabaseSync, findings: Findings): void {
  for (const { entry, batch, action } of journal.prepare(DANGLING).iterate()) {
    findings.violation('batch-wrong', `journal position ${entry}`, `no ${action} that batch ${batch} could have`);
  }
  for (const { first } of journal.prepare(SILENT).iterate()) {
    findings.violation('batch-wrong', `journal position ${first}`, 'a mark of which nothing is kept');
  }
  const open = new Map<string, string>();
  for (const { entry, batch, action, stream } of journal.prepare(MARKS).iterate()) {
    const other = open.get(String(stream));
    if (action === 'end') open.delete(String(stream));
    else {
      open.set(String(stream), String(batch));
      if (other === undefined) continue;
      findings.violation('batch-wrong', `journal position ${entry}`, `batch ${batch} begins within batch ${other}`);
    }
  }
}

/** What a batch brought is rolled up as its own, and nothing else is. */
export function checkBatches(journal: DatabaseSync, ledger: DatabaseSync, findings: Findings): void {
  const batches = marksOf(journal);
  const rolledUp = new Set<string>();
  for (const row of ledger.prepare(ROLLED_UP).iterate()) {
    rolledUp.add(String(row.batch));
    const wrong = wrongRollup(row as unknown as RolledUp, batches.get(String(row.batch)), ledger);
    if (wrong !== undefined) findings.violation('batch-wrong', `batch ${row.batch}`, wrong);
  }
  const brought = ledger.prepare(BETWEEN);
  for (const { stream, consumed, batch } of ledger.prepare('SELECT stream, consumed, batch FROM streams').iterate()) {
    const passed = [...batches].filter(([, marks]) => marks.stream === stream && marks.opened < Number(consumed));
    for (const [tag, { opened, ended }] of passed) {
      if (rolledUp.has(tag) || ended >= Number(consumed)) continue;
      if (brought.get(String(stream), opened, ended) === undefined) continue;
      findings.violation('batch-wrong', `batch ${tag}`, 'it has ended, and what it brought is not rolled up');
    }
    const due = passed.find(([, { ended }]) => ended >= Number(consumed))?.[0];
    const has = batch === null ? undefined : (JSON.parse(String(batch)) as OpenBatch).tag;
    if (has === due) continue;
    findings.violation(
      'batch-wrong',
      `stream ${stream}`,
      `in batch ${has ?? 'none'}, the journal says ${due ?? 'none'}`,
    );
  }
}

/** One beyond the last mark of the stream below `consumed`; 0 for none. */
export function markedTo(journal: DatabaseSync, stream: string, consumed: Position): Position {
  const sql = "SELECT max(first) AS last FROM entries WHERE kind = 'batch' AND stream = ? AND first < ?";
  const last = journal.prepare(sql).get(stream, consumed)?.last;
  return typeof last === 'number' ? last + 1 : 0;
}

interface RolledUp {
  stream: string;
  start: number;
  end: number;
  window_start: number;
  window_end: number;
}

function wrongRollup(row: RolledUp, marks: Marks | undefined, ledger: DatabaseSync): string | undefined {
  if (marks === undefined || marks.ended === Number.POSITIVE_INFINITY || marks.stream !== row.stream) {
    return 'rolled up, and the journal has no such batch that has ended';
  }
  const { opened, ended, openedAt, endedAt } = marks;
  if (row.window_start !== openedAt || row.window_end !== Math.max(openedAt, endedAt)) {
    return 'its rollup is not of the time between its beginning and its end';
  }
  const { stream, start, end } = row;
  const astray = ledger.prepare(ASTRAY).get({ stream, opened, ended, start, end });
  return astray && `the item at ${astray.first} is of the batch and not in its rollup, or the other way round`;
}

function marksOf(journal: DatabaseSync): Map<string, Marks> {
  const batches = new Map<string, Marks>();
  for (const { entry, batch, action, stream, at } of journal.prepare(MARKS).iterate()) {
    const tag = String(batch);
    const known = batches.get(tag);
    if (action === 'end' && known !== undefined) Object.assign(known, { ended: Number(entry), endedAt: Number(at) });
    else {
      const [opened, openedAt] = [Number(entry), Number(at)];
      const never = { ended: Number.POSITIVE_INFINITY, endedAt: Number.POSITIVE_INFINITY };
      batches.set(tag, { stream: String(stream), opened, openedAt, ...never });
    }
  }
  return batches;
}
