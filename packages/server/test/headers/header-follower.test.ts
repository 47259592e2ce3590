import { writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { delayMs, HeaderFollower } from '../../src/headers/header-follower.ts';
import { HeaderStore } from '../../src/headers/header-store.ts';
import { MAX_REORGANIZATION } from '../../src/headers/placing.ts';
import { SourceFollower, type TipChange } from '../../src/headers/source-follower.ts';
import { FileSource } from '../../src/headers/sources/file.ts';
import { parseSourceUrl } from '../../src/headers/sources/parse-url.ts';
import { Directories } from '../support/directories.ts';
import {
  type Block,
  bytesOf,
  HARD_BITS,
  hashesOf,
  hexOf,
  mineBlock,
  mineBranch,
  NOW,
  PIN,
  PINNED,
  START,
} from './chain.ts';
import { HeaderServer } from './header-server.ts';

const directories = new Directories();
const signal = new AbortController().signal;
const trunk = mineBranch(PIN.hash, 12);

let store: HeaderStore;
let servers: HeaderServer[] = [];
let changes: TipChange[] = [];

beforeEach(() => {
  store = new HeaderStore(directories.next(), 'regtest', PIN);
  changes = [];
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.close()));
  servers = [];
  store.close();
});
afterAll(() => directories.remove());

const following = () => ({ store, now: () => NOW, onChange: (change: TipChange) => changes.push(change) });

async function serve(blocks: readonly Block[], api = 'chaintracks', timeoutMs = 10_000) {
  const server = await HeaderServer.start(blocks);
  servers.push(server);
  const source = parseSourceUrl(`${api}+http://${server.address}`, timeoutMs);
  return { server, source, follower: new SourceFollower(source, following()) };
}

describe.each(['chaintracks', 'bhs'])('by %s, a source', (api) => {
  test('is read from the pin to its end, and then for what is new', async () => {
    const long = mineBranch(PIN.hash, 2500);
    const { server, source, follower } = await serve(long.slice(0, 2499), api);
    expect(await follower.poll(signal)).toBe(true);
    expect(follower.state).toEqual({ name: source.name, height: 2599, lastOkAt: NOW });
    expect(changes.map(({ tip }) => tip.height)).toEqual([2099, 2599]);
    expect(server.asked.length).toBe(4);
    server.blocks = long;
    expect(await follower.poll(signal)).toBe(true);
    expect(changes.at(-1)).toEqual({ tip: { height: 2600, hash: long[2499]!.hash } });
    expect(server.asked.length).toBe(7);
    expect(await follower.poll(signal)).toBe(true);
    expect([changes.length, server.asked.length]).toEqual([3, 9]);
    expect(store.headersFrom(101, 5000)).toEqual(hexOf(long));
  });

  test.each([1, 2, 3, 6, 40])('that has another branch from %i blocks below is followed there', async (depth) => {
    const own = mineBranch(PIN.hash, 50);
    const base = own[49 - depth]!;
    const rival = mineBranch(base.hash, depth + 1, { tag: 1, time: START + 60_000 });
    store.add(bytesOf(own), NOW);
    const { server, follower } = await serve([...own.slice(0, 50 - depth), ...rival], api);
    expect(await follower.poll(signal)).toBe(true);
    const reorganized = { from: 151 - depth, left: hashesOf(own.slice(50 - depth)) };
    expect(changes).toEqual([{ tip: { height: 151, hash: rival.at(-1)!.hash }, reorganized }]);
    expect(server.asked.length).toBeLessThanOrEqual(4 + Math.ceil(Math.log2(depth)) + 1);
  });
});

