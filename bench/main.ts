/**
 * `npm run bench [-- --full] [--json FILE]`: what the service does on this machine, each figure beside a baseline of the
 * same run. Absolute numbers drift from machine to machine and from hour to hour; ratios hold. `--full` adds growth: it
 * stores 20 million events first, which takes some minutes and 20 GB of disk.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { Poster } from './client.ts';
import { measureFsync } from './fsync.ts';
import { measureBaseline, measureFanOut, measureFilters } from './live.ts';
import { measurePolicy } from './policy.ts';
import { jsonFrom, numberFrom, serving } from './processes.ts';
import { startServer } from './server.ts';
import { measureStaged } from './staged.ts';
import { median } from './statistics.ts';
import { measureSteady } from './steady.ts';
import { fill, measureThroughput } from './throughput.ts';
import { measureSingles } from './webhooks.ts';

interface Row {
  what: string;
  result: string;
  baseline: string;
  budget: string;
  met: boolean;
}

const { values: flags } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    json: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '60' },
    stored: { type: 'string', default: '20000000' },
  },
});
const ROUNDS = Number(flags.rounds);
const EVENTS = 300_000;
const SINGLES = 30_000;
const PROOFS = 100_000;

interface ProofFigures {
  single: { microsecondsEach: number };
  /** With the runtime's own SHA-256. */
  batchNative: { lines: { microsecondsEach: number; seconds: number } };
}

interface SearchFigures {
  semantic: { p95Ms: number };
  plain: { p95Ms: number };
}

interface BundleFigures {
  bundles: { p95Ms: number };
  bare: { p95Ms: number };
}

const rows: Row[] = [];
const figures: Record<string, unknown> = { node: process.version, cpus: cpus().map(({ model }) => model) };

policy();
const plainRate = await throughput();
await staged(plainRate);
await search();
await steady();
await webhooks();
await live();
await proofs();
await bundles();
if (flags.full) await growth();
report();

function policy(): void {
  const cost = measurePolicy();
  const { normalize, jsonParse, jsonStringify } = cost;
  figures.policy = cost;
  add({
    what: 'mapping policy of 50 fields, an event',
    result: `${normalize.toFixed(1)} µs = ${(normalize / jsonParse).toFixed(2)} ×`,
    baseline: `JSON.parse ${jsonParse.toFixed(1)} µs, stringify ${jsonStringify.toFixed(1)} µs`,
    budget: '< 5 µs',
    met: normalize < 5,
  });
}

/** @returns certified events a second */
async function throughput(): Promise<number> {
  const ratios: number[] = [];
  const certified: number[] = [];
  const baselines: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const baseline = await numberFrom('baseline.ts', String(EVENTS));
    const server = await startServer();
    await measureThroughput(server, 30_000); // the first requests meet code that is not compiled yet
    const { certifiedPerSecond } = await measureThroughput(server, EVENTS);
    await server.stop();
    baselines.push(baseline);
    certified.push(certifiedPerSecond);
    ratios.push(certifiedPerSecond / baseline);
  }
  figures.throughput = { certified, baselines, ratios };
  add({
    what: `certified throughput, ${count(EVENTS)} events`,
    result: `${count(median(certified))}/s = ${median(ratios).toFixed(2)} ×`,
    baseline: `bare SQLite ${count(median(baselines))}/s`,
    budget: '≥ 2.0 ×',
    met: median(ratios) >= 2,
  });
  return median(certified);
}

/** Shown for those who plan with it: there is no budget. */
async function staged(plainRate: number): Promise<void> {
  const rates = await measureStaged(EVENTS / 2);
  figures.staged = rates;
  const baseline = `in order of arrival ${count(plainRate)}/s`;
  for (const [what, rate] of [
    ['cut in event time', rates.windows],
    ['fused, three sources to a quorum', rates.fused],
  ] as const) {
    const result = `${count(rate)}/s = ${(rate / plainRate).toFixed(2)} ×`;
    add({ what, result, baseline, budget: 'none', met: true });
  }
}

