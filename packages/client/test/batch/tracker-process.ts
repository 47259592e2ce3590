/**
 * A tracker in a process of its own, for a test to kill: `node tracker-process.ts DATABASE REDIS_URL JOURNAL_URL`. Each
 * event goes into the table `effects` together with what the tracker keeps, and onto standard output.
 */
import { DatabaseSync } from 'node:sqlite';
import { Redis } from 'ioredis';
import { BatchTracker, batchJournal, sqliteTrackerStore } from '../../src/index.ts';
import { JOURNAL_TOKEN } from './journal-server.ts';

const [file = '', redisUrl = '', url = ''] = process.argv.slice(2);
const db = new DatabaseSync(file);
db.exec('PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS effects (key TEXT)');

const tracker = new BatchTracker({
  redis: new Redis(redisUrl),
  journal: batchJournal({ url, token: JOURNAL_TOKEN }),
  store: sqliteTrackerStore(db),
  handlers: [
    {
      name: 'committing',
      handle: (_event, { key, transaction }) =>
        transaction?.((inside) => void inside.prepare('INSERT INTO effects VALUES (?)').run(key)),
    },
    { name: 'printing', handle: (_event, { key }) => void process.stdout.write(`${key}\n`) },
  ],
  onError: ({ code, message }) => process.stderr.write(`${code}: ${message}\n`),
});
await tracker.start();
process.stdout.write('started\n');