test('a file is followed like any other', async () => {
  const path = join(directories.next(), 'headers');
  writeFileSync(path, bytesOf(trunk.slice(0, 7)));
  const source = new FileSource(path, (hash) => store.heightOf(hash));
  const follower = new SourceFollower(source, following());
  expect(await follower.poll(signal)).toBe(true);
  expect(store.tip()).toEqual({ height: 107, hash: trunk[6]!.hash });
  writeFileSync(path, bytesOf(trunk).subarray(0, 800 + 40));
  expect(await follower.poll(signal)).toBe(false);
  expect(follower.state).toMatchObject({ height: 107, lastOkAt: NOW, trouble: { code: 'source-malformed' } });
  writeFileSync(path, bytesOf(trunk));
  expect(await follower.poll(signal)).toBe(true);
  expect(follower.state).toEqual({ name: `file ${path}`, height: 112, lastOkAt: NOW });
  expect(store.bestHeight()).toBe(112);
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
const answer =
  (status: number, body: string): Answer =>
  (_, response) =>
    response.writeHead(status).end(body);
const breakOff: Answer = (request, response) => {
  response.writeHead(200, { 'content-length': 1000 });
  response.write('{"status":"success","val', () => request.socket.destroy());
};

interface Fault {
  name: string;
  code: string;
  set: (server: HeaderServer) => void;
}

const fork = (length: number, bits?: number) => {
  const blocks: Block[] = [];
  for (let index = 0; index < length; index++) {
    const prevHash = blocks.at(-1)?.hash ?? trunk[5]!.hash;
    blocks.push(mineBlock(prevHash, START + 6000 + index * 600, 7, bits));
  }
  return blocks;
};
const unworked = (prevHash: string, length: number): Block[] => {
  const blocks: Block[] = [];
  for (let index = 0; index < length; index++) {
    const block = mineBlock(blocks.at(-1)?.hash ?? prevHash, START + 9000 + index, index, 0x207fffff);
    block.raw.writeUInt32LE(0x1d00ffff, 72);
    blocks.push(block);
  }
  return blocks;
};
const foreign = mineBranch('bb'.repeat(32), 30);

const FAULTS: Fault[] = [
  { name: 'answers 500', code: 'source-refused', set: (server) => Object.assign(server, { fault: answer(500, '') }) },
  {
    name: 'answers garbage',
    code: 'source-malformed',
    set: (server) => Object.assign(server, { fault: answer(200, '\0') }),
  },
  { name: 'breaks off', code: 'source-unreachable', set: (server) => Object.assign(server, { fault: breakOff }) },
  { name: 'is slow', code: 'source-unreachable', set: (server) => Object.assign(server, { fault: () => undefined }) },
  {
    name: 'sends too much',
    code: 'source-oversized',
    set: (server) => Object.assign(server, { fault: answer(200, ' '.repeat(1_000_000)) }),
  },
  {
    name: 'has another chain',
    code: 'source-disagrees',
    set: (server) => Object.assign(server, { pinned: foreign[0], blocks: foreign }),
  },
  { name: 'is not at the pin yet', code: 'source-incomplete', set: (server) => Object.assign(server, { claims: 99 }) },
  {
    name: 'says more than it has',
    code: 'source-incomplete',
    set: (server) => Object.assign(server, { claims: 5000 }),
  },
  { name: 'says any height', code: 'source-incomplete', set: (server) => Object.assign(server, { claims: 2 ** 52 }) },
  {
    name: 'goes on without work',
    code: 'source-disagrees',
    set: (server) =>
      Object.assign(server, { blocks: [...server.blocks, ...unworked(server.blocks.at(-1)!.hash, 300)] }),
  },
];

describe('a source that', () => {
  test.each(FAULTS)('$name changes nothing and says why: $code', async ({ code, set }) => {
    store.add(bytesOf(trunk), NOW);
    const { server, follower } = await serve(trunk, 'chaintracks', 200);
    set(server);
    expect(await follower.poll(signal)).toBe(false);
    expect(follower.state.trouble?.code).toBe(code);
    expect(follower.state.lastOkAt).toBeUndefined();
    expect(store.tip()).toEqual({ height: 112, hash: trunk[11]!.hash });
    expect(changes).toEqual([]);
    expect(server.asked.length).toBeLessThanOrEqual(15);
    Object.assign(server, { fault: undefined, pinned: PINNED, blocks: trunk, claims: undefined });
    expect(await follower.poll(signal)).toBe(true);
    expect(follower.state).toEqual({ name: follower.state.name, height: 112, lastOkAt: NOW });
  });

  test('is behind is of use, and changes nothing', async () => {
    store.add(bytesOf(trunk), NOW);
    const { follower } = await serve(trunk.slice(0, 3));
    expect(await follower.poll(signal)).toBe(true);
    expect([follower.state.height, changes]).toEqual([103, []]);
  });

  test('has more headers of less work leads nowhere', async () => {
    const hard = mineBlock(PIN.hash, START, 1, HARD_BITS);
    store.add(hard.raw, NOW);
    const { follower } = await serve(trunk);
    expect(await follower.poll(signal)).toBe(true);
    expect(store.tip()).toEqual({ height: 101, hash: hard.hash });
    expect(changes).toEqual([]);
  });

  test('has headers of less work without end is left after two batches', async () => {
    const hard = mineBlock(PIN.hash, START, 1, 0x1f00ffff);
    store.add(hard.raw, NOW);
    const { server, follower } = await serve(mineBranch(PIN.hash, 4100, { time: START - 3_000_000 }));
    server.claims = 2 ** 40;
    expect(await follower.poll(signal)).toBe(false);
    expect(follower.state.trouble?.code).toBe('source-disagrees');
    expect(server.asked.length).toBe(4);
    expect(store.tip().hash).toBe(hard.hash);
  });

  test('parts too far back is refused', async () => {
    const own = mineBranch(PIN.hash, MAX_REORGANIZATION + 5);
    store.add(bytesOf(own), NOW);
    const rival = mineBranch(own[2]!.hash, MAX_REORGANIZATION + 10, { tag: 1, time: START + 9000 });
    const { server, follower } = await serve([...own.slice(0, 3), ...rival]);
    expect(await follower.poll(signal)).toBe(false);
    expect(follower.state.trouble?.code).toBe('source-disagrees');
    expect(server.asked.length).toBeLessThanOrEqual(13);
    expect(changes).toEqual([]);
  });
});

describe('many sources', () => {
  test('in trouble keep the honest ones from nothing; more work wins, in whatever order', async () => {
    const faulty = await Promise.all(FAULTS.map(() => serve(trunk.slice(0, 9), 'chaintracks', 200)));
    for (const [index, { set }] of FAULTS.entries()) set(faulty[index]!.server);
    const shorter = await serve(trunk.slice(0, 9), 'bhs');
    const winner = [...trunk.slice(0, 6), ...fork(4)];
    const honest = await serve(winner, 'bhs');
    const all = [...faulty, shorter, honest];
    const arrived = Promise.withResolvers<void>();
    const follower = new HeaderFollower({
      ...following(),
      sources: all.map(({ source }) => source),
      intervalMs: 5,
      random: () => 0.5,
      onChange: (change) => {
        changes.push(change);
        if (change.tip.hash === winner.at(-1)!.hash) arrived.resolve();
      },
    });
    // A chain of our own, three blocks of which have to go.
    store.add(bytesOf(trunk.slice(0, 9)), NOW);
    follower.start();
    await arrived.promise;
    await follower.stop();
    expect(changes).toEqual([
      {
        tip: { height: 110, hash: winner[9]!.hash },
        reorganized: { from: 107, left: hashesOf(trunk.slice(6, 9)) },
      },
    ]);
    expect(follower.states().map(({ name }) => name)).toEqual(all.map(({ source }) => source.name));
    expect(store.headersFrom(101, 100)).toEqual(hexOf(winner));
  });

  test('are asked again after the interval, and less and less while in trouble', async () => {
    const { server, source } = await serve(trunk);
    server.fault = answer(500, '');
    const waits: number[] = [];
    const stopped = Promise.withResolvers<void>();
    const follower = new HeaderFollower({
      ...following(),
      sources: [source],
      intervalMs: 1000,
      random: () => 1,
      wait: (ms, aborted) => {
        waits.push(ms);
        if (waits.length === 3) server.fault = undefined;
        if (waits.length < 5) return Promise.resolve();
        stopped.resolve();
        return new Promise((resolve) => aborted.addEventListener('abort', resolve, { once: true }));
      },
    });
    follower.start();
    await stopped.promise;
    expect(waits).toEqual([2000, 4000, 8000, 1000, 1000]);
    await follower.stop();
    expect(store.bestHeight()).toBe(112);
  });

  test('that never answer do not keep the follower from stopping', async () => {
    const asked = Promise.withResolvers<void>();
    const { server, source } = await serve(trunk, 'chaintracks', 600_000);
    server.fault = () => asked.resolve();
    const follower = new HeaderFollower({ ...following(), sources: [source], intervalMs: 600_000, random: () => 1 });
    follower.start();
    await asked.promise;
    await follower.stop();
    expect(store.bestHeight()).toBe(-1);
  });
});

test('delays double up to ten minutes, or the interval where that is longer, and are spread', () => {
  expect([0, 1, 2, 3].map((failures) => delayMs(1000, failures, 1))).toEqual([1000, 2000, 4000, 8000]);
  expect([delayMs(1000, 60, 1), delayMs(3_600_000, 5, 1)]).toEqual([600_000, 3_600_000]);
  expect([delayMs(1000, 0, 0), delayMs(1000, 1, 0.5)]).toEqual([500, 1500]);
});
