/** Follows the log of each stream that is searched, a little at a time, and puts what it finds into the index. */
import type { Leaf } from '@tidemark/proof';
import type { JsonObject } from '../json/parse.ts';
import type { Line, PacketLines } from '../read/lines.ts';
import type { LedgerReader, PacketRow } from '../store/ledger.ts';
import type { IndexChange, IndexedRecord, IndexPlace } from '../store/search.ts';
import { ContentReader } from './content.ts';
import { SearchError } from './errors.ts';
import type { SearchIndex } from './search-index.ts';
import type { SearchSettings } from './settings.ts';

export interface IndexerParts {
  ledger: Pick<LedgerReader, 'stream' | 'packetsFrom' | 'packetOfLeaf'>;
  lines: Pick<PacketLines, 'range'>;
  index: SearchIndex;
  settings: Pick<SearchSettings, 'searched' | 'dimensions'>;
}

/** One commit: about 10 ms of work. */
const STEP_LEAVES = 256;
const STEP_BYTES = 256 * 1024;

interface Followed {
  stream: string;
  content: ContentReader;
  next: number;
}

interface Waiting {
  stream: string;
  end: number;
  reached: () => void;
}

export class Indexer {
  readonly #parts: IndexerParts;
  /** Streams whose records have to go, since they were indexed otherwise, or are not searched any more. */
  readonly #stale: Set<string>;
  readonly #followed = new Map<string, Followed>();
  readonly #waiting = new Set<Waiting>();
  /** Streams take turns. */
  #turn = 0;
  #indexed = 0;

  constructor(parts: IndexerParts) {
    this.#parts = parts;
    const places = parts.index.store.places();
    this.#stale = new Set([...places].filter(([stream, place]) => !this.#stands(stream, place)).map(([name]) => name));
    for (const stream of parts.settings.searched.keys()) {
      if (!this.#stale.has(stream)) this.#follow(stream, places.get(stream)?.next);
    }
  }

  /** Leaves that have been looked at since the start. */
  get indexed(): number {
    return this.#indexed;
  }

  /** Streams whose records can be relied on. */
  get streams(): ReadonlySet<string> {
    return new Set(this.#followed.keys());
  }

  /** Whether something is in the index that is not searched any more. */
  get cleaning(): boolean {
    return this.#stale.size > 0;
  }

  /** Every leaf of the stream below is in the index, if it belongs there. */
  next(stream: string): number {
    return this.#followed.get(stream)?.next ?? 0;
  }

  /** One commit. @returns false at the end of all streams */
  step(): boolean {
    const [stale] = this.#stale;
    if (stale !== undefined) {
      this.#forget(stale);
      return true;
    }
    const followed = [...this.#followed.values()];
    for (let tried = 0; tried < followed.length; tried++) {
      const one = followed[this.#turn++ % followed.length]!;
      const [packet] = this.#parts.ledger.packetsFrom(one.stream, one.next, 1);
      if (packet === undefined) continue;
      this.#take(one, packet);
      return true;
    }
    return false;
  }

  /**
   * Settles when every leaf of the stream below `end` is in the index.
   * @throws SearchError `not-searched`; `cancelled`, when the signal says so
   */
  async reached(stream: string, end: number, signal: AbortSignal): Promise<void> {
    if (!this.#parts.settings.searched.has(stream)) {
      throw new SearchError('not-searched', `the stream "${stream}" is not searched`);
    }
    if (this.next(stream) >= end) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting: Waiting = { stream, end, reached: resolve };
    const cancel = () => reject(new SearchError('cancelled', 'no longer waited for', { cause: signal.reason }));
    this.#waiting.add(waiting);
    signal.addEventListener('abort', cancel);
    if (signal.aborted) cancel();
    try {
      await promise;
    } finally {
      this.#waiting.delete(waiting);
      signal.removeEventListener('abort', cancel);
    }
  }

  #take(followed: Followed, packet: PacketRow): void {
    const { stream, next } = followed;
    const to = Math.min(packet.end, next + STEP_LEAVES);
    const lines = this.#parts.lines.range(packet, next, to, STEP_BYTES);
    const changes = lines.flatMap((line) => changesOf(stream, line, followed.content));
    const reached = next + lines.length;
    this.#parts.index.take({ stream, next: reached, versionId: packet.versionId, changes });
    followed.next = reached;
    this.#indexed += lines.length;
    for (const waiting of this.#waiting) {
      if (waiting.stream === stream && reached >= waiting.end) waiting.reached();
    }
  }

  #forget(stream: string): void {
    if (!this.#parts.index.forgetSome(stream)) return;
    this.#stale.delete(stream);
    if (this.#parts.settings.searched.has(stream)) this.#follow(stream, undefined);
  }

  /** @param next undefined where nothing is in the index yet */
  #follow(stream: string, next: number | undefined): void {
    if (next === undefined) this.#parts.index.store.begin(stream, this.#settingsOf(stream));
    const { searched, dimensions } = this.#parts.settings;
    const content = new ContentReader(searched.get(stream) ?? [], dimensions);
    this.#followed.set(stream, { stream, content, next: next ?? 0 });
  }

  /** Whether what is indexed of a stream is what would be indexed now: of the same log, and the same of its payloads. */
  #stands(stream: string, { next, versionId, settings }: IndexPlace): boolean {
    const { ledger, settings: now } = this.#parts;
    if (!now.searched.has(stream) || settings !== this.#settingsOf(stream)) return false;
    return next === 0 || ledger.packetOfLeaf(stream, next - 1)?.versionId === versionId;
  }

  #settingsOf(stream: string): string {
    const { searched, dimensions } = this.#parts.settings;
    return JSON.stringify({ paths: searched.get(stream), dimensions });
  }
}

/** What a leaf has the index do. */
function changesOf(stream: string, { index, leaf, payload }: Line, content: ContentReader): IndexChange[] {
  const erased = erasedEvent(leaf);
  if (erased !== undefined) return [{ kind: 'remove', eventId: erased }];
  // Without a payload, the event was erased before it was read.
  if ((leaf.kind !== 'record' && leaf.kind !== 'fused') || payload === undefined) return [];
  const { eventId, eventTime } = leaf;
  // Decisions about the same thing are in the order of the log.
  const seq = leaf.kind === 'record' ? leaf.seq : index;
  const found = content.read(JSON.parse(payload) as JsonObject);
  // A revision is there even without text: an older version that is released after it must not take its place.
  if (found.text === '' && found.vector === undefined && leaf.supersedes === undefined) return [];
  const record: IndexedRecord = { stream, leaf: index, eventId, seq, eventTime: Date.parse(eventTime), ...found };
  return [{ kind: 'put', record }];
}

function erasedEvent(leaf: Leaf): string | undefined {
  if (leaf.kind !== 'control' || leaf.action !== 'erased') return undefined;
  return (leaf.data as { eventId: string }).eventId;
}
