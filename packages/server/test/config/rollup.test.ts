import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { refusal, sources, streams } from '../support/settings.ts';

const declared = (rollup: unknown, windowMs: number | undefined = 1000) => ({
  ...sources({ id: 'plant' }),
  ...streams({ id: 'plant', publish: { windowMs }, rollup }),
});
const rollupOf = (rollup: object, windowMs?: number) => loadConfig({}, declared(rollup, windowMs)).streams[0]?.rollup;

describe('rollups', () => {
  test('by default count alone, and are declared in full', () => {
    expect(rollupOf({ windowMs: 1000 })).toEqual({ windowMs: 1000, fields: [], quantiles: [0.5] });
    const fields = ['t', 'a\\.b.0', '__proto__'];
    const quantiles = [1, 0, 0.999999, 0.07];
    expect(rollupOf({ windowMs: 3000, fields, quantiles })).toEqual({ windowMs: 3000, fields, quantiles });
    expect(loadConfig({}, sources({ id: 'plant' })).streams[0]).not.toHaveProperty('rollup');
  });

  test('of at most 10,000 windows and 366 days', () => {
    expect(rollupOf({ windowMs: 10_000_000 })?.windowMs).toBe(10_000_000);
    expect(rollupOf({ windowMs: 366 * 86_400_000 }, 86_400_000)?.windowMs).toBe(31_622_400_000);
    const wrong = (windowMs: unknown, of = 1000) => refusal(declared({ windowMs }, of)).message;
    const range = 'STREAMS_JSON[0].rollup.windowMs: must be a whole number from';
    expect(wrong(10_001_000)).toBe(`${range} 1000 to 10000000`);
    expect(wrong(999)).toBe(`${range} 1000 to 10000000`);
    expect(wrong('3000')).toBe(`${range} 1000 to 10000000`);
    expect(wrong(undefined)).toBe(`${range} 1000 to 10000000`);
    expect(wrong(367 * 86_400_000, 86_400_000)).toBe(`${range} 86400000 to 31622400000`);
    expect(wrong(2500)).toBe('STREAMS_JSON[0].rollup.windowMs: must be a multiple of publish.windowMs, 1000');
  });

  test('need windows', () => {
    const env = { ...sources({ id: 'plant' }), ...streams({ id: 'plant', rollup: { windowMs: 1000 } }) };
    expect(refusal(env)).toEqual({
      code: 'setting-invalid',
      message: 'STREAMS_JSON[0].rollup: needs publish.windowMs: windows in event time are what is rolled up',
    });
  });

  const names = (count: number) => Array.from({ length: count }, (_, n) => `f${n}`);
  const shares = (count: number) => Array.from({ length: count }, (_, n) => n / 1000);

  test.each<[object, string]>([
    [{ fields: 't' }, 'fields: must be a list of at most 64'],
    [{ fields: names(65) }, 'fields: must be a list of at most 64'],
    [{ fields: ['t', 'u', 't'] }, 'fields: has "t" twice'],
    [{ fields: ['t', 5] }, 'fields[1]: must be a path, as text'],
    [{ fields: ['a..b'] }, 'fields[0]: empty, or with an empty segment'],
    [{ quantiles: [0.5] }, 'quantiles: has no effect without fields; remove it, or name them'],
    [{ fields: ['t'], quantiles: 0.5 }, 'quantiles: must be a list of at most 16'],
    [{ fields: ['t'], quantiles: shares(17) }, 'quantiles: must be a list of at most 16'],
    [{ fields: ['t'], quantiles: [0.5, 0.5] }, 'quantiles: has 0.5 twice'],
    [{ fields: ['t'], quantiles: [0, 1.1] }, 'quantiles[1]: must be a number from 0 to 1'],
    [{ fields: ['t'], quantiles: ['0.5'] }, 'quantiles[0]: must be a number from 0 to 1'],
    [{ fields: ['t'], quantiles: [0.0000001] }, 'quantiles[0]: has more than 6 decimals'],
    [{ every: 5 }, 'every: is unknown; known are windowMs, fields, quantiles'],
  ])('%j is refused', (more, message) => {
    expect(refusal(declared({ windowMs: 3000, ...more }))).toEqual({
      code: 'setting-invalid',
      message: `STREAMS_JSON[0].rollup.${message}`,
    });
  });

  test('as many as may be', () => {
    expect(rollupOf({ windowMs: 1000, fields: names(64), quantiles: shares(16) })?.fields).toHaveLength(64);
    expect(refusal(declared([])).message).toBe('STREAMS_JSON[0].rollup: must be an object');
  });
});
