/** A data directory with two rollups made, of two packets each, a third that is due, and a packet that is in none. */
import { Writer } from './journal.ts';
import { streamConfig } from './node.ts';
import { Works } from './passage.ts';

const ZERO = Date.parse('2026-03-01T12:00:00Z');

export async function makeRolledUp(dir: string): Promise<void> {
  const config = streamConfig('hall', { a: { map: { v: 'v' } } });
  const works = new Works(dir);
  const writer = new Writer();
  const raw = (n: number) => {
    const text = JSON.stringify({ id: `${n}`, ts: new Date(ZERO + 1000 * n).toISOString(), v: n });
    return { id: `${n}`, text };
  };
  const rolledUp = {
    ...config,
    publish: { ...config.publish, windowMs: 1000 },
    order: { bufferMs: 0, idleMs: 10_000, futureMs: 60_000, late: 'next' as const },
    rollup: { windowMs: 2000, fields: ['v'], quantiles: [0.5] },
  };
  works.journal.append([writer.config(rolledUp, ZERO), writer.events('hall', 'a', [0, 1, 2, 3, 4].map(raw), ZERO)]);
  await works.run();
  await works.rollUp();
  works.journal.append([writer.events('hall', 'a', [raw(6), raw(7)], ZERO)]);
  await works.run();
  works.close();
}
