import { createServer as createSecureServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SubscriptionsSettings } from '../../src/subscriptions/settings.ts';
import { Directories } from '../support/directories.ts';
import { CERTIFICATE, KEY } from './certificate.ts';
import { type Answer, Receiver } from './receiver.ts';
import { declared, eventually, idsOf, type Opened, settingsWith, World } from './world.ts';

const directories = new Directories();
afterAll(() => directories.remove());

let world: World;
let opened: Opened[];
let receivers: { close(): unknown }[];

const open = (...args: Parameters<World['open']>): Opened => {
  const one = world.open(...args);
  opened.push(one);
  return one;
};
const receive = async (...args: Parameters<(typeof Receiver)['open']>): Promise<Receiver> => {
  const one = await Receiver.open(...args);
  receivers.push(one);
  return one;
};

beforeEach(async () => {
  opened = [];
  receivers = [];
  world = new World(directories.next());
  await world.begin();
});
afterEach(async () => {
  for (const one of opened) await one.close();
  for (const receiver of receivers) await receiver.close();
  world.close();
});

/** The log of the only delivery. */
async function log({ desk }: Opened, id: string) {
  const { items } = await desk.deliveries(id, { limit: 10 });
  expect(items).toHaveLength(1);
  return items[0]!;
}

/** What a hostile receiver begins with. */
const STATUS = 'HTTP/1.1 500 No\r\n';
const CHUNKED = `${STATUS}transfer-encoding: chunked\r\n\r\n`;
const CHUNK = `1000\r\n${'x'.repeat(4096)}\r\n`;
const HEADER = `a: ${'x'.repeat(1024)}\r\n`;
const HINT = 'HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n';

