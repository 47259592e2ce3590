import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalize, type Leaf } from '@tidemark/proof';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { type Aggregates, aggregate } from '../../src/certify/aggregates.ts';
import { Numbers } from '../../src/certify/numbers.ts';
import type { RollupPolicy } from '../../src/stream.ts';
import { Directories } from '../support/directories.ts';
import { naively, type PacketLine } from '../support/rollups.ts';

const directories = new Directories();
afterAll(() => directories.remove());

const HASH = '5a'.repeat(32);
const TIMES = { v: 1 as const, stream: 'garden', eventTime: '2026-03-01T12:00:00.000Z' };
const HASHES = { rawHash: HASH, policyHash: HASH };

type Policy = Pick<RollupPolicy, 'fields' | 'quantiles'>;
const POLICY: Policy = { fields: ['t'], quantiles: [0.5] };

/** Every event has an id of its own but for its versions: those have seqs of their own. */
function record(id: number, seq: number, payload: unknown, supersedes?: number): PacketLine {
  const leaf: Leaf = {
    ...{ ...TIMES, ...HASHES, kind: 'record', source: 'one', seq, eventId: `${id}`.padStart(32, '0') },
    payloadHash: HASH,
    ...(supersedes === undefined ? {} : { supersedes: ['one', supersedes] }),
  };
  return { leaf, payload };
}

function quarantined(id: number, seq: number): PacketLine {
  const eventId = `${id}`.padStart(32, '0');
  return { leaf: { ...TIMES, ...HASHES, kind: 'quarantined', source: 'one', seq, eventId, reasonsHash: HASH } };
}

function fused(decision: string, payload: unknown, supersedes?: string): PacketLine {
  const leaf: Leaf = {
    ...{ ...TIMES, kind: 'fused', eventId: '0'.repeat(32), inputs: [], policyHash: HASH },
    ...{ decision: decision.repeat(64), payloadHash: HASH },
    ...(supersedes === undefined ? {} : { supersedes: supersedes.repeat(64) }),
  };
  return { leaf, payload };
}

/** @param packets the lines of each */
function aggregated(packets: readonly PacketLine[][], policy: Policy, maxKept?: number): Aggregates {
  const dir = directories.next();
  const paths = packets.map((lines, index) => {
    const path = join(dir, String(index));
    writeFileSync(path, lines.map((line) => `${canonicalize(line)}\n`).join(''));
    return path;
  });
  const work = aggregate(paths, policy, maxKept);
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}

const counts = ({ records, fused, quarantined, revisions }: Aggregates) => ({ records, fused, quarantined, revisions });

describe('what counts', () => {
  test('leaves by kind, over all packets; the header is none of them', () => {
    const header: Leaf = { v: 1, kind: 'header', stream: 'garden', publisher: '02'.repeat(33), logKey: 'x' };
    const packets = [
      [{ leaf: header }, record(1, 1, {}), quarantined(2, 2)],
      [fused('a', {}), record(3, 3, {})],
    ];
    expect(counts(aggregated(packets, POLICY))).toEqual({ records: 2, fused: 1, quarantined: 1, revisions: 0 });
  });

  test('not by what texts in leaves and payloads look like', () => {
    const reason = '"kind":"record"},"payload":{"t":1},"supersedes":"';
    const control: Leaf = {
      ...{ v: 1, kind: 'control', stream: 'garden', action: 'quarantine-discarded', signature: 'x' },
      data: { source: 'one', seq: 1, eventId: '0'.repeat(32), by: 'admin', reason },
    };
    const odd = record(1, 1, { t: 2, '},"payload":': { supersedes: ['one', 1] }, kind: '"kind":"fused"' });
    for (const more of [[], [record(2, 2, {}, 2)]]) {
      const result = aggregated([[{ leaf: control }, odd, ...more]], POLICY);
      expect(counts(result)).toMatchObject({ records: 1 + more.length, fused: 0, quarantined: 0 });
      expect(result.fields.t).toMatchObject({ count: 1, max: 2 });
    }
  });

  test('of the versions of an event the newest accepted one, whatever their order in the log', () => {
    const first = record(1, 1, { t: 10 });
    const second = record(1, 2, { t: 20 }, 1);
    const third = record(1, 3, { t: 30 }, 2);
    for (const lines of [
      [first, second, third],
      [third, first, second],
      [second, third, first],
    ]) {
      const result = aggregated([lines], POLICY);
      expect(counts(result)).toEqual({ records: 1, fused: 0, quarantined: 0, revisions: 0 });
      expect(result.fields.t).toMatchObject({ count: 1, min: 30, max: 30 });
    }
  });

  test('a revision of what is in another rollup', () => {
    const result = aggregated([[record(1, 7, { t: 1 }, 3), record(1, 9, { t: 2 }, 7)]], POLICY);
    expect(counts(result)).toEqual({ records: 1, fused: 0, quarantined: 0, revisions: 1 });
    expect(result.fields.t?.max).toBe(2);
  });

  test('out of quarantine: once, and as a revision where the quarantined leaf is elsewhere', () => {
    const released = record(1, 4, { t: 1 }, 4);
    expect(counts(aggregated([[quarantined(1, 4), released]], POLICY))).toMatchObject({
      records: 1,
      quarantined: 0,
      revisions: 0,
    });
    expect(counts(aggregated([[released]], POLICY))).toMatchObject({ records: 1, revisions: 1 });
    // Out of quarantine elsewhere, and revised here.
    expect(counts(aggregated([[released, record(1, 5, {}, 4)]], POLICY))).toMatchObject({ records: 1, revisions: 1 });
  });

  test('a quarantined revision does not replace what was accepted, and an accepted one replaces it', () => {
    const lines = [record(1, 1, {}), quarantined(1, 2)];
    expect(counts(aggregated([lines], POLICY))).toMatchObject({ records: 1, quarantined: 1 });
    const revised = [...lines, record(1, 3, {}, 2)];
    expect(counts(aggregated([revised], POLICY))).toMatchObject({ records: 1, quarantined: 0, revisions: 0 });
  });

  test('of decisions about the same thing the last one', () => {
    const lines = [fused('a', { t: 1 }), fused('b', { t: 2 }, 'a'), fused('c', { t: 3 }, 'b')];
    const result = aggregated([lines.toReversed()], POLICY);
    expect(counts(result)).toMatchObject({ fused: 1, revisions: 0 });
    expect(result.fields.t).toMatchObject({ count: 1, max: 3 });
    expect(counts(aggregated([lines.slice(1)], POLICY))).toMatchObject({ fused: 1, revisions: 1 });
  });
});

