/**
 * What a system that merely stores events would do at best on this machine: bare `node:sqlite`, WAL, every commit on
 * disk, a unique index on the id, 1000 events a transaction, no network. Run as a process of its own; prints events/s.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sampleEvents } from './events.ts';

const BATCH = 1000;

const events = sampleEvents(Number(process.argv[2]));
const dir = mkdtempSync(join(tmpdir(), 'tidemark-baseline-'));
const db = new DatabaseSync(join(dir, 'events.db'));
db.exec(
  'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE events (id TEXT, body TEXT); CREATE UNIQUE INDEX by_id ON events (id);',
);
const insert = db.prepare('INSERT INTO events VALUES (?, ?)');
const started = performance.now();
for (let at = 0; at < events.length; at += BATCH) {
  db.exec('BEGIN');
  for (const { id, text } of events.slice(at, at + BATCH)) insert.run(id, text);
  db.exec('COMMIT');
}
const rate = events.length / ((performance.now() - started) / 1000);
db.close();
rmSync(dir, { recursive: true });
process.stdout.write(`${rate}\n`);
