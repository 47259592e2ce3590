/** The thread of the search index: it follows the ledger in small turns, and answers searches between them. */
import { parentPort, workerData } from 'node:worker_threads';
import { HttpEmbedder } from '../embedding/http-embedder.ts';
import { PacketLines } from '../read/lines.ts';
import { Policies } from '../read/policies.ts';
import { SaltedPayloads } from '../read/salted-payloads.ts';
import { BatchEmbedding } from '../search/batch-embedding.ts';
import { SearchDesk } from '../search/desk.ts';
import { SearchError } from '../search/errors.ts';
import { Indexer } from '../search/indexer.ts';
import { SearchIndex } from '../search/search-index.ts';
import type { SearchStanding, StreamStanding } from '../search/service.ts';
import { PacketFiles } from '../store/packets.ts';
import { SqliteJournalReader } from '../store/sqlite/journal.ts';
import { SqliteLedgerReader } from '../store/sqlite/ledger-reader.ts';
import { SqliteSearch } from '../store/sqlite/search.ts';
import type { StreamConfig } from '../stream.ts';
import { EmbeddingClient } from './embedding-client.ts';
import { inWords } from './in-words.ts';
import type { FromSearch, SearchCall, SearchSetup, ToSearch } from './search-protocol.ts';

interface UnderWay {
  control: AbortController;
  answered: Promise<void>;
}

/** After a failure, or while a reader holds on to what is to be gone. */
const AGAIN_MS = 500;

const { dataDir, settings } = workerData as SearchSetup;
const { searched, dimensions, endpoint } = settings;
const port = parentPort!;
const journal = new SqliteJournalReader(dataDir);
const ledger = new SqliteLedgerReader(dataDir);
const lines = new PacketLines(
  ledger,
  new PacketFiles(dataDir),
  new SaltedPayloads(journal, ledger, new Policies(ledger)),
);
const store = new SqliteSearch(dataDir);
const embedder = endpoint === undefined ? new EmbeddingClient() : new HttpEmbedder(endpoint, dimensions);
store.keepModel(embedder.id);
const index = new SearchIndex(store, dimensions);
const indexer = new Indexer({ ledger, lines, index, settings });
const reliable = () => (indexer.cleaning ? indexer.streams : undefined);
const desk = new SearchDesk({ index, embedder, dimensions, reliable, erased });
const batches = new BatchEmbedding({ index, indexer, embedder });
const underWay = new Map<number, UnderWay>();
const salted = new Map<string, boolean>();
let turn: NodeJS.Timeout | undefined;
let spentMs = 0;
let trouble: string | undefined;
let closing = false;

port.on('message', (message: ToSearch) => {
  switch (message.kind) {
    case 'wake':
    case 'forget':
      // What is erased is hidden from the moment on at which the journal says so; here, its log is followed at once.
      pump();
      return;
    case 'call':
      begin(message.id, message.call);
      return;
    case 'cancel':
      underWay.get(message.id)?.control.abort();
      return;
    case 'close':
      void close();
  }
});
pump();
say({ kind: 'ready' });

function pump(afterMs = 0): void {
  if (turn === undefined && !closing) turn = setTimeout(take, afterMs);
}

/** One commit, and then as long a rest: taking events in is more urgent, and may need this core. */
function take(): void {
  turn = undefined;
  const began = performance.now();
  try {
    const more = indexer.step();
    const tookMs = performance.now() - began;
    if (more) {
      spentMs += tookMs;
      pump(tookMs);
    }
    if (!index.trim()) pump(AGAIN_MS);
    trouble = undefined;
  } catch (error) {
    troubled(error);
    pump(AGAIN_MS);
  }
}

/** The same failure is told once, until it is over. */
function troubled(error: unknown): void {
  const message = `the search index: ${inWords(error)}`;
  if (message === trouble) return;
  trouble = message;
  say({ kind: 'trouble', message });
}

function begin(id: number, call: SearchCall): void {
  const control = new AbortController();
  underWay.set(id, { control, answered: answer(id, call, control.signal) });
}

async function answer(id: number, call: SearchCall, signal: AbortSignal): Promise<void> {
  try {
    say({ kind: 'answer', id, value: await outcomeOf(id, call, signal) });
  } catch (error) {
    const known =
      error instanceof SearchError ? error : new SearchError('unavailable', 'cannot be asked', { cause: error });
    if (known.code === 'unavailable') troubled(error);
    say({ kind: 'refusal', id, code: known.code, message: inWords(known) });
  } finally {
    underWay.delete(id);
  }
}

async function outcomeOf(id: number, call: SearchCall, signal: AbortSignal): Promise<unknown> {
  switch (call.method) {
    case 'search': {
      const hits = await desk.search(call.query, signal);
      // It may have found what was erased, and taken it out.
      pump();
      return hits;
    }
    case 'embedBatch':
      return batches.run(call.order, signal, (progress) => say({ kind: 'progress', id, progress }));
    case 'standing':
      return standing();
  }
}

function standing(): SearchStanding {
  const streams = [...searched.keys()].map((stream): StreamStanding => {
    const { records, given, model, refused } = store.counts({ stream, start: 0, end: Number.MAX_SAFE_INTEGER });
    const size = ledger.stream(stream)?.size ?? 0;
    return { stream, indexed: indexer.next(stream), size, records, given, model, refused };
  });
  return { streams, leavesPerSecond: spentMs === 0 ? 0 : Math.round((indexer.indexed * 1000) / spentMs) };
}

/** Only what is salted can be erased, and that stays as it was declared first. */
function erased(stream: string, leaf: number): boolean {
  let may = salted.get(stream);
  if (may === undefined) {
    const row = ledger.stream(stream);
    may = row !== undefined && (JSON.parse(row.config) as StreamConfig).salted === true;
    salted.set(stream, may);
  }
  const position = may ? ledger.positionOfLeaf(stream, leaf) : undefined;
  return position !== undefined && journal.erasure(position) !== undefined;
}

async function close(): Promise<void> {
  closing = true;
  clearTimeout(turn);
  for (const { control } of underWay.values()) control.abort();
  await Promise.all([...underWay.values()].map(({ answered }) => answered));
  await embedder.close();
  store.close();
  journal.close();
  ledger.close();
  port.close();
}

function say(message: FromSearch): void {
  port.postMessage(message);
}
