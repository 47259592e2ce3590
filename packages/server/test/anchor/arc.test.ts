import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { StoreError } from '../../src/store/errors.ts';
import type { LedgerWriter } from '../../src/store/ledger.ts';
import { ArcStandIn, mined } from '../support/arc-stand-in.ts';
import { BcashNode } from '../support/bcash.ts';
import { Directories } from '../support/directories.ts';
import { ArcWorld, CALLBACK, TOKEN } from './arc-world.ts';

const directories = new Directories();
let node: BcashNode;
let arc: ArcStandIn;
beforeAll(async () => {
  node = await BcashNode.start();
  arc = await ArcStandIn.start(node);
});
afterAll(async () => {
  await arc.close();
  await node.close();
  directories.remove();
});

const stateOf = ({ works }: ArcWorld, txid: string | undefined) => works.ledger.submissions.one(txid ?? '')?.state;

describe('anchoring through ARC', () => {
  test('a packet is sent, mined, and proven by our own headers', async () => {
    const world = await ArcWorld.start(directories, node, arc);
    const a1 = await world.packet('1');
    await world.rounds(1);
    expect(world.confirmations(a1)).toBe(1);
    expect(arc.asked.findLast(({ method }) => method === 'POST')?.headers).toMatchObject({
      authorization: `Bearer ${TOKEN}`,
      'x-callbackurl': CALLBACK.url,
      'x-callbacktoken': CALLBACK.token,
    });
    world.close();
  });

  test('each transaction spends the change of the one before, whether that is mined or not', async () => {
    const world = await ArcWorld.start(directories, node, arc);
    const versions: string[] = [];
    for (const id of ['1', '2', '3']) {
      versions.push(await world.packet(id));
      await world.anchorer.run();
    }
    expect(world.made.length).toBe(3);
    await world.rounds(1);
    expect(versions.map((versionId) => world.confirmations(versionId))).toEqual([1, 1, 1]);
    const { coins } = world.works.ledger;
    expect(coins.unspent()).toMatchObject([{ txid: world.made[2], vout: 1, state: 'free' }]);
    world.close();
  });

  test('without coins says what to do, and goes on when they are brought in', async () => {
    const world = await ArcWorld.start(directories, node, arc, { amounts: [] });
    const a1 = await world.packet('1');
    await world.anchorer.run();
    expect(world.anchorer.trouble).toBe(
      'the next anchor costs 11 satoshis and the coins hold 0: pay to the address that "tidemark anchor address" ' +
        'shows, and bring the transaction in with "tidemark anchor fund"',
    );
    expect(world.made).toEqual([]);
    await world.fund([5, 700]);
    await world.rounds(1);
    expect([world.confirmations(a1), world.anchorer.trouble]).toEqual([1, undefined]);
    expect(world.balance()).toBe(705 - 13);
    world.close();
  });

  test('pays no fee above what the settings allow', async () => {
    const world = await ArcWorld.start(directories, node, arc, { fees: { fallback: 50, highest: 49 } });
    const a1 = await world.packet('1');
    await world.rounds(1);
    expect(world.confirmations(a1)).toBeUndefined();
    expect(world.anchorer.trouble).toBe('ARC asks 50 satoshis for 1000 bytes, and the settings allow 49');
    world.close();
  });

  test('makes nothing new while ARC is down', async () => {
    const world = await ArcWorld.start(directories, node, arc);
    await world.packet('1');
    arc.fault = async () => ({ status: 503, body: {} });
    await world.anchorer.run();
    const asked = arc.asked.length;
    const a2 = await world.packet('2');
    await world.anchorer.run();
    expect([arc.asked.length, world.anchorer.trouble]).toEqual([asked, 'ARC answers 503']);
    expect(world.works.ledger.submissions.open()).toMatchObject([{ state: 'made', reason: 'ARC answers 503' }]);
    arc.fault = undefined;
    await world.rounds(2);
    expect([world.made.length, world.confirmations(a2), world.anchorer.trouble]).toEqual([2, 2, undefined]);
    world.close();
  });

  test('that is refused after all takes along what spends its change', async () => {
    const world = await ArcWorld.start(directories, node, arc);
    for (const id of ['1', '2']) {
      await world.packet(id);
      await world.anchorer.run();
    }
    const [parent, child] = world.made;
    arc.fault = async ({ txid }, honest) =>
      txid === parent ? { status: 200, body: { txid, txStatus: 'REJECTED', extraInfo: 'evicted' } } : honest();
    world.now += 60_000;
    await world.anchorer.run();
    expect([stateOf(world, parent), stateOf(world, child)]).toEqual(['failed', 'failed']);
    expect(world.balance()).toBe(100_000);
    world.close();
  });

  test('leaves what was made for another chain alone', async () => {
    const world = await ArcWorld.start(directories, node, arc);
    const txid = '77'.repeat(32);
    world.works.ledger.submit.add({
      ...{ txid, chain: 'tidemark-dev', rawTx: 'c0ffee', commitments: [], madeAt: 1, state: 'made', reason: undefined },
    });
    const asked = arc.asked.length;
    await world.rounds(1);
    expect([arc.asked.length, stateOf(world, txid)]).toEqual([asked, 'made']);
    world.close();
  });

  test('asks ever more seldom', async () => {
    const world = await ArcWorld.start(directories, node, arc);
    await world.packet('1');
    const start = world.now;
    const times: number[] = [];
    for (; world.now - start < 200_000; world.now += 500) {
      const asked = arc.asked.length;
      await world.anchorer.run();
      if (arc.asked.length > asked) times.push((world.now - start) / 1000);
    }
    expect(times).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183]);
    world.close();
  });
});

