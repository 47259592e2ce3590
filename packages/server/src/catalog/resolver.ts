/** From a versionId or a dataset's id to what there is of it. */
import type { Manifest } from '@tidemark/proof';
import type { CatalogReader } from '../store/catalog.ts';
import type { LedgerReader } from '../store/ledger.ts';
import type { Advisories } from './advisories.ts';
import { CatalogError } from './errors.ts';
import type { OwnDataset, OwnDatasets } from './own-datasets.ts';
import { type ContentPlace, contentOf } from './summary.ts';
import type { Versions } from './versions.ts';

/** The pair that a dataset is. `identityKey` is null where the manifests name no producer. */
export interface DatasetName {
  datasetId: string;
  identityKey: string | null;
}

export interface NewestVersion {
  versionId: string;
  /** RFC 3339. */
  createdAt: string;
}

export interface ResolvedVersion {
  versionId: string;
  manifest: unknown;
  dataset: DatasetName;
  content: ContentPlace;
  newest: NewestVersion;
  recalled: boolean;
  blocked: boolean;
  supersededBy: string | null;
}

export interface ResolvedDataset extends DatasetName {
  newest: NewestVersion;
  /** Streams of this node that are part of it. */
  streams: string[];
}

export interface DatasetPage {
  items: ResolvedDataset[];
  /** Identity key of the last item, or `NO_PRODUCER`; null at the end. */
  nextCursor: string | null;
}

export interface ResolverOptions {
  ledger: Pick<LedgerReader, 'packet'>;
  catalog: Pick<CatalogReader, 'datasets' | 'dataset'>;
  versions: Versions;
  own: OwnDatasets;
  advisories: Advisories;
}

interface Head {
  versionId: string;
  /** Milliseconds since 1970. */
  createdAt: number;
}

/** In cursors, the dataset whose manifests name no producer; it comes first. */
export const NO_PRODUCER = 'none';

export class Resolver {
  readonly #options: ResolverOptions;

  constructor(options: ResolverOptions) {
    this.#options = options;
  }

  /** @throws CatalogError `version-not-found` */
  version(versionId: string): ResolvedVersion {
    const version = this.#options.versions.find(versionId);
    if (version === undefined)
      throw new CatalogError('version-not-found', 'no version with this versionId is known here');
    const { manifest, datasetId, producer } = version;
    const { recalled, blocked, supersededBy = null } = this.#options.advisories.standing(versionId, producer);
    const parsed = JSON.parse(manifest) as Manifest;
    const newest = this.#newest(this.#streamsOf(datasetId), datasetId, producer) ?? {
      versionId,
      createdAt: Date.parse(parsed.provenance.createdAt),
    };
    return {
      versionId,
      manifest: parsed,
      dataset: { datasetId, identityKey: keyOf(producer) },
      content: contentOf(parsed),
      newest: toNewest(newest),
      ...{ recalled, blocked, supersededBy },
    };
  }

  /**
   * Datasets with this id, one for each producer, in the order of their keys.
   * @param cursor as the page before gave it
   */
  datasets(datasetId: string, cursor: string | undefined, limit: number): DatasetPage {
    const { catalog } = this.#options;
    const streams = this.#streamsOf(datasetId);
    const after = cursor === NO_PRODUCER ? '' : cursor;
    const nameless = after === undefined ? catalog.dataset(datasetId, '') : undefined;
    const submitted = catalog.datasets(datasetId, after ?? '', limit + 1);
    const all = [...streams, ...submitted, ...(nameless === undefined ? [] : [nameless])];
    const producers = [...new Set(all.map(({ producer }) => producer))].sort();
    const wanted = producers.filter((producer) => after === undefined || producer > after);
    const items = wanted.slice(0, limit).flatMap((producer) => {
      const newest = this.#newest(streams, datasetId, producer);
      if (newest === undefined) return [];
      const ids = streams.filter((dataset) => dataset.producer === producer).map(({ stream }) => stream);
      return [{ datasetId, identityKey: keyOf(producer), newest: toNewest(newest), streams: ids }];
    });
    return { items, nextCursor: wanted.length > limit ? wanted[limit - 1] || NO_PRODUCER : null };
  }

  /** Streams of this node that have packets. */
  #streamsOf(datasetId: string): OwnDataset[] {
    return this.#options.own.all().filter((dataset) => dataset.datasetId === datasetId && dataset.head !== undefined);
  }

  /** By the manifests' own times, so that nobody makes an old version new by sending it again. */
  #newest(streams: readonly OwnDataset[], datasetId: string, producer: string): Head | undefined {
    const { ledger, catalog } = this.#options;
    const heads = streams.flatMap((dataset): Head[] => {
      const packet = dataset.producer === producer ? ledger.packet(dataset.head!) : undefined;
      return packet === undefined ? [] : [{ versionId: packet.versionId, createdAt: packet.sealedAt }];
    });
    const submitted = catalog.dataset(datasetId, producer);
    if (submitted !== undefined) heads.push({ versionId: submitted.newest, createdAt: submitted.createdAt });
    return heads.reduce<Head | undefined>(
      (newest, head) => (newest === undefined || head.createdAt > newest.createdAt ? head : newest),
      undefined,
    );
  }
}

function keyOf(producer: string): string | null {
  return producer === '' ? null : producer;
}

function toNewest({ versionId, createdAt }: Head): NewestVersion {
  return { versionId, createdAt: new Date(createdAt).toISOString() };
}
