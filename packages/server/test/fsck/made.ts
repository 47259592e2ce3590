/** Small data directories as a real server leaves them, and ways to damage them. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { PacketFiles } from '../../src/store/packets.ts';
import type { Directories } from '../support/directories.ts';
import { start } from '../support/server-process.ts';

const SOURCES = [
  { id: 'plant', policy: { required: ['temp'], constraints: { bounds: { temp: { max: 100 } } } } },
  { id: 'well', stream: 'water' },
  { id: 'river', stream: 'water' },
];
const STREAMS = [
  { id: 'plant', publish: { mode: 'live', maxEvents: 250, maxAgeMs: 50 } },
  { id: 'water', publish: { mode: 'batch', maxAgeMs: 50 } },
];

const SETTINGS = { INGEST_SOURCES_JSON: JSON.stringify(SOURCES), STREAMS_JSON: JSON.stringify(STREAMS) };

/**
 * 600 events in `plant`, in packets of at most 250, with revisions, duplicates and two that are quarantined; a few in
 * `water`, one by one from two sources; all certified, none anchored.
 */
export async function makeDirectory(dir: string): Promise<void> {
  const server = await start(dir, { ...SETTINGS, ANCHOR: 'none' });
  const send = async (sourceId: string, events: object[]) => {
    await post(server.url, sourceId, events);
    await until(async () => (await backlogOf(server.url)) === 0);
  };
  const readings = Array.from({ length: 594 }, (_, n) => ({ id: `p${n}`, temp: n % 7, note: n % 9 ? 'ok' : '€ 🚀' }));
  const [p5, p7] = [readings[5]!, readings[7]!];
  await send('plant', [...readings.slice(0, 300), p5]);
  await send('plant', [...readings.slice(300), { id: 'hot', temp: 400 }, { id: 'empty' }]);
  const revisions = [
    { id: 'p7', temp: 20 },
    { id: 'p300', temp: 21 },
    { id: 'p7', temp: 22 },
  ];
  await send('plant', [p7, ...revisions, { id: 'last', temp: 23 }]);
  for (let n = 0; n < 4; n++) await send(n % 2 === 0 ? 'well' : 'river', [{ id: n, level: n / 8 }]);
  await server.stop();
}

/** Anchors the last packet of each stream, both in one block. */
export async function anchorHeads(dir: string): Promise<void> {
  const server = await start(dir, { ...SETTINGS, ANCHOR: 'local', ANCHOR_INTERVAL_MS: '100' });
  await until(async () => headsAreAnchored(dir));
  await server.stop();
}

async function post(url: string, sourceId: string, events: object[]): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${url}/ingest/events`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ sourceId, events }),
  });
  if (answer.status !== 200) throw new RangeError(`answered ${answer.status}: ${await answer.text()}`);
}

async function backlogOf(url: string): Promise<number> {
  return ((await (await fetch(`${url}/health`)).json()) as { backlog: number }).backlog;
}

function headsAreAnchored(dir: string): boolean {
  const db = new DatabaseSync(join(dir, 'ledger.db'), { readOnly: true });
  const row = db.prepare('SELECT count(*) AS heads FROM streams JOIN anchors ON version_id = head').get();
  db.close();
  return row?.heads === 2;
}

export async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** A copy of a data directory, to be damaged. */
export class Copy {
  readonly dir: string;

  constructor(original: string, directories: Directories) {
    this.dir = directories.next();
    cpSync(original, this.dir, { recursive: true });
  }

  path(name: string): string {
    return join(this.dir, name);
  }

  journal(sql: string, ...values: SQLInputValue[]): void {
    this.#run('journal.db', sql, values);
  }

  ledger(sql: string, ...values: SQLInputValue[]): void {
    this.#run('ledger.db', sql, values);
  }

  chain(sql: string, ...values: SQLInputValue[]): void {
    this.#run('chain.db', sql, values);
  }

  /** The first row that the query of the ledger finds. */
  find(sql: string, ...values: SQLInputValue[]): Record<string, unknown> {
    const row = this.rows('ledger.db', sql, ...values)[0];
    if (row === undefined) throw new RangeError(`nothing found by ${sql}`);
    return row;
  }

  rows(file: string, sql: string, ...values: SQLInputValue[]): Record<string, unknown>[] {
    const db = new DatabaseSync(this.path(file));
    const rows = db.prepare(sql).all(...values);
    db.close();
    return rows;
  }

  /** The content file of a stream's first packet. */
  contentPath(stream: string): string {
    const row = this.find('SELECT content_hash FROM packets WHERE stream = ? ORDER BY "end"', stream);
    return new PacketFiles(this.dir).path(String(row.content_hash));
  }

  /** Changes one byte. */
  flip(path: string, offset: number): void {
    const bytes = readFileSync(path);
    bytes[offset]! ^= 1;
    writeFileSync(path, bytes);
  }

  /**
   * Moves what the write-ahead log holds into the file itself, as closing the last writing connection does.
   * @param sql run before
   */
  settle(file: string, sql = 'SELECT 1 FROM sqlite_schema'): void {
    this.rows(file, sql);
  }

  #run(file: string, sql: string, values: SQLInputValue[]): void {
    const db = new DatabaseSync(this.path(file));
    const { changes } = db.prepare(sql).run(...values);
    db.close();
    if (changes === 0) throw new RangeError(`nothing changed by ${sql}`);
  }
}
