/** A data directory with two streams that fuse: agreement, conflict, no quorum, late corrections, issues. */
import type { FusionPolicy } from '../../src/fuse/policy.ts';
import type { JournalEntry } from '../../src/store/journal.ts';
import type { OrderPolicy, StreamConfig } from '../../src/stream.ts';
import { fillDirectory } from './feed.ts';
import { type Raw, Writer } from './journal.ts';
import { streamConfig } from './node.ts';

export const BASE = Date.parse('2026-03-01T12:00:00Z');
const ORDER = { bufferMs: 500, idleMs: 600, futureMs: 60_000, late: 'correct' } as const;

/** What a rounding makes of it is the same; two of three have to agree. */
export const QUORUM: FusionPolicy = {
  strategy: 'quorum',
  key: ['city'],
  bucketMs: 1000,
  min: 2,
  tolerance: { temp: 0.5 },
  onNoQuorum: 'quarantine',
};
const EACH: FusionPolicy = { strategy: 'priority', key: ['city'], bucketMs: 1000, priority: ['w-y'], fields: 'each' };
const MAPPING = { map: { city: 'city', temp: 'temp', wind: 'wind' }, required: ['temp'] };

export function fusedConfig(
  id: string,
  sources: string[],
  fusion: FusionPolicy,
): StreamConfig & { order: OrderPolicy } {
  const config = streamConfig(id, Object.fromEntries(sources.map((source) => [source, MAPPING])));
  return { ...config, order: ORDER, fusion, trust: Object.fromEntries(sources.map((source) => [source, 1])) };
}

/** @param t milliseconds after the base */
export function weather(id: string, t: number, values: object): Raw {
  return { id, text: JSON.stringify({ id, ts: new Date(BASE + t).toISOString(), ...values }) };
}

/** Groups of entries, each certified and anchored before the next. */
export function fusedEntries(): JournalEntry[][] {
  const writer = new Writer();
  const sent = (source: string, at: number, ...events: Raw[]) =>
    writer.events(source === 'w-x' || source === 'w-y' ? 'places' : 'weather', source, events, BASE + at);
  const cuts = (at: number) => [writer.cut('weather', BASE + at), writer.cut('places', BASE + at)];
  const paris = { city: 'Paris', temp: 20, wind: 3 };
  const rome = { city: 'Rome', temp: 25, wind: 1 };
  return [
    [
      writer.config(fusedConfig('weather', ['w-a', 'w-b', 'w-c'], QUORUM), BASE),
      writer.config(fusedConfig('places', ['w-x', 'w-y'], EACH), BASE),
    ],
    [
      // Paris: two agree within the tolerance, the third is missing. Rome: two against one. Oslo: no two agree.
      sent('w-a', 100, weather('p1', 10, paris), weather('r1', 20, rome), weather('o1', 30, { city: 'Oslo', temp: 1 })),
      sent('w-b', 110, weather('p1', 15, { ...paris, temp: 20.4 }), weather('r1', 25, { ...rome, temp: 40 })),
      sent('w-c', 120, weather('r1', 22, rome), weather('o1', 32, { city: 'Oslo', temp: 9 })),
      sent('w-a', 130, weather('bad', 40, { city: 'Rome' })),
      sent('w-x', 140, weather('l1', 50, { city: 'Lima', temp: 18, wind: 7 })),
      sent('w-y', 150, weather('l1', 55, { city: 'Lima', temp: 19, note: 'dry' })),
      ...cuts(3000),
    ],
    // Late: Paris is decided anew, with a conflict.
    [sent('w-c', 3100, weather('p1', 12, { ...paris, temp: 35 })), ...cuts(6000)],
  ];
}

export function fillFused(dir: string): Promise<void> {
  return fillDirectory(dir, fusedEntries());
}