describe('a reorganization', () => {
  test('takes an anchor away, and its transaction is sent and mined again', async () => {
    const world = await ArcWorld.start(directories, node, arc);
    const versions = [await world.packet('1')];
    await world.rounds(1);
    versions.push(await world.packet('2'));
    await world.rounds(2);
    const depths = () => versions.map((versionId) => world.confirmations(versionId));
    expect(depths()).toEqual([3, 2]);
    const blocks = world.made.map((txid) => node.blockOf(txid)?.height);
    await node.reorganize(3);
    expect(world.made.map((txid) => node.blockOf(txid))).toEqual([undefined, undefined]);
    await world.anchorer.run();
    expect(depths()).toEqual([undefined, undefined]);
    expect(world.made.map((txid) => stateOf(world, txid))).toEqual(['sent', 'sent']);
    await world.rounds(2);
    expect([depths(), world.made.length]).toEqual([[2, 2], 2]);
    expect(node.blockOf(world.made[0]!)?.height).toBeGreaterThan(blocks[1]!);
    world.close();
  });

  test('that happened while the node was down is found at its start', async () => {
    const world = await ArcWorld.start(directories, node, arc);
    const a1 = await world.packet('1');
    await world.rounds(1);
    world.chain.close();
    await node.reorganize(1);
    world.restart();
    await world.anchorer.run();
    expect(world.confirmations(a1)).toBeUndefined();
    await world.rounds(1);
    expect([world.confirmations(a1), world.made.length]).toEqual([1, 1]);
    world.close();
  });
});

