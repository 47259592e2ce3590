/** What any ledger owes to its callers (`src/store/ledger.ts`); run against every implementation. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SealedPacket } from '../../src/event.ts';
import type { Coin } from '../../src/store/coins.ts';
import { StoreError } from '../../src/store/errors.ts';
import type { AnchorRow, LedgerReader, LedgerWriter, PacketRow, StreamRow } from '../../src/store/ledger.ts';
import type { DueRollup, RollupRow } from '../../src/store/rollups.ts';
import type { Submission } from '../../src/store/submissions.ts';

export interface LedgerUnderTest {
  write(): LedgerWriter;
  read(): LedgerReader;
  remove(): void;
}

const ids = { a1: 'a1'.repeat(32), a2: 'a2'.repeat(32), a3: 'a3'.repeat(32), b1: 'b1'.repeat(32), b2: 'b2'.repeat(32) };

/** A packet whose lines are each 10 bytes longer than the one before, from 10 on. */
export function packetOf(
  stream: string,
  start: number,
  end: number,
  versionId: string,
  more: Partial<SealedPacket> = {},
): SealedPacket {
  const offsets = Buffer.alloc(4 * (end - start));
  let at = 0;
  for (let line = 0; line < end - start; line++) {
    at += 10 * (line + 1);
    offsets.writeUInt32LE(at, 4 * line);
  }
  return {
    ...{ stream, start, end, versionId, offsets },
    contentHash: versionId.replaceAll(versionId[0]!, 'c'),
    manifest: `{"of":"${versionId}"}`,
    checkpoint: `note of ${versionId}\n`,
    sealedAt: 1000 + end,
    oldestArrival: 0,
    placements: [],
    quarantined: [],
    notes: [],
    moved: [],
    erased: [],
    decisions: [],
    tiles: [],
    durable: Promise.resolve(),
    ...more,
  };
}

export const UNSTAGED = { stages: [], unstaged: [], rollups: [] };

function rowOf(packet: SealedPacket): PacketRow {
  const { stream, start, end, versionId, contentHash, manifest, checkpoint, sealedAt } = packet;
  return { stream, start, end, versionId, contentHash, manifest, checkpoint, sealedAt };
}

function streamOf(stream: string, changes: Partial<StreamRow> = {}): StreamRow {
  const row = { stream, consumed: 1, size: 0, head: undefined, through: {}, rolledUp: 0, batch: undefined };
  return { ...row, config: '{}', ...changes };
}

function dueOf(stream: string, start: number, end: number): DueRollup {
  return { stream, start, end, window: { start: 1000 * start, end: 1000 * end }, config: `{"id":"${stream}"}` };
}

function madeOf({ config: _, ...due }: DueRollup, versionId: string): RollupRow {
  const contentHash = versionId.replaceAll(versionId[0]!, 'e');
  return { ...due, versionId, contentHash, manifest: `{"of":"${versionId}"}`, sealedAt: due.window.end };
}

function anchorOf(packet: SealedPacket, height: number): AnchorRow {
  const { stream, versionId, end } = packet;
  return { versionId, stream, end, chain: 'tidemark-dev', vout: 0, txid: 'f'.repeat(64), height, envelope: '{}' };
}

