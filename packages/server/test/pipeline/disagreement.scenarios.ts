/** Sources that do not say the same. */
import type { FusionPolicy } from '../../src/fuse/policy.ts';
import { BUCKETS, each, type Scenario, sends, ticks } from './scenario.ts';

/** Three sources in one bucket, then the clock. */
const THREE = [...each(1, { a: [1, 20], b: [2, 20.4], c: [3, 23] }), ticks(20)];
const quorum = (more: Partial<FusionPolicy> = {}): FusionPolicy => ({
  ...{ strategy: 'quorum', min: 2, ...BUCKETS, tolerance: { v: 0.5 } },
  ...more,
});

export const DISAGREEMENT: Scenario[] = [
  {
    name: 'quorum of 2 of 3, within a tolerance',
    outcome: 'the two that agree within ±0.5 win, and one of them is the record, word for word',
    setup: { fusion: quorum() },
    happens: THREE,
    log: ['--', '0s a1 b1 c1 = {"room":"hall","v":20.4}, quorum b1, conflict'],
  },
  {
    name: 'quorum of 2 of 3, without a tolerance',
    outcome: 'no two say exactly the same: all three are held back in quarantine, with the decision',
    setup: { fusion: { ...BUCKETS, strategy: 'quorum', min: 2, onNoQuorum: 'quarantine' } },
    happens: THREE,
    log: ['--', 'a1 quarantined: no-quorum:#1', 'b1 quarantined: no-quorum:#1', 'c1 quarantined: no-quorum:#1'],
  },
  {
    name: 'priority',
    outcome: 'the first of the list wins, whatever the others say',
    setup: { fusion: { ...BUCKETS, strategy: 'priority', priority: ['c', 'a'] } },
    happens: THREE,
    log: ['--', '0s a1 b1 c1 = {"room":"hall","v":23}, priority c1, conflict'],
  },
  {
    name: 'weighted',
    outcome: 'the value with most trust × reputation behind it wins',
    setup: { fusion: { ...BUCKETS, strategy: 'weighted', tolerance: { v: 0.5 } }, trust: { a: 0.4, b: 0.4, c: 0.7 } },
    happens: THREE,
    log: ['--', '0s a1 b1 c1 = {"room":"hall","v":20.4}, weighted b1, of a 0.40 b 0.40 c 0.70, conflict'],
  },
  {
    name: 'median',
    outcome: 'the source nearest to the middle wins; one stray number pulls nothing',
    setup: { fusion: { ...BUCKETS, strategy: 'median' } },
    happens: THREE,
    log: ['--', '0s a1 b1 c1 = {"room":"hall","v":20.4}, median b1, conflict'],
  },
  {
    name: 'latest',
    outcome: 'the event with the newest time wins',
    setup: { fusion: { ...BUCKETS, strategy: 'latest' } },
    happens: THREE,
    log: ['--', '0s a1 b1 c1 = {"room":"hall","v":23}, latest c1, conflict'],
  },
  {
    name: 'first',
    outcome: 'the event with the oldest time wins',
    setup: { fusion: { ...BUCKETS, strategy: 'first' } },
    happens: THREE,
    log: ['--', '0s a1 b1 c1 = {"room":"hall","v":20}, first a1, conflict'],
  },
  {
    name: 'sources that agree',
    outcome: 'one record that names all of them, and no conflict',
    setup: { fusion: quorum() },
    happens: [...each(1, { a: [1, 20], b: [2, 20], c: [3, 20] }), ticks(20)],
    log: ['--', '0s a1 b1 c1 = {"room":"hall","v":20}, quorum c1'],
  },
  {
    name: 'two events of one source in a bucket',
    outcome: 'the newer one is its word; the older one is named among the candidates and has no vote',
    setup: { fusion: quorum() },
    happens: [sends(1, 'a', [1, 20], [3, 23]), sends(1, 'b', [2, 20]), sends(1, 'c', [2, 23]), ticks(20)],
    log: ['--', '0s a1 a2 b1 c1 = {"room":"hall","v":23}, quorum a2, conflict'],
  },
];
