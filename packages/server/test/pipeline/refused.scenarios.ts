/** Events without a time, and sources that send nothing that their policies accept. */
import { POLICY, type Scenario, type Setup, sends, steadily, ticks, together } from './scenario.ts';

const TWO = { a: POLICY, b: POLICY };
/** Windows of ten seconds over two sources; one second late is allowed, five seconds idle, a minute ahead. */
const WINDOWS: Setup = { sources: TWO, windowMs: 10_000, order: { late: 'next' } };

export const REFUSED: Scenario[] = [
  {
    name: 'events without any time',
    outcome: 'their arrival is their time',
    setup: WINDOWS,
    happens: [sends(1, 'a', [undefined, 1]), sends(9, 'b', [undefined, 2]), sends(12, 'a', [undefined, 3]), ticks(30)],
    log: [
      '-- [0s, 10s)',
      'a1 {"room":"hall","v":1}',
      'b1 {"room":"hall","v":2}',
      '-- [10s, 20s)',
      'a2 {"room":"hall","v":3}',
    ],
  },
  {
    name: 'a time that cannot be read',
    outcome: 'quarantined, after what its source has sent before; it moves nothing',
    setup: WINDOWS,
    happens: [sends(1, 'a', [1, 1], [undefined, 2, { ts: 'yesterday' }], [3, 3]), sends(1, 'b', [2, 4]), ticks(30)],
    log: [
      '-- [0s, 10s)',
      'a1 {"room":"hall","v":1}',
      'a2 quarantined: time-invalid:ts:yesterday',
      'b1 {"room":"hall","v":4}',
      'a3 {"room":"hall","v":3}',
    ],
  },
  {
    name: 'a source whose every event fails its policy',
    outcome: 'its events are quarantined, each at its time, and the others do not wait',
    setup: WINDOWS,
    happens: together(steadily('a', 12), steadily('b', 12, 0, undefined)),
    log: [
      '-- [0s, 10s)',
      'a1 {"room":"hall","v":1}',
      'b1 {"room":"hall","v":1}',
      'a2 {"room":"hall","v":1}',
      'b2 {"room":"hall","v":1}',
      'a3 {"room":"hall","v":1}',
      'b3 {"room":"hall","v":1}',
      'a4 {"room":"hall","v":1}',
      'b4 {"room":"hall","v":1}',
      'a5 {"room":"hall","v":1}',
      'b5 {"room":"hall","v":1}',
      'a6 {"room":"hall","v":1}',
      'b6 {"room":"hall","v":1}',
      'a7 {"room":"hall","v":1}',
      'b7 {"room":"hall","v":1}',
      'a8 {"room":"hall","v":1}',
      'b8 {"room":"hall","v":1}',
      'a9 {"room":"hall","v":1}',
      'b9 {"room":"hall","v":1}',
    ],
    held: 6,
  },
  {
    name: 'a source whose every event fails its policy, alone',
    outcome: 'the clock brings them into the log as any others',
    setup: WINDOWS,
    happens: [sends(1, 'a', [1, undefined], [2, undefined]), ticks(60)],
    log: ['-- [0s, 10s)', 'a1 quarantined: required-missing:v', 'a2 quarantined: required-missing:v'],
  },
  {
    name: 'an event that fails its policy and claims to be of next year',
    outcome: 'its time cannot be relied on: it goes on after what its source has sent before',
    setup: WINDOWS,
    happens: [sends(1, 'a', [1, 1], [31_536_000, undefined], [2, 2]), ticks(60)],
    log: ['-- [0s, 10s)', 'a1 {"room":"hall","v":1}', 'a2 quarantined: required-missing:v', 'a3 {"room":"hall","v":2}'],
  },
];
