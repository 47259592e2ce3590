/** Limits, deadlines, standing, monotonic fields and changing configurations. */
import { expect } from 'vitest';
import type { FusionPolicy } from '../../src/fuse/policy.ts';
import type { MappingPolicy } from '../../src/normalize/policy.ts';
import {
  BUCKETS,
  candidatesIn,
  configures,
  each,
  type Happening,
  POLICY,
  type Scenario,
  sends,
  ticks,
} from './scenario.ts';

const TWO = { a: POLICY, b: POLICY };
const quorum = (more: Partial<FusionPolicy>): FusionPolicy => ({
  ...{ strategy: 'quorum', min: 2, ...BUCKETS, deadlineMs: 2000 },
  ...more,
});
const WITH_DEADLINE: FusionPolicy = { ...BUCKETS, strategy: 'latest', deadlineMs: 1000 };
/** `c` keeps the stream waiting for ten minutes; the deadline of the bucket is at 12 s. */
const PATIENT = { idleMs: 600_000 };
const WAITING = [sends(1, 'a', [1, 1]), sends(2, 'b', [2, 2]), ticks(11.999), ticks(12)];

const COUNTER: MappingPolicy = {
  ...{ map: { meter: 'meter', v: 'v' } },
  constraints: { monotonicFields: ['v'], monotonicKey: ['meter'] },
};
const counts = (at: number, ...readings: [meter: string, v: number][]): Happening =>
  sends(at, 'a', ...readings.map(([meter, v], index): [number, number, object] => [at + index / 10, v, { meter }]));

/** So many buckets in which the three say this, and then the clock. */
const buckets = (count: number, says: (bucket: number) => Record<string, number>): Happening[] => [
  ...Array.from({ length: count }, (_, bucket) => {
    const at = bucket * 10 + 1;
    const readings = Object.entries(says(bucket)).map(([source, v]): [string, [number, number]] => [source, [at, v]]);
    return each(at, Object.fromEntries(readings));
  }).flat(),
  ticks(count * 10 + 60),
];

