import { bumpBytes, toHex } from '@tidemark/proof';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anchorSpending } from '../../src/anchor/arc/spending.ts';
import { type Answer, ArcStandIn, type Asked, type Fault, mined } from '../support/arc-stand-in.ts';
import { BcashNode } from '../support/bcash.ts';
import { Directories } from '../support/directories.ts';
import { ArcWorld } from './arc-world.ts';

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

const isPost = ({ method }: Asked) => method === 'POST';
const isQuestion = ({ method, path }: Asked) => method === 'GET' && path.startsWith('/v1/tx/');

/** The first `times` requests of a kind meet the fault. */
function first(times: number, which: (asked: Asked) => boolean, fault: Fault): Fault {
  let left = times;
  return (asked, honest) => (which(asked) && left-- > 0 ? fault(asked, honest) : honest());
}
const answering =
  (status: number, body: unknown = {}, headers: Record<string, string> = {}): Fault =>
  async () => ({ status, body, headers });
const saying =
  (txStatus: string, more: object = {}): Fault =>
  async ({ txid }) => ({ status: 200, body: { txid, txStatus, ...more } });

interface Row {
  fault: Fault;
  /** What became of the transactions, in the order in which ARC first had them. */
  states: string[];
  /** Times that the transactions were sent, where that matters. */
  sent?: number;
  amounts?: number[];
}

/** Two transactions of the same coins and versions are the same one: what fails for a moment is not paid twice. */
const TABLE: Record<string, Row> = {
  'gives no answer': { fault: first(1, isPost, async () => 'hang'), states: ['mined'] },
  'breaks off before it has taken it': { fault: first(1, isPost, async () => 'drop'), states: ['mined'] },
  'breaks off after it has taken it': {
    fault: first(1, isPost, async (_, honest) => {
      await honest();
      return 'drop';
    }),
    states: ['mined'],
  },
  'is broken': { fault: first(2, () => true, answering(500, 'oops')), states: ['mined'] },
  'asks for patience': { fault: first(1, isPost, answering(429, {}, { 'retry-after': '60' })), states: ['mined'] },
  'does not know the token': { fault: first(1, isPost, answering(401)), states: ['mined'] },
  redirects: { fault: first(1, isPost, answering(302, {}, { location: 'http://127.0.0.1:1/' })), states: ['mined'] },
  'answers with no JSON': { fault: first(3, () => true, answering(200, '{"txid":')), states: ['mined'] },
  'answers without end': { fault: first(1, isPost, answering(200, 'x'.repeat(5_000_000))), states: ['mined'] },
  'answers for another transaction': {
    fault: first(3, isPost, answering(200, { txid: 'ab'.repeat(32), txStatus: 'REJECTED' })),
    states: ['mined'],
  },
  'is not sure': { fault: first(1, isPost, answering(409)), states: ['mined'] },
  'wants it later': { fault: first(1, isPost, answering(400, { status: 476 })), states: ['mined'] },
  'refuses it once': { fault: first(1, isPost, answering(464, { detail: 'malformed' })), states: ['mined'] },
  'rejects it once': { fault: first(1, isPost, saying('REJECTED', { extraInfo: 'mempool full' })), states: ['mined'] },
  'speaks of a double spend that comes to nothing': {
    fault: first(2, isQuestion, saying('DOUBLE_SPEND_ATTEMPTED', { competingTxs: ['cd'.repeat(32)] })),
    states: ['mined'],
  },
  'says that its block is stale': {
    fault: first(1, isQuestion, saying('MINED_IN_STALE_BLOCK')),
    states: ['mined'],
    sent: 2,
  },
  'has forgotten it': { fault: first(1, isQuestion, answering(404)), states: ['mined'], sent: 2 },
  'keeps it among the orphans': { fault: first(1, isQuestion, saying('SEEN_IN_ORPHAN_MEMPOOL')), states: ['mined'] },
  'says a word that is new': { fault: first(1, isQuestion, saying('PONDERED')), states: ['mined'] },
  'says too small a fee': {
    fault: (asked, honest) =>
      asked.path === '/v1/policy'
        ? answering(200, { policy: { miningFee: { satoshis: 13, bytes: 1000 } } })(asked, honest)
        : honest(),
    states: ['failed', 'failed', 'mined'],
  },
  'has a coin for spent that is not ours any more': {
    fault: (() => {
      const spent = new Set<string | undefined>();
      return async (asked, honest) => {
        if (isPost(asked) && spent.size === 0) spent.add(asked.txid);
        return spent.has(asked.txid) ? { status: 466, body: { detail: 'conflict' } } : honest();
      };
    })(),
    states: ['failed', 'mined'],
    amounts: [100_000, 50_000],
  },
};