async function steady(): Promise<void> {
  const fsyncMs = measureFsync();
  const server = await startServer();
  const seconds = Number(flags.seconds);
  await measureSteady(server, { perSecond: 10_000, seconds: 3 });
  const result = await measureSteady(server, { perSecond: 10_000, seconds });
  await server.stop();
  figures.steady = { ...result, fsyncMs };
  const { acknowledgedP99Ms, certifiedP95Ms, postToClientP99Ms, missing } = result;
  const at = `at 10,000/s for ${seconds} s`;
  const baseline = `fsync ${fsyncMs.toFixed(2)} ms`;
  add({ what: `${at}: acknowledgement p99`, ...milliseconds(acknowledgedP99Ms, 50), baseline });
  add({ what: `${at}: certified p95`, ...milliseconds(certifiedP95Ms, 500), baseline });
  add({ what: `${at}: POST to SSE client p99`, ...milliseconds(postToClientP99Ms, 250), baseline });
  add({ what: `${at}: events not seen`, result: String(missing), baseline: '', budget: '0', met: missing === 0 });
}

async function live(): Promise<void> {
  const offered = { clients: 10_000, eventsPerSecond: 51, seconds: Math.min(20, Number(flags.seconds)) };
  const plain = await measureBaseline(offered);
  const fanOut = await measureFanOut(offered);
  const amongStalled = await measureFanOut({ ...offered, stalled: 100 });
  const filters = await measureFilters(1000, { perSecond: 10_000, seconds: offered.seconds });
  figures.live = { plain, fanOut, amongStalled, filters };
  const what = `${count(offered.clients)} SSE clients`;
  const baseline = (figure: string) => `plain node:http ${figure}`;
  add({
    what: `${what}: deliveries`,
    result: `${count(fanOut.deliveriesPerSecond)}/s, ${count(fanOut.missing)} missing`,
    baseline: baseline(`${count(plain.deliveriesPerSecond)}/s`),
    budget: '≥ 500,000/s',
    met: fanOut.deliveriesPerSecond >= 500_000 && fanOut.missing === 0,
  });
  const p99 = milliseconds(fanOut.p99Ms, 500);
  add({ what: `${what}: POST to client p99`, ...p99, baseline: baseline(`${plain.p99Ms.toFixed(0)} ms`) });
  const kilobytes = fanOut.bytesAClient / 1000;
  add({
    what: `${what}: memory of each`,
    ...{ result: `${kilobytes.toFixed(1)} KB`, baseline: '', budget: '≤ 40 KB', met: kilobytes <= 40 },
  });
  const among = milliseconds(amongStalled.p99Ms, 500);
  add({ what: `${what} beside 100 stalled: p99`, ...among, baseline: `without them ${fanOut.p99Ms.toFixed(0)} ms` });
  add({
    what: 'at 10,000/s beside 1,000 clients, each with another filter: POST to client p99',
    ...{ result: `${filters.postToClientP99Ms.toFixed(0)} ms, ${filters.missing} missing`, baseline: '' },
    ...{ budget: 'none', met: filters.missing === 0 },
  });
}

async function webhooks(): Promise<void> {
  const echo = await serving('echo.ts');
  await measureSingles(echo.line, SINGLES / 10);
  const baseline = await measureSingles(echo.line, SINGLES);
  echo.stop();
  const server = await startServer();
  const url = `${server.url}/ingest/events`;
  await measureSingles(url, SINGLES / 10);
  const rate = await measureSingles(url, SINGLES);
  await server.stop();
  figures.webhooks = { rate, baseline, ratio: rate / baseline };
  add({
    what: 'single events, 64 connections',
    result: `${count(rate)}/s = ${(rate / baseline).toFixed(2)} ×`,
    baseline: `Fastify echo ${count(baseline)}/s`,
    budget: '≥ 0.5 ×',
    met: rate / baseline >= 0.5,
  });
}

