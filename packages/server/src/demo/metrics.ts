import os from 'node:os';

/** Processor time over all cores since the machine started, in milliseconds. */
export interface CpuTimes {
  busy: number;
  total: number;
}

export interface MachineReading {
  platform: string;
  cpus: number;
  load: [number, number, number];
  totalBytes: number;
  freeBytes: number;
  uptimeS: number;
  cpu: CpuTimes;
}

/** One event of the source `machine-metrics`, as it is posted. */
export interface MetricsEvent {
  id: string;
  /** RFC 3339 UTC with milliseconds, the moment of the reading. */
  ts: string;
  host: { platform: string; cpus: number };
  load: { m1: number; m5: number; m15: number };
  memory: { totalBytes: number; freeBytes: number };
  /** Busy fraction of all cores since the reading before, 0 to 1. */
  cpu: { busy: number };
  uptimeS: number;
}

/** Reads this machine. The host's name stays out: the events are certified, and a certificate is for showing. */
export function readMachine(): MachineReading {
  const cpu = { busy: 0, total: 0 };
  const cores = os.cpus();
  for (const { times } of cores) {
    const total = times.user + times.nice + times.sys + times.idle + times.irq;
    cpu.total += total;
    cpu.busy += total - times.idle;
  }
  return {
    platform: os.platform(),
    cpus: cores.length,
    load: os.loadavg() as [number, number, number],
    totalBytes: os.totalmem(),
    freeBytes: os.freemem(),
    uptimeS: Math.floor(os.uptime()),
    cpu,
  };
}

/** Fraction of processor time spent busy between two readings, 0 where the counters have not moved on. */
export function busyFraction(before: CpuTimes, after: CpuTimes): number {
  const total = after.total - before.total;
  if (total <= 0) return 0;
  return Math.min(1, Math.max(0, (after.busy - before.busy) / total));
}

/** `run` tells the runs of the demo apart, `n` counts within one; together they are the event's id. */
export function metricsEvent(
  run: string,
  n: number,
  now: number,
  before: MachineReading,
  after: MachineReading,
): MetricsEvent {
  const [m1, m5, m15] = after.load;
  return {
    id: `${run}-${n}`,
    ts: new Date(now).toISOString(),
    host: { platform: after.platform, cpus: after.cpus },
    load: { m1, m5, m15 },
    memory: { totalBytes: after.totalBytes, freeBytes: after.freeBytes },
    cpu: { busy: busyFraction(before.cpu, after.cpu) },
    uptimeS: after.uptimeS,
  };
}
