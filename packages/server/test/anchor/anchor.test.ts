import { verifyEnvelope } from '@tidemark/proof';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LocalChain } from '../../src/anchor/local-chain.ts';
import { anchorAll } from '../support/anchored.ts';
import { Directories } from '../support/directories.ts';
import { Writer } from '../support/journal.ts';
import { IDENTITY, streamConfig } from '../support/node.ts';
import { Works } from '../support/passage.ts';

const directories = new Directories();
afterAll(() => directories.remove());

describe('anchoring', () => {
  let chain: LocalChain;
  let works: Works;
  let writer: Writer;

  beforeEach(async () => {
    const dir = directories.next();
    chain = new LocalChain(dir, IDENTITY, () => 1_772_366_400_000);
    works = new Works(dir, chain);
    writer = new Writer();
    works.journal.append([
      writer.config(streamConfig('alpha', { alpha: {} }), 0),
      writer.config(streamConfig('beta', { beta: {} }), 0),
    ]);
    await works.run();
  });
  afterEach(() => {
    works.close();
    chain.close();
  });

  /** Seals a packet of a stream. @returns its versionId */
  async function packet(stream: string, id: string): Promise<string> {
    works.journal.append([writer.events(stream, stream, [{ id, text: `{"id":"${id}"}` }], 1), writer.cut(stream, 2)]);
    await works.run();
    return works.ledger.stream(stream)?.head ?? '';
  }

  const anchorAt = (versionId: string) => {
    const anchor = works.ledger.anchor(versionId);
    if (anchor === undefined) return undefined;
    const { envelope, vout } = anchor;
    const verified = verifyEnvelope(JSON.parse(envelope), { versionId, vout, chain: 'tidemark-dev' });
    expect(verified).toMatchObject({ valid: true, txid: anchor.txid });
    return anchor.height;
  };

  test('takes the newest packet of each stream, all with one transaction', async () => {
    const [a1, a2, b1] = [await packet('alpha', '1'), await packet('alpha', '2'), await packet('beta', '1')];
    await works.anchor();
    expect([a1, a2, b1].map(anchorAt)).toEqual([undefined, 1, 1]);
    expect(works.ledger.anchorCovering('alpha', 1)?.versionId).toBe(a2);
    expect(works.ledger.anchor(a2)?.chain).toBe('tidemark-dev');
    expect(works.published.at(-1)).toEqual([]);
  });

  test('does nothing, and mines nothing, where there is nothing new', async () => {
    await works.anchor();
    expect(chain.bestHeight()).toBe(0);
    await packet('alpha', '1');
    await works.anchor();
    const told = works.published.length;
    await works.anchor();
    expect([chain.bestHeight(), works.published.length]).toEqual([1, told]);
  });

  test('takes a stream again when it has something new', async () => {
    const [a1, b1] = [await packet('alpha', '1'), await packet('beta', '1')];
    await works.anchor();
    const a2 = await packet('alpha', '2');
    await works.anchor();
    expect([a1, b1, a2].map(anchorAt)).toEqual([1, 1, 2]);
  });

  test('whose result was lost is found again on the chain, where nothing is spent twice', async () => {
    const a1 = await packet('alpha', '1');
    works.ledger.fault = 'failed';
    await expect(works.anchor()).rejects.toThrow('injected');
    expect([chain.bestHeight(), anchorAt(a1)]).toEqual([1, undefined]);
    works.restart();
    await works.anchor();
    expect([chain.bestHeight(), anchorAt(a1)]).toEqual([1, 1]);
  });

  test('of what the chain will never take is done again with another transaction', async () => {
    const a1 = await packet('alpha', '1');
    // As when another node, with the same key, had spent the coin first.
    const [stale] = [await chain.make([{ versionId: a1, parents: [] }])];
    await anchorAll(chain, [{ versionId: 'f'.repeat(64), parents: [] }]);
    const commitments = [{ versionId: a1, vout: 0 }];
    const { txid, rawTx } = stale;
    works.ledger.submit.add({
      ...{ txid, rawTx, chain: chain.name, commitments, madeAt: 1, state: 'made', reason: undefined },
    });
    await works.anchor();
    expect(works.ledger.submissions.one(txid)).toMatchObject({
      state: 'failed',
      reason: 'what it spends has been spent',
    });
    expect([chain.bestHeight(), anchorAt(a1)]).toEqual([2, 2]);
    expect(works.ledger.submissions.carrying(a1)).toMatchObject({ state: 'mined' });
  });

  test('whose answer was lost is not done again', async () => {
    const a1 = await packet('alpha', '1');
    works.ledger.fault = 'failed but persisted';
    await expect(works.anchor()).rejects.toThrow('injected');
    works.restart();
    await works.anchor();
    expect([chain.bestHeight(), anchorAt(a1)]).toEqual([1, 1]);
  });

  test('goes on while packets are sealed', async () => {
    const a1 = await packet('alpha', '1');
    const anchoring = works.anchor();
    const a2 = await packet('alpha', '2');
    await anchoring;
    await works.anchor();
    expect([a1, a2].map(anchorAt)).toEqual([1, 2]);
  });
});
