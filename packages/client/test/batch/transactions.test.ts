/** Once only: handlers that commit with the tracker, in a process that ends anywhere. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import {
  type BatchHandler,
  BatchTracker,
  type SqliteDatabase,
  sqliteTrackerStore,
  type TrackerError,
  type TrackerStore,
} from '../../src/index.ts';
import { eventually } from '../stand-in.ts';
import { embedStart, gateDone, gateOpen, HandlerError, messageOf } from './tracking.ts';

const root = mkdtempSync(join(tmpdir(), 'tidemark-tracker-'));
afterAll(() => rmSync(root, { recursive: true }));

/** A process ends here, not the machine: nothing has to reach the disk. */
const EFFECTS = 'PRAGMA synchronous = OFF; CREATE TABLE IF NOT EXISTS effects (key TEXT)';
const events = [gateOpen('t'), gateDone('t'), embedStart('t'), gateOpen('u')];
const keys = ['embed.start:t', 'gate.done:t', 'gate.open:t', 'gate.open:u'];

class Crash extends Error {
  readonly code = 'crash';
}

/** A database that is gone with its `nth` statement: before that has been carried out, or just after. */
class Faulty implements SqliteDatabase {
  gone = false;
  statements = 0;
  readonly #db: DatabaseSync;
  readonly #nth: number;
  readonly #when: 'before' | 'after';

  constructor(db: DatabaseSync, nth: number, when: 'before' | 'after') {
    this.#db = db;
    this.#nth = nth;
    this.#when = when;
  }

  exec(sql: string): void {
    this.#guarded(() => this.#db.exec(sql));
  }

  prepare(sql: string): ReturnType<SqliteDatabase['prepare']> {
    const statement = this.#db.prepare(sql);
    return {
      run: (...values) => this.#guarded(() => statement.run(...values)),
      all: (...values) => this.#guarded(() => statement.all(...values)),
    };
  }

  #guarded<T>(work: () => T): T {
    if (this.gone) throw new Crash('gone');
    this.gone = ++this.statements === this.#nth;
    if (this.gone && this.#when === 'before') throw new Crash('gone before');
    const result = work();
    if (this.gone) throw new Crash('gone after');
    return result;
  }
}

interface Run {
  /** Keys for which the handler that does not commit was called. */
  plain: string[];
  statements: number;
  gone: boolean;
}

/** Delivers everything, until it is done or the database is gone. */
async function run(file: string, nth: number, when: 'before' | 'after'): Promise<Run> {
  const db = new DatabaseSync(file);
  db.exec(EFFECTS);
  const faulty = new Faulty(db, nth, when);
  const plain: string[] = [];
  const handlers: BatchHandler<Faulty>[] = [
    {
      name: 'committing',
      handle: (_event, { key, transaction }) =>
        transaction?.((inside) => void inside.prepare('INSERT INTO effects VALUES (?)').run(key)),
    },
    { name: 'plain', handle: (_event, { key }) => void plain.push(key) },
  ];
  try {
    const store = sqliteTrackerStore(faulty);
    const tracker = new BatchTracker({ store, handlers, onError: () => undefined, attempts: 100, backoff: () => 0 });
    void tracker.start();
    for (const event of [...events, ...events]) tracker.accept(...messageOf(event));
    const left = db.prepare('SELECT count(*) AS count FROM tidemark_tracker_deliveries');
    await eventually(() => expect(faulty.gone || left.get()?.count === 0).toBe(true), 1);
    await tracker.stop();
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
  }
  // What is not committed is undone, as after the end of the process.
  db.close();
  return { plain, statements: faulty.statements, gone: faulty.gone };
}

function effectsIn(file: string): unknown[] {
  const db = new DatabaseSync(file);
  const rows = db.prepare('SELECT key FROM effects ORDER BY key').all();
  db.close();
  return rows.map(({ key }) => key);
}

describe('whenever the process ends', () => {
  it.each(['before', 'after'] as const)(
    '%s a statement, committing handlers have done once, others at least once',
    async (when) => {
      let nth = 1;
      for (; ; nth++) {
        const file = join(root, `${when}-${nth}.db`);
        const first = await run(file, nth, when);
        if (!first.gone) break;
        const second = await run(file, 0, when);
        expect([nth, effectsIn(file)]).toEqual([nth, keys]);
        expect([nth, [...new Set([...first.plain, ...second.plain])].sort()]).toEqual([nth, keys]);
      }
      // Four events for two handlers each: there were places enough to end at.
      expect(nth).toBeGreaterThan(40);
    },
  );
});

describe('a handler that commits', () => {
  function tracking(handle: BatchHandler<DatabaseSync>['handle']) {
    const db = new DatabaseSync(':memory:');
    db.exec(EFFECTS);
    const errors: TrackerError[] = [];
    const store: TrackerStore<DatabaseSync> = sqliteTrackerStore(db);
    const onError = (error: TrackerError) => void errors.push(error);
    const tracker = new BatchTracker({
      store,
      handlers: [{ name: 'h', handle }],
      onError,
      attempts: 2,
      backoff: () => 0,
    });
    void tracker.start();
    tracker.accept(...messageOf(gateOpen('t')));
    const settled = () => eventually(() => expect(store.pending()).toEqual([]));
    const effects = () => db.prepare('SELECT count(*) AS count FROM effects').get()?.count;
    return { tracker, store, settled, effects, said: () => errors.map(({ code, message }) => [code, message]) };
  }
  const write = (db: DatabaseSync) => db.exec("INSERT INTO effects VALUES ('a')");

  it('and throws afterwards is reported, and not called again', async () => {
    const { settled, effects, said, tracker } = tracking((_event, { transaction }) => {
      transaction?.(write);
      throw new HandlerError('too late');
    });
    await settled();
    await tracker.stop();
    expect([effects(), said()]).toEqual([1, [['handler-failed', 'h on gate.open:t: after its commit']]]);
  });

  it('has nothing more to be stored, which might fail', async () => {
    const { settled, said, store } = tracking((_event, { transaction }) => transaction?.(write));
    store.done = () => {
      throw new HandlerError('no space left');
    };
    await settled();
    await new Promise(setImmediate);
    expect(said()).toEqual([]);
  });

  it('may prepare at leisure', async () => {
    const { settled, effects, tracker } = tracking(async (_event, { transaction }) => {
      await new Promise(setImmediate);
      transaction?.(write);
    });
    await settled();
    expect([effects(), tracker.parked()]).toEqual([1, []]);
  });

  it('twice has the second refused', async () => {
    const { settled, effects, said, tracker } = tracking((_event, { transaction }) => {
      transaction?.(write);
      transaction?.(write);
    });
    await settled();
    await tracker.stop();
    expect([effects(), said().length]).toEqual([1, 1]);
  });

  it('when its call is over has it refused', async () => {
    const refused = Promise.withResolvers<unknown>();
    const { settled, effects } = tracking((_event, { transaction }) => {
      setImmediate(() => {
        try {
          transaction?.(write);
        } catch (error) {
          refused.resolve((error as TrackerError).code);
        }
      });
    });
    await settled();
    expect([await refused.promise, effects()]).toEqual(['invalid-argument', 0]);
  });

  it('and is not done when its work returns is parked in the end, with nothing written', async () => {
    const { settled, effects, tracker } = tracking((_event, { transaction }) => {
      transaction?.(async (db) => void write(db));
    });
    await settled();
    expect([effects(), tracker.parked().length]).toEqual([0, 1]);
  });
});
