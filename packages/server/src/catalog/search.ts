/** Finds versions: packets of the node's own streams, and manifests that were submitted; newest first. */
import type { Manifest } from '@tidemark/proof';
import type { CatalogQuery, CatalogReader, CatalogRow } from '../store/catalog.ts';
import type { LedgerReader, PacketRow } from '../store/ledger.ts';
import type { OwnDataset, OwnDatasets } from './own-datasets.ts';
import { formatCursor, markOf, type SearchPosition } from './search-cursor.ts';
import { type ContentPlace, contentOf } from './summary.ts';

export interface SearchItem {
  versionId: string;
  datasetId: string;
  /** Of the producer; null where the manifest names none. */
  identityKey: string | null;
  description: string | null;
  tags: readonly string[];
  /** `provenance.createdAt`. */
  createdAt: string;
  content: ContentPlace;
  /** The stream of this node whose packet it is; null for what was submitted. */
  stream: string | null;
}

export interface SearchPage {
  items: SearchItem[];
  /** Null at the end. */
  nextCursor: string | null;
}

/** A run of versions, newest first. */
interface Run {
  /** Time of the next one, milliseconds since 1970. */
  peek(): number | undefined;
  take(): SearchItem;
}

/** Logs that a search merges: its cursor names each, in 15 characters, and has to fit into a URL. */
export const MAX_STREAMS = 500;

export class Search {
  readonly #ledger: Pick<LedgerReader, 'packetOfLeaf'>;
  readonly #catalog: Pick<CatalogReader, 'search'>;
  readonly #own: OwnDatasets;

  constructor(ledger: Pick<LedgerReader, 'packetOfLeaf'>, catalog: Pick<CatalogReader, 'search'>, own: OwnDatasets) {
    this.#ledger = ledger;
    this.#catalog = catalog;
    this.#own = own;
  }

  /** Undefined when more than `MAX_STREAMS` streams match: the query has to say more. */
  page(query: CatalogQuery, from: SearchPosition, limit: number): SearchPage | undefined {
    const streams = this.#own.matching(query);
    if (streams.length > MAX_STREAMS) return undefined;
    const logs = streams.map((own) => new LogRun(this.#ledger, own, from.ends.get(markOf(own.stream))));
    const submitted = new SubmittedRun(this.#catalog.search(query, from.before, limit + 1), from.before);
    const runs: Run[] = [submitted, ...logs];
    const items: SearchItem[] = [];
    for (let next = newestOf(runs); next !== undefined; next = newestOf(runs)) {
      if (items.length === limit) return { items, nextCursor: formatCursor(positionAfter(submitted, logs, from)) };
      items.push(next.take());
    }
    return { items, nextCursor: null };
  }
}

/** Packets from the end of a log on, or from where the page before stopped. */
class LogRun implements Run {
  readonly #ledger: Pick<LedgerReader, 'packetOfLeaf'>;
  readonly #dataset: OwnDataset;
  readonly #from: number;
  /** The next packet ends here. */
  end: number;
  #packet: PacketRow | undefined;

  constructor(ledger: Pick<LedgerReader, 'packetOfLeaf'>, dataset: OwnDataset, from: number | undefined) {
    this.#ledger = ledger;
    this.#dataset = dataset;
    this.#from = from ?? dataset.size;
    this.end = Math.min(this.#from, dataset.size);
  }

  /** Whether a cursor has to name it: it was never begun otherwise, and begins at the end of its log. */
  isBegun(from: SearchPosition): boolean {
    return this.end < this.#from || from.ends.has(this.mark);
  }

  get mark(): string {
    return markOf(this.#dataset.stream);
  }

  peek(): number | undefined {
    if (this.end <= 0) return undefined;
    this.#packet ??= this.#ledger.packetOfLeaf(this.#dataset.stream, this.end - 1);
    return this.#packet?.sealedAt;
  }

  take(): SearchItem {
    const packet = this.#packet!;
    this.#packet = undefined;
    this.end = packet.start;
    return toItem(packet.versionId, packet.manifest, [], this.#dataset.stream);
  }
}

class SubmittedRun implements Run {
  readonly #rows: readonly CatalogRow[];
  #next = 0;
  /** Ids below this are not given out yet. */
  before: number;

  constructor(rows: readonly CatalogRow[], before: number) {
    this.#rows = rows;
    this.before = before;
  }

  peek(): number | undefined {
    return this.#rows[this.#next]?.submittedAt;
  }

  take(): SearchItem {
    const { id, versionId, manifest, tags } = this.#rows[this.#next++]!;
    this.before = id;
    return toItem(versionId, manifest, tags, null);
  }
}

/** Of equal times the first one's. */
function newestOf(runs: readonly Run[]): Run | undefined {
  let newest: { run: Run; time: number } | undefined;
  for (const run of runs) {
    const time = run.peek();
    if (time !== undefined && (newest === undefined || time > newest.time)) newest = { run, time };
  }
  return newest?.run;
}

function positionAfter({ before }: SubmittedRun, logs: readonly LogRun[], from: SearchPosition): SearchPosition {
  const begun = logs.filter((log) => log.isBegun(from));
  return { before, ends: new Map(begun.map(({ mark, end }) => [mark, end])) };
}

function toItem(versionId: string, manifest: string, tags: readonly string[], stream: string | null): SearchItem {
  const { datasetId, description = null, content, provenance } = JSON.parse(manifest) as Manifest;
  return {
    versionId,
    datasetId,
    identityKey: provenance.producer?.identityKey ?? null,
    description,
    tags,
    createdAt: provenance.createdAt,
    content: contentOf({ content, provenance }),
    stream,
  };
}