/** Anchored once, and the coins are what the chain says they are. */
async function expectAnchoredOnce(world: ArcWorld, versionId: string, funds: number): Promise<void> {
  expect(world.confirmations(versionId)).toBeGreaterThan(0);
  const onChain = world.made.filter((txid) => node.blockOf(txid) !== undefined);
  expect(onChain.length).toBe(1);
  const { chain, key, works } = world;
  const coins = works.ledger.coins.free(chain.name, key.publicKey, 100);
  for (const { txid } of coins) expect(node.blockOf(txid)).toBeDefined();
  const fee = funds - world.balance();
  const size = (works.ledger.submissions.one(onChain[0]!)?.rawTx.length ?? 0) / 2;
  expect(fee).toBeGreaterThanOrEqual((size * 50) / 1000);
  expect(fee).toBeLessThan((size * 110) / 1000);
}

describe('a packet is anchored once where ARC', () => {
  test.each(Object.entries(TABLE))('%s', async (_, { fault, states, sent, amounts = [100_000] }) => {
    const world = await ArcWorld.start(directories, node, arc, { amounts });
    const versionId = await world.packet('1');
    const before = arc.asked.filter(isPost).length;
    arc.fault = fault;
    await world.rounds(8);
    arc.fault = undefined;
    expect(world.made.map((txid) => world.works.ledger.submissions.one(txid)?.state)).toEqual(states);
    if (sent !== undefined) expect(arc.asked.filter(isPost).length - before).toBe(sent);
    const aside = world.works.ledger.coins.unspent().filter(({ state }) => state === 'aside');
    await expectAnchoredOnce(
      world,
      versionId,
      amounts.reduce((sum, amount) => sum + amount, 0) - (aside[0]?.satoshis ?? 0),
    );
    expect(aside.length).toBe(amounts.length - 1);
    world.close();
  });

  test('has a coin spent by another, whose block we follow', async () => {
    const world = await ArcWorld.start(directories, node, arc, { amounts: [100_000, 60_000] });
    const versionId = await world.packet('1');
    const [coin] = world.works.ledger.coins.free('regtest', world.key.publicKey, 1);
    const rival = anchorSpending([coin!], [{ versionId: 'ee'.repeat(32), parents: [] }], world.key, 50);
    await node.send(Buffer.from(rival.rawTx, 'hex'));
    const competing = { competingTxs: [[rival.txid]] };
    arc.fault = async (asked, honest) => {
      const answer = await honest();
      const { txStatus } = answer.body as { txStatus?: string };
      const isOurs = asked.txid === world.made[0];
      return isOurs && txStatus === 'REJECTED' ? saying('DOUBLE_SPEND_ATTEMPTED', competing)(asked, honest) : answer;
    };
    await world.anchorer.run();
    expect(world.works.ledger.submissions.one(world.made[0]!)).toMatchObject({
      state: 'sent',
      reason: 'ARC says DOUBLE_SPEND_ATTEMPTED',
    });
    await world.rounds(4);
    const [lost] = world.made;
    expect(world.works.ledger.submissions.one(lost!)).toMatchObject({
      state: 'failed',
      reason: `${rival.txid} spends the same, and is mined`,
    });
    expect(world.works.ledger.coins.one(coin!)?.state).toBe('aside');
    await expectAnchoredOnce(world, versionId, 60_000);
    world.close();
  });
});

/** All that a path could say that is not so. */
const LIES: Record<string, (txid: string, honest: Answer) => Answer['body']> = {
  'without a path': (txid) => ({ txid, txStatus: 'MINED' }),
  'with a path that is none': (txid) => ({ txid, txStatus: 'MINED', merklePath: 'c0ffee' }),
  'with the path of another transaction': (txid) => {
    const block = node.blocks[5]!;
    return { txid, txStatus: 'MINED', ...mined(block, block.txids[0]!) };
  },
  'in a block where it is not': (txid) => ({ txid, txStatus: 'MINED', ...mined(node.blocks.at(-2)!, txid, []) }),
  'in a block that is not on our chain': (txid) => {
    const path = [
      [
        { offset: 0, hash: txid, txid: true as const },
        { offset: 1, hash: 'ef'.repeat(32) },
      ],
    ];
    return { txid, txStatus: 'MINED', merklePath: toHex(bumpBytes({ blockHeight: node.height + 9, path })) };
  },
};

describe('a transaction that ARC says is mined', () => {
  test.each(Object.entries(LIES))('%s is not, and nothing is paid again', async (_, lie) => {
    const world = await ArcWorld.start(directories, node, arc);
    const versionId = await world.packet('1');
    arc.fault = async (asked, honest) => {
      const answer = await honest();
      return asked.txid === undefined ? answer : { status: 200, body: lie(asked.txid, answer) };
    };
    await world.rounds(3);
    const [txid] = world.made;
    expect(world.confirmations(versionId)).toBeUndefined();
    expect(world.works.ledger.submissions.one(txid!)?.state).toBe('sent');
    expect(world.works.ledger.submissions.one(txid!)?.reason).toMatch(
      /^ARC says MINED: (its path|the followed headers)/,
    );
    arc.fault = undefined;
    await world.rounds(2);
    expect(world.made).toEqual([txid]);
    await expectAnchoredOnce(world, versionId, 100_000);
    world.close();
  });
});