describe('an attempt fails, and the next one succeeds', () => {
  const FAULTS: [string, Answer, string | RegExp, number | undefined][] = [
    ['500', { status: 500, body: 'my secret' }, 'status 500', 500],
    ['404', { status: 404 }, 'status 404', 404],
    ['301, which is not followed', { status: 301, headers: { location: '/elsewhere' } }, /^status 301: redirects/, 301],
    ['307, which is not followed', { status: 307, headers: { location: '/elsewhere' } }, /^status 307: redirects/, 307],
    ['304', { status: 304 }, /^status 304/, 304],
    ['503', { status: 503 }, 'status 503', 503],
    ['429 with a time', { status: 429, headers: { 'retry-after': '0' } }, 'status 429', 429],
    ['a connection that is reset', { fault: 'reset' }, /^ECONNRESET/, undefined],
    ['an answer that breaks off', { fault: 'broken' }, /^ECONNRESET/, undefined],
    ['no answer', { fault: 'hang' }, 'no answer in 300 ms', undefined],
    ['an answer without an end', { raw: { head: CHUNKED, piece: CHUNK } }, 'status 500', 500],
    ['one that drips', { raw: { head: CHUNKED, piece: '1\r\nx\r\n', everyMs: 5 } }, 'no answer in 300 ms', undefined],
    ['headers without an end', { raw: { head: STATUS, piece: HEADER } }, /^HPE_HEADER_OVERFLOW/, undefined],
    ['headers that drip', { raw: { head: `${STATUS}a: `, piece: 'x', everyMs: 5 } }, 'no answer in 300 ms', undefined],
    ['a status line that drips', { raw: { head: '', piece: 'H', everyMs: 400 } }, 'no answer in 300 ms', undefined],
    ['trailers without an end', { raw: { head: `${CHUNKED}0\r\n`, piece: HEADER } }, /^HPE_HEADER_OVERFLOW/, undefined],
    [
      'a chunk extension without an end',
      { raw: { head: `${CHUNKED}1;`, piece: 'x'.repeat(1024) } },
      /^HPE_CHUNK/,
      undefined,
    ],
    ['early hints without an end', { raw: { head: '', piece: HINT } }, 'more than 32 interim answers', undefined],
    ['early hints that drip', { raw: { head: '', piece: HINT, everyMs: 20 } }, 'no answer in 300 ms', undefined],
  ];
  test.each(FAULTS)('%s', async (_, answer, reason, status) => {
    const receiver = await receive((_got, nth) => (nth === 0 ? answer : {}));
    await world.grow('alpha', 1);
    const one = open(settingsWith({ sender: { timeoutMs: 300 } }));
    const { id } = await one.desk.create(declared(receiver.url));
    await eventually(async () => expect((await log(one, id)).status).toBe('delivered'));
    expect(receiver.ids).toHaveLength(2);
    expect(new Set(receiver.ids).size).toBe(1);
    const { attempts, id: delivery } = await log(one, id);
    expect(delivery).toBe(receiver.ids[0]);
    expect(attempts).toHaveLength(2);
    expect(attempts[0]?.reason).toMatch(reason);
    expect(attempts[0]?.status).toBe(status);
    expect(attempts[1]).toEqual({ at: expect.any(Number), latencyMs: expect.any(Number), status: 204 });
    expect(JSON.stringify(await log(one, id))).not.toContain('my secret');
    // Nothing more is taken from a connection that failed: it is gone.
    await eventually(() => expect(receiver.open).toBe(0));
  });

  test('nobody listens', async () => {
    const receiver = await Receiver.open();
    const { port, url } = receiver;
    await receiver.close();
    await world.grow('alpha', 1);
    const one = open();
    const { id } = await one.desk.create(declared(url));
    await eventually(async () => expect((await log(one, id)).attempts[0]?.reason).toMatch(/^ECONNREFUSED/));
    const back = await receive(() => ({}), port);
    await eventually(() => expect(back.ids).toHaveLength(1));
  });

  test('a name that does not resolve', async () => {
    const receiver = await receive();
    await world.grow('alpha', 1);
    let asked = 0;
    const one = open(settingsWith({}), async () => {
      if (asked++ < 3) throw Object.assign(new TypeError('injected'), { code: 'ENOTFOUND' });
      return [{ address: '127.0.0.1', family: 4 }];
    });
    const { id } = await one.desk.create(declared(receiver.url.replace('127.0.0.1', 'receiver.test')));
    await eventually(() => expect(receiver.ids).toHaveLength(1));
    const { attempts } = await log(one, id);
    expect(attempts[0]?.reason).toBe('dns: receiver.test does not resolve: ENOTFOUND');
  });

  test('what speaks no HTTP, and a certificate that nobody vouches for', async () => {
    const mute = createTcpServer((socket) => socket.end('no HTTP at all\r\n\r\n').resume());
    const secure = createSecureServer({ key: KEY, cert: CERTIFICATE }, (_request, response) => {
      response.end();
    });
    for (const server of [mute, secure]) {
      receivers.push({ close: () => new Promise((resolve) => server.close(resolve)) });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    }
    const portOf = (server: typeof mute) => (server.address() as { port: number }).port;
    await world.grow('alpha', 1);
    const one = open();
    const plain = await one.desk.create(declared(`http://127.0.0.1:${portOf(mute)}/`));
    const tls = await one.desk.create(declared(`https://127.0.0.1:${portOf(secure)}/`));
    await eventually(async () => expect((await log(one, plain.id)).attempts[0]?.reason).toMatch(/^HPE_/));
    await eventually(async () => {
      expect((await log(one, tls.id)).attempts[0]?.reason).toMatch(/^DEPTH_ZERO_SELF_SIGNED_CERT/);
    });
  });

  test('of an answer that never ends little is read, and its status counts', async () => {
    const receiver = await receive(() => ({ body: 'x'.repeat(50_000_000), status: 200 }));
    await world.grow('alpha', 2);
    const one = open();
    const { id } = await one.desk.create(declared(receiver.url));
    await eventually(async () => expect(await one.desk.show(id)).toMatchObject({ pending: 0, lag: 0, dead: 0 }));
    expect(receiver.ids).toHaveLength(2);
    // The rest was not read: the connection was given up.
    expect(receiver.connections).toBe(2);
  });

  test('an idle connection that the receiver has closed costs no attempt', async () => {
    const receiver = await receive(() => ({ headers: { connection: 'keep-alive' } }));
    await world.grow('alpha', 1);
    const one = open();
    await one.desk.create(declared(receiver.url));
    await eventually(() => expect(receiver.ids).toHaveLength(1));
    const { port } = receiver;
    await receiver.close();
    const back = await receive(() => ({}), port);
    await world.grow('alpha', 1);
    one.desk.pump();
    await eventually(() => expect(back.taken).toHaveLength(1));
    expect(back.ids).toHaveLength(1);
  });
});

