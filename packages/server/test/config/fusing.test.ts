import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { refusal, sources, streams } from '../support/settings.ts';

const TWO = sources({ id: 'one', stream: 'pair' }, { id: 'two', stream: 'pair' });
const PRIORITY = { strategy: 'priority', priority: ['two', 'one'] };
const pair = (member: object, env: object = {}) => {
  const config = loadConfig({}, { ...TWO, ...streams({ id: 'pair', ...member }), ...env });
  return config.streams.find(({ id }) => id === 'pair');
};

test('a stream that neither fuses nor has windows holds nothing', () => {
  expect(pair({})).not.toHaveProperty('order');
  expect(pair({}, { EVENT_BUFFER_MS: '50' })).not.toHaveProperty('order');
});

describe('a stream that fuses', () => {
  test('waits as long as EVENT_BUFFER_MS says, and corrects what comes later', () => {
    const order = { bufferMs: 750, idleMs: 5000, futureMs: 60_000, late: 'correct' };
    expect(pair({ fusion: PRIORITY })).toMatchObject({ fusion: PRIORITY, order });
    expect(pair({ fusion: PRIORITY }, { EVENT_BUFFER_MS: '0' })?.order).toEqual({ ...order, bufferMs: 0 });
    const own = { bufferMs: 10, idleMs: 20, futureMs: 30, late: 'quarantine' };
    expect(pair({ fusion: PRIORITY, order: own }, { EVENT_BUFFER_MS: '0' })?.order).toEqual(own);
  });

  test('by FUSION_POLICY_JSON, if it has several sources and no policy of its own', () => {
    const env = { FUSION_POLICY_JSON: '{"strategy":"latest"}' };
    expect(pair({}, env)?.fusion).toEqual({ strategy: 'latest' });
    expect(pair({ fusion: PRIORITY }, env)?.fusion).toEqual(PRIORITY);
    expect(pair({ fusion: null }, env)).not.toHaveProperty('fusion');
    const { streams: implied } = loadConfig({}, { ...TWO, ...env });
    expect(implied.map(({ id, fusion }) => [id, fusion?.strategy])).toEqual([
      ['pair', 'latest'],
      ['default', undefined],
      ['spool', undefined],
    ]);
  });
});

test('a stream with windows waits too, and lets what comes later into the next packet', () => {
  const publish = { mode: 'live', maxEvents: 10_000, maxAgeMs: 100, windowMs: 60_000 };
  expect(pair({ publish: { windowMs: 60_000 } })).toMatchObject({ publish, order: { bufferMs: 750, late: 'next' } });
});

test.each([
  [{ fusion: {} }, /^STREAMS_JSON\[0\]\.fusion: strategy: is missing/],
  [{ fusion: { strategy: 'best' } }, /^STREAMS_JSON\[0\]\.fusion: strategy: is not a value it can have/],
  [{ fusion: { strategy: 'quorum', min: 3 } }, /^STREAMS_JSON\[0\]\.fusion: min: asks for 3 sources, and 2 feed/],
  [
    { fusion: { strategy: 'priority', priority: ['six'] } },
    /^STREAMS_JSON\[0\]\.fusion: priority\[0\]: "six" does not/,
  ],
  [{ fusion: PRIORITY, order: { late: 'next' } }, /^STREAMS_JSON\[0\]\.order\.late: is "correct" or "quarantine"/],
  [{ fusion: PRIORITY, order: { late: 'never' } }, /^STREAMS_JSON\[0\]\.order\.late: must be one of next, correct/],
  [{ fusion: PRIORITY, order: { bufferMs: -1 } }, /^STREAMS_JSON\[0\]\.order\.bufferMs: must be a whole number from 0/],
  [{ fusion: PRIORITY, order: { idleMs: 1 } }, /^STREAMS_JSON\[0\]\.order\.idleMs: must be a whole number from 10/],
  [{ fusion: PRIORITY, order: { wait: 1 } }, /^STREAMS_JSON\[0\]\.order\.wait: is unknown; known are bufferMs, idleMs/],
  [{ order: { bufferMs: 5 } }, /^STREAMS_JSON\[0\]\.order: has no effect on a stream that neither fuses nor/],
])('%j is refused', (member, message) => {
  const refused = refusal({ ...TWO, ...streams({ id: 'pair', ...member }) });
  expect(refused.code).toBe('setting-invalid');
  expect(refused.message).toMatch(message);
});

test('a default that does not fit one of the streams names the stream', () => {
  const env = { ...TWO, FUSION_POLICY_JSON: '{"strategy":"quorum","min":3}' };
  expect(refusal(env).message).toMatch(/^stream "pair"\.fusion: min: asks for 3 sources/);
});
