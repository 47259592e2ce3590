import { createHmac } from 'node:crypto';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseCidr } from '../../src/outbound/public-address.ts';
import { Directories, filesWith } from '../support/directories.ts';
import { bodyOf, type Received, Receiver } from './receiver.ts';
import { declared, eventually, idsOf, type Opened, SETTINGS, settingsWith, World } from './world.ts';

const directories = new Directories();
afterAll(() => directories.remove());

let world: World;
let opened: Opened[];
let receiver: Receiver;

const open = (...args: Parameters<World['open']>): Opened => {
  const one = world.open(...args);
  opened.push(one);
  return one;
};

beforeEach(async () => {
  opened = [];
  receiver = await Receiver.open();
  world = new World(directories.next());
  await world.begin();
});
afterEach(async () => {
  for (const one of opened) await one.close();
  await receiver.close();
  world.close();
});

/** Which of these secrets verify the message, as the specification says, by no code of ours. */
function verifying({ headers, text }: Received, secrets: readonly string[]): string[] {
  const values = String(headers['webhook-signature']).split(' ');
  const content = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${text}`;
  return secrets.filter((secret) => {
    const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
    return values.includes(`v1,${createHmac('sha256', key).update(content).digest('base64')}`);
  });
}

describe('replay', () => {
  test('what was delivered is sent again, with the same id and the same body', async () => {
    await world.grow('alpha', 10);
    const { desk } = open();
    const made = await desk.create(declared(receiver.url));
    await eventually(() => expect(receiver.ids).toHaveLength(10));
    const chosen = [receiver.ids[7]!, receiver.ids[2]!];
    const other = `${made.id}_zzzz`;
    const result = await desk.replay(made.id, { deliveries: [...chosen, other, 'none'] });
    expect(result).toEqual({ replayed: 2, unknown: [other, 'none'] });
    await eventually(() => expect(receiver.ids).toHaveLength(12));
    // In order again.
    expect(receiver.ids.slice(10)).toEqual(chosen.toReversed());
    expect(receiver.received[10]?.text).toBe(receiver.received[2]?.text);
    await eventually(async () => {
      const { items } = await desk.deliveries(made.id, { limit: 100 });
      expect(items.find(({ id }) => id === chosen[0])).toMatchObject({ status: 'delivered' });
      expect(items.find(({ id }) => id === chosen[0])?.attempts).toHaveLength(2);
    });
  });

  test('since a cursor, all that matches now is read again; since a time, what was enqueued', async () => {
    await world.grow('alpha', 6);
    const { desk, feed } = open();
    const made = await desk.create(declared(receiver.url, { filter: 'n > 4' }));
    await eventually(async () => expect(await desk.show(made.id)).toMatchObject({ pending: 0 }));
    expect(receiver.ids).toHaveLength(2);
    await desk.change(made.id, { settings: { filter: 'n > 2' } });
    const told = world.told();
    await desk.replay(made.id, { since: { cursor: feed.cursor(told[0]!.position) } });
    await eventually(() => expect(receiver.ids.slice(2)).toEqual(idsOf(made, told.slice(2))));
    await eventually(async () => expect(await desk.show(made.id)).toMatchObject({ pending: 0 }));
    const { replayed } = await desk.replay(made.id, { sinceTime: made.createdAt });
    expect(replayed).toBe(4);
    await eventually(() => expect(receiver.ids.slice(6)).toEqual(idsOf(made, told.slice(2))));
    const before = desk.replay(made.id, { sinceTime: made.createdAt - 1 });
    await expect(before).rejects.toMatchObject({ code: 'log-too-short' });
  });

  test('dead letters read again from a cursor are dead no longer', async () => {
    receiver.behave = () => ({ status: 400 });
    await world.grow('alpha', 5);
    const one = open(settingsWith({ retry: { attempts: 1 } }));
    const made = await one.desk.create(declared(receiver.url));
    await eventually(async () => expect(await one.desk.show(made.id)).toMatchObject({ dead: 5 }));
    receiver.behave = () => ({});
    await one.desk.replay(made.id, { since: 'earliest' });
    await eventually(() => expect(receiver.taken).toEqual(idsOf(made, world.told())));
    await eventually(() => expect(one.store.counts(made.id)).toEqual({ pending: 0, delivered: 5, dead: 0 }));
    expect(await one.desk.show(made.id)).toMatchObject({ dead: 0 });
  });

  test('a replay outlives a crash', async () => {
    await world.grow('alpha', 20);
    const first = world.open();
    const made = await first.desk.create(declared(receiver.url));
    await eventually(() => expect(first.store.counts(made.id).delivered).toBe(20));
    receiver.behave = () => ({ fault: 'hang' });
    await first.desk.replay(made.id, { sinceTime: made.createdAt });
    await eventually(() => expect(receiver.ids).toHaveLength(21));
    first.crash();
    receiver.behave = () => ({});
    open();
    await eventually(() => expect(receiver.ids.slice(21)).toEqual(idsOf(made, world.told())));
  });
});

describe('secrets', () => {
  test('are stored encrypted, and in the answer alone', async () => {
    const { desk } = open();
    const made = await desk.create(declared(receiver.url));
    expect(made.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(filesWith(world.dir, made.secret.slice('whsec_'.length))).toEqual([]);
    expect(JSON.stringify([await desk.list(), await desk.show(made.id)])).not.toContain('whsec_');
    expect(statSync(join(world.dir, 'subscription.key')).mode & 0o777).toBe(0o600);
  });

  test('while one is rotated both sign; afterwards the new one alone', async () => {
    await world.grow('alpha', 1);
    const { desk } = open();
    const made = await desk.create(declared(receiver.url));
    await eventually(() => expect(receiver.ids).toHaveLength(1));
    const long = await desk.rotate(made.id, 3_600_000);
    expect(long.rotatingUntil).toBeGreaterThan(Date.now());
    await world.grow('alpha', 1);
    desk.pump();
    await eventually(() => expect(receiver.ids).toHaveLength(2));
    const last = await desk.rotate(made.id, 0);
    await world.grow('alpha', 1);
    desk.pump();
    await eventually(() => expect(receiver.ids).toHaveLength(3));
    const secrets = [made.secret, long.secret, last.secret];
    const verified = receiver.received.map((one) => verifying(one, secrets));
    expect(verified).toEqual([[made.secret], [made.secret, long.secret], [last.secret]]);
    expect(new Set(secrets).size).toBe(3);
    expect(last.rotatingUntil).toBeNull();
  });

  test.each([
    ['missing', (path: string) => rmSync(path)],
    ['another', (path: string) => writeFileSync(path, `${'ab'.repeat(32)}\n`, { mode: 0o600 })],
  ])('with the key %s the subscription waits, and a new secret mends it', async (_, spoil) => {
    await world.grow('alpha', 3);
    const first = world.open();
    const made = await first.desk.create({ ...declared(receiver.url), enabled: false });
    await first.close();
    spoil(join(world.dir, 'subscription.key'));
    const { desk } = open();
    expect(desk.unreadable).toEqual([made.id]);
    await desk.change(made.id, { settings: {}, enabled: true });
    expect(await desk.show(made.id)).toMatchObject({ enabled: true, paused: 'secret-unreadable', pending: 0 });
    const { secret } = await desk.rotate(made.id, 3_600_000);
    await eventually(() => expect(receiver.ids).toEqual(idsOf(made, world.told())));
    expect(verifying(receiver.received[0]!, [made.secret, secret])).toEqual([secret]);
  });
});

test('a test event is signed, and in no log', async () => {
  const { desk } = open();
  const made = await desk.create({ ...declared(receiver.url), enabled: false });
  const good = await desk.test(made.id);
  expect(good).toEqual({ delivered: true, status: 204, latencyMs: expect.any(Number), reason: null });
  const [received] = receiver.received;
  expect(verifying(received!, [made.secret])).toEqual([made.secret]);
  expect(bodyOf(received!)).toMatchObject({
    specversion: '1.0',
    type: 'tidemark.test',
    data: { subscription: made.id },
  });
  receiver.behave = () => ({ status: 418 });
  expect(await desk.test(made.id)).toMatchObject({ delivered: false, status: 418, reason: 'status 418' });
  expect((await desk.deliveries(made.id, { limit: 10 })).items).toEqual([]);
});

test('changes hold from then on', async () => {
  const other = await Receiver.open();
  await world.grow('alpha', 3);
  receiver.behave = () => ({ status: 500 });
  const { desk } = open();
  const made = await desk.create(declared(receiver.url));
  await eventually(() => expect(receiver.ids.length).toBeGreaterThan(3));
  // Those that wait go to the new place.
  await desk.change(made.id, { settings: { url: other.url, order: 'none', description: 'elsewhere' } });
  await eventually(() => expect(other.taken).toHaveLength(3));
  await desk.change(made.id, { settings: { description: undefined }, enabled: false });
  await world.grow('alpha', 2);
  desk.pump();
  const view = await desk.show(made.id);
  expect(view).toMatchObject({ enabled: false, paused: 'disabled', url: other.url, order: 'none' });
  expect(view.description).toBeUndefined();
  expect(other.ids).toHaveLength(3);
  await desk.remove(made.id);
  expect(await desk.list()).toEqual([]);
  await expect(desk.show(made.id)).rejects.toMatchObject({ code: 'not-found' });
  await other.close();
});

test('a removed subscription is gone for good, and what was under way is nobody’s', async () => {
  const gate = Promise.withResolvers<void>();
  receiver.behave = () => ({ after: gate.promise });
  await world.grow('alpha', 5);
  const first = world.open();
  const made = await first.desk.create(declared(receiver.url));
  await eventually(() => expect(receiver.open).toBe(1));
  await first.desk.remove(made.id);
  gate.resolve();
  await eventually(() => expect(receiver.open).toBe(0));
  first.outbox.flush();
  await first.close();
  const { desk, store } = open();
  expect(await desk.list()).toEqual([]);
  expect(store.counts(made.id)).toEqual({ pending: 0, delivered: 0, dead: 0 });
});

test('what is in the way can be given up', async () => {
  receiver.behave = ({ text }) => (text.includes('"n":1,') ? { fault: 'reset' } : {});
  await world.grow('alpha', 3);
  const { desk } = open(settingsWith({ retry: { attempts: 4 }, breaker: { failures: 2 } }));
  const made = await desk.create(declared(receiver.url));
  // In order, and a receiver that breaks at the first: this cannot be told from an outage.
  await eventually(async () => expect((await desk.show(made.id)).breaker.failures).toBeGreaterThan(10));
  expect(await desk.show(made.id)).toMatchObject({ dead: 0, pending: 3 });
  expect(await desk.discard(made.id, { deliveries: [receiver.ids[0]!] })).toEqual({ discarded: 1 });
  await eventually(() => expect(receiver.taken).toEqual(idsOf(made, world.told()).slice(1)));
});

test('the log is kept within its bounds, and says so', async () => {
  await world.grow('alpha', 500);
  const { desk, store, outbox } = open(settingsWith({ bounds: { delivered: 50 } }));
  const made = await desk.create(declared(receiver.url));
  await eventually(async () => expect(await desk.show(made.id)).toMatchObject({ lag: 0, pending: 0 }));
  outbox.flush();
  desk.trim();
  expect(store.counts(made.id)).toEqual({ pending: 0, delivered: 50, dead: 0 });
  const first = await desk.deliveries(made.id, { limit: 30 });
  const second = await desk.deliveries(made.id, { limit: 30, after: first.next! });
  expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(
    idsOf(made, world.told()).slice(-50).toReversed(),
  );
  expect(second.next).toBeNull();
  const all = desk.replay(made.id, { sinceTime: made.createdAt });
  await expect(all).rejects.toMatchObject({ code: 'log-too-short' });
});

describe('addresses', () => {
  test('that may not be called are refused at once, and when a name leads there later', async () => {
    let addresses = ['192.0.2.1', '10.0.0.7'];
    const resolve: Parameters<World['open']>[1] = async () => addresses.map((address) => ({ address, family: 4 }));
    await world.grow('alpha', 1);
    const { desk } = open({ ...SETTINGS, allow: [parseCidr('198.51.100.0/24')!] }, resolve);
    const url = 'https://receiver.test/';
    await expect(desk.create(declared(url))).rejects.toMatchObject({ code: 'url-not-allowed' });
    await expect(desk.create(declared(receiver.url))).rejects.toMatchObject({ code: 'url-not-allowed' });
    addresses = ['93.184.215.14'];
    await expect(desk.create(declared('http://receiver.test/'))).rejects.toMatchObject({ code: 'url-not-allowed' });
    const made = await desk.create({ ...declared(url), enabled: false });
    await expect(desk.change(made.id, { settings: { url: receiver.url } })).rejects.toMatchObject({
      code: 'url-not-allowed',
    });
    // Public when it was looked at first, and this machine when it is called.
    addresses = ['127.0.0.1'];
    const there = `https://receiver.test:${receiver.port}/`;
    addresses = ['93.184.215.14'];
    await desk.change(made.id, { settings: { url: there }, enabled: false });
    addresses = ['127.0.0.1'];
    await desk.change(made.id, { settings: {}, enabled: true });
    await eventually(async () => {
      const { items } = await desk.deliveries(made.id, { limit: 1 });
      expect(items[0]?.attempts[0]?.reason).toMatch(/^address-not-allowed: receiver.test/);
    });
    expect(receiver.connections).toBe(0);
  });

  test('that were allowed once and are no longer are not called', async () => {
    await world.grow('alpha', 1);
    const first = world.open();
    const made = await first.desk.create({ ...declared(receiver.url), enabled: false });
    await first.close();
    const { desk } = open({ ...SETTINGS, allow: [] });
    await desk.change(made.id, { settings: {}, enabled: true });
    await eventually(async () => {
      const { items } = await desk.deliveries(made.id, { limit: 1 });
      expect(items[0]?.attempts[0]?.reason).toMatch(/^address-not-allowed: 127\.0\.0\.1/);
    });
    expect(await desk.test(made.id)).toMatchObject({ delivered: false, status: null });
    expect(receiver.connections).toBe(0);
  });

  test('as many subscriptions as there may be', async () => {
    const { desk } = open({ ...SETTINGS, max: 2 });
    await Promise.all([1, 2].map(() => desk.create(declared(receiver.url))));
    await expect(desk.create(declared(receiver.url))).rejects.toMatchObject({ code: 'too-many' });
  });
});
