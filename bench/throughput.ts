/** Certified events a second, and what growth does to it. */
import { Poster, untilCertified } from './client.ts';
import { bodiesOf, sampleEvents } from './events.ts';
import type { MeasuredServer } from './server.ts';

const BATCH = 1000;
/** Requests under way at once: enough that the next is there when one is answered. */
const PARALLEL = 6;

export interface Throughput {
  acknowledgedPerSecond: number;
  certifiedPerSecond: number;
}

/** Posts `count` new events as fast as they are taken, and waits until the last is certified. */
export async function measureThroughput(server: MeasuredServer, count: number): Promise<Throughput> {
  const bodies = bodiesOf(sampleEvents(count), BATCH);
  const poster = new Poster(`${server.url}/ingest/events`, PARALLEL, { 'content-type': 'application/x-ndjson' });
  const started = performance.now();
  await poster.postAll(bodies, PARALLEL);
  const acknowledged = performance.now() - started;
  await untilCertified(server.url);
  const certified = performance.now() - started;
  poster.close();
  return { acknowledgedPerSecond: (count / acknowledged) * 1000, certifiedPerSecond: (count / certified) * 1000 };
}

/** Fills a server up to `total` events, a part at a time so that the generator's own memory stays small. */
export async function fill(server: MeasuredServer, total: number): Promise<void> {
  const part = 500_000;
  for (let done = 0; done < total; done += part) await measureThroughput(server, Math.min(part, total - done));
}
