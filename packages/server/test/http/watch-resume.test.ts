/** A client that is cut off anywhere, and comes back with the last id it has, sees each message once and in order. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Json, post } from './client.ts';
import { randomNumbers } from './random.ts';
import { AT_ONCE, report, settled, useServer, wholeFeed } from './server.ts';
import { Watcher } from './watcher.ts';

const server = useServer({
  sources: ['red', 'green', 'blue'].map((id) => ({ id, policy: { constraints: { bounds: { n: { max: 900 } } } } })),
  streams: ['red', 'green', 'blue'].map((id) => ({ id, publish: AT_ONCE })),
  anchorIntervalMs: 100,
  ingestSseHeartbeatMs: 100,
});

const EVENTS = 1000;
const EVENTS_AT_A_TIME = 20;
const SOURCES = ['red', 'green', 'blue'];

async function publishAll(): Promise<string> {
  let last = '';
  for (let n = 0; n < EVENTS; n += EVENTS_AT_A_TIME) {
    const events = Array.from({ length: EVENTS_AT_A_TIME }, (_, k) => ({ id: `e${n + k}`, n: n + k }));
    const sourceId = SOURCES[(n / EVENTS_AT_A_TIME) % SOURCES.length];
    const { status, body } = await post(server.url, { sourceId, events });
    expect(status).toBe(200);
    last = body.inserted.at(-1);
  }
  return last;
}

/** Comes back with what it has, by header or query in turn, until `done`. @returns its messages and how often it was cut */
async function followThroughCuts(seed: number, done: (messages: Json[]) => boolean): Promise<[Json[], number]> {
  const random = randomNumbers(seed);
  const messages: Json[] = [];
  let lastId: string | undefined;
  for (let cuts = 0; ; cuts++) {
    const bytes = 1 + Math.floor(random() * 60_000);
    const query = lastId === undefined ? '?since=earliest' : random() < 0.5 ? `?last_event_id=${lastId}` : '';
    const headers: Record<string, string> = lastId !== undefined && query === '' ? { 'last-event-id': lastId } : {};
    const watcher = await Watcher.open(server.url, query, headers, bytes);
    await watcher.until((one) => one.ended || done([...messages, ...one.messages()]));
    watcher.close();
    expect(watcher.messages('gap')).toEqual([]);
    messages.push(...watcher.messages());
    lastId = watcher.lastId ?? lastId;
    if (done(messages)) return [messages, cuts];
  }
}

const ofJournal = (messages: Json[]) => messages.filter(({ type }) => type === 'received');
const ofLedger = (messages: Json[]) => messages.filter(({ type }) => type !== 'received');

describe('random cuts while events arrive', () => {
  it('lose nothing, repeat nothing, and keep the order of journal and ledger', async () => {
    const settledEvents = (messages: Json[]) =>
      messages.filter(({ type }) => type === 'certified' || type === 'quarantined').length;
    const followers = [1, 2, 3].map((seed) =>
      followThroughCuts(seed, (messages) => settledEvents(messages) === EVENTS),
    );
    await settled(server.url, await publishAll());
    const followed = await Promise.all(followers);

    const whole = await Watcher.open(server.url, '?since=earliest');
    onTestFinished(() => whole.close());
    // The followers may have heard of anchors that come after everything else.
    const heard = Math.max(...followed.map(([messages]) => messages.length));
    await whole.until((one) => one.messages().length >= heard && settledEvents(one.messages()) === EVENTS);
    const log = whole.messages();
    for (const [messages] of followed) {
      expect(ofJournal(messages)).toEqual(ofJournal(log));
      // Anchors come after all else, and how many there are by now is a matter of time.
      const ledger = ofLedger(messages);
      expect(ledger).toEqual(ofLedger(log).slice(0, ledger.length));
      expect(settledEvents(messages)).toBe(EVENTS);
    }
    const received = ofJournal(log).flatMap(({ eventIds }) => eventIds);
    expect(new Set(received).size).toBe(EVENTS);
    const feed = await wholeFeed(server.url);
    expect(feed.map(({ eventId }) => eventId).toSorted()).toEqual(received.toSorted());
    const inLog = (status: string) => log.filter(({ type }) => type === status).map(({ eventId }) => eventId);
    for (const status of ['certified', 'quarantined']) {
      expect(inLog(status)).toEqual(feed.filter((item) => item.status === status).map(({ eventId }) => eventId));
    }
    report(`${EVENTS} events followed through ${followed.map(([, cuts]) => cuts).join(', ')} cuts`);
    for (const [, cuts] of followed) expect(cuts).toBeGreaterThan(5);
  });

  it('with a filter in place, too', async () => {
    const wanted = (await wholeFeed(server.url, '&stream=green')).filter(({ status }) => status === 'certified');
    const random = randomNumbers(4);
    const ids: string[] = [];
    for (let lastId = 'earliest'; ids.length < wanted.length; ) {
      const query = `?stream=green&type=certified&since=${lastId}`;
      const watcher = await Watcher.open(server.url, query, {}, 1 + Math.floor(random() * 20_000));
      await watcher.until((one) => one.ended || ids.length + one.messages().length === wanted.length);
      watcher.close();
      ids.push(...watcher.messages().map(({ eventId }) => eventId));
      lastId = watcher.lastId ?? lastId;
    }
    expect(ids).toEqual(wanted.map(({ eventId }) => eventId));
  });
});
