import type { WatchMessage } from '@tidemark/client';
import { describe, expect, it } from 'vitest';
import { DemoDisplay } from '../../src/demo/display.ts';
import { LatencyMeter, RateMeter } from '../../src/demo/meter.ts';

describe('RateMeter', () => {
  it('averages over the whole seconds of its window', () => {
    const meter = new RateMeter(0, 5);
    for (let second = 0; second < 10; second += 1) meter.add(second < 5 ? 100 : 20, second * 1000 + 1);
    expect(meter.perSecond(10_500)).toBe(20);
    expect(meter.total).toBe(600);
  });

  it('does not count the second that is still running, nor seconds before the start', () => {
    const meter = new RateMeter(0, 5);
    meter.add(30, 500);
    expect(meter.perSecond(900)).toBe(30);
    meter.add(999, 2_100);
    expect(meter.perSecond(2_200)).toBe(15);
  });

  it('falls to nothing when nothing comes', () => {
    const meter = new RateMeter(0, 5);
    meter.add(30, 500);
    expect(meter.perSecond(60_000)).toBe(0);
  });
});

describe('LatencyMeter', () => {
  it('gives nearest-rank quantiles', () => {
    const meter = new LatencyMeter();
    for (let ms = 100; ms >= 1; ms -= 1) meter.add(ms, 0);
    expect(meter.quantiles([0.5, 0.95, 1], 1)).toEqual([50, 95, 100]);
  });

  it('forgets what is past its window or its capacity', () => {
    const meter = new LatencyMeter(1_000, 2);
    for (const ms of [1, 2, 3]) meter.add(ms, 0);
    expect(meter.quantiles([0, 1], 500)).toEqual([2, 3]);
    expect(meter.quantiles([0, 1], 1_000)).toBeUndefined();
  });
});

describe('DemoDisplay', () => {
  const versionId = 'ab'.repeat(32);

  function certified(leafIndex: number, ts: string): WatchMessage {
    return {
      id: '',
      type: 'certified',
      eventId: '0'.repeat(32),
      sourceId: 'machine-metrics',
      stream: 'machine-metrics',
      leafIndex,
      packet: { start: 0, end: 10 },
      versionId,
      eventTime: ts,
      contentHash: versionId,
      normalized: { ts },
    };
  }

  it('shows rates, latency and the newest certificates', () => {
    const display = new DemoDisplay('http://127.0.0.1:1', 0);
    display.take({ id: '', type: 'received', sourceId: 'x', stream: 'x', count: 8, eventIds: [] }, 100);
    for (let i = 0; i < 7; i += 1) display.take(certified(i, '1970-01-01T00:00:00.100Z'), 140 + i);
    for (const type of ['quarantined', 'anchored', 'gap'] as const) {
      display.take({ type } as WatchMessage, 150);
    }
    expect(display.summary(1_000)).toBe(
      '8.0 received/s, 7.0 certified/s | reading to certificate 43 ms (p50), 46 ms (p95) | ' +
        '1 quarantined, 1 packets anchored, 1 gaps',
    );
    const certificates = display.lines(1_000).filter((line) => line.includes('leaf'));
    expect(certificates).toHaveLength(5);
    expect(certificates[0]).toBe('  machine-metrics    leaf        6   abababababababab…');
  });

  it('keeps its height, and shows trouble until the next message', () => {
    const display = new DemoDisplay('http://127.0.0.1:1', 0);
    const height = display.lines(0).length;
    display.trouble = 'no connection; trying again';
    expect(display.lines(0).at(-1)).toBe('  no connection; trying again');
    display.take(certified(0, 'not a time'), 10);
    expect(display.summary(10)).toContain('no sample yet');
    expect(display.summary(10)).not.toContain('trying again');
    expect(display.lines(10)).toHaveLength(height);
  });
});
