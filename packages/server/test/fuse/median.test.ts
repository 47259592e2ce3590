import { describe, expect, it } from 'vitest';
import { decide } from '../../src/fuse/decide.ts';
import type { FusionPolicy } from '../../src/fuse/policy.ts';
import type { JsonValue } from '../../src/json/parse.ts';
import { auditOf, candidate, contest, POLICY_HASH, standingOf } from './contest.ts';

const median: FusionPolicy = { strategy: 'median', tieBreakers: ['sourceId'] };

function winner(policy: FusionPolicy, values: JsonValue[]): [winner: number | undefined, rule: string] {
  const sources = ['s00', 's01', 's02', 's03', 's04'];
  const candidates = values.map((value, index) => candidate(sources[index] as string, value));
  const entry = auditOf(decide(contest(candidates), policy, POLICY_HASH, standingOf({})));
  return [entry.winner === null ? undefined : sources.indexOf(entry.winner[0]), entry.rule];
}

describe('median of whole events', () => {
  it.each<[string, JsonValue[], Partial<FusionPolicy>, [number, string]]>([
    ['the middle of three', [{ t: 3 }, { t: 100 }, { t: 1 }], {}, [0, 'median']],
    ['the lower middle of four', [{ t: 4 }, { t: 3 }, { t: 2 }, { t: 1 }], {}, [2, 'median']],
    ['the lower of two', [{ t: 2 }, { t: 1 }], {}, [1, 'median']],
    ['one', [{ t: 2 }], {}, [0, 'median']],
    // Distances: 2+2, 1+0, 0+1, 1+1, 2+2 voices.
    [
      'of two fields, the fewest voices away in both, whatever the units; of equals the first id',
      [
        { t: 1, p: 5000 },
        { t: 2, p: 3000 },
        { t: 3, p: 2000 },
        { t: 4, p: 4000 },
        { t: 5, p: 1000 },
      ],
      {},
      [1, 'median'],
    ],
    [
      'only the fields that have a tolerance',
      [
        { t: 9, count: 2 },
        { t: 5, count: 1 },
        { t: 1, count: 3 },
      ],
      { tolerance: { t: 0 } },
      [1, 'median'],
    ],
    [
      'and without one, all',
      [
        { t: 9, count: 2 },
        { t: 5, count: 3 },
        { t: 6, count: 1 },
      ],
      {},
      [0, 'median'],
    ],
    [
      'a field that not all have as a number does not count',
      [{ t: 1, n: 1 }, { t: '2', n: 2 }, { n: 3 }],
      {},
      [1, 'median'],
    ],
    [
      'items of lists do, where the policy names them',
      [{ at: [5] }, { at: [9] }, { at: [7] }],
      { tolerance: { 'at.0': 0 } },
      [2, 'median'],
    ],
    ['lists as such do not', [{ at: [5] }, { at: [9] }, { at: [9] }], {}, [1, 'majority']],
    ['no numbers: most support', ['a', 'b', 'b'], {}, [1, 'majority']],
    [
      'no numbers in the named fields: most support',
      [{ t: 1 }, { t: 2 }, { t: 2 }],
      { tolerance: { x: 1 } },
      [1, 'majority'],
    ],
  ])('%s', (_title, values, more, expected) => {
    expect(winner({ ...median, ...more }, values)).toEqual(expected);
  });
});
