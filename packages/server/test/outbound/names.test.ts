import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { Names, type NamesOptions, type Resolve } from '../../src/outbound/names.ts';
import { NameServer, type Records } from './name-server.ts';

const dir = mkdtempSync(join(tmpdir(), 'tidemark-names-'));
afterAll(() => rmSync(dir, { recursive: true }));

const ZONE: Record<string, { A: Records; AAAA: Records }> = {
  'both.test': { A: ['192.0.2.1', '192.0.2.2'], AAAA: ['2001:db8:0:0:0:0:0:1'] },
  'four.test': { A: ['192.0.2.4'], AAAA: [] },
  'six.test': { A: [], AAAA: ['2001:db8:0:0:0:0:0:6'] },
  'half.test': { A: 'silent', AAAA: [] },
};

let servers: NameServer[] = [];
afterEach(async () => {
  for (const server of servers) await server.close();
  servers = [];
});

async function serve(): Promise<NameServer> {
  const server = await NameServer.open((name, kind) =>
    name.startsWith('dead') ? 'silent' : (ZONE[name]?.[kind] ?? 'unknown'),
  );
  servers.push(server);
  return server;
}

const NOBODY: Resolve = async (host) => {
  throw Object.assign(new TypeError(`injected: no ${host}`), { code: 'ENOTFOUND' });
};

function namesOf(server: NameServer, options: NamesOptions = {}): Names {
  return new Names({ servers: [server.address], hostsFile: join(dir, 'none'), system: NOBODY, ...options });
}

test.each([
  ['both.test', ['192.0.2.1', '192.0.2.2', '2001:db8::1']],
  ['four.test', ['192.0.2.4']],
  ['six.test', ['2001:db8::6']],
])('%s is what the DNS has', async (host, addresses) => {
  const found = await namesOf(await serve()).resolve(host);
  expect(found).toEqual(addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));
});

test('any number of dead names hold up no other, and end in time', async () => {
  const system: string[] = [];
  const names = namesOf(await serve(), {
    system: (host) => {
      system.push(host);
      return NOBODY(host);
    },
  });
  const ended: string[] = [];
  const dead = Array.from({ length: 50 }, (_, n) => `dead${n}.test`);
  const waiting = [...dead, 'half.test'].map((host) => names.resolve(host).finally(() => ended.push(host)));
  const outcomes = Promise.allSettled(waiting);
  expect(await names.resolve('four.test')).toEqual([{ address: '192.0.2.4', family: 4 }]);
  expect(ended).toEqual([]);
  for (const outcome of await outcomes) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ETIMEOUT' } });
  }
  // It has two threads for all the names of the process.
  expect(system).toEqual([]);
}, 30_000);

test('all that ask at about the same time share an answer', async () => {
  const server = await serve();
  let now = 0;
  const names = namesOf(server, { now: () => now });
  await Promise.all([names.resolve('four.test'), names.resolve('four.test'), names.resolve('six.test')]);
  now = 9_999;
  await names.resolve('four.test');
  const once = ['A four.test', 'A six.test', 'AAAA four.test', 'AAAA six.test'];
  expect(server.asked.toSorted()).toEqual(once);
  now = 10_000;
  await names.resolve('four.test');
  expect(server.asked.toSorted()).toEqual([...once, 'A four.test', 'AAAA four.test'].toSorted());
});

test.each([
  ['at once', 0, 1000],
  ['slowly', 7000, 14_000],
])('a name that fails %s is left alone for a while', async (_, tookMs, again) => {
  let now = 0;
  let asked = 0;
  const system: Resolve = (host) => {
    asked++;
    now += tookMs;
    return NOBODY(host);
  };
  const names = namesOf(await serve(), { now: () => now, system });
  await expect(names.resolve('none.test')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  now = again - 1;
  await expect(names.resolve('none.test')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  expect(asked).toBe(1);
  now = again;
  await expect(names.resolve('none.test')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  expect(asked).toBe(2);
});

test('no more names are kept than a thousand', async () => {
  let asked = 0;
  const system: Resolve = async () => {
    asked++;
    return [{ address: '192.0.2.9', family: 4 }];
  };
  const names = namesOf(await serve(), { system });
  await names.resolve('first.test');
  for (let n = 0; n < 1000; n++) await names.resolve(`n${n}.test`);
  await names.resolve('n1.test');
  expect(asked).toBe(1001);
  await names.resolve('first.test');
  expect(asked).toBe(1002);
});

test('the file of hosts stands before the DNS', async () => {
  const hostsFile = join(dir, 'hosts');
  const lines = ['# 192.0.2.5 four.test', '127.0.0.1 Inner.test\tfour.test # mine', '::1 inner.test', 'no inner.test'];
  writeFileSync(hostsFile, lines.join('\n'));
  const server = await serve();
  const names = namesOf(server, { hostsFile });
  expect(await names.resolve('inner.test.')).toEqual([
    { address: '127.0.0.1', family: 4 },
    { address: '::1', family: 6 },
  ]);
  expect(await names.resolve('four.test')).toEqual([{ address: '127.0.0.1', family: 4 }]);
  expect(server.asked).toEqual([]);
  await expect(names.resolve('mine')).rejects.toMatchObject({ code: 'ENOTFOUND' });
});

test('of what the DNS does not have the system is asked, one name at a time', async () => {
  const gates = new Map<string, PromiseWithResolvers<void>>();
  const begun: string[] = [];
  const names = namesOf(await serve(), {
    system: async (host) => {
      begun.push(host);
      const gate = Promise.withResolvers<void>();
      gates.set(host, gate);
      await gate.promise;
      return await (host === 'inner' ? [{ address: '10.0.0.1', family: 4 }] : NOBODY(host));
    },
  });
  const slow = names.resolve('slow');
  await expect.poll(() => begun).toEqual(['slow']);
  const inner = names.resolve('inner');
  // Others are not held up by it.
  await names.resolve('four.test');
  expect(begun).toEqual(['slow']);
  gates.get('slow')?.resolve();
  await expect(slow).rejects.toMatchObject({ code: 'ENOTFOUND' });
  await expect.poll(() => begun).toEqual(['slow', 'inner']);
  gates.get('inner')?.resolve();
  expect(await inner).toEqual([{ address: '10.0.0.1', family: 4 }]);
});

test('where no name server listens, the system is asked', async () => {
  const server = await serve();
  const { address } = server;
  await server.close();
  servers = [];
  const system: Resolve = async () => [{ address: '10.0.0.2', family: 4 }];
  const names = new Names({ servers: [address], hostsFile: join(dir, 'none'), system });
  expect(await names.resolve('four.test')).toEqual([{ address: '10.0.0.2', family: 4 }]);
});

test('closing gives up what is asked, and what waits for the system', async () => {
  const begun: string[] = [];
  const gate = Promise.withResolvers<void>();
  const system: Resolve = async (host) => {
    begun.push(host);
    await gate.promise;
    return await NOBODY(host);
  };
  const server = await serve();
  const names = namesOf(server, { system });
  const outcomes = Promise.allSettled(['slow', 'next', 'dead.test'].map((host) => names.resolve(host)));
  await expect.poll(() => begun).toHaveLength(1);
  await expect.poll(() => server.asked).toContain('A dead.test');
  names.close();
  await expect(names.resolve('dead.test')).rejects.toMatchObject({ code: 'ETIMEOUT', cause: { code: 'ECANCELLED' } });
  gate.resolve();
  await outcomes;
  expect(begun).toHaveLength(1);
});
