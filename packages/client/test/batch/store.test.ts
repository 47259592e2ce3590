/** The contract of a tracker's store, over each there is; and that they cannot be told apart. */
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Arrival, sqliteTrackerStore, TrackerError, type TrackerStore } from '../../src/index.ts';
import { HandlerError, STORES } from './tracking.ts';

function arrival(key: string, handlers: readonly string[] = ['h']): Arrival {
  const [, batchTag = ''] = key.split(':');
  return { key, batchTag, channel: 'c', message: `{"${key}":1}`, handlers };
}

describe.each(Object.entries(STORES))('%s', (_, open) => {
  it('is empty at first', () => {
    const store = open();
    expect([store.cursor(), store.pending(), store.parked(), store.messages('t'), store.batchTags(10)]).toEqual([
      0,
      [],
      [],
      [],
      [],
    ]);
  });

  it('takes an event once', () => {
    const store = open();
    expect(store.arrive([arrival('a:t'), arrival('a:t')])).toHaveLength(1);
    expect(store.arrive([arrival('a:t', ['other'])])).toEqual([]);
    expect(store.messages('t')).toEqual(['{"a:t":1}']);
    expect(store.pending()).toHaveLength(1);
  });

  it('has a delivery for each handler, in order of arrival', () => {
    const store = open();
    const added = store.arrive([arrival('b:t', ['y', 'x']), arrival('a:u', [])]);
    added.push(...store.arrive([arrival('a:t', ['x'])]));
    expect(store.pending()).toEqual(added);
    expect(added.map(({ key, handler, attempts, channel }) => [key, handler, attempts, channel])).toEqual([
      ...[
        ['b:t', 'y', 0, 'c'],
        ['b:t', 'x', 0, 'c'],
      ],
      ['a:t', 'x', 0, 'c'],
    ]);
  });

  it('moves its cursor with what it takes, and by itself', () => {
    const store = open();
    store.arrive([arrival('a:t')], 7);
    expect(store.cursor()).toBe(7);
    store.arrive([arrival('b:t')]);
    expect(store.cursor()).toBe(7);
    store.arrive([], 9);
    expect(store.cursor()).toBe(9);
  });

  it('has what is not done', () => {
    const store = open();
    const [first, second] = store.arrive([arrival('a:t', ['x', 'y'])]);
    store.done(first!.id);
    store.done(first!.id);
    expect(store.pending()).toEqual([second]);
  });

  it('counts failures, and sets aside what is given up', () => {
    const store = open();
    const [first, second] = store.arrive([arrival('a:t', ['x', 'y'])]);
    store.failed(first!.id, 'no', false);
    expect(store.pending()).toEqual([{ ...first, attempts: 1 }, second]);
    store.failed(first!.id, 'never', true);
    expect(store.pending()).toEqual([second]);
    expect(store.parked()).toEqual([{ ...first, attempts: 2, error: 'never' }]);
  });

  it('brings back what was set aside', () => {
    const store = open();
    const [first, second] = store.arrive([arrival('a:t', ['x', 'y'])]);
    store.failed(first!.id, '', true);
    expect(store.unpark([second!.id, 99])).toEqual([]);
    expect(store.unpark([first!.id])).toEqual([first]);
    expect([store.pending(), store.parked()]).toEqual([[first, second], []]);
  });

  it('uses no id again', () => {
    const store = open();
    const [first] = store.arrive([arrival('a:t')]);
    store.done(first!.id);
    const [second] = store.arrive([arrival('b:t')]);
    expect(second!.id).not.toBe(first!.id);
  });

  it('lists batches by what came last', () => {
    const store = open();
    store.arrive(['a:t', 'a:u', 'a:v', 'b:t'].map((key) => arrival(key)));
    expect(store.batchTags(10)).toEqual(['t', 'v', 'u']);
    expect(store.batchTags(2)).toEqual(['t', 'v']);
  });

  it('forgets the batches that are done, beyond those to keep', () => {
    const store = open();
    const added = store.arrive(['a:t', 'a:u', 'a:v', 'b:v'].map((key) => arrival(key)));
    for (const { id, batchTag } of added) if (batchTag !== 't') store.done(id);
    store.prune(1);
    expect(store.batchTags(10)).toEqual(['v', 't']);
    store.failed(added[0]!.id, 'no', true);
    store.prune(0);
    expect(store.batchTags(10)).toEqual(['t']);
    expect(store.arrive([arrival('a:u'), arrival('a:t')])).toHaveLength(1);
  });

  it('gives out nothing that can be changed from outside', () => {
    const store = open();
    const [delivery] = store.arrive([arrival('a:t')]);
    delivery!.attempts = 5;
    expect(store.pending()[0]!.attempts).toBe(0);
  });
});

