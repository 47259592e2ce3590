/** The ledger's row of a stream: from here the server goes on after a restart. */
import type { DatabaseSync } from 'node:sqlite';
import type { Position } from '../event.ts';
import type { Configs } from './configs.ts';
import type { Findings } from './findings.ts';
import type { WalkedStream } from './stream.ts';

export interface StreamRow {
  consumed: Position;
  size: number;
  head: string | null;
  /** JSON. */
  through: string;
  config: string;
  /** JSON. */
  batch: string | null;
}

export function readStreamRows(ledger: DatabaseSync): Map<string, StreamRow> {
  const rows = ledger.prepare('SELECT * FROM streams').all();
  return new Map(rows.map((row) => [String(row.stream), row as unknown as StreamRow]));
}

export interface StreamFacts extends WalkedStream {
  stream: string;
  row: StreamRow | undefined;
  configs: Configs;
  /** The ledger's cursor. */
  cursor: Position;
  /** One beyond the last position that has a leaf; 0 for none. */
  placedTo: Position;
  /** One beyond the last mark of a batch that the row has passed; 0 for none. */
  markedTo: Position;
}

export function checkStreamRow(facts: StreamFacts, findings: Findings): void {
  const wrong = wrongRow(facts);
  if (wrong !== undefined) findings.violation('stream-row-wrong', `stream ${facts.stream}`, wrong);
}

function wrongRow({
  stream,
  row,
  configs,
  cursor,
  placedTo,
  markedTo,
  resolvedTo,
  size,
  head,
  through,
}: StreamFacts): string | undefined {
  const known = configs.of(stream);
  if (row === undefined) {
    const due = size > 0 || known.some(({ position }) => position < cursor);
    return due ? 'there is no row of it' : undefined;
  }
  if (row.size !== size) return `size ${row.size}, its packets have ${size} leaves`;
  if (row.head !== (head ?? null)) return `head ${row.head}, its last packet is ${head}`;
  if (through !== undefined && !sameThrough(row.through, through))
    return `through ${row.through} is not what its leaves reach`;
  // Configurations count as consumed like events; the row has the last one that was.
  const config = known.findLast(({ position }) => position < row.consumed);
  if (config === undefined || row.config !== config.text)
    return 'its configuration is not the last one that was journaled before';
  // Where there is a stage, that knows what has been taken in.
  const consumed = config.isStaged
    ? config.position + 1
    : Math.max(placedTo, markedTo, resolvedTo, config.position + 1);
  if (row.consumed !== consumed)
    return `consumed ${row.consumed}, its packets, configurations and batches reach ${consumed}`;
  const skipped = known.find(({ position }) => position >= row.consumed && position < cursor);
  return skipped && `the cursor has passed the configuration at ${skipped.position}`;
}

function sameThrough(text: string, through: ReadonlyMap<string, number>): boolean {
  try {
    const stored = new Map(Object.entries(JSON.parse(text) as object));
    return stored.size === through.size && [...through].every(([source, seq]) => stored.get(source) === seq);
  } catch (cause) {
    if (cause instanceof SyntaxError) return false;
    throw cause;
  }
}
