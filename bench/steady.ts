/** Latencies at a steady rate: from the request to its answer, to the certificate, and to a client of the live feed. */
import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { Poster } from './client.ts';
import { sampleEvent } from './events.ts';
import type { MeasuredServer } from './server.ts';
import { percentile } from './statistics.ts';

export interface SteadyOptions {
  perSecond: number;
  seconds: number;
}

export interface Steady {
  acknowledgedP99Ms: number;
  /** From the start of the POST to the arrival of its `certified` message at a client: what is certified is seen. */
  certifiedP95Ms: number;
  postToClientP99Ms: number;
  missing: number;
}

const BATCH = 100;

/** Both figures of certification come from the client's end of the live feed, so they bound the server's own from above. */
export async function measureSteady(server: MeasuredServer, options: SteadyOptions): Promise<Steady> {
  const sentAt = new Map<string, number>();
  const seen: number[] = [];
  const watcher = watch(`${server.url}/watch?type=certified`, (id) => {
    const sent = sentAt.get(id);
    if (sent === undefined) return;
    seen.push(performance.now() - sent);
    sentAt.delete(id);
  });
  await watcher.open;
  const poster = new Poster(`${server.url}/ingest/events`, 64, { 'content-type': 'application/x-ndjson' });
  const answers: Promise<number>[] = [];
  const batches = (options.perSecond * options.seconds) / BATCH;
  const everyMs = (1000 * BATCH) / options.perSecond;
  const started = performance.now();
  for (let n = 0; n < batches; n++) {
    const due = started + n * everyMs;
    if (due > performance.now()) await delay(due - performance.now());
    const events = Array.from({ length: BATCH }, (_, place) => sampleEvent(n * BATCH + place));
    const now = performance.now();
    for (const { id } of events) sentAt.set(id, now);
    answers.push(poster.post(Buffer.from(events.map(({ text }) => `${text}\n`).join(''))));
  }
  const acknowledged = await Promise.all(answers);
  for (let waited = 0; sentAt.size > 0 && waited < 5000; waited += 50) await delay(50);
  watcher.close();
  poster.close();
  return {
    acknowledgedP99Ms: percentile(acknowledged, 0.99),
    certifiedP95Ms: percentile(seen, 0.95),
    postToClientP99Ms: percentile(seen, 0.99),
    missing: sentAt.size,
  };
}

/** A client of the live feed that looks at nothing but the ids, so that it costs little beside the server. */
function watch(url: string, onCertified: (id: string) => void): { open: Promise<void>; close: () => void } {
  const open = Promise.withResolvers<void>();
  let rest = '';
  const sent = request(url, (answer) => {
    open.resolve();
    answer.setEncoding('latin1');
    answer.on('data', (text: string) => {
      rest += text;
      const end = rest.lastIndexOf('\n\n');
      if (end === -1) return;
      for (const match of rest.slice(0, end).matchAll(NORMALIZED_ID)) onCertified(match[1]!);
      rest = rest.slice(end + 2);
    });
  });
  sent.once('error', open.reject);
  sent.end();
  return { open: open.promise, close: () => sent.destroy() };
}

const NORMALIZED_ID = /"normalized":\{"humidity":\d+,"id":"([0-9a-f-]{36})"/g;