it('what is done to one store shows as in the other', () => {
  const keys = fc.constantFrom('a:t', 'b:t', 'a:u', 'b:u', 'a:v', 'c:v');
  const place = fc.nat(6);
  type Step = (store: TrackerStore) => unknown;
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc
      .tuple(
        fc.array(fc.tuple(keys, fc.subarray(['x', 'y'])), { maxLength: 3 }),
        fc.option(fc.nat(), { nil: undefined }),
      )
      .map(
        ([arrivals, cursor]): Step =>
          (store) =>
            store.arrive(
              arrivals.map(([key, handlers]) => arrival(key, handlers)),
              cursor,
            ),
      ),
    place.map(
      (at): Step =>
        (store) =>
          store.done(store.pending()[at]?.id ?? -1),
    ),
    fc.tuple(place, fc.boolean()).map(
      ([at, park]): Step =>
        (store) =>
          store.failed(store.pending()[at]?.id ?? -1, 'no', park),
    ),
    place.map(
      (at): Step =>
        (store) =>
          store.unpark(
            store
              .parked()
              .slice(at)
              .map(({ id }) => id),
          ),
    ),
    fc.nat(3).map(
      (keep): Step =>
        (store) =>
          store.prune(keep),
    ),
  );
  /** Ids are each store's own. */
  const seen = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value ?? null, (name, one) => (name === 'id' ? undefined : one)));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const [memory, sqlite] = [STORES.memory!(), STORES.sqlite!()];
      const all = (store: TrackerStore) => [
        store.cursor(),
        store.pending(),
        store.parked(),
        store.batchTags(9),
        ['t', 'u', 'v'].map((tag) => store.messages(tag)),
      ];
      for (const one of steps) {
        expect(seen(one(sqlite))).toEqual(seen(one(memory)));
        expect(seen(all(sqlite))).toEqual(seen(all(memory)));
      }
    }),
  );
});

describe('a transaction of SQLite', () => {
  function opened() {
    const db = new DatabaseSync(':memory:');
    db.exec('CREATE TABLE effects (key TEXT)');
    const store = sqliteTrackerStore(db);
    const [delivery] = store.arrive([arrival('a:t')]);
    const effects = () => db.prepare('SELECT count(*) AS count FROM effects').get()?.count;
    return { store, id: delivery!.id, effects };
  }
  const write = (db: DatabaseSync) => db.exec("INSERT INTO effects VALUES ('a')");

  it('writes and is done', () => {
    const { store, id, effects } = opened();
    store.transaction?.(id, write);
    expect([effects(), store.pending()]).toEqual([1, []]);
  });

  it('that throws has written nothing, and is not done', () => {
    const { store, id, effects } = opened();
    const work = (db: DatabaseSync) => {
      write(db);
      throw new HandlerError();
    };
    expect(() => store.transaction?.(id, work)).toThrow(HandlerError);
    expect([effects(), store.pending().length]).toEqual([0, 1]);
  });

  it('is none where the work goes on afterwards', () => {
    const { store, id, effects } = opened();
    expect(() => store.transaction?.(id, async (db) => write(db))).toThrow(TrackerError);
    expect([effects(), store.pending().length]).toEqual([0, 1]);
  });

  it('is not made twice', () => {
    const { store, id, effects } = opened();
    store.transaction?.(id, write);
    expect(() => store.transaction?.(id, write)).toThrow('done already');
    expect(effects()).toBe(1);
  });
});

it('of several trackers in one database, each has what is its own', () => {
  const db = new DatabaseSync(':memory:');
  const [one, two] = [sqliteTrackerStore(db, 'one_'), sqliteTrackerStore(db, 'two_')];
  const arrival: Arrival = { key: 'k', batchTag: 'b', channel: 'c', message: 'm', handlers: ['h'] };
  expect(one.arrive([arrival], 7)).toHaveLength(1);
  expect([one.pending().length, two.pending().length, one.cursor(), two.cursor()]).toEqual([1, 0, 7, 0]);
  expect(two.arrive([arrival])).toHaveLength(1);
  for (const prefix of ['', 'a b', '1_', 'x"; DROP TABLE y']) {
    expect(() => sqliteTrackerStore(db, prefix)).toThrow(TrackerError);
  }
});
