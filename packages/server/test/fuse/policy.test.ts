import { describe, expect, it } from 'vitest';
import { checkFusionSources, type FusionPolicy, parseFusionPolicy } from '../../src/fuse/policy.ts';
import { PolicyError } from '../../src/policy/policy-error.ts';

/** The error's code and path, once its message is known to be where, what and what to do, in one line. */
function refusal(run: () => unknown): { code: string; path: string } {
  try {
    run();
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    const { message, path, remedy, code } = error;
    const where = `${path === '' ? 'the policy' : path}: `;
    expect(message.startsWith(where)).toBe(true);
    expect(message.endsWith(`; ${remedy}`)).toBe(true);
    expect(message.length - where.length - remedy.length - 2).toBeGreaterThan(5);
    expect(message).not.toContain('\n');
    return { code, path };
  }
  return { code: 'accepted', path: '' };
}

const ids = (count: number) => Array.from({ length: count }, (_, index) => `source-${index}`);
const latest = { strategy: 'latest' };
const quorum = { strategy: 'quorum', min: 2 };

describe('parseFusionPolicy accepts', () => {
  it.each<[string, FusionPolicy]>([
    ['the least', { strategy: 'latest' }],
    ['a plurality', { strategy: 'quorum', min: 1 }],
    ['a quorum and what to do without', { ...quorum, onNoQuorum: 'priority', priority: ['alpha'] } as FusionPolicy],
    ['median on the whole', { strategy: 'median' }],
    [
      'everything',
      {
        strategy: 'quorum',
        key: ['station.id', '0'],
        bucketMs: 31_622_400_000,
        min: 256,
        tolerance: { temp: 0, 'wind.speed': 0.5, 'wind.dir': 1e9 },
        priority: ids(256),
        fields: 'each',
        tieBreakers: ['sourceId', 'eventTime', 'trust', 'priority'],
        deadlineMs: 1,
        onNoQuorum: 'unresolved',
      },
    ],
    ['hostile names', JSON.parse('{"strategy":"first","tolerance":{"__proto__":1,"constructor.x":2}}') as FusionPolicy],
  ])('%s', (_title, policy) => {
    expect(parseFusionPolicy(policy)).toBe(policy);
  });
});

describe('parseFusionPolicy refuses', () => {
  it.each<[unknown, string, string]>([
    [undefined, 'wrong-type', ''],
    [null, 'wrong-type', ''],
    [[], 'wrong-type', ''],
    ['latest', 'wrong-type', ''],
    [{ strategy: 'latest', key: [undefined] }, 'invalid-value', ''],
    [{ strategy: 'latest', bucketMs: Number.NaN }, 'invalid-value', ''],
    [{ strategy: 'latest', key: ['x'.repeat(262_144)] }, 'too-large', ''],
    [{}, 'missing-member', 'strategy'],
    [{ strategy: 'newest' }, 'invalid-value', 'strategy'],
    [{ strategy: ['latest'] }, 'invalid-value', 'strategy'],
    [{ ...latest, quorum: 2 }, 'unknown-member', 'quorum'],
    [JSON.parse('{"strategy":"latest","__proto__":1}'), 'unknown-member', '__proto__'],
    [{ ...latest, key: 'id' }, 'wrong-type', 'key'],
    [{ ...latest, key: [] }, 'invalid-value', 'key'],
    [{ ...latest, key: [1] }, 'wrong-type', 'key[0]'],
    [{ ...latest, key: ['a', 'b..c'] }, 'invalid-path', 'key[1]'],
    [{ ...latest, key: ['a', 'b', 'a'] }, 'invalid-value', 'key[2]'],
    [{ ...latest, key: ids(17) }, 'too-large', 'key'],
    [{ ...latest, bucketMs: '1000' }, 'wrong-type', 'bucketMs'],
    [{ ...latest, bucketMs: 0 }, 'invalid-value', 'bucketMs'],
    [{ ...latest, bucketMs: 0.5 }, 'invalid-value', 'bucketMs'],
    [{ ...latest, bucketMs: 31_622_400_001 }, 'invalid-value', 'bucketMs'],
    [{ ...latest, deadlineMs: -1 }, 'invalid-value', 'deadlineMs'],
    [{ ...latest, deadlineMs: null }, 'wrong-type', 'deadlineMs'],
    [{ ...latest, tolerance: [1] }, 'wrong-type', 'tolerance'],
    [{ ...latest, tolerance: { temp: '1' } }, 'wrong-type', 'tolerance.temp'],
    [{ ...latest, tolerance: { temp: -0.1 } }, 'invalid-value', 'tolerance.temp'],
    [{ ...latest, tolerance: { 'a.': 1 } }, 'invalid-path', 'tolerance.a.'],
    [{ ...latest, tolerance: { a: 1, 'a.b': 1 } }, 'conflict', 'tolerance'],
    [{ ...latest, tolerance: Object.fromEntries(ids(1001).map((id) => [id, 1])) }, 'too-large', 'tolerance'],
    [{ ...latest, priority: {} }, 'wrong-type', 'priority'],
    [{ ...latest, priority: [] }, 'invalid-value', 'priority'],
    [{ ...latest, priority: [7] }, 'wrong-type', 'priority[0]'],
    [{ ...latest, priority: ['alpha', 'Beta'] }, 'invalid-value', 'priority[1]'],
    [{ ...latest, priority: ['alpha', 'beta', 'alpha'] }, 'invalid-value', 'priority[2]'],
    [{ ...latest, priority: ids(257) }, 'too-large', 'priority'],
    [{ ...latest, fields: 'all' }, 'invalid-value', 'fields'],
    [{ ...latest, tieBreakers: [] }, 'invalid-value', 'tieBreakers'],
    [{ ...latest, tieBreakers: ['seq'] }, 'invalid-value', 'tieBreakers[0]'],
    [{ ...latest, tieBreakers: ['trust', 'trust'] }, 'invalid-value', 'tieBreakers[1]'],
    [{ ...latest, tieBreakers: ['trust', 'priority'] }, 'missing-member', 'priority'],
    [{ strategy: 'priority' }, 'missing-member', 'priority'],
    [{ strategy: 'quorum' }, 'missing-member', 'min'],
    [{ strategy: 'quorum', min: 0 }, 'invalid-value', 'min'],
    [{ strategy: 'quorum', min: 257 }, 'invalid-value', 'min'],
    [{ ...quorum, onNoQuorum: 'latest' }, 'invalid-value', 'onNoQuorum'],
    [{ ...quorum, onNoQuorum: 'priority' }, 'missing-member', 'priority'],
    [{ ...latest, min: 2 }, 'conflict', 'min'],
    [{ ...latest, onNoQuorum: 'quarantine' }, 'conflict', 'onNoQuorum'],
  ])('%j', (policy, code, path) => {
    expect(refusal(() => parseFusionPolicy(policy))).toEqual({ code, path });
  });
});

describe('checkFusionSources', () => {
  const policy: FusionPolicy = { strategy: 'quorum', min: 3, priority: ['alpha', 'beta'] };

  it.each<[string[], string, string]>([
    [['alpha', 'beta', 'gamma'], 'accepted', ''],
    [[], 'too-few-sources', ''],
    [['alpha'], 'too-few-sources', ''],
    [['alpha', 'alpha'], 'too-few-sources', ''],
    [['alpha', 'beta'], 'too-few-sources', 'min'],
    [['alpha', 'gamma', 'delta'], 'unknown-source', 'priority[1]'],
  ])('%j', (sources, code, path) => {
    expect(refusal(() => checkFusionSources(policy, sources))).toEqual({ code, path });
  });
});
