/**
 * `node bench/bundle.ts [PACKETS] [REQUESTS]`: `GET /bundle` at depth 10 for versions that were never asked for before,
 * over 8 kept connections, beside a bare Fastify server that answers with the same bytes. Prints JSON.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Fastify from 'fastify';
import { LocalChain } from '../packages/server/src/anchor/local-chain.ts';
import { LocalHeaders } from '../packages/server/src/anchor/local-headers.ts';
import { SqliteLedgerReader } from '../packages/server/src/store/sqlite/ledger-reader.ts';
import { CatalogServer } from '../packages/server/test/catalog/made.ts';
import { Writer } from '../packages/server/test/support/journal.ts';
import { raws } from '../packages/server/test/support/ledger.ts';
import { IDENTITY, streamConfig } from '../packages/server/test/support/node.ts';
import { Works } from '../packages/server/test/support/passage.ts';
import { percentile } from './statistics.ts';

const PACKETS = Number(process.argv[2] ?? 12_000);
const REQUESTS = Number(process.argv[3] ?? 4000);
const CONNECTIONS = 8;
const DEPTH = 10;
/** Packets between two anchors. */
const ANCHORED_EVERY = 500;

/** As a process of its own: what is measured must not wait for the measuring. */
if (process.send !== undefined) {
  const [kind = '', detail = ''] = process.argv.slice(2);
  process.send(kind === 'echo' ? await echo(Number(detail)) : await serve(detail));
} else {
  const dir = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
  try {
    process.stdout.write(`${JSON.stringify(await compare(dir), null, 2)}\n`);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function compare(dir: string): Promise<object> {
  await fill(dir);
  const ledger = new SqliteLedgerReader(dir);
  const versionIds = ledger.packetsFrom('hall', 0, PACKETS + 10).map(({ versionId }) => versionId);
  ledger.close();
  const wanted = spread(versionIds, REQUESTS).map((id) => `/bundle?versionId=${id}&depth=${DEPTH}`);
  const bundles = await measure('bundle', dir, wanted);
  const again = await measure(
    'bundle',
    dir,
    wanted.slice(0, 50).flatMap((path) => Array.from({ length: 40 }, () => path)),
  );
  const bare = await measure('echo', String(bundles.bytesEach), wanted);
  return { packets: versionIds.length, requests: wanted.length, depth: DEPTH, bundles, again, bare };
}

/** One packet an event, in portions, with an anchor after each. */
async function fill(dir: string): Promise<void> {
  const chain = new LocalChain(dir, IDENTITY, () => Date.now());
  const works = new Works(dir, chain);
  const writer = new Writer();
  works.journal.append([writer.config(streamConfig('hall', { a: {} }, 1), 0)]);
  for (let from = 0; from < PACKETS; from += ANCHORED_EVERY) {
    works.journal.append([writer.events('hall', 'a', raws(ANCHORED_EVERY, from + 1), 1000 + from)]);
    await works.run();
    await works.anchor();
  }
  works.close();
  chain.close();
}

/** In no order that a cache could profit from. */
function spread(versionIds: readonly string[], count: number): string[] {
  const step = 7919;
  return Array.from({ length: count }, (_, n) => versionIds[(n * step) % versionIds.length]!);
}

async function measure(kind: string, detail: string, paths: readonly string[]) {
  const child = fork(import.meta.filename, [kind, detail]);
  const url = await urlOf(child);
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const latencies: number[] = [];
  let [next, bytes] = [0, 0];
  const started = performance.now();
  const work = async () => {
    for (let path = paths[next++]; path !== undefined; path = paths[next++]) {
      const asked = performance.now();
      const answered = await length(url + path, agent);
      bytes += answered;
      latencies.push(performance.now() - asked);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
  const seconds = (performance.now() - started) / 1000;
  agent.destroy();
  child.kill();
  return {
    ...{ p50Ms: percentile(latencies, 0.5), p95Ms: percentile(latencies, 0.95), p99Ms: percentile(latencies, 0.99) },
    ...{ perSecond: Math.round(paths.length / seconds), bytesEach: Math.round(bytes / paths.length) },
  };
}

function urlOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => child.once('message', (url) => resolve(String(url))));
}

function length(url: string, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (answer) => {
      let bytes = 0;
      if (answer.statusCode !== 200) reject(new RangeError(`answered with ${answer.statusCode}`));
      answer.on('data', (piece: Buffer) => {
        bytes += piece.length;
      });
      answer.on('end', () => resolve(bytes));
    }).on('error', reject);
  });
}

async function serve(dir: string): Promise<string> {
  const { url } = await new CatalogServer(dir, { headers: new LocalHeaders(dir) }).open();
  return url;
}

function echo(bytes: number): Promise<string> {
  const server = Fastify();
  const text = 'x'.repeat(bytes);
  server.get('/bundle', async (_request, reply) => reply.header('content-type', 'application/json').send(text));
  return server.listen({ port: 0, host: '127.0.0.1' });
}