export const RULES: Scenario[] = [
  {
    name: 'a deadline without a quorum',
    outcome: 'all candidates go into quarantine, with the decision; so with `onNoQuorum: quarantine`',
    setup: { fusion: quorum({}), order: PATIENT },
    happens: WAITING,
    log: ['--', 'a1 quarantined: no-quorum:#1', 'b1 quarantined: no-quorum:#1'],
  },
  {
    name: 'a deadline without a quorum, `onNoQuorum: priority`',
    outcome: 'the first of the list that has something to say wins',
    setup: { fusion: quorum({ onNoQuorum: 'priority', priority: ['c', 'b', 'a'] }), order: PATIENT },
    happens: WAITING,
    log: ['--', '0s a1 b1 = {"room":"hall","v":2}, fallback-priority b1, conflict'],
  },
  {
    name: 'a deadline without a quorum, `onNoQuorum: unresolved`',
    outcome: 'the record is null',
    setup: { fusion: quorum({ onNoQuorum: 'unresolved' }), order: PATIENT },
    happens: WAITING,
    log: ['--', '0s a1 b1 = null, no-quorum, unresolved, conflict'],
  },
  {
    name: 'a bucket of 300 candidates',
    outcome: '256 of them are in the leaf, and 44 in quarantine',
    setup: { sources: TWO, fusion: { ...BUCKETS, strategy: 'latest' } },
    happens: [sends(1, 'a', ...Array.from({ length: 300 }, (_, v): [number, number] => [1 + v / 100, v])), ticks(60)],
    log: ([packet, fused = '', ...others]) => {
      expect(packet).toBe('--');
      expect(candidatesIn(fused)).toEqual(Array.from({ length: 256 }, (_, index) => `a${index + 1}`));
      expect(fused).toMatch(/ = \{"room":"hall","v":255\}, latest a256$/);
      const left = Array.from({ length: 44 }, (_, index) => index + 257);
      expect(others).toEqual(left.map((seq) => `a${seq} quarantined: too-many-candidates:${(99 + seq) / 100}s`));
    },
  },
  {
    name: 'a source that fills a bucket',
    outcome: 'what others have to say of a later time finds no room, and is quarantined',
    setup: { sources: TWO, fusion: { ...BUCKETS, strategy: 'latest' } },
    happens: [
      sends(1, 'a', ...Array.from({ length: 256 }, (_, v): [number, number] => [1 + v / 100, v])),
      sends(5, 'b', [5, 999]),
      ticks(60),
    ],
    log: ([, fused = '', ...others]) => {
      expect(candidatesIn(fused)).toHaveLength(256);
      expect(others).toEqual(['b1 quarantined: too-many-candidates:5s']);
    },
  },
  {
    name: 'more events held than there may be',
    outcome: 'the oldest go on before their time; nothing is lost',
    setup: { sources: TWO, windowMs: 10_000, order: { late: 'next', idleMs: 60_000 }, maxHeld: 3 },
    happens: [sends(1, 'a', [1, 1], [2, 2], [3, 3], [4, 4], [25, 5]), sends(2, 'b', [1, 6]), ticks(90)],
    log: [
      '-- [0s, 10s)',
      'a1 {"room":"hall","v":1}',
      'a2 {"room":"hall","v":2}',
      'a3 {"room":"hall","v":3}',
      'b1 {"room":"hall","v":6} late:1s<2.001s',
      'a4 {"room":"hall","v":4}',
      '-- [20s, 30s)',
      'a5 {"room":"hall","v":5}',
    ],
  },
  {
    name: 'a source that lies, among three of the same trust',
    outcome: 'the two honest ones win, and its reputation falls',
    setup: { fusion: { ...BUCKETS, strategy: 'weighted' } },
    happens: buckets(12, () => ({ a: 1, b: 1, c: 9 })),
    log: [
      '--',
      '0s a1 b1 c1 = {"room":"hall","v":1}, weighted a1, of a 1.00 b 1.00 c 1.00, conflict',
      '10s a2 b2 c2 = {"room":"hall","v":1}, weighted a2, of a 1.00 b 1.00 c 0.91, conflict',
      '20s a3 b3 c3 = {"room":"hall","v":1}, weighted a3, of a 1.00 b 1.00 c 0.83, conflict',
      '30s a4 b4 c4 = {"room":"hall","v":1}, weighted a4, of a 1.00 b 1.00 c 0.77, conflict',
      '40s a5 b5 c5 = {"room":"hall","v":1}, weighted a5, of a 1.00 b 1.00 c 0.71, conflict',
      '50s a6 b6 c6 = {"room":"hall","v":1}, weighted a6, of a 1.00 b 1.00 c 0.67, conflict',
      '60s a7 b7 c7 = {"room":"hall","v":1}, weighted a7, of a 1.00 b 1.00 c 0.63, conflict',
      '70s a8 b8 c8 = {"room":"hall","v":1}, weighted a8, of a 1.00 b 1.00 c 0.59, conflict',
      '80s a9 b9 c9 = {"room":"hall","v":1}, weighted a9, of a 1.00 b 1.00 c 0.56, conflict',
      '90s a10 b10 c10 = {"room":"hall","v":1}, weighted a10, of a 1.00 b 1.00 c 0.53, conflict',
      '100s a11 b11 c11 = {"room":"hall","v":1}, weighted a11, of a 1.00 b 1.00 c 0.50, conflict',
      '110s a12 b12 c12 = {"room":"hall","v":1}, weighted a12, of a 1.00 b 1.00 c 0.48, conflict',
    ],
  },
  {
    name: 'a liar trusted a little less than the honest ones together',
    outcome: 'it loses, and more with every bucket',
    setup: { fusion: { ...BUCKETS, strategy: 'weighted' }, trust: { a: 0.4, b: 0.4, c: 0.79 } },
    happens: buckets(3, () => ({ a: 1, b: 1, c: 9 })),
    log: [
      '--',
      '0s a1 b1 c1 = {"room":"hall","v":1}, weighted a1, of a 0.40 b 0.40 c 0.79, conflict',
      '10s a2 b2 c2 = {"room":"hall","v":1}, weighted a2, of a 0.40 b 0.40 c 0.72, conflict',
      '20s a3 b3 c3 = {"room":"hall","v":1}, weighted a3, of a 0.40 b 0.40 c 0.66, conflict',
    ],
  },
  {
    name: 'a liar trusted more than the honest ones together',
    outcome:
      'it wins, and the reputation of the honest ones falls: trust is the operator’s word, and nobody outvotes it',
    setup: { fusion: { ...BUCKETS, strategy: 'weighted' }, trust: { a: 0.4, b: 0.4, c: 1 } },
    happens: buckets(3, () => ({ a: 1, b: 1, c: 9 })),
    log: [
      '--',
      '0s a1 b1 c1 = {"room":"hall","v":9}, weighted c1, of a 0.40 b 0.40 c 1.00, conflict',
      '10s a2 b2 c2 = {"room":"hall","v":9}, weighted c2, of a 0.36 b 0.36 c 1.00, conflict',
      '20s a3 b3 c3 = {"room":"hall","v":9}, weighted c3, of a 0.33 b 0.33 c 1.00, conflict',
    ],
  },
  {
    name: 'a counter that falls',
    outcome: 'the reading is quarantined, and is no measure for the next; each key counts by itself',
    setup: { sources: { a: COUNTER } },
    happens: [counts(1, ['m', 5], ['n', 1], ['m', 4], ['n', 2], ['m', 6]), ticks(2)],
    log: [
      '--',
      'a1 {"meter":"m","v":5}',
      'a2 {"meter":"n","v":1}',
      'a3 quarantined: monotonic:v:4<5',
      'a4 {"meter":"n","v":2}',
      'a5 {"meter":"m","v":6}',
    ],
  },
  {
    name: 'a counter whose readings arrive out of order, in a stream with windows',
    outcome: 'they are put in order first: nothing falls',
    setup: { sources: { a: COUNTER }, windowMs: 10_000, order: { late: 'next' } },
    happens: [sends(1, 'a', [2, 6, { meter: 'm' }], [1, 5, { meter: 'm' }]), ticks(60)],
    log: ['-- [0s, 10s)', 'a2 {"meter":"m","v":5}', 'a1 {"meter":"m","v":6}'],
  },
  {
    name: 'a counter that rolls over',
    outcome: 'quarantined, as is all that follows until it is back where it was: `certify` is for counters that do so',
    setup: { sources: { a: COUNTER } },
    happens: [counts(1, ['m', 65_535], ['m', 0], ['m', 1]), ticks(2), counts(3, ['m', 2]), ticks(4)],
    log: [
      '--',
      'a1 {"meter":"m","v":65535}',
      'a2 quarantined: monotonic:v:0<65535',
      'a3 quarantined: monotonic:v:1<65535',
      '--',
      'a4 quarantined: monotonic:v:2<65535',
    ],
  },
  {
    name: 'a counter that rolls over, `onIssue: certify`',
    outcome: 'certified with a note, and the next reading is measured by this one',
    setup: { sources: { a: { ...COUNTER, onIssue: 'certify' } } },
    happens: [counts(1, ['m', 65_535], ['m', 0], ['m', 1]), ticks(2), counts(3, ['m', 2]), ticks(4)],
    log: [
      '--',
      'a1 {"meter":"m","v":65535}',
      'a2 {"meter":"m","v":0} monotonic:v:0<65535',
      'a3 {"meter":"m","v":1}',
      '--',
      'a4 {"meter":"m","v":2}',
    ],
  },
  {
    name: 'a deadline counts from the first arrival',
    outcome: 'whichever event is the older, and through a restart',
    setup: { fusion: { ...BUCKETS, strategy: 'latest', deadlineMs: 2000 }, order: PATIENT },
    happens: [sends(100, 'a', [5, 1]), sends(101, 'b', [2, 2]), ticks(102)],
    log: ['--', '0s a1 b1 = {"room":"hall","v":1}, latest a1, conflict'],
  },
  {
    name: 'a deadline outlives another configuration',
    outcome: 'the deadline of a bucket that is open already holds',
    setup: { fusion: WITH_DEADLINE, order: { ...PATIENT, bufferMs: 5000 }, sources: TWO },
    happens: [
      ...each(1, { a: [1, 1], b: [2, 2] }),
      ...each(10.5, { a: [10.5, 3], b: [10.5, 4] }),
      configures(10.7, {
        ...{ fusion: { ...WITH_DEADLINE, strategy: 'first' }, sources: TWO },
        order: { ...PATIENT, bufferMs: 5000 },
      }),
      ticks(11),
    ],
    log: ['--', '0s a1 b1 = {"room":"hall","v":1}, first a1, conflict'],
    held: 2,
  },
  {
    name: 'a deadline that is new',
    outcome: 'it counts for what is held already, from its arrival',
    setup: { fusion: { ...BUCKETS, strategy: 'latest' }, order: PATIENT },
    happens: [
      sends(100, 'a', [5, 1]),
      sends(101, 'b', [2, 2]),
      configures(101, { fusion: WITH_DEADLINE, order: PATIENT }),
      ticks(101),
    ],
    log: ['--', '0s a1 b1 = {"room":"hall","v":1}, latest a1, conflict'],
  },
  {
    name: 'a late event in a bucket that is not over',
    outcome: 'the deadline holds for its bucket, too',
    setup: { fusion: WITH_DEADLINE, order: { ...PATIENT, bufferMs: 5000 }, sources: TWO },
    happens: [...each(21, { a: [21, 1], b: [21, 2] }), sends(22, 'a', [15, 3]), ticks(23)],
    log: ['--', '10s a2 = {"room":"hall","v":3}, latest a2'],
    held: 2,
  },
  {
    name: 'another trust in the middle of a bucket',
    outcome: 'what is held is decided under the new configuration',
    setup: { sources: TWO, fusion: { ...BUCKETS, strategy: 'weighted', deadlineMs: 1000 }, trust: { a: 1, b: 0.5 } },
    happens: [
      ...each(1, { a: [1, 1], b: [1, 2] }),
      ...each(4, { a: [4, 1], b: [4, 2] }),
      configures(5, {
        ...{ sources: TWO, fusion: { ...BUCKETS, strategy: 'weighted', deadlineMs: 1000 } },
        trust: { a: 0.5, b: 1 },
      }),
      sends(10.5, 'a', [4, 1]),
      ticks(11),
    ],
    log: [
      '--',
      '0s a1 a2 a3 b1 b2 = {"room":"hall","v":2}, weighted b2, of a 0.50 a 0.50 a 0.50 b 1.00 b 1.00, conflict',
    ],
  },
  {
    name: 'another length of buckets in the middle of one',
    outcome: 'what is held is decided at once, under the old configuration',
    setup: { sources: TWO, fusion: { ...BUCKETS, strategy: 'latest' } },
    happens: [
      ...each(1, { a: [1, 1], b: [2, 2] }),
      configures(3, { sources: TWO, fusion: { ...BUCKETS, bucketMs: 7000, strategy: 'latest' } }),
      ...each(8, { a: [8, 3], b: [8, 4] }),
      ticks(60),
    ],
    log: [
      '--',
      '0s a1 b1 = {"room":"hall","v":2}, latest b1, conflict',
      '--',
      'policy-changed: fusion',
      '--',
      '7s a2 b2 = {"room":"hall","v":3}, latest a2, conflict',
    ],
  },
];
