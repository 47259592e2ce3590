/** The datasets of this node's own streams: few, and each with packets without number, which are never gone through. */
import type { CatalogQuery, WordIndex } from '../store/catalog.ts';
import type { LedgerReader } from '../store/ledger.ts';

export interface OwnDataset {
  stream: string;
  datasetId: string;
  description: string;
  /** Identity key. */
  producer: string;
  /** Leaves of the log. */
  size: number;
  /** versionId of the newest packet; undefined while there is none. */
  head: string | undefined;
}

type Declared = Pick<OwnDataset, 'datasetId' | 'description' | 'producer'>;

export class OwnDatasets {
  readonly #ledger: Pick<LedgerReader, 'streams'>;
  /** By the text of the stream's configuration, of which the parts looked at are few. */
  #declared = new Map<string, Declared>();
  readonly #index: WordIndex;

  /** @param index finds words as the catalog does */
  constructor(ledger: Pick<LedgerReader, 'streams'>, index: WordIndex) {
    this.#ledger = ledger;
    this.#index = index;
  }

  all(): OwnDataset[] {
    const streams = this.#ledger.streams();
    const declared = new Map<string, Declared>();
    const own = streams.map(({ stream, size, head, config }) => {
      const parts = this.#declared.get(config) ?? declaredIn(config);
      declared.set(config, parts);
      return { stream, size, head, ...parts };
    });
    this.#declared = declared;
    return own;
  }

  matching({ words, datasetId, tag }: CatalogQuery): OwnDataset[] {
    // A stream declares no tags.
    if (tag !== undefined) return [];
    const all = this.all();
    const named = datasetId === undefined ? all : all.filter((own) => own.datasetId === datasetId);
    if (words.length === 0) return named;
    const texts = new Map(all.map(({ stream, datasetId, description }) => [stream, `${datasetId}\n${description}`]));
    const found = this.#index.find(texts, words);
    return named.filter(({ stream }) => found.has(stream));
  }
}

function declaredIn(config: string): Declared {
  const {
    datasetId,
    description = '',
    publisher,
  } = JSON.parse(config) as {
    datasetId: string;
    description?: string;
    publisher: string;
  };
  return { datasetId, description, producer: publisher };
}
