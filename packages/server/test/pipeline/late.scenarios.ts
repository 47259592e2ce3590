/** Events that come after the stream has gone on. */
import { expect } from 'vitest';
import { BUCKETS, candidatesIn, each, POLICY, type Scenario, type Setup, sends, ticks } from './scenario.ts';

const TWO = { a: POLICY, b: POLICY };
const windows = (late: 'next' | 'correct' | 'quarantine'): Setup => ({
  ...{ sources: TWO, windowMs: 10_000, order: { late } },
});
const fused = (late: 'correct' | 'quarantine'): Setup => ({
  ...{ sources: TWO, fusion: { ...BUCKETS, strategy: 'priority', priority: ['b', 'a'] }, order: { late } },
});

/** `b` is silent, `a` goes on without it, and then `b` has something old to say. */
const COMES_BACK = [
  ...each(1, { a: [1, 1], b: [1, 2] }),
  sends(12, 'a', [12, 3]),
  sends(13, 'b', [5, 4]),
  sends(25, 'a', [25, 5]),
  ticks(60),
];

const FLOOD = 10_000;
/** The newest first, through a whole bucket or window. */
const timeOf = (v: number) => (FLOOD - 1 - v) / 1000;
const FLOOD_OF_B = Array.from({ length: FLOOD }, (_, v): [number, number] => [timeOf(v), v]);
const FLOODED = [
  ...each(1, { a: [1, 1], b: [1, 2] }),
  sends(12, 'a', [12, 3]),
  sends(13, 'b', ...FLOOD_OF_B),
  ticks(60),
];

const BEFORE = ['-- [0s, 10s)', 'a1 {"room":"hall","v":1}', 'b1 {"room":"hall","v":2}'];
const late = (v: number) => `b${v + 2} {"room":"hall","v":${v}} late:${timeOf(v)}s<11s`;

