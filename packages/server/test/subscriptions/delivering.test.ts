import { createHmac } from 'node:crypto';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Directories } from '../support/directories.ts';
import { bodyOf, Receiver } from './receiver.ts';
import { declared, eventually, idsOf, type Opened, settingsWith, World } from './world.ts';

const directories = new Directories();
afterAll(() => directories.remove());

let world: World;
let opened: Opened[];
let receivers: Receiver[];

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

test('everything that matches is delivered once, each stream in its order, and signed', async () => {
  const receiver = await receive();
  await world.grow('alpha', 700);
  const { desk } = open();
  const made = await desk.create(declared(receiver.url));
  await world.grow('beta', 30);
  await world.grow('alpha', 20);
  desk.pump();
  const told = world.told();
  expect(told).toHaveLength(750);
  await eventually(() => expect(receiver.received).toHaveLength(750));
  expect(receiver.ids.toSorted()).toEqual(idsOf(made, told).toSorted());
  for (const stream of ['alpha', 'beta']) {
    const own = receiver.received.filter(({ text }) => text.includes(`"stream":"${stream}"`)).map(({ id }) => id);
    const expected = idsOf(
      made,
      told.filter((message) => message.stream === stream),
    );
    expect(own).toEqual(expected);
  }
  const key = Buffer.from(made.secret.slice('whsec_'.length), 'base64');
  for (const { headers, text } of receiver.received.slice(0, 20)) {
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${text}`;
    expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
    expect(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1000)).toBeLessThan(60);
    expect(headers['content-type']).toBe('application/cloudevents+json; charset=utf-8');
  }
  const [first] = told;
  const body = bodyOf(receiver.received.find(({ id }) => id === idsOf(made, [first!])[0])!);
  const { cursor, ...data } = body.data;
  expect(JSON.stringify(data)).toBe(first?.text);
  expect(body.id).not.toBe(cursor);
});

describe('what is wanted', () => {
  test('types, streams, sources and the filter restrict', async () => {
    const receiver = await receive();
    await world.grow('alpha', 5);
    await world.grow('beta', 5, { mark: 'x' });
    const { desk } = open();
    const types = ['normalized', 'certified'] as const;
    const filtered = await desk.create(declared(receiver.url, { types, filter: 'n > 2 and n <= 7' }));
    const beta = await desk.create(declared(receiver.url, { streams: ['beta'] }));
    const alpha = await desk.create(declared(receiver.url, { sources: ['of-alpha'] }));
    const none = await desk.create(declared(receiver.url, { filter: 'mark = "y"' }));
    const told = world.told(types);
    const n = (text: string) => JSON.parse(text).normalized.n as number;
    const expected = [
      ...idsOf(
        filtered,
        told.filter(({ text }) => n(text) > 2 && n(text) <= 7),
      ),
      ...idsOf(
        beta,
        told.filter(({ stream, type }) => stream === 'beta' && type === 'certified'),
      ),
      ...idsOf(
        alpha,
        told.filter(({ stream, type }) => stream === 'alpha' && type === 'certified'),
      ),
    ];
    expect(expected).toHaveLength(20);
    await eventually(() => expect(receiver.ids.toSorted()).toEqual(expected.toSorted()));
    expect(await desk.show(none.id)).toMatchObject({ lag: 0, pending: 0 });
  });

  test('it begins now, unless it is told otherwise', async () => {
    const receiver = await receive();
    await world.grow('alpha', 3);
    const { desk, feed } = open();
    const latest = await desk.create({ ...declared(receiver.url), since: 'latest' });
    const cursor = feed.cursor(world.told()[1]!.position);
    const after = await desk.create({ ...declared(receiver.url), since: { cursor } });
    await world.grow('alpha', 2);
    desk.pump();
    const told = world.told();
    const expected = [...idsOf(latest, told.slice(3)), ...idsOf(after, told.slice(2))];
    await eventually(() => expect(receiver.ids.toSorted()).toEqual(expected.toSorted()));
    const unknown = desk.create({ ...declared(receiver.url), since: { cursor: 'ffffffff-0-1' } });
    await expect(unknown).rejects.toMatchObject({ code: 'unknown-cursor' });
  });
});

describe('order and parallelism', () => {
  test('in order, nothing of a stream goes out while something before it waits; other streams do', async () => {
    const isOf = (stream: string, text: string) => text.includes(`"stream":"${stream}"`);
    let ofBeta = 0;
    const receiver = await receive(({ text }) => {
      if (isOf('beta', text)) ofBeta++;
      return { status: text.includes('"n":3,') && ofBeta < 10 ? 500 : 204 };
    });
    await world.grow('alpha', 10);
    await world.grow('beta', 10);
    const { desk } = open();
    const made = await desk.create(declared(receiver.url, { concurrency: 4 }));
    await eventually(() => expect(receiver.taken).toHaveLength(20));
    const told = world.told();
    const alpha = idsOf(
      made,
      told.filter(({ stream }) => stream === 'alpha'),
    );
    const came = receiver.ids.filter((id) => alpha.includes(id));
    const times = came.filter((id) => id === alpha[2]).length;
    expect(times).toBeGreaterThan(1);
    expect(came).toEqual(alpha.flatMap((id, place) => Array(place === 2 ? times : 1).fill(id)));
    expect(receiver.mostOpen).toBeLessThanOrEqual(2);
  });

  test('without an order, up to so many are under way at a time', async () => {
    const gate = Promise.withResolvers<void>();
    const receiver = await receive(() => ({ after: gate.promise }));
    await world.grow('alpha', 40);
    const { desk } = open();
    const made = await desk.create(declared(receiver.url, { order: 'none', concurrency: 5 }));
    await eventually(() => expect(receiver.received).toHaveLength(5));
    expect(await desk.show(made.id)).toMatchObject({ underWay: 5, pending: 40 });
    gate.resolve();
    await eventually(() => expect(receiver.received).toHaveLength(40));
    expect(receiver.mostOpen).toBe(5);
    expect(new Set(receiver.ids).size).toBe(40);
    expect(receiver.connections).toBeLessThanOrEqual(5);
  });

  test('a receiver that hangs costs the others nothing', async () => {
    const hanging = await receive(() => ({ fault: 'hang' }));
    const quick = await receive();
    await world.grow('alpha', 300);
    const { desk } = open(settingsWith({ sender: { timeoutMs: 3000 } }));
    await desk.create(declared(hanging.url, { order: 'none', concurrency: 8 }));
    await eventually(() => expect(hanging.open).toBe(8));
    await desk.create(declared(quick.url));
    await eventually(() => expect(quick.received).toHaveLength(300));
    // The first of those that hang have not even had their time.
    expect(hanging.open).toBe(8);
    expect(hanging.received).toHaveLength(8);
  });
});

test('with the queue full it reads no further, and loses nothing', async () => {
  const gate = Promise.withResolvers<void>();
  const receiver = await receive(() => ({ after: gate.promise }));
  await world.grow('alpha', 200);
  const { desk, store } = open(settingsWith({ bounds: { pending: 20 } }));
  const made = await desk.create(declared(receiver.url, { order: 'none', concurrency: 4 }));
  await eventually(() => expect(receiver.received).toHaveLength(4));
  const { pending, lag } = await desk.show(made.id);
  expect(pending).toBe(20);
  expect(lag).toBe(180);
  await eventually(() => expect(store.counts(made.id)).toEqual({ pending: 20, delivered: 0, dead: 0 }));
  gate.resolve();
  await eventually(() => expect(receiver.received).toHaveLength(200));
  expect(receiver.ids.toSorted()).toEqual(idsOf(made, world.told()).toSorted());
  await eventually(() => expect(store.counts(made.id)).toEqual({ pending: 0, delivered: 200, dead: 0 }));
});

test('after an end in the middle, all that was not stored as delivered is sent again under the same ids', async () => {
  const receiver = await receive(() => ({ status: receiver.received.length % 3 === 0 ? 500 : 204 }));
  await world.grow('alpha', 400);
  let made = { id: '' };
  for (let round = 0; round < 4; round++) {
    const { desk, crash } = world.open();
    if (round === 0) made = await desk.create(declared(receiver.url, { order: 'none' }));
    const before = receiver.received.length;
    await eventually(() => expect(receiver.received.length).toBeGreaterThan(before + 30));
    crash();
  }
  const ids = idsOf(made, world.told());
  const { desk } = open();
  await eventually(async () => expect(await desk.show(made.id)).toMatchObject({ pending: 0, lag: 0, dead: 0 }));
  expect([...new Set(receiver.taken)].toSorted()).toEqual(ids.toSorted());
  expect(new Set(receiver.ids).size).toBe(400);
});

test('cursors say how far the journal had been taken in, and ids do not', async () => {
  const receiver = await receive();
  await world.grow('alpha', 3);
  await world.grow('beta', 2);
  const { desk, feed } = open();
  const made = await desk.create(declared(receiver.url));
  await eventually(() => expect(receiver.received).toHaveLength(5));
  const placeOf = (cursor: string) => cursor.split('-').slice(1, 3);
  const positions = world.told().map(({ position }) => position.toString(36));
  // The journal: how two streams are configured, 1 and 2, three events and the end of a packet, two events.
  const journal = ['5', '5', '5', '8', '8'];
  const sent = receiver.received.map(bodyOf).toSorted((a, b) => a.data.leafIndex - b.data.leafIndex);
  const inOrder = ['alpha', 'beta'].flatMap((stream) => sent.filter(({ data }) => data.stream === stream));
  expect(inOrder.map(({ data }) => placeOf(data.cursor))).toEqual(journal.map((at, n) => [at, positions[n]]));
  expect(inOrder.map(({ id }) => placeOf(id))).toEqual(positions.map((position) => ['0', position]));
  for (const { id, data } of inOrder) expect(feed.position(id)).toBe(feed.position(data.cursor));
  expect(placeOf((await desk.show(made.id)).cursor)[0]).toBe('8');
  expect(placeOf(feed.cursor(0))).toEqual(['0', '0']);
});