describe('numbers', () => {
  test('whatever is no number is passed by', () => {
    const payloads = [{ t: '5' }, { t: null }, { t: true }, { t: [6] }, {}, null, 7, { t: 0 }, { t: 8 }];
    const lines = payloads.map((payload, place) => record(place, place + 1, payload));
    const result = aggregated([lines], { fields: ['t', 't.0', 'constructor'], quantiles: [0.5] });
    expect(result.records).toBe(9);
    expect(result.fields).toEqual({
      t: { count: 2, min: 0, max: 8, mean: 4, quantiles: { '0.5': 0 } },
      't.0': { count: 1, min: 6, max: 6, mean: 6, quantiles: { '0.5': 6 } },
      constructor: { count: 0, min: null, max: null, mean: null, quantiles: { '0.5': null } },
    });
  });

  test('the mean loses nothing to rounding, and is null where the sum overflows', () => {
    const mean = (...values: number[]) => {
      const numbers = new Numbers();
      for (const value of values) numbers.add(value);
      return numbers.summary([]).mean;
    };
    expect(mean(1e100, 3, -1e100)).toBe(1);
    expect(mean(3, 1e100, -1e100)).toBe(1);
    expect(mean(...Array.from({ length: 1000 }, () => 0.1))).toBe(0.1);
    expect(mean(1.7e308, 1.7e308)).toBeNull();
  });

  test('quantiles by nearest rank, as they are written in decimals', () => {
    const numbers = new Numbers();
    for (let value = 100; value >= 1; value--) numbers.add(value);
    // 0.07 × 100 is more than 7 in doubles, and 0.29 × 100 less than 29.
    expect(numbers.summary([0, 0.005, 0.07, 0.29, 0.5, 0.500001, 0.99, 1]).quantiles).toEqual({
      ...{ 0: 1, '0.005': 1, '0.07': 7, '0.29': 29, '0.5': 50, '0.500001': 51, '0.99': 99, 1: 100 },
    });
  });

  test('with more numbers than may be kept there are no quantiles, and all the rest', () => {
    const lines = [1, 2, 3].map((t) => record(t, t, { t, u: t }));
    const policy = { fields: ['t', 'u'], quantiles: [0.5] };
    expect(aggregated([lines], policy, 6).fields.u?.quantiles).toEqual({ '0.5': 2 });
    const { t, u } = aggregated([lines], policy, 5).fields;
    expect([t, u]).toEqual(Array(2).fill({ count: 3, min: 1, max: 3, mean: 2, quantiles: null }));
  });
});

/** Eighths, so that sums are exact in any order. */
const eighths = fc.integer({ min: -8000, max: 8000 }).map((value) => value / 8);
const payload = fc.record({ t: eighths, u: fc.oneof(eighths, fc.constant('no')) }, { requiredKeys: [] });
const version = fc.record({
  event: fc.nat(5),
  payload,
  kind: fc.constantFrom('accepted' as const, 'accepted' as const, 'quarantined' as const, 'released' as const),
  elsewhere: fc.nat(3).map((n) => n === 0),
});

/** Versions of a few events as their source numbers them; some are left out, as if they were in another rollup. */
function linesOf(versions: readonly (typeof version extends fc.Arbitrary<infer V> ? V : never)[]): PacketLine[] {
  const newest = new Map<number, number>();
  return versions.flatMap(({ event, payload, kind, elsewhere }, place) => {
    const seq = place + 1;
    const before = newest.get(event);
    newest.set(event, seq);
    if (elsewhere) return [];
    if (kind === 'accepted') return [record(event, seq, payload, before)];
    return [quarantined(event, seq), ...(kind === 'released' ? [record(event, seq, payload, seq)] : [])];
  });
}

test('as the naive way has it, in whatever order and packets the lines come', () => {
  fc.assert(
    fc.property(
      fc.array(version, { maxLength: 40 }).map(linesOf),
      fc.infiniteStream(fc.nat(1_000_000)),
      fc.uniqueArray(fc.constantFrom(0, 0.1, 0.25, 0.5, 0.999999, 1)),
      (lines, order, quantiles) => {
        const shuffled = lines
          .map((line) => ({ line, at: order.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ line }) => line);
        const half = shuffled.length >> 1;
        const policy = { fields: ['t', 'u'], quantiles };
        const result = aggregated([shuffled.slice(0, half), [], shuffled.slice(half)], policy);
        expect(JSON.parse(JSON.stringify(result))).toEqual(JSON.parse(JSON.stringify(naively(shuffled, policy))));
      },
    ),
    { numRuns: 300 },
  );
});