/** A circuit that opens soon, and deliveries that are given up soon. */
const STRICT: SubscriptionsSettings = settingsWith({
  retry: { attempts: 6 },
  breaker: { failures: 4, probeMs: 20 },
});

describe('dead letters', () => {
  test('a message that is refused becomes one after so many attempts, and what follows goes on', async () => {
    const receiver = await receive(({ text }) => ({ status: text.includes('"n":2,') ? 400 : 204 }));
    await world.grow('alpha', 4);
    const one = open(STRICT);
    const made = await one.desk.create(declared(receiver.url));
    await eventually(() => expect(receiver.taken).toHaveLength(3));
    const ids = idsOf(made, world.told());
    expect(receiver.ids).toEqual([ids[0], ...Array(6).fill(ids[1]), ids[2], ids[3]]);
    await eventually(async () => {
      expect(await one.desk.show(made.id)).toMatchObject({ dead: 1, pending: 0, breaker: { state: 'closed' } });
    });
    const { items } = await one.desk.deliveries(made.id, { status: 'dead', limit: 10 });
    expect(items).toMatchObject([{ id: ids[1], failures: 6, dueAt: null, status: 'dead' }]);
  });

  test('an outage makes none, however long: one probe at a time, and then everything is delivered', async () => {
    let down = true;
    const receiver = await receive(() => (down ? { status: 502 } : {}));
    await world.grow('alpha', 50);
    const one = open(STRICT);
    const made = await one.desk.create(declared(receiver.url, { order: 'none', concurrency: 8 }));
    await eventually(async () => expect((await one.desk.show(made.id)).breaker.failures).toBeGreaterThan(30));
    const { breaker, dead, pending, underWay } = await one.desk.show(made.id);
    expect({ dead, pending }).toEqual({ dead: 0, pending: 50 });
    expect(breaker.state).toBe(underWay > 0 ? 'half-open' : 'open');
    const { items } = await one.desk.deliveries(made.id, { limit: 100 });
    expect(Math.max(...items.map(({ failures }) => failures))).toBeLessThan(4);
    down = false;
    await eventually(() => expect(receiver.taken).toHaveLength(50));
    await eventually(async () => expect(await one.desk.show(made.id)).toMatchObject({ pending: 0, dead: 0 }));
    expect((await one.desk.show(made.id)).breaker).toEqual({
      ...{ state: 'closed', failures: 0, openedAt: null, probeAt: null },
    });
  });

  test('one probe at a time, whatever else happens meanwhile', async () => {
    const receiver = await receive((_got, nth) => ({ fault: nth < 4 ? 'reset' : 'hang' }));
    await world.grow('alpha', 10);
    const one = open({ ...STRICT, sender: { ...STRICT.sender, timeoutMs: 2000 } });
    const made = await one.desk.create(declared(receiver.url, { order: 'none', concurrency: 1 }));
    await eventually(() => expect(receiver.open).toBe(1));
    await one.desk.change(made.id, { settings: { concurrency: 8 } });
    await world.grow('alpha', 10);
    one.desk.pump();
    expect(await one.desk.show(made.id)).toMatchObject({ underWay: 1, breaker: { state: 'half-open' } });
  });

  test('the circuit stays open over a restart', async () => {
    const receiver = await receive(() => ({ status: 502 }));
    await world.grow('alpha', 5);
    const settings = settingsWith({ retry: { attempts: 6 }, breaker: { failures: 4, probeMs: 60_000 } });
    const first = world.open(settings);
    const made = await first.desk.create(declared(receiver.url, { order: 'none' }));
    await eventually(async () => expect((await first.desk.show(made.id)).breaker.state).toBe('open'));
    await first.close();
    const sent = receiver.ids.length;
    const second = open(settings);
    expect(await second.desk.show(made.id)).toMatchObject({ pending: 5, breaker: { state: 'open' } });
    receiver.behave = () => ({});
    expect(receiver.ids).toHaveLength(sent);
    // Another word of its owner, and it is tried at once.
    await second.desk.change(made.id, { settings: {}, enabled: false });
    await second.desk.change(made.id, { settings: {}, enabled: true });
    await eventually(() => expect(receiver.taken).toHaveLength(5));
  });

  test('with as many as there may be the subscription is paused; replaying them makes room', async () => {
    const receiver = await receive(() => ({ status: 400 }));
    await world.grow('alpha', 20);
    const one = open(settingsWith({ retry: { attempts: 1 }, bounds: { dead: 5 } }));
    const made = await one.desk.create(declared(receiver.url));
    await eventually(async () => {
      const view = await one.desk.show(made.id);
      expect(view).toMatchObject({ enabled: false, paused: 'dead-letters-full', dead: 5, pending: 15 });
    });
    receiver.behave = () => ({});
    expect(await one.desk.replay(made.id, { dead: true })).toEqual({ replayed: 5, unknown: [] });
    await eventually(() => expect(receiver.taken).toHaveLength(20));
    expect(receiver.taken).toEqual(idsOf(made, world.told()));
    expect(await one.desk.show(made.id)).toMatchObject({ enabled: true, paused: null, dead: 0 });
  });
});

