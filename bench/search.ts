/**
 * `node bench/search.ts [RECORDS] [QUERIES]`: searching by words and by meaning, through the thread of the index as the
 * server has it, beside a plain loop over a `Float32Array`; and how fast records are indexed and texts embedded. Prints
 * JSON.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ENGLISH_DIMENSIONS, ENGLISH_ID } from '../packages/server/src/embedding/english.ts';
import { Indexer } from '../packages/server/src/search/indexer.ts';
import { SearchIndex } from '../packages/server/src/search/search-index.ts';
import type { SearchQuery } from '../packages/server/src/search/service.ts';
import type { SearchSettings } from '../packages/server/src/search/settings.ts';
import { SqliteJournalReader } from '../packages/server/src/store/sqlite/journal.ts';
import { SqliteLedgerReader } from '../packages/server/src/store/sqlite/ledger-reader.ts';
import { SqliteSearch } from '../packages/server/src/store/sqlite/search.ts';
import { EmbeddingClient } from '../packages/server/src/threads/embedding-client.ts';
import { SearchClient } from '../packages/server/src/threads/search-client.ts';
import { type Raw, Writer } from '../packages/server/test/support/journal.ts';
import { streamConfig } from '../packages/server/test/support/node.ts';
import { Works } from '../packages/server/test/support/passage.ts';
import { linesOf } from '../packages/server/test/support/readers.ts';
import { percentile } from './statistics.ts';

const RECORDS = Number(process.argv[2] ?? 20_000);
const QUERIES = Number(process.argv[3] ?? 300);
const TEXTS = 100;
const K = 10;
/** Records that bring their vectors. */
const GIVEN = 2000;
const AT_A_TIME = 1000;
const FIRST = Date.UTC(2026, 0, 1);
const SECOND_MS = 1000;
const NEVER = new AbortController().signal;
const WORDS = 5000;
/** Vectors lie around so many directions, as texts do around topics. */
const TOPICS = 200;

let state = 1;
/** From 0 to 1, the same in every run. */
function random(): number {
  state = (state * 48_271) % 2_147_483_647;
  return state / 2_147_483_647;
}

const about = (topic: Float32Array) => topic.map((component) => component + random() - 0.5);
const topics = Array.from({ length: TOPICS }, () =>
  Float32Array.from({ length: ENGLISH_DIMENSIONS }, () => random() - 0.5),
);
const someTopic = () => topics[Math.floor(random() * TOPICS)]!;
/** The lower numbers are the more frequent, as words are. */
const word = () => `word${Math.floor(WORDS * random() ** 3)}`;
const sentence = () => Array.from({ length: 15 }, word).join(' ');

interface Latencies {
  p50Ms: number;
  p95Ms: number;
}

const latencies = (taken: readonly number[]): Latencies => ({
  p50Ms: percentile(taken, 0.5),
  p95Ms: percentile(taken, 0.95),
});

const dir = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
try {
  process.stdout.write(`${JSON.stringify(await measure(), null, 2)}\n`);
} finally {
  rmSync(dir, { recursive: true, force: true });
}

async function measure(): Promise<object> {
  await fill();
  const searched = new Map([['notes', ['text']]]);
  const settings: SearchSettings = { searched, dimensions: ENGLISH_DIMENSIONS };
  const indexing = indexed('notes', settings, RECORDS);
  const withVectors = indexed('given', { ...settings, searched: new Map([...searched, ['given', ['text']]]) }, GIVEN);
  const vectors = putVectors();
  const plain = measurePlain(vectors);
  const embedding = await measureEmbedding();
  const alarm = { troubled: fail, died: (error: Error) => fail(error.message) };
  const client = new SearchClient({ dataDir: dir, settings }, alarm, () => true);
  const searching = await measureSearching(client);
  await client.close();
  return { records: RECORDS, indexing, withVectors, embedding, plain, ...searching };
}

function fail(message: string): never {
  throw new TypeError(message);
}

async function fill(): Promise<void> {
  const writer = new Writer();
  const works = new Works(dir);
  works.journal.append(['notes', 'given'].map((id) => writer.config(streamConfig(id, { [id]: {} }, AT_A_TIME), FIRST)));
  const put = async (stream: string, count: number, more: () => object) => {
    for (let from = 0; from < count; from += AT_A_TIME) {
      const raws = Array.from({ length: Math.min(AT_A_TIME, count - from) }, (_, at): Raw => {
        const ts = new Date(FIRST + (from + at) * SECOND_MS).toISOString();
        return { id: `${from + at}`, text: JSON.stringify({ id: from + at, ts, text: sentence(), ...more() }) };
      });
      works.journal.append([writer.events(stream, stream, raws, FIRST), writer.cut(stream, FIRST)]);
      await works.run();
    }
  };
  await put('notes', RECORDS, () => ({}));
  await put('given', GIVEN, () => ({ embedding: [...about(someTopic())] }));
  works.close();
}

