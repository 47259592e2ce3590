import { describe, expect, it } from 'vitest';
import { busyFraction, type MachineReading, metricsEvent, readMachine } from '../../src/demo/metrics.ts';

const reading: MachineReading = {
  platform: 'linux',
  cpus: 2,
  load: [0.5, 0.25, 0.125],
  totalBytes: 4096,
  freeBytes: 1024,
  uptimeS: 60,
  cpu: { busy: 100, total: 1000 },
};

describe('machine metrics', () => {
  it('builds an event from two readings', () => {
    const after = { ...reading, cpu: { busy: 150, total: 1200 } };
    expect(metricsEvent('r', 3, 1_700_000_000_123, reading, after)).toEqual({
      id: 'r-3',
      ts: '2023-11-14T22:13:20.123Z',
      host: { platform: 'linux', cpus: 2 },
      load: { m1: 0.5, m5: 0.25, m15: 0.125 },
      memory: { totalBytes: 4096, freeBytes: 1024 },
      cpu: { busy: 0.25 },
      uptimeS: 60,
    });
  });

  it.each([
    ['no time has passed', { busy: 100, total: 1000 }, 0],
    ['counters were reset', { busy: 1, total: 10 }, 0],
    ['all busy', { busy: 200, total: 1100 }, 1],
    ['idle went back', { busy: 220, total: 1100 }, 1],
  ])('keeps the busy fraction within 0 and 1: %s', (_name, after, expected) => {
    expect(busyFraction(reading.cpu, after)).toBe(expected);
  });

  it('reads the machine at hand', () => {
    const machine = readMachine();
    expect(machine.cpus).toBeGreaterThan(0);
    expect(machine.totalBytes).toBeGreaterThan(machine.freeBytes);
    expect(machine.cpu.total).toBeGreaterThanOrEqual(machine.cpu.busy);
  });
});
