/** 10,000 events as sensors send them: a tenth of them twice, out of order, from several sources at once. */
import { verifyProof } from '@tidemark/proof';
import { describe, expect, it, onTestFinished } from 'vitest';
import { get, type Json, post } from './client.ts';
import { needsPython, verifyInPython } from './independent.ts';
import { randomNumbers, shuffled } from './random.ts';
import { anchoredProof, packetLines, pinsOf, report, useServer, wholeFeed } from './server.ts';
import { Watcher } from './watcher.ts';

const SOURCES = ['mill', 'quay', 'weir'];
const server = useServer({ sources: SOURCES.map((id) => ({ id, stream: 'levels' })), anchorIntervalMs: 500 });

const DELIVERED = 10_000;
const DUPLICATES = DELIVERED / 10;
const BATCH = 100;
const CONNECTIONS = 4;
const SAMPLE = 200;

interface Reading {
  source: string;
  event: { id: string; ts: string; level: number };
}

function readings(): Reading[] {
  const random = randomNumbers(10_000);
  const unique = Array.from({ length: DELIVERED - DUPLICATES }, (_, n) => ({
    source: SOURCES[n % SOURCES.length]!,
    event: { id: `r${n}`, ts: new Date(Date.UTC(2026, 2, 1) + n * 250).toISOString(), level: random() * 10 },
  }));
  return shuffled([...unique, ...shuffled(unique, random).slice(0, DUPLICATES)], random);
}

/** Batches of one source each, in the order of the readings. */
function* batches(all: readonly Reading[]): Generator<{ sourceId: string; events: object[] }> {
  const open = new Map(SOURCES.map((sourceId) => [sourceId, { sourceId, events: [] as object[] }]));
  for (const { source, event } of all) {
    const batch = open.get(source)!;
    batch.events.push(event);
    if (batch.events.length === BATCH) yield { sourceId: source, events: batch.events.splice(0) };
  }
  for (const batch of open.values()) if (batch.events.length > 0) yield batch;
}

/** Several connections take turns at one queue. @returns when each event was first sent, and how many were known */
async function deliver(all: readonly Reading[]): Promise<{ sentAt: Map<string, number>; duplicates: number }> {
  const queue = batches(all);
  const sentAt = new Map<string, number>();
  let duplicates = 0;
  const connection = async () => {
    for (const batch of queue) {
      const at = performance.now();
      const { status, body } = await post(server.url, batch);
      expect([status, body.count, body.rejected]).toEqual([200, batch.events.length, []]);
      for (const id of body.inserted) sentAt.set(id, Math.min(at, sentAt.get(id) ?? at));
      duplicates += body.duplicates;
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, connection));
  return { sentAt, duplicates };
}

function percentile(sorted: readonly number[], share: number): string {
  return `${sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!.toFixed(0)} ms`;
}

describe('10,000 events, a tenth of them duplicates, shuffled', () => {
  let eventIds: string[] = [];

  it('are certified once each: in the live feed, in the log, and in the packets', async () => {
    const watcher = await Watcher.open(server.url, '?type=certified');
    onTestFinished(() => watcher.close());
    const { sentAt, duplicates } = await deliver(readings());
    eventIds = [...sentAt.keys()].toSorted();
    expect([eventIds.length, duplicates]).toEqual([DELIVERED - DUPLICATES, DUPLICATES]);
    await watcher.until(({ frames }) => frames.length > eventIds.length);
    const certified = watcher.frames.filter(({ data }) => data.type === 'certified');
    expect(certified.map(({ data }) => data.eventId).toSorted()).toEqual(eventIds);

    const feed = await wholeFeed(server.url);
    expect(feed.map(({ eventId }) => eventId).toSorted()).toEqual(eventIds);
    const leaves = packetLines(server.dataDir)
      .map(({ leaf }) => leaf)
      .filter(({ kind }) => kind === 'record');
    expect(leaves.map(({ eventId }) => eventId).toSorted()).toEqual(eventIds);
    for (const source of SOURCES) {
      const seqs = leaves.filter((leaf) => leaf.source === source).map(({ seq }) => seq);
      expect(seqs.toSorted((a, b) => a - b)).toEqual(seqs.map((_, n) => n + 1));
    }
    const waits = certified.map(({ data, at }) => at - sentAt.get(data.eventId)!).toSorted((a, b) => a - b);
    const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => percentile(waits, share));
    report(`from sending to certified, as a watcher sees it: p50 ${p50}, p95 ${p95}, p99 ${p99}`);
  });

  it('have proofs that two verifiers accept, the keys pinned', async (context) => {
    const random = randomNumbers(SAMPLE);
    const sample = shuffled(eventIds, random).slice(0, SAMPLE);
    await anchoredProof(server.url, (await get(server.url, '/ingest/feed?limit=1')).body.items[0].eventId);
    const proofs: Json[] = [];
    for (const id of sample) proofs.push((await get(server.url, `/ingest/events/${id}/proof`)).body);
    const pins = { ...pinsOf(server.dataDir, 'levels'), dev: true, minConfs: 1 };
    for (const proof of proofs) expect(verifyProof(proof, pins)).toMatchObject({ valid: true, level: 'anchored' });
    needsPython(context);
    const refused = (await verifyInPython(proofs, pins)).filter(({ valid }) => !valid);
    expect(refused).toEqual([]);
  });
});