test('410 ends it until its owner says otherwise, and nothing is lost', async () => {
  const receiver = await receive((_got, nth) => ({ status: nth === 2 ? 410 : 204 }));
  await world.grow('alpha', 10);
  const one = open();
  const made = await one.desk.create(declared(receiver.url));
  await eventually(async () => {
    expect(await one.desk.show(made.id)).toMatchObject({ enabled: false, paused: 'gone', dead: 0, pending: 8 });
  });
  expect((await one.desk.show(made.id)).lastFailure?.reason).toBe('status 410');
  await world.grow('alpha', 1);
  one.desk.pump();
  expect(receiver.ids).toHaveLength(3);
  await one.desk.change(made.id, { settings: {}, enabled: true });
  await eventually(() => expect(receiver.taken).toEqual(idsOf(made, world.told())));
});

test('a receiver that asks for time gets it, and no attempt counts', async () => {
  const receiver = await receive((_got, nth) => (nth < 3 ? { status: 429, headers: { 'retry-after': '1' } } : {}));
  await world.grow('alpha', 20);
  const one = open(settingsWith({ retry: { attempts: 2 }, breaker: { failures: 2 } }));
  const made = await one.desk.create(declared(receiver.url, { order: 'none', concurrency: 3 }));
  const heldUntil = await eventually(async () => {
    const view = await one.desk.show(made.id);
    expect(view.heldUntil).toBeGreaterThan(0);
    return view.heldUntil;
  });
  await eventually(() => expect(receiver.taken).toHaveLength(20));
  expect(receiver.ids).toHaveLength(23);
  // All of it waited, not only what was answered so.
  const { items } = await one.desk.deliveries(made.id, { status: 'delivered', limit: 100 });
  expect(Math.min(...items.map(({ attempts }) => attempts.at(-1)!.at))).toBeGreaterThanOrEqual(heldUntil!);
  await eventually(async () => expect(await one.desk.show(made.id)).toMatchObject({ heldUntil: null, dead: 0 }));
});

test('what cannot be stored is tried again, and nothing more is sent meanwhile', async () => {
  const receiver = await receive();
  await world.grow('alpha', 30);
  const one = open();
  const made = await one.desk.create({ ...declared(receiver.url, { concurrency: 1 }), enabled: false });
  const { record } = one.store;
  const sentBy: number[] = [];
  one.store.record = (...args) => {
    sentBy.push(receiver.ids.length);
    if (sentBy.length === 1) throw new RangeError('injected: the disk is full');
    record.apply(one.store, args);
  };
  await expect(one.desk.change(made.id, { settings: {}, enabled: true })).resolves.toMatchObject({ enabled: true });
  await eventually(() => expect(one.troubles).toHaveLength(1));
  expect(one.outbox.failing).toBe(true);
  await eventually(() => expect(one.outbox.failing).toBe(false));
  // At the most the one that was under way.
  expect(sentBy[1]! - sentBy[0]!).toBeLessThanOrEqual(1);
  await eventually(() => expect(receiver.ids).toEqual(idsOf(made, world.told())));
  await eventually(() => expect(one.store.counts(made.id).delivered).toBe(30));
});
