/** What comes from elsewhere: manifests, the transactions that carry them, what proves these, and what is said of them. */
import type { Chain } from '@tidemark/proof';
import type { AnchorRow } from './ledger.ts';

/** A manifest as it was submitted. */
export interface CatalogVersion {
  versionId: string;
  datasetId: string;
  /** Identity key of the producer who signed it, hex; '' where it names none. */
  producer: string;
  /** RFC 8785 text, with signatures. */
  manifest: string;
  /** `provenance.createdAt` in milliseconds since 1970. */
  createdAt: number;
  description: string;
  tags: readonly string[];
}

/** As it is kept. */
export interface CatalogRow extends CatalogVersion {
  /** Ascends in the order of arrival. */
  id: number;
  /** Milliseconds since 1970. */
  submittedAt: number;
}

/** A transaction that carries a version, in the one output that does. */
export interface Carrier {
  versionId: string;
  txid: string;
  vout: number;
}

/** What shows that a block has the transaction. */
export interface CatalogProof {
  txid: string;
  chain: Chain;
  blockHash: string;
  /** At the time of submission. */
  height: number;
  /** SPV envelope as JSON text, with the block's header and without `headerChain`. */
  envelope: string;
}

/** All that one submission adds; what is there already stays as it is. */
export interface CatalogEntry {
  version?: CatalogVersion | undefined;
  carriers: readonly Carrier[];
  /** Raw bytes of the carriers' transaction. */
  rawTx?: Uint8Array | undefined;
  proof?: CatalogProof | undefined;
}

/** Who adds to the catalog, for its share of the room. `key` is undefined for the administrator, who has no limit. */
export interface Contributor {
  key: string | undefined;
  /** Bytes that all of its additions may take together. */
  maxBytes: number;
}

export interface AdvisoryRow {
  id: number;
  versionId: string;
  type: 'BLOCK' | 'WARN';
  recalled: boolean;
  supersededBy: string | undefined;
  reason: string;
  /** Milliseconds since 1970; no end without it. */
  expiresAt: number | undefined;
  /** Identity key, hex, or who it is by its token or its place. */
  author: string | 'admin' | 'anyone';
  /** JSON text of the signed request, for strangers to check; undefined where there is none. */
  signed: string | undefined;
  createdAt: number;
}

/** What the advisories about a version come to. */
export interface Standing {
  recalled: boolean;
  blocked: boolean;
  /** As the newest says that names one. */
  supersededBy: string | undefined;
}

export interface DatasetRow {
  datasetId: string;
  producer: string;
  /** The version with the newest `createdAt`, of equal ones the one that came last. */
  newest: string;
  createdAt: number;
}

/** What a search asks of submitted manifests; all that is given has to hold. */
export interface CatalogQuery {
  /** Each begins a word of the dataset's id, description or tags. */
  words: readonly string[];
  datasetId?: string | undefined;
  tag?: string | undefined;
}

export interface CatalogReader {
  version(versionId: string): CatalogRow | undefined;
  /** Places of a version in blocks, those in the lowest blocks first. */
  proofs(versionId: string, limit: number): AnchorRow[];
  proof(txid: string, blockHash: string): CatalogProof | undefined;
  /** The first transaction submitted for a version, proven or not. */
  carrier(versionId: string): Carrier | undefined;
  /** Newest first, from below the id on. */
  search(query: CatalogQuery, before: number, limit: number): CatalogRow[];
  /** Datasets with this id in order of their producers, from after `producer` on. */
  datasets(datasetId: string, after: string, limit: number): DatasetRow[];
  dataset(datasetId: string, producer: string): DatasetRow | undefined;
  /** Oldest first, from after the id on. */
  advisories(versionId: string, after: number, limit: number): AdvisoryRow[];
  /** What those of these authors that have not expired say together. @param now milliseconds since 1970 */
  standing(versionId: string, authors: readonly string[], now: number): Standing;
  close(): void;
}

/** One writer. Each call is one atomic commit, on disk when it returns. */
export interface CatalogWriter extends CatalogReader {
  /**
   * Adding the same again changes nothing, and takes no room.
   * @param now milliseconds since 1970
   * @returns false when it would take more than the contributor's share; then nothing has been added
   * @throws StoreError `write-failed`
   */
  add(entry: CatalogEntry, by: Contributor, now: number): boolean;
  /**
   * Saying the same again changes nothing.
   * @returns what is kept; undefined when it would take more than the contributor's share
   * @throws StoreError `write-failed`
   */
  advise(advisory: Omit<AdvisoryRow, 'id'>, by: Contributor): AdvisoryRow | undefined;
}

/** Full text over a few texts that change seldom. */
export interface WordIndex {
  /** Names of the texts in which each of the words begins one; of all without any words is not asked. */
  find(texts: ReadonlyMap<string, string>, words: readonly string[]): Set<string>;
  close(): void;
}