describe('a callback', () => {
  async function waiting() {
    const world = await ArcWorld.start(directories, node, arc);
    const versionId = await world.packet('1');
    await world.anchorer.run();
    await node.mine();
    const txid = world.made[0]!;
    const told = { txid, txStatus: 'MINED', ...mined(node.blockOf(txid)!, txid) };
    return { world, versionId, txid, told };
  }

  test('with a path that leads to our headers needs no further question', async () => {
    const { world, versionId, told } = await waiting();
    arc.fault = async () => 'drop';
    expect(world.chain.callback({ count: 1, callbacks: [told] }, CALLBACK.token)).toBe('taken');
    await world.anchorer.run();
    expect(world.confirmations(versionId)).toBe(1);
    world.close();
  });

  test('that lies only has ARC asked earlier', async () => {
    const { world, versionId, txid } = await waiting();
    const asked = arc.asked.length;
    await world.anchorer.run();
    expect(arc.asked.length).toBe(asked);
    expect(world.chain.callback({ txid, txStatus: 'REJECTED' }, CALLBACK.token)).toBe('taken');
    await world.anchorer.run();
    expect([arc.asked.length, world.confirmations(versionId)]).toEqual([asked + 1, 1]);
    world.close();
  });

  test('is refused without its token, and in any other form', async () => {
    const { world, told } = await waiting();
    const { token } = CALLBACK;
    const tries: [unknown, string | undefined][] = [
      [told, undefined],
      [told, `${token}x`],
      [undefined, token],
      ['MINED', token],
      [{ ...told, txid: 'x' }, token],
      [{ ...told, txStatus: 7 }, token],
      [{ callbacks: [told, null] }, token],
      [{ callbacks: Array(1001).fill(told) }, token],
    ];
    expect(tries.map(([body, given]) => world.chain.callback(body, given))).toEqual(tries.map(() => 'refused'));
    expect(world.chain.callback({ ...told, txid: 'ab'.repeat(32) }, token)).toBe('taken');
    world.close();
  });
});

type Ledger = LedgerWriter;
type When = 'before' | 'after';

/** The real ledger, whose nth write crashes the node, before it is on disk or after. */
function crashing(ledger: Ledger, nth: number, when: When): { ledger: Ledger; writes: () => number } {
  let writes = 0;
  const faulty =
    <A extends unknown[], R>(write: (...args: A) => R) =>
    (...args: A): R => {
      const crashes = ++writes === nth;
      if (crashes && when === 'before') throw new StoreError('write-failed', 'injected');
      const result = write(...args);
      if (crashes) throw new StoreError('write-failed', 'injected');
      return result;
    };
  const { submit } = ledger;
  const replaced = new Map<PropertyKey, unknown>([
    ['recordAnchors', faulty((anchors: Parameters<Ledger['recordAnchors']>[0]) => ledger.recordAnchors(anchors))],
    [
      'submit',
      { add: faulty(submit.add), note: faulty(submit.note), fail: faulty(submit.fail), lose: faulty(submit.lose) },
    ],
  ]);
  const get = (target: Ledger, name: keyof Ledger) => {
    const member = replaced.get(name) ?? target[name];
    return typeof member === 'function' ? member.bind(target) : member;
  };
  return {
    ledger: new Proxy(ledger, { get: (target, name) => get(target, name as keyof Ledger) }),
    writes: () => writes,
  };
}

describe('a crash', () => {
  const steps = [1, 2, 3, 4, 5, 6].flatMap((nth) => [[nth, 'before'] as const, [nth, 'after'] as const]);

  test.each(steps)('at write %i, %s it is on disk, loses no coin and pays nothing twice', async (nth, when) => {
    const world = await ArcWorld.start(directories, node, arc);
    const a1 = await world.packet('1');
    const { ledger, writes } = crashing(world.works.ledger, nth, when);
    // Refused once, mined, lost in a reorganization, mined again: every kind of write, with a crash at one of them.
    let refused = false;
    arc.fault = async ({ method }, honest) => {
      if (method !== 'POST' || refused) return honest();
      refused = true;
      return { status: 461, body: {} };
    };
    world.restart(ledger);
    const round = async () => {
      try {
        await world.rounds(1);
      } catch (error) {
        if (!(error instanceof StoreError) || error.message !== 'injected') throw error;
        world.restart(ledger);
        await world.rounds(1);
      }
    };
    for (let count = 0; count < 3; count++) await round();
    await node.reorganize(3);
    for (let count = 0; count < 3; count++) await round();
    expect(writes()).toBeGreaterThan(nth);
    expect(world.confirmations(a1)).toBeGreaterThan(0);
    expect(world.made.map((txid) => stateOf(world, txid))).toEqual(['mined']);
    expect(world.works.ledger.coins.unspent()).toMatchObject([{ txid: world.made[0], state: 'free' }]);
    expect(world.balance()).toBe(100_000 - 13);
    world.close();
  });
});
