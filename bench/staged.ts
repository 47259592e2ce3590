/** What it costs to order events by their time, and to fuse what several sources say. */
import { Poster } from './client.ts';
import { type MeasuredServer, startServer } from './server.ts';

const BATCH = 1000;
const BASE = Date.UTC(2026, 0, 1);
/** Each source ends with an event so much later that nothing else is held any more. */
const END_MS = 30 * 86_400_000;

export interface Staged {
  /** One stream, packets cut in event time. */
  windows: number;
  /** Three sources, one decision for every three events. */
  fused: number;
}

/** Events a second, from the first request to the last packet. */
export async function measureStaged(count: number): Promise<Staged> {
  const windows = await measure(['one'], { publish: { windowMs: 60_000 } }, count);
  const fusion = { strategy: 'quorum', min: 2, key: ['sensor'], bucketMs: 1000, tolerance: { temp: 0.5 } };
  const fused = await measure(['one', 'two', 'three'], { fusion }, count);
  return { windows, fused };
}

async function measure(sources: readonly string[], stream: object, count: number): Promise<number> {
  const policy = { map: { sensor: 'sensor', temp: 'temp' }, required: ['temp'] };
  const server = await startServer({
    INGEST_SOURCES_JSON: JSON.stringify(sources.map((id) => ({ id, stream: 'bench', policy }))),
    // Nothing here is idle, or late.
    STREAMS_JSON: JSON.stringify([{ id: 'bench', order: { bufferMs: 60_000, idleMs: 3_600_000 }, ...stream }]),
  });
  await send(server, sources, 0, Math.ceil(count / 10));
  const started = performance.now();
  await send(server, sources, Math.ceil(count / 10), count);
  await end(server, sources);
  const rate = (count / (performance.now() - started)) * 1000;
  await server.stop();
  return rate;
}

/** The sources take turns, a batch at a time. */
async function send(server: MeasuredServer, sources: readonly string[], from: number, count: number): Promise<void> {
  const posters = sources.map((source) => posterOf(server, source));
  const each = count / sources.length;
  for (let at = 0; at < each; at += BATCH) {
    const body = (place: number) => batch(from / sources.length + at, Math.min(BATCH, each - at), place);
    await Promise.all(posters.map((poster, place) => poster.post(body(place))));
  }
  for (const poster of posters) poster.close();
}

function batch(from: number, count: number, source: number): Buffer {
  let text = '';
  for (let n = Math.floor(from); n < from + count; n++) {
    const temp = Math.round(200_000 + 50_000 * Math.sin(n / 100) + 1000 * source) / 10_000;
    text += `${JSON.stringify({ id: n, ts: new Date(BASE + n * 20).toISOString(), sensor: `sensor-${n % 50}`, temp })}\n`;
  }
  return Buffer.from(text);
}

async function end(server: MeasuredServer, sources: readonly string[]): Promise<void> {
  const last = { id: 'end', ts: new Date(BASE + END_MS).toISOString(), sensor: 'end', temp: 0 };
  for (const source of sources) {
    const poster = posterOf(server, source);
    await poster.post(Buffer.from(JSON.stringify(last)));
    poster.close();
  }
  while ((await held(server)) > sources.length) await new Promise((resolve) => setTimeout(resolve, 5));
}

function posterOf({ url }: MeasuredServer, source: string): Poster {
  return new Poster(`${url}/ingest/events?sourceId=${source}`, 2, { 'content-type': 'application/x-ndjson' });
}

async function held({ url }: MeasuredServer): Promise<number> {
  const health = (await (await fetch(`${url}/health`)).json()) as { backlog: number };
  if (health.backlog > 0) return Number.POSITIVE_INFINITY;
  const match = /^tidemark_held_events (\d+)$/m.exec(await (await fetch(`${url}/metrics`)).text());
  return Number(match?.[1]);
}
