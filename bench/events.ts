/** The events that are measured with: about 130 bytes, with random (version 4) UUIDs as ids. */
import { randomUUID } from 'node:crypto';

export interface SampleEvent {
  id: string;
  text: string;
}

export function sampleEvent(n: number): SampleEvent {
  const id = randomUUID();
  const ts = new Date(Date.UTC(2026, 0, 1) + n * 7).toISOString();
  const temp = Math.round(200_000 + 50_000 * Math.sin(n / 100)) / 10_000;
  return { id, text: JSON.stringify({ id, ts, sensor: `sensor-${n % 50}`, temp, humidity: 40 + (n % 30) }) };
}

export function sampleEvents(count: number): SampleEvent[] {
  return Array.from({ length: count }, (_, n) => sampleEvent(n));
}

/** NDJSON bodies of `size` events each. */
export function bodiesOf(events: readonly SampleEvent[], size: number): Buffer[] {
  const bodies: Buffer[] = [];
  for (let at = 0; at < events.length; at += size) {
    const lines = events.slice(at, at + size).map(({ text }) => text);
    bodies.push(Buffer.from(`${lines.join('\n')}\n`));
  }
  return bodies;
}
