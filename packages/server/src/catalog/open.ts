/** Puts the catalog together: what takes versions in, and what answers about them. */
import type { Headers } from '../headers/headers.ts';
import { Lineage } from '../read/lineage.ts';
import type { ProofBuilder } from '../read/proofs.ts';
import type { LedgerReader } from '../store/ledger.ts';
import { SqliteCatalog } from '../store/sqlite/catalog.ts';
import { SqliteWordIndex } from '../store/sqlite/word-index.ts';
import { Advisories } from './advisories.ts';
import { OwnDatasets } from './own-datasets.ts';
import { type OwnAnchored, Receiver } from './receiver.ts';
import { Resolver } from './resolver.ts';
import { Search } from './search.ts';
import { Versions } from './versions.ts';

export interface CatalogOptions {
  /** In which the ledger is already. */
  dataDir: string;
  ledger: LedgerReader;
  proofs: ProofBuilder;
  /** Undefined where no chain is followed. */
  headers: Headers | undefined;
  /** `POLICY_MIN_CONFS`. */
  minConfirmations: number;
  /** Identity keys whose advisories count beside those of owners and the administrator. */
  advisors: readonly string[];
  /** `IDENTITY_REQUIRED`. */
  identityRequired: boolean;
  /** Milliseconds since 1970. */
  now: () => number;
  /** A version of this node is in a block, in a transaction of somebody else. May be told the same more than once. */
  ownAnchored: (anchored: OwnAnchored) => void;
}

export interface Catalog {
  lineage: Lineage;
  receiver: Receiver;
  advisories: Advisories;
  search: Search;
  resolver: Resolver;
  close(): void;
}

export function openCatalog(options: CatalogOptions): Catalog {
  const { dataDir, ledger, proofs, headers, minConfirmations, advisors, identityRequired, now, ownAnchored } = options;
  const catalog = new SqliteCatalog(dataDir);
  const words = new SqliteWordIndex();
  const versions = new Versions(ledger, catalog);
  const own = new OwnDatasets(ledger, words);
  const ownerOf = (versionId: string) => versions.find(versionId)?.producer;
  const advisories = new Advisories({ catalog, ownerOf, advisors, trustAnyone: !identityRequired, now });
  const standing = (versionId: string, owner: string) => advisories.standing(versionId, owner);
  return {
    lineage: new Lineage(ledger, proofs, headers, minConfirmations, { catalog, standing }),
    receiver: new Receiver({ catalog, ledger, headers, now, ownAnchored }),
    advisories,
    search: new Search(ledger, catalog, own),
    resolver: new Resolver({ ledger, catalog, versions, own, advisories }),
    close: () => {
      for (const part of [catalog, words]) part.close();
    },
  };
}