/** Offline, on one core: every proof of one packet. */
async function proofs(): Promise<void> {
  const checked = await jsonFrom<ProofFigures>('proofs.ts', String(PROOFS));
  figures.proofs = checked;
  const { single, batchNative } = checked;
  const { microsecondsEach, seconds } = batchNative.lines;
  add({
    what: `${count(PROOFS)} proofs of one packet, as text`,
    result: `${seconds.toFixed(2)} s, ${microsecondsEach.toFixed(1)} µs each`,
    baseline: `one by one ${single.microsecondsEach.toFixed(0)} µs each`,
    budget: '≤ 2 s',
    met: seconds <= 2,
  });
}

async function bundles(): Promise<void> {
  const { bundles, bare } = await jsonFrom<BundleFigures>('bundle.ts');
  figures.bundles = { bundles, bare };
  add({
    what: '/bundle of depth 10, 12,000 packets: p95',
    ...milliseconds(bundles.p95Ms, 50),
    baseline: `Fastify, same bytes ${bare.p95Ms.toFixed(1)} ms`,
  });
}

async function search(): Promise<void> {
  const measured = await jsonFrom<SearchFigures>('search.ts');
  figures.search = measured;
  const { semantic, plain } = measured;
  add({
    what: 'semantic search of 20,000 records of 512 dimensions: p95',
    ...milliseconds(semantic.p95Ms, 20),
    baseline: `plain loop over the vectors ${plain.p95Ms.toFixed(0)} ms`,
  });
}

async function growth(): Promise<void> {
  const stored = Number(flags.stored);
  const dir = mkdtempSync(join(tmpdir(), 'tidemark-growth-'));
  let server = await startServer({}, dir);
  await measureThroughput(server, 30_000);
  const empty = await measureThroughput(server, EVENTS);
  await fill(server, stored);
  const grown = await measureThroughput(server, EVENTS);
  const residentMb = server.residentBytes() / 1e6;
  // Killed in the middle of its work.
  const poster = new Poster(`${server.url}/ingest/events`, 1, { 'content-type': 'application/json' });
  await poster.post(Buffer.from('{"events":[{"id":"last"}]}'));
  poster.close();
  await server.kill();
  server = await startServer({}, dir);
  const startMs = server.startMs;
  await server.stop();
  rmSync(dir, { recursive: true });
  const ratio = grown.certifiedPerSecond / empty.certifiedPerSecond;
  figures.growth = { stored, empty, grown, ratio, residentMb, startMs };
  const what = `with ${count(stored)} events stored`;
  const baseline = `empty ${count(empty.certifiedPerSecond)}/s`;
  const rate = `${count(grown.certifiedPerSecond)}/s = ${ratio.toFixed(2)} ×`;
  add({ what: `${what}: rate`, result: rate, baseline, budget: '≥ 0.8 ×', met: ratio >= 0.8 });
  const resident = `${Math.round(residentMb)} MB`;
  add({ what: `${what}: resident memory`, result: resident, baseline: '', budget: '≤ 400 MB', met: residentMb <= 400 });
  add({ what: `${what}: start after kill -9`, ...milliseconds(startMs, 3000), baseline: '' });
}

function milliseconds(value: number, budget: number): Pick<Row, 'result' | 'budget' | 'met'> {
  return { result: `${value.toFixed(0)} ms`, budget: `≤ ${budget} ms`, met: value <= budget };
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function add(row: Row): void {
  rows.push(row);
  process.stderr.write(`${row.met ? 'met   ' : 'MISSED'} ${row.what}: ${row.result}\n`);
}

function report(): void {
  const columns = ['what', 'result', 'baseline', 'budget'] as const;
  const cells = [
    ['what', 'result', 'baseline', 'budget', ''],
    ...rows.map((row) => [...columns.map((c) => row[c]), row.met ? 'met' : 'MISSED']),
  ];
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  for (const row of cells) {
    process.stdout.write(
      `${row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd()}\n`,
    );
  }
  const file =
    flags.json ?? join(import.meta.dirname, 'results', `${new Date().toISOString().replaceAll(':', '-')}.json`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ rows, figures }, null, 2)}\n`);
  process.stdout.write(`\nwritten to ${file}\n`);
}