export const LATE: Scenario[] = [
  {
    name: 'a source comes back with an old event, `late: next`',
    outcome: 'the event goes into the open window, with a note',
    setup: windows('next'),
    happens: COMES_BACK,
    log: [
      '-- [0s, 10s)',
      'a1 {"room":"hall","v":1}',
      'b1 {"room":"hall","v":2}',
      '-- [10s, 20s)',
      'b2 {"room":"hall","v":4} late:5s<11s',
      'a2 {"room":"hall","v":3}',
      '-- [20s, 30s)',
      'a3 {"room":"hall","v":5}',
    ],
  },
  {
    name: 'a source comes back with an old event, `late: correct`',
    outcome: 'a packet of corrections for the window that the event belongs to, between two others',
    setup: windows('correct'),
    happens: COMES_BACK,
    log: [
      '-- [0s, 10s)',
      'a1 {"room":"hall","v":1}',
      'b1 {"room":"hall","v":2}',
      '-- [0s, 10s) corrected',
      'b2 {"room":"hall","v":4} late:5s<11s',
      '-- [10s, 20s)',
      'a2 {"room":"hall","v":3}',
      '-- [20s, 30s)',
      'a3 {"room":"hall","v":5}',
    ],
  },
  {
    name: 'a source comes back with an old event, `late: quarantine`',
    outcome: 'quarantined, in the window that is open',
    setup: windows('quarantine'),
    happens: COMES_BACK,
    log: [
      '-- [0s, 10s)',
      'a1 {"room":"hall","v":1}',
      'b1 {"room":"hall","v":2}',
      '-- [10s, 20s)',
      'b2 quarantined: late:5s<11s',
      'a2 {"room":"hall","v":3}',
      '-- [20s, 30s)',
      'a3 {"room":"hall","v":5}',
    ],
  },
  {
    name: 'a fused source comes back with an old event, `late: correct`',
    outcome: 'the bucket is decided anew, among all candidates, and the new decision names the one that it replaces',
    setup: fused('correct'),
    happens: COMES_BACK,
    log: [
      '--',
      '0s a1 b1 = {"room":"hall","v":2}, priority b1, conflict',
      '0s a1 b1 b2 = {"room":"hall","v":4}, priority b2, conflict, corrects #1',
      '10s a2 = {"room":"hall","v":3}, priority a2',
      '20s a3 = {"room":"hall","v":5}, priority a3',
    ],
  },
  {
    name: 'a fused source comes back with an old event, `late: quarantine`',
    outcome: 'quarantined; the decision stands',
    setup: fused('quarantine'),
    happens: COMES_BACK,
    log: [
      '--',
      '0s a1 b1 = {"room":"hall","v":2}, priority b1, conflict',
      'b2 quarantined: late:5s<11s',
      '10s a2 = {"room":"hall","v":3}, priority a2',
      '20s a3 = {"room":"hall","v":5}, priority a3',
    ],
  },
  {
    name: 'a late event that opens a bucket',
    outcome: 'nothing was decided there before: a decision like any other, only later in the log',
    setup: fused('correct'),
    happens: [...each(1, { a: [1, 1], b: [1, 2] }), sends(25, 'a', [25, 3]), sends(26, 'b', [15, 4]), ticks(60)],
    log: [
      '--',
      '0s a1 b1 = {"room":"hall","v":2}, priority b1, conflict',
      '10s b2 = {"room":"hall","v":4}, priority b2',
      '20s a2 = {"room":"hall","v":3}, priority a2',
    ],
  },
  {
    name: 'a flood of 10,000 late events, `late: next`',
    outcome: 'all of them in the open window, in the order in which they came',
    setup: windows('next'),
    happens: FLOODED,
    log: (log) => {
      expect(log).toHaveLength(FLOOD + 6);
      expect(log.slice(0, 6)).toEqual([...BEFORE, '-- [10s, 20s)', late(0), late(1)]);
      // A packet has 10,000 leaves at most.
      expect(log.slice(-3)).toEqual([late(9999), '-- [10s, 20s)', 'a2 {"room":"hall","v":3}']);
    },
  },
  {
    name: 'a flood of 10,000 late events, `late: correct`',
    outcome: 'all of them in one packet of corrections for each window that they belong to',
    setup: windows('correct'),
    happens: FLOODED,
    log: (log) => {
      expect(log).toHaveLength(FLOOD + 6);
      expect(log.slice(0, 6)).toEqual([...BEFORE, '-- [0s, 10s) corrected', late(9999), late(9998)]);
      expect(log.slice(-3)).toEqual([late(0), '-- [10s, 20s)', 'a2 {"room":"hall","v":3}']);
    },
  },
  {
    name: 'a flood of 10,000 late events, `late: quarantine`',
    outcome: 'all of them quarantined',
    setup: windows('quarantine'),
    happens: FLOODED,
    log: (log) => {
      expect(log).toHaveLength(FLOOD + 6);
      expect(log.slice(3, 5)).toEqual(['-- [10s, 20s)', 'b2 quarantined: late:9.999s<11s']);
      expect(log.slice(5, -2).every((line) => / quarantined: late:[\d.]+s<11s$/.test(line))).toBe(true);
    },
  },
  {
    name: 'a flood of 10,000 late events for one bucket',
    outcome:
      'the bucket is decided once more, with as many candidates as a leaf has room for; the others are quarantined',
    setup: fused('correct'),
    happens: FLOODED,
    log: (log) => {
      const [packet, before, correction = '', ...others] = log;
      expect([packet, before]).toEqual(['--', '0s a1 b1 = {"room":"hall","v":2}, priority b1, conflict']);
      expect(candidatesIn(correction)).toEqual(['a1', ...Array.from({ length: 255 }, (_, index) => `b${index + 1}`)]);
      expect(correction).toMatch(/ = \{"room":"hall","v":0\}, priority b2, conflict, corrects #1$/);
      expect(others).toHaveLength(FLOOD - 254 + 1);
      expect(others[0]).toBe('b256 quarantined: too-many-candidates:9.745s');
    },
  },
  {
    name: 'a revision within the bucket',
    outcome: 'the newer version speaks, whatever its time; the older is named',
    setup: fused('correct'),
    happens: [sends(1, 'a', [3, 1]), sends(2, 'b', [3, 2, { id: 'x' }]), sends(3, 'b', [2, 5, { id: 'x' }]), ticks(60)],
    log: ['--', '0s a1 b1 b2 = {"room":"hall","v":5}, priority b2, conflict'],
  },
  {
    name: 'a revision that moves an event into another bucket',
    outcome: 'the newer version counts in the other bucket; the older goes on counting in its own',
    setup: fused('correct'),
    happens: [
      sends(1, 'a', [3, 1]),
      sends(2, 'b', [3, 2, { id: 'x' }]),
      sends(3, 'b', [13, 5, { id: 'x' }]),
      ticks(60),
    ],
    log: [
      '--',
      '0s a1 b1 = {"room":"hall","v":2}, priority b1, conflict',
      '10s b2 = {"room":"hall","v":5}, priority b2',
    ],
  },
  {
    name: 'a revision after the bucket',
    outcome: 'the decision is replaced, with the newer version',
    setup: fused('correct'),
    happens: [
      sends(1, 'a', [3, 1]),
      sends(2, 'b', [3, 2, { id: 'x' }]),
      ticks(20),
      sends(30, 'b', [3, 5, { id: 'x' }]),
      ticks(60),
    ],
    log: [
      '--',
      '0s a1 b1 = {"room":"hall","v":2}, priority b1, conflict',
      '--',
      '0s a1 b1 b2 = {"room":"hall","v":5}, priority b2, conflict, corrects #1',
    ],
  },
  {
    name: 'the same said twice, under two ids',
    outcome: 'one vote; a copy is no second source',
    setup: { sources: TWO, fusion: { ...BUCKETS, strategy: 'quorum', min: 2, onNoQuorum: 'quarantine' } },
    happens: [sends(1, 'a', [1, 1], [1, 1]), ticks(60)],
    log: ['--', 'a1 quarantined: no-quorum:#1', 'a2 quarantined: no-quorum:#1'],
  },
  {
    name: 'the missing vote comes after a quarantine for want of a quorum',
    outcome: 'the bucket is decided after all: the candidates move from quarantine to the fused leaf',
    setup: {
      ...{ fusion: { ...BUCKETS, strategy: 'quorum', min: 2, onNoQuorum: 'quarantine' } },
      ...{ sources: { a: POLICY, b: POLICY, c: POLICY } },
    },
    happens: [...each(1, { a: [1, 1], b: [1, 2] }), ticks(20), sends(25, 'c', [3, 1]), ticks(60)],
    log: [
      '--',
      'a1 quarantined: no-quorum:#1',
      'b1 quarantined: no-quorum:#1',
      '--',
      '0s a1 b1 c1 = {"room":"hall","v":1}, quorum c1, conflict',
    ],
  },
  {
    name: 'history, then a pause, then more of it',
    outcome: 'the stream goes on where the history stopped; what belongs to the last bucket corrects it',
    setup: fused('correct'),
    happens: [
      ...each(1, { a: [-1000, 1], b: [-1000, 2] }),
      ...each(2, { a: [-990, 3], b: [-990, 4] }),
      ticks(20),
      ...each(30, { a: [-985, 5], b: [-985, 6] }),
      ...each(31, { a: [-975, 7], b: [-975, 8] }),
      ticks(60),
    ],
    log: [
      '--',
      '-1000s a1 b1 = {"room":"hall","v":2}, priority b1, conflict',
      '-990s a2 b2 = {"room":"hall","v":4}, priority b2, conflict',
      '--',
      '-990s a2 a3 b2 = {"room":"hall","v":4}, priority b2, conflict, corrects #2',
      '-990s a2 a3 b2 b3 = {"room":"hall","v":6}, priority b3, conflict, corrects #3',
      '-980s a4 b4 = {"room":"hall","v":8}, priority b4, conflict',
    ],
  },
  {
    name: 'two histories, one after the other',
    outcome: 'as long as the second source is waited for, what the first has sent is held, and both are fused',
    setup: fused('correct'),
    happens: [
      sends(1, 'a', [-1000, 1], [-990, 2], [-980, 3]),
      sends(4, 'b', [-1000, 4], [-990, 5], [-980, 6]),
      ticks(60),
    ],
    log: [
      '--',
      '-1000s a1 b1 = {"room":"hall","v":4}, priority b1, conflict',
      '-990s a2 b2 = {"room":"hall","v":5}, priority b2, conflict',
      '-980s a3 b3 = {"room":"hall","v":6}, priority b3, conflict',
    ],
  },
  {
    name: 'two histories, the second later than `idleMs`',
    outcome: 'the first is decided alone, and the second corrects it, bucket by bucket',
    setup: fused('correct'),
    happens: [
      sends(1, 'a', [-1000, 1], [-990, 2], [-980, 3]),
      ticks(6),
      sends(7, 'b', [-1000, 4], [-990, 5], [-980, 6]),
      ticks(60),
    ],
    log: [
      '--',
      '-1000s a1 = {"room":"hall","v":1}, priority a1',
      '-990s a2 = {"room":"hall","v":2}, priority a2',
      '-980s a3 = {"room":"hall","v":3}, priority a3',
      '--',
      '-1000s a1 b1 = {"room":"hall","v":4}, priority b1, conflict, corrects #1',
      '-990s a2 b2 = {"room":"hall","v":5}, priority b2, conflict, corrects #2',
      '-980s a3 b3 = {"room":"hall","v":6}, priority b3, conflict, corrects #3',
    ],
  },
];