/** Without the rests that the thread takes. */
function indexed(stream: string, settings: SearchSettings, count: number): { perSecond: number } {
  const [journal, ledger, store] = [new SqliteJournalReader(dir), new SqliteLedgerReader(dir), new SqliteSearch(dir)];
  const index = new SearchIndex(store, ENGLISH_DIMENSIONS);
  const indexer = new Indexer({ ledger, lines: linesOf(dir, journal, ledger), index, settings });
  const began = performance.now();
  while (indexer.step());
  const seconds = (performance.now() - began) / 1000;
  const { records } = store.counts({ stream, start: 0, end: Number.MAX_SAFE_INTEGER });
  if (records !== count) fail(`${records} records of ${stream} are indexed, not ${count}`);
  for (const part of [journal, ledger, store]) part.close();
  return { perSecond: count / seconds };
}

/** As though the model had made them. */
function putVectors(): Float32Array[] {
  const store = new SqliteSearch(dir);
  const vectors: Float32Array[] = [];
  for (let end = AT_A_TIME; ; end += AT_A_TIME) {
    const rows = store.withoutVector({ stream: 'notes', start: 0, end }, AT_A_TIME);
    if (rows.length === 0) break;
    const made = rows.map(({ id }) => [id, about(someTopic())] as const);
    store.putVectors(ENGLISH_ID, new Map(made));
    vectors.push(...made.map(([, vector]) => vector));
  }
  store.close();
  return vectors;
}

/** A loop, as one would write it without an index: vectors of length 1 in one array, the best ten kept in order. */
function measurePlain(vectors: readonly Float32Array[]): Latencies {
  const dimensions = ENGLISH_DIMENSIONS;
  const all = new Float32Array(vectors.length * dimensions);
  for (const [at, vector] of vectors.entries()) {
    const length = Math.hypot(...vector);
    all.set(
      vector.map((component) => component / length),
      at * dimensions,
    );
  }
  const taken = Array.from({ length: QUERIES }, () => {
    const query = about(someTopic());
    const began = performance.now();
    const best: { at: number; score: number }[] = [];
    for (let at = 0; at < vectors.length; at++) {
      let score = 0;
      for (let i = 0, j = at * dimensions; i < dimensions; i++, j++) score += all[j]! * query[i]!;
      if (best.length === K && score <= best[K - 1]!.score) continue;
      best.push({ at, score });
      best.sort((a, b) => b.score - a.score);
      best.length = Math.min(best.length, K);
    }
    return performance.now() - began;
  });
  return latencies(taken);
}

async function measureEmbedding(): Promise<{ perSecond: number }> {
  const embedder = new EmbeddingClient();
  await embedder.embed(Array.from({ length: TEXTS / 4 }, sentence), NEVER);
  const began = performance.now();
  await embedder.embed(Array.from({ length: TEXTS }, sentence), NEVER);
  const seconds = (performance.now() - began) / 1000;
  await embedder.close();
  return { perSecond: TEXTS / seconds };
}

async function measureSearching(client: SearchClient): Promise<object> {
  const ask = async (count: number, query: () => Omit<SearchQuery, 'k'>): Promise<Latencies> => {
    const taken: number[] = [];
    for (let n = 0; n < count; n++) {
      const asked: SearchQuery = { ...query(), k: K };
      const began = performance.now();
      await client.search(asked);
      taken.push(performance.now() - began);
    }
    return latencies(taken);
  };
  const near = () => ({ mode: 'semantic', vector: [...about(someTopic())] }) as const;
  const batch = (start: number) => ({ stream: 'notes', start, end: start + RECORDS / 20 });
  const first = await ask(1, near);
  await ask(QUERIES / 10, near);
  await ask(TEXTS / 4, () => ({ mode: 'semantic', text: sentence() }));
  return {
    first,
    semantic: await ask(QUERIES, near),
    inOneBatch: await ask(QUERIES, () => ({ ...near(), ranges: [batch(random() * RECORDS * 0.9)] })),
    inHalfOfTheTime: await ask(QUERIES, () => ({
      ...{ ...near(), streams: new Set(['notes']), from: FIRST, to: FIRST + (RECORDS / 2) * SECOND_MS },
    })),
    withHalfOfItLocked: await ask(QUERIES, () => ({
      ...{ ...near(), hidden: Array.from({ length: 10 }, (_, n) => batch((n * RECORDS) / 10)) },
    })),
    semanticOfText: await ask(TEXTS, () => ({ mode: 'semantic', text: sentence() })),
    fulltextOfOneWord: await ask(QUERIES, () => ({ mode: 'fulltext', text: word() })),
    fulltextOfThree: await ask(QUERIES, () => ({ mode: 'fulltext', text: `${word()} ${word()} -${word()}` })),
    hybrid: await ask(QUERIES, () => ({ ...near(), mode: 'hybrid', text: word() })),
  };
}