export function ledgerContract(name: string, make: () => LedgerUnderTest): void {
  describe(`${name} as a ledger`, () => {
    let store: LedgerUnderTest;
    let ledger: LedgerWriter;

    beforeEach(() => {
      store = make();
      ledger = store.write();
    });
    afterEach(() => {
      ledger.close();
      store.remove();
    });

    const a1 = packetOf('alpha', 0, 3, ids.a1, {
      // Item 4 is another stream's.
      placements: [
        { first: 3, count: 1, leaf: 1 },
        { first: 5, count: 1, leaf: 2 },
      ],
      quarantined: [{ position: 5, leaf: 2, reasons: ['required-missing:t', 'bounds-min:t:1<2'] }],
      tiles: [{ level: 0, index: 0, hashes: Buffer.alloc(96, 1) }],
    });
    const b1 = packetOf('beta', 0, 2, ids.b1, { placements: [{ first: 4, count: 1, leaf: 1 }] });
    const a2 = packetOf('alpha', 3, 6, ids.a2, {
      placements: [{ first: 6, count: 3, leaf: 3 }],
      tiles: [{ level: 0, index: 0, hashes: Buffer.alloc(192, 2) }],
    });
    const alpha = streamOf('alpha', {
      consumed: 9,
      size: 6,
      head: ids.a2,
      through: { one: 5 },
      rolledUp: 3,
      config: '{"a":1}',
    });
    const beta = streamOf('beta', { consumed: 5, size: 2, head: ids.b1, through: { two: 1 } });

    const waiting = () => ledger.submissions.waiting(9).map(({ versionId }) => versionId);

    function fill(): void {
      const one = streamOf('alpha', { consumed: 6, size: 3, head: ids.a1, through: { one: 2 } });
      ledger.commit({
        ...UNSTAGED,
        cursor: 6,
        packets: [a1, b1],
        streams: [one, beta],
        policies: new Map([['p1', '{"p":1}']]),
      });
      ledger.commit({
        ...UNSTAGED,
        cursor: 9,
        packets: [a2],
        streams: [alpha],
        policies: new Map([
          ['p1', '{"p":1}'],
          ['p2', '{}'],
        ]),
      });
    }

    function reopen(): void {
      ledger.close();
      ledger = store.write();
    }

    test('an empty ledger', () => {
      expect(ledger.cursor()).toBe(1);
      expect(ledger.head()).toBe(0);
      expect(ledger.streams()).toEqual([]);
      expect(ledger.stream('alpha')).toBeUndefined();
      expect(ledger.read(1, 10)).toEqual([]);
      expect(ledger.packet(ids.a1)).toBeUndefined();
      expect(ledger.packetOfLeaf('alpha', 0)).toBeUndefined();
      expect(ledger.placement(1)).toBeUndefined();
      expect(ledger.positionOfLeaf('alpha', 0)).toBeUndefined();
      expect(ledger.tile('alpha', 0, 0)).toBeUndefined();
      expect(ledger.anchorCovering('alpha', 0)).toBeUndefined();
      expect(waiting()).toEqual([]);
    });

    test('a commit changes all that it names, and stays', () => {
      fill();
      for (const look of [() => undefined, reopen]) {
        look();
        expect(ledger.cursor()).toBe(9);
        expect(ledger.streams()).toEqual([alpha, beta]);
        expect(ledger.stream('beta')).toEqual(beta);
        for (const packet of [a1, b1, a2]) expect(ledger.packet(packet.versionId)).toEqual(rowOf(packet));
        expect([ledger.policy('p1'), ledger.policy('p2'), ledger.policy('p3')]).toEqual(['{"p":1}', '{}', undefined]);
        expect(ledger.tile('alpha', 0, 0)).toEqual(Buffer.alloc(192, 2));
        expect([ledger.tile('alpha', 1, 0), ledger.tile('alpha', 0, 1), ledger.tile('beta', 0, 0)]).toEqual([
          undefined,
          undefined,
          undefined,
        ]);
        expect(ledger.reasons(5)).toEqual(['required-missing:t', 'bounds-min:t:1<2']);
        expect(ledger.reasons(4)).toBeUndefined();
      }
    });

    test('another reader sees commits as they happen', () => {
      const reader = store.read();
      expect(reader.head()).toBe(0);
      fill();
      expect(reader.head()).toBe(16);
      expect(reader.streams()).toEqual([alpha, beta]);
      reader.close();
    });

    test('entries take two positions a leaf, anchors one, in the order of their commits', () => {
      fill();
      ledger.recordAnchors([anchorOf(a2, 1), anchorOf(b1, 1)]);
      const entries = [
        { kind: 'packet', first: 1, count: 6, packet: rowOf(a1) },
        { kind: 'packet', first: 7, count: 4, packet: rowOf(b1) },
        { kind: 'packet', first: 11, count: 6, packet: rowOf(a2) },
        { kind: 'anchor', first: 17, count: 1, packet: rowOf(a2), anchor: anchorOf(a2, 1) },
        { kind: 'anchor', first: 18, count: 1, packet: rowOf(b1), anchor: anchorOf(b1, 1) },
      ];
      reopen();
      expect(ledger.head()).toBe(18);
      expect(ledger.read(1, 10)).toEqual(entries);
      expect(ledger.read(1, 2)).toEqual(entries.slice(0, 2));
      expect(ledger.read(6, 2)).toEqual(entries.slice(0, 2));
      expect(ledger.read(7, 1)).toEqual(entries.slice(1, 2));
      expect(ledger.read(16, 10)).toEqual(entries.slice(2));
      expect(ledger.read(18, 10)).toEqual(entries.slice(4));
      expect(ledger.read(19, 10)).toEqual([]);
      ledger.commit({
        ...UNSTAGED,
        cursor: 10,
        packets: [packetOf('alpha', 6, 7, ids.a3)],
        streams: [],
        policies: new Map(),
      });
      expect(ledger.read(19, 10)).toMatchObject([{ first: 19, count: 2 }]);
    });

    test('leaves lead to their packets', () => {
      fill();
      const packets = [0, 1, 2, 3, 4, 5, 6].map((leaf) => ledger.packetOfLeaf('alpha', leaf)?.versionId);
      expect(packets).toEqual([ids.a1, ids.a1, ids.a1, ids.a2, ids.a2, ids.a2, undefined]);
      expect(ledger.packetsFrom('alpha', 2, 5).map(({ versionId }) => versionId)).toEqual([ids.a1, ids.a2]);
      expect(ledger.packetsFrom('alpha', 2, 1).map(({ versionId }) => versionId)).toEqual([ids.a1]);
      expect(ledger.packetsFrom('alpha', 3, 5).map(({ versionId }) => versionId)).toEqual([ids.a2]);
      expect(ledger.packetsFrom('gamma', 0, 5)).toEqual([]);
    });

    test('journal items lead to their leaves, and back; what is between has none', () => {
      fill();
      const places = Array.from({ length: 10 }, (_, position) => ledger.placement(position));
      const at = (stream: string, leaf: number) => ({ stream, leaf });
      const expected = [at('alpha', 1), at('beta', 1), at('alpha', 2), at('alpha', 3), at('alpha', 4), at('alpha', 5)];
      expect(places).toEqual([undefined, undefined, undefined, ...expected, undefined]);
      const positions = [0, 1, 2, 3, 4, 5, 6].map((leaf) => ledger.positionOfLeaf('alpha', leaf));
      expect(positions).toEqual([undefined, 3, 5, 6, 7, 8, undefined]);
      expect([0, 1, 2].map((leaf) => ledger.positionOfLeaf('beta', leaf))).toEqual([undefined, 4, undefined]);
    });

    test('reasons of an event that is erased, also by the packet that it came with', () => {
      const quarantined = [5, 6, 7].map((position) => ({
        position,
        leaf: position - 3,
        reasons: [`enum:name:Ada-${position}`],
      }));
      const commit = (packet: SealedPacket) =>
        ledger.commit({ cursor: 1, streams: [], packets: [packet], policies: new Map(), ...UNSTAGED });
      commit(packetOf('alpha', 0, 5, ids.a1, { quarantined, erased: [6] }));
      expect([5, 6, 7].map((position) => ledger.reasons(position))).toEqual([
        ['enum:name:Ada-5'],
        [],
        ['enum:name:Ada-7'],
      ]);
      commit(packetOf('alpha', 5, 6, ids.a2, { erased: [5, 9] }));
      expect([5, 6, 7].map((position) => ledger.reasons(position))).toEqual([[], [], ['enum:name:Ada-7']]);
    });

    test('events in quarantine, newest first: of one stream or all, those that have left and those that have not', () => {
      fill();
      const more = packetOf('alpha', 6, 9, ids.a3, {
        placements: [{ first: 9, count: 2, leaf: 6 }],
        quarantined: [
          { position: 9, leaf: 6, reasons: ['a'] },
          { position: 10, leaf: 7, reasons: ['b'] },
        ],
        moved: [{ position: 9, leaf: 8 }],
      });
      const other = packetOf('beta', 2, 3, ids.b2, {
        placements: [{ first: 11, count: 1, leaf: 2 }],
        quarantined: [{ position: 11, leaf: 2, reasons: ['c'] }],
      });
      ledger.commit({ ...UNSTAGED, cursor: 12, packets: [more, other], streams: [], policies: new Map() });
      const positions = (...args: Parameters<LedgerWriter['quarantinedBefore']>) =>
        ledger.quarantinedBefore(...args).map(({ position }) => position);
      expect(positions(100, 10)).toEqual([11, 10, 9, 5]);
      expect(positions(11, 2)).toEqual([10, 9]);
      expect(positions(100, 10, { stream: 'alpha' })).toEqual([10, 9, 5]);
      expect(positions(100, 10, { left: false })).toEqual([11, 10, 5]);
      expect(positions(100, 10, { stream: 'alpha', left: true })).toEqual([9]);
      expect(ledger.quarantinedBefore(11, 1)).toEqual([{ position: 10, stream: 'alpha', leaf: 7, reasons: ['b'] }]);
      expect([ledger.placement(9), ledger.placement(10)]).toMatchObject([{ leaf: 8 }, { leaf: 7 }]);
    });

    test('a leaf of several items leads to one of them, and the next leaf to its own', () => {
      const fused = packetOf('fused', 0, 4, ids.a3, {
        placements: [
          // Leaf 1 is made of 40 and 20, leaf 2 of 21, leaf 3 of what was there before.
          { first: 40, count: 1, leaf: 1 },
          { first: 20, count: 2, leaf: 1 },
        ],
        moved: [{ position: 40, leaf: 3 }],
      });
      ledger.commit({ ...UNSTAGED, cursor: 41, packets: [fused], streams: [], policies: new Map() });
      const positions = [0, 1, 2, 3, 4].map((leaf) => ledger.positionOfLeaf('fused', leaf));
      expect(positions).toEqual([undefined, 20, 21, 40, undefined]);
      expect(ledger.positionOfLeaf('alpha', 3)).toBeUndefined();
      const places = [20, 21, 40].map((position) => ledger.placement(position)?.leaf);
      expect(places).toEqual([1, 2, 3]);
    });

    test('lines lie where the offsets say', () => {
      fill();
      expect(ledger.lineBounds(ids.a1, 0, 3)).toEqual({ start: 0, ends: [10, 30, 60] });
      expect(ledger.lineBounds(ids.a1, 0, 1)).toEqual({ start: 0, ends: [10] });
      expect(ledger.lineBounds(ids.a1, 1, 2)).toEqual({ start: 10, ends: [30] });
      expect(ledger.lineBounds(ids.a1, 1, 3)).toEqual({ start: 10, ends: [30, 60] });
      expect(ledger.lineBounds(ids.a1, 2, 3)).toEqual({ start: 30, ends: [60] });
      expect(() => ledger.lineBounds(ids.a3, 0, 1)).toThrow(expect.objectContaining({ code: 'damaged' }));
    });

    test('an anchor covers every packet below it; the heads that have none are named', () => {
      fill();
      expect(waiting()).toEqual([ids.a2, ids.b1]);
      ledger.recordAnchors([anchorOf(a2, 7)]);
      expect(waiting()).toEqual([ids.b1]);
      expect(ledger.anchor(ids.a2)).toEqual(anchorOf(a2, 7));
      expect(ledger.anchor(ids.a1)).toBeUndefined();
      expect([1, 3, 4, 6].map((end) => ledger.anchorCovering('alpha', end)?.height)).toEqual([7, 7, 7, 7]);
      expect(ledger.anchorCovering('alpha', 7)).toBeUndefined();
      expect(ledger.anchorCovering('beta', 1)).toBeUndefined();
    });

    test('of several anchors the first that covers it', () => {
      fill();
      ledger.recordAnchors([anchorOf(a1, 5)]);
      ledger.recordAnchors([anchorOf(a2, 7)]);
      expect([1, 3, 4].map((end) => ledger.anchorCovering('alpha', end)?.height)).toEqual([5, 5, 7]);
    });

    const submissionOf = (txid: string, madeAt: number, ...versionIds: string[]): Submission => ({
      ...{ txid: txid.repeat(64), chain: 'regtest', rawTx: 'c0ffee', madeAt, state: 'made', reason: undefined },
      commitments: versionIds.map((versionId, vout) => ({ versionId, vout })),
    });

    test('what an open submission carries does not wait for another; what a failed one carried does', () => {
      fill();
      const [one, two] = [submissionOf('1', 5, ids.b1), submissionOf('2', 4, ids.a2, ids.b1)];
      ledger.submit.add(one);
      expect(waiting()).toEqual([ids.a2]);
      ledger.submit.fail(one.txid, 'double-spent', 'good');
      expect(waiting()).toEqual([ids.a2, ids.b1]);
      ledger.submit.add(two);
      ledger.submit.note(two.txid, 'sent', undefined);
      const { submissions } = ledger;
      expect(waiting()).toEqual([]);
      expect(submissions.one(one.txid)).toEqual({ ...one, state: 'failed', reason: 'double-spent' });
      expect(submissions.open()).toEqual([{ ...two, state: 'sent' }]);
      expect(submissions.carrying(ids.b1)?.txid).toBe(one.txid);
      expect(submissions.carrying(ids.a1)).toBeUndefined();
    });

    const coinOf = (txid: string, satoshis: number): Coin => ({
      ...{ txid: txid.repeat(64), vout: 0, chain: 'regtest', owner: 'me', satoshis },
    });
    const free = () => ledger.coins.free('regtest', 'me', 9);

    test('a failed submission gives its coins back, and takes those along that spend its change', () => {
      const [a, b, change, rest] = [coinOf('a', 5), coinOf('b', 9), coinOf('1', 4), coinOf('2', 3)];
      expect(ledger.fund([a, b])).toBe(2);
      expect(ledger.fund([a, { ...a, owner: 'you', vout: 1 }])).toBe(1);
      expect(free()).toEqual([b, a]);
      const [one, two] = [submissionOf('1', 5), submissionOf('2', 6)];
      ledger.submit.add(one, { spends: [a], change });
      ledger.submit.add(two, { spends: [change, b], change: rest });
      expect(free()).toEqual([rest]);
      expect(ledger.coins.one(a)).toEqual({ ...a, state: 'spent', spentBy: one.txid });
      ledger.submit.fail(one.txid, 'refused', 'good');
      expect(ledger.submissions.one(two.txid)).toMatchObject({
        state: 'failed',
        reason: `it spends the change of ${one.txid}, which has failed`,
      });
      expect([free(), ledger.coins.one(change), ledger.coins.one(rest)]).toEqual([[b, a], undefined, undefined]);
      ledger.submit.fail(one.txid, 'again', 'gone');
      expect(free()).toEqual([b, a]);
      ledger.submit.add(submissionOf('1', 7), { spends: [a], change });
      expect(ledger.submissions.one(one.txid)).toEqual({ ...one, madeAt: 7 });
    });

    test('no coin is spent twice, and none by a submission that is not written', () => {
      const coin = coinOf('a', 5);
      ledger.fund([coin]);
      ledger.submit.add(submissionOf('1', 5), { spends: [coin], change: undefined });
      expect(() => ledger.submit.add(submissionOf('2', 5), { spends: [coin], change: coinOf('2', 4) })).toThrow(
        StoreError,
      );
      expect(() => ledger.submit.add(submissionOf('1', 5), { spends: [], change: coinOf('1', 4) })).toThrow(StoreError);
      expect([ledger.submissions.one('2'.repeat(64)), free()]).toEqual([undefined, []]);
    });

    test('a coin in doubt comes first, and is set aside at the third time until it is brought in again', () => {
      const [small, large] = [coinOf('a', 5), coinOf('b', 9)];
      ledger.fund([small, large]);
      for (const txid of ['1', '2', '3']) {
        ledger.submit.add(submissionOf(txid, 5), { spends: [small], change: undefined });
        ledger.submit.fail(txid.repeat(64), 'rejected', 'doubtful');
        expect(free()).toEqual(txid === '3' ? [large] : [small, large]);
      }
      expect(ledger.coins.unspent()).toMatchObject([{ state: 'aside' }, { state: 'free' }]);
      expect(ledger.fund([small, large])).toBe(1);
      expect(free()).toEqual([small, large]);
    });

    test('an anchor whose block is gone covers nothing until it is mined again', () => {
      fill();
      const sent = submissionOf('f', 5, ids.a2);
      ledger.submit.add(sent);
      ledger.recordAnchors([anchorOf(a2, 7), anchorOf(b1, 7)]);
      expect(ledger.submissions.minedFrom('tidemark-dev', 7)).toEqual([{ txid: sent.txid, height: 7, envelope: '{}' }]);
      expect(ledger.submissions.minedFrom('tidemark-dev', 8)).toEqual([]);
      expect(ledger.submit.lose([sent.txid])).toEqual([anchorOf(a2, 7), anchorOf(b1, 7)]);
      expect([ledger.anchorCovering('alpha', 6), ledger.standingAnchor(ids.a2)]).toEqual([undefined, undefined]);
      expect(ledger.submissions.minedFrom('tidemark-dev', 0)).toEqual([]);
      expect(ledger.submissions.open()).toMatchObject([{ state: 'sent', reason: 'its block has left the best chain' }]);
      expect(waiting()).toEqual([ids.b1]);
      const head = ledger.head();
      const again = { ...anchorOf(a2, 9), envelope: '{"again":1}' };
      ledger.recordAnchors([again]);
      expect(ledger.standingAnchor(ids.a2)).toEqual(again);
      expect(ledger.submissions.one(sent.txid)?.state).toBe('mined');
      expect(ledger.read(head + 1, 9)).toEqual([
        { kind: 'anchor', first: head + 1, count: 1, anchor: again, packet: rowOf(a2) },
      ]);
    });

    test('a rollup waits for its own anchor, of which readers are not told', () => {
      fill();
      const due = dueOf('alpha', 0, 3);
      ledger.commit({ ...UNSTAGED, cursor: 9, rollups: [due], packets: [], streams: [], policies: new Map() });
      ledger.recordRollup(madeOf(due, ids.a3));
      expect(waiting()).toEqual([ids.a2, ids.b1, ids.a3]);
      expect(ledger.submissions.waiting(9)[2]).toMatchObject({
        stream: 'alpha',
        end: 0,
        manifest: `{"of":"${ids.a3}"}`,
      });
      const anchor = { ...anchorOf(a2, 7), versionId: ids.a3, end: 0 };
      const head = ledger.head();
      ledger.recordAnchors([anchor]);
      expect([waiting(), ledger.head(), ledger.standingAnchor(ids.a3)]).toEqual([[ids.a2, ids.b1], head, anchor]);
      expect(ledger.anchorCovering('alpha', 1)).toBeUndefined();
      ledger.submit.lose([anchor.txid]);
      expect(waiting()).toEqual([ids.a2, ids.b1, ids.a3]);
    });

    test('a witness has one signature under a checkpoint', () => {
      fill();
      for (const [witness, line] of [
        ['w2', 'b'],
        ['w1', 'a'],
        ['w2', 'c'],
      ] as const) {
        ledger.recordCosignature(ids.a1, witness, line);
      }
      expect([ledger.cosignatures(ids.a1), ledger.cosignatures(ids.a2)]).toEqual([['a', 'c'], []]);
    });

    test('rollups come due in order, each is made once, and they are listed from the newest on', () => {
      const [first, second, third] = [dueOf('alpha', 0, 3), dueOf('beta', 0, 2), dueOf('alpha', 3, 6)];
      const nothing = { ...UNSTAGED, packets: [], streams: [], policies: new Map<string, string>() };
      ledger.commit({ ...nothing, cursor: 5, rollups: [first, second] });
      ledger.commit({ ...nothing, cursor: 6, rollups: [third] });
      expect(ledger.rollups.due(2)).toEqual([first, second]);
      const [one, two, three] = [madeOf(first, ids.a1), madeOf(second, ids.b1), madeOf(third, ids.a2)];
      for (const made of [one, two]) ledger.recordRollup(made);
      expect(ledger.rollups.due(9)).toEqual([third]);
      ledger.recordRollup(three);
      const reader = store.read();
      const { rollups } = reader;
      expect(rollups.due(9)).toEqual([]);
      expect(rollups.one(ids.b1)).toEqual(two);
      expect(rollups.one(ids.a3)).toBeUndefined();
      expect(rollups.before(undefined, undefined, 2)).toEqual([three, two]);
      expect(rollups.before(undefined, ids.b1, 9)).toEqual([one]);
      expect(rollups.before('alpha', undefined, 9)).toEqual([three, one]);
      expect(rollups.before('alpha', ids.a2, 9)).toEqual([one]);
      expect(rollups.before('gamma', undefined, 9)).toEqual([]);
      reader.close();
    });

    test('what is not due cannot be made, nor the same twice', () => {
      const due = dueOf('alpha', 0, 3);
      ledger.commit({ ...UNSTAGED, cursor: 5, rollups: [due], packets: [], streams: [], policies: new Map() });
      const writeFailed = expect.objectContaining({ name: 'StoreError', code: 'write-failed' });
      expect(() => ledger.recordRollup(madeOf(dueOf('alpha', 0, 2), ids.a1))).toThrow(writeFailed);
      ledger.recordRollup(madeOf(due, ids.a1));
      expect(() => ledger.recordRollup(madeOf(due, ids.a2))).toThrow(writeFailed);
      expect(ledger.rollups.before(undefined, undefined, 9)).toHaveLength(1);
    });

    test('a commit that fails half-way leaves nothing behind', () => {
      fill();
      const a3 = packetOf('alpha', 6, 7, ids.a3, { placements: [{ first: 9, count: 1, leaf: 6 }] });
      // The second packet is there already.
      const step = {
        ...UNSTAGED,
        cursor: 11,
        packets: [a3, b1],
        streams: [streamOf('gamma')],
        policies: new Map([['p3', '{}']]),
      };
      const writeFailed = expect.objectContaining({ name: 'StoreError', code: 'write-failed' });
      expect(() => ledger.commit(step)).toThrow(writeFailed);
      expect(() => ledger.recordAnchors([anchorOf(a1, 1), anchorOf(a1, 2)])).toThrow(writeFailed);
      expect(ledger.cursor()).toBe(9);
      expect(ledger.head()).toBe(16);
      expect(ledger.packet(ids.a3)).toBeUndefined();
      expect(ledger.placement(9)).toBeUndefined();
      expect(ledger.stream('gamma')).toBeUndefined();
      expect(ledger.policy('p3')).toBeUndefined();
      expect(ledger.anchor(ids.a1)).toBeUndefined();
      ledger.commit({ ...step, packets: [a3] });
      expect(ledger.read(17, 10)).toEqual([{ kind: 'packet', first: 17, count: 2, packet: rowOf(a3) }]);
    });
  });
}
