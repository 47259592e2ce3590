/**
 * Many clients of the live feed in a process of their own, at as little cost as can be: raw connections that count the
 * messages in what they read, and of which a few look at when each event was sent.
 * Sends `open` once all are connected, and its figures when all that is expected has come, or nothing for a while.
 */
import { connect } from 'node:net';

export interface WatcherOptions {
  url: string;
  /** Path and query of each client in turn. */
  paths: string[];
  clients: number;
  /** Of these, so many take nothing. */
  stalled: number;
}

/** Said once the clients are open. @param expected messages in all */
export interface Begin {
  expected: number;
}

export interface WatcherFigures {
  messages: number;
  /** From the first message to the last. */
  tookMs: number;
  /** From when an event was sent to when a client has it, milliseconds, of one client in a hundred. */
  latencies: number[];
}

const DATA = Buffer.from('\ndata: {"type":"certified"');
/** What was read last, by whichever connection: it is looked at before another reads. */
const TAKEN = Buffer.alloc(64 * 1024);
const SENT = /"sent":(\d+)/g;
/** Connections that are being opened at once. */
const OPENING = 200;
const SAMPLED = 100;
/** After which nothing more is expected. */
const SILENCE_MS = 3000;

let expected = Number.POSITIVE_INFINITY;
let messages = 0;
let firstAt = 0;
let lastAt = 0;
const latencies: number[] = [];

process.on('message', async (message: WatcherOptions | Begin) => {
  if ('url' in message) {
    await openAll(message);
    process.send?.('open');
    return;
  }
  ({ expected } = message);
  messages = 0;
  firstAt = 0;
  lastAt = performance.now();
  latencies.length = 0;
  const timer = setInterval(() => {
    if (messages < expected && performance.now() - lastAt < SILENCE_MS) return;
    clearInterval(timer);
    process.send?.({ messages, tookMs: lastAt - firstAt, latencies } satisfies WatcherFigures);
  }, 20);
});

async function openAll(options: WatcherOptions): Promise<void> {
  for (let opened = 0; opened < options.clients; opened += OPENING) {
    const some = Math.min(OPENING, options.clients - opened);
    await Promise.all(Array.from({ length: some }, (_, place) => open(options, opened + place)));
  }
}

/** Settles when the first bytes are there. */
function open({ url, paths, stalled }: WatcherOptions, n: number): Promise<void> {
  const { hostname, port } = new URL(url);
  const sampled = n % SAMPLED === 0;
  return new Promise((resolve, reject) => {
    const taken = (length: number) => {
      resolve();
      count(TAKEN.subarray(0, length), sampled);
      return n >= stalled;
    };
    const socket = connect({ port: Number(port), host: hostname, onread: { buffer: TAKEN, callback: taken } });
    socket.once('error', reject);
    socket.write(`GET ${paths[n % paths.length]} HTTP/1.1\r\nhost: ${hostname}:${port}\r\n\r\n`);
  });
}

function count(bytes: Buffer, sampled: boolean): void {
  const before = messages;
  for (let at = bytes.indexOf(DATA); at !== -1; at = bytes.indexOf(DATA, at + DATA.length)) messages++;
  // Heartbeats are no deliveries.
  if (messages === before) return;
  lastAt = performance.now();
  if (firstAt === 0) firstAt = lastAt;
  if (!sampled) return;
  const now = Date.now();
  for (const [, sent] of bytes.toString('latin1').matchAll(SENT)) latencies.push(now - Number(sent));
}
