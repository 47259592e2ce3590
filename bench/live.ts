/** The live feed with many clients: how much is delivered, how late, and what a client costs. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Poster } from './client.ts';
import { serving } from './processes.ts';
import { type MeasuredServer, startServer } from './server.ts';
import { percentile } from './statistics.ts';
import { measureSteady, type Steady, type SteadyOptions } from './steady.ts';
import type { Begin, WatcherFigures, WatcherOptions } from './watchers.ts';

export interface FanOut {
  deliveriesPerSecond: number;
  /** From the POST to a client, milliseconds. */
  p50Ms: number;
  p99Ms: number;
  /** What a client adds to the server's resident memory. */
  bytesAClient: number;
  /** Messages that did not come. */
  missing: number;
}

export interface FanOutOptions {
  clients: number;
  /** Clients besides that take nothing. */
  stalled?: number;
  eventsPerSecond: number;
  seconds: number;
}

const LIMITS = { WATCH_MAX_CLIENTS: '20000', WATCH_MAX_PER_ADDRESS: '20000' };
/** Until garbage of the opening is gone, so that memory is the clients'. */
const SETTLE_MS = 2000;

export async function measureFanOut(options: FanOutOptions): Promise<FanOut> {
  const { clients, stalled = 0, eventsPerSecond, seconds } = options;
  const server = await startServer(LIMITS);
  await post(server, eventsPerSecond, 2);
  await delay(SETTLE_MS);
  const before = server.residentBytes();
  const paths = ['/watch?type=certified'];
  const watchers = await startWatchers({ url: server.url, paths, clients: clients + stalled, stalled });
  await delay(SETTLE_MS);
  const bytesAClient = (server.residentBytes() - before) / (clients + stalled);
  const expected = eventsPerSecond * seconds * clients;
  const counted = count(watchers, expected);
  await post(server, eventsPerSecond, seconds);
  const figures = await counted;
  watchers.kill();
  await server.stop();
  return { ...rates(figures, expected), bytesAClient };
}

export async function measureBaseline({
  clients,
  eventsPerSecond,
  seconds,
}: FanOutOptions): Promise<Omit<FanOut, 'bytesAClient'>> {
  const { line: url, stop } = await serving('fan-out-baseline.ts');
  const watchers = await startWatchers({ url, paths: ['/watch'], clients, stalled: 0 });
  await delay(SETTLE_MS);
  const expected = eventsPerSecond * seconds * clients;
  const counted = count(watchers, expected);
  await fetch(`${url}/begin/${eventsPerSecond}/${seconds}`);
  const figures = await counted;
  watchers.kill();
  stop();
  return rates(figures, expected);
}

/** The steady rate, while so many clients follow, each with an expression of its own. */
export async function measureFilters(expressions: number, options: SteadyOptions): Promise<Steady> {
  const server = await startServer(LIMITS);
  await measureSteady(server, { ...options, seconds: 3 });
  const paths = Array.from(
    { length: expressions },
    (_, n) => `/watch?type=certified&filter=${encodeURIComponent(expression(n))}`,
  );
  const watchers = await startWatchers({ url: server.url, paths, clients: expressions, stalled: 0 });
  const result = await measureSteady(server, options);
  watchers.kill();
  await server.stop();
  return result;
}

/** Of the events that `events.ts` makes; every other one by a value, the others by a narrow range. */
function expression(n: number): string {
  if (n % 2 === 0) return `sensor == "sensor-${n % 50}" and humidity == ${40 + (n % 30)} and temp > ${n / 100}`;
  return `temp > ${15 + n / 100} and temp < ${15 + n / 100 + 0.01}`;
}

function rates({ messages, tookMs, latencies }: WatcherFigures, expected: number): Omit<FanOut, 'bytesAClient'> {
  return {
    deliveriesPerSecond: (messages / tookMs) * 1000,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    missing: expected - messages,
  };
}

async function startWatchers(options: WatcherOptions): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'watchers.ts'));
  child.send(options);
  await once(child, 'message');
  return child;
}

async function count(child: ChildProcess, expected: number): Promise<WatcherFigures> {
  child.send({ expected } satisfies Begin);
  const [figures] = await once(child, 'message');
  return figures as WatcherFigures;
}

/** Events at a steady pace, in up to 100 requests a second. */
async function post(server: MeasuredServer, perSecond: number, seconds: number): Promise<void> {
  const poster = new Poster(`${server.url}/ingest/events`, 8, { 'content-type': 'application/x-ndjson' });
  const requests = Math.min(100, perSecond);
  const size = Math.round(perSecond / requests);
  const started = performance.now();
  const answers: Promise<number>[] = [];
  for (let n = 0; n < requests * seconds; n++) {
    const due = started + (n * 1000) / requests;
    if (due > performance.now()) await delay(due - performance.now());
    answers.push(poster.post(batch(size)));
  }
  await Promise.all(answers);
  poster.close();
}

let posted = 0;

function batch(size: number): Buffer {
  const lines = Array.from({ length: size }, () => {
    const n = posted++;
    return JSON.stringify({
      id: `${process.pid}-${n}`,
      sensor: `sensor-${n % 50}`,
      temp: n % 997,
      sent: Date.now(),
    });
  });
  return Buffer.from(`${lines.join('\n')}\n`);
}
