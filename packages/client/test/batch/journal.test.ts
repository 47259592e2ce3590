/** The journal alone: read to its end, and followed from there. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  BatchTracker,
  type BatchTrackerOptions,
  batchJournal,
  type ClientError,
  type Journal,
  memoryTrackerStore,
  type TrackerError,
} from '../../src/index.ts';
import { eventually, failureOf } from '../stand-in.ts';
import { JOURNAL_TOKEN, JournalServer } from './journal-server.ts';
import { embedStart, gateDone, gateOpen, messageOf } from './tracking.ts';

let server: JournalServer;
let url: string;
const trackers: BatchTracker<never>[] = [];
beforeEach(async () => {
  server = new JournalServer();
  url = await server.listen();
});
afterEach(async () => {
  await Promise.all(trackers.splice(0).map((tracker) => tracker.stop()));
  server.close();
});

function journalOf(limit = 500): Journal {
  return batchJournal({ url, token: JOURNAL_TOKEN, limit });
}

function tracking(options: Partial<BatchTrackerOptions<never>> = {}) {
  const got: string[] = [];
  const errors: TrackerError[] = [];
  const tracker = new BatchTracker({
    store: memoryTrackerStore(),
    journal: journalOf(),
    handlers: [{ handle: (_event, { key }) => void got.push(key) }],
    onError: (error) => errors.push(error),
    ...options,
  });
  trackers.push(tracker);
  return { tracker, got, errors };
}

describe('batchJournal', () => {
  const { signal } = new AbortController();

  it('reads page by page', async () => {
    for (const tag of ['a', 'b', 'c']) server.append('c', tag);
    const journal = journalOf(2);
    const first = await journal(0, signal, 0);
    expect([first.items.map(({ message }) => message), first.next]).toEqual([['a', 'b'], 2]);
    const second = await journal(2, signal, 0);
    expect([second.items.map(({ message }) => message), second.next]).toEqual([['c'], 3]);
    expect(await journal(3, signal, 0)).toEqual({ items: [], next: 3 });
  });

  it('waits for what is not there yet', async () => {
    const waiting = journalOf()(0, signal, 20_000);
    await eventually(() => expect(server.asked).toEqual([[0, 20_000]]));
    server.append('c', 'm');
    expect((await waiting).next).toBe(1);
  });

  it('waits no longer than it is wanted', async () => {
    const stop = new AbortController();
    const waiting = journalOf()(0, stop.signal, 20_000);
    stop.abort('enough');
    expect(await failureOf(waiting)).toBe('enough');
  });

  it('says that it is refused', async () => {
    const refused = await failureOf(batchJournal({ url, token: 'other' })(0, signal, 0));
    expect([(refused as ClientError).code, (refused as ClientError).status]).toEqual(['refused', 401]);
  });

  it.each(['5', '{}', '{"items":[],"next":"1"}', '{"items":[{"channel":"c"}],"next":1}'])(
    'does not take %s for a page',
    async (body) => {
      const journal = batchJournal({ url, fetch: async () => new Response(body) });
      expect(((await failureOf(journal(0, signal, 0))) as ClientError).code).toBe('bad-answer');
    },
  );
});

it('what is there is brought before the start is over, in order, page by page', async () => {
  for (const event of [gateOpen('t'), gateDone('t'), gateDone('t'), embedStart('t')])
    server.append(...messageOf(event));
  const { tracker, got } = tracking({ journal: journalOf(1) });
  await tracker.start();
  expect(tracker.batch('t')?.state).toBe('embedding');
  await eventually(() => expect(got).toEqual(['gate.open:t', 'gate.done:t', 'embed.start:t']));
});

it('what comes later is waited for, and not asked for again and again', async () => {
  const { tracker, got } = tracking();
  await tracker.start();
  await eventually(() =>
    expect(server.asked).toEqual([
      [0, 0],
      [0, 25_000],
    ]),
  );
  server.append(...messageOf(gateOpen('t')));
  await eventually(() => expect(got).toEqual(['gate.open:t']));
  await eventually(() => expect(server.asked.slice(2)).toEqual([[1, 25_000]]));
});

it('a journal that does not wait is asked about once a second', async () => {
  let asked = 0;
  const journal: Journal = async (after) => {
    asked++;
    return { items: [], next: after };
  };
  const { tracker } = tracking({ journal });
  await tracker.start();
  await eventually(() => expect(asked).toBe(2));
  // Turns in which it would have been asked many times over.
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate);
  expect(asked).toBe(2);
});

it('a journal that is away is asked again, from the same place', async () => {
  server.append(...messageOf(gateOpen('t')));
  server.away = true;
  const { tracker, got, errors } = tracking();
  const started = tracker.start();
  await eventually(() => expect(errors.map(({ code }) => code)).toContain('journal-failed'));
  server.away = false;
  await started;
  await eventually(() => expect(got).toEqual(['gate.open:t']));
});

it('a journal that goes backwards is not followed', async () => {
  const { tracker, errors, got } = tracking({
    journal: async (after) => ({
      items: [{ channel: 'ingest_updates', message: messageOf(gateOpen('t'))[1] }],
      next: after,
    }),
  });
  const started = tracker.start();
  await eventually(() => expect(errors[0]?.message).toBe('journal: it goes from 0 on to 0'));
  await tracker.stop();
  await started;
  expect(got).toEqual([]);
});

it('what cannot be stored is read again', async () => {
  server.append(...messageOf(gateOpen('t')));
  const store = memoryTrackerStore();
  const { arrive } = store;
  let full = true;
  store.arrive = (...arrivals) => {
    if (full) throw new TypeError('no space left');
    return arrive.apply(store, arrivals);
  };
  const { tracker, errors, got } = tracking({ store });
  void tracker.start();
  await eventually(() => expect(errors[0]?.code).toBe('store-failed'));
  full = false;
  await eventually(() => expect(got).toEqual(['gate.open:t']));
});

it('stopping does not wait for the journal', async () => {
  const { tracker } = tracking();
  await tracker.start();
  await eventually(() => expect(server.asked).toHaveLength(2));
  await tracker.stop();
  server.append(...messageOf(gateOpen('t')));
  expect(tracker.batches()).toEqual([]);
});
