/** Every version that this node knows: its own packets and rollups, and the manifests of others. */
import type { CatalogReader } from '../store/catalog.ts';
import type { LedgerReader } from '../store/ledger.ts';

export interface Version {
  versionId: string;
  /** JSON text. */
  manifest: string;
  datasetId: string;
  /** Identity key of the producer, '' where the manifest names none. */
  producer: string;
  /** versionIds, in manifest order. */
  parents: readonly string[];
  /** Leaves [start, end) of a log of this node; `packet` where they are its content, else a rollup of theirs. */
  log?: { stream: string; start: number; end: number; packet: boolean };
}

interface ManifestParts {
  datasetId: string;
  lineage?: { parents: string[] };
  provenance: { producer?: { identityKey: string } };
}

export class Versions {
  readonly #ledger: Pick<LedgerReader, 'packet' | 'rollups'>;
  readonly #catalog: Pick<CatalogReader, 'version'> | undefined;

  constructor(ledger: Pick<LedgerReader, 'packet' | 'rollups'>, catalog: Pick<CatalogReader, 'version'>) {
    this.#ledger = ledger;
    this.#catalog = catalog;
  }

  find(versionId: string): Version | undefined {
    const packet = this.#ledger.packet(versionId);
    const own = packet ?? this.#ledger.rollups.one(versionId);
    if (own !== undefined) {
      const { stream, start, end, manifest } = own;
      return { ...parts(versionId, manifest), log: { stream, start, end, packet: packet !== undefined } };
    }
    const submitted = this.#catalog?.version(versionId);
    return submitted && parts(versionId, submitted.manifest);
  }
}

function parts(versionId: string, manifest: string): Version {
  const { datasetId, lineage, provenance } = JSON.parse(manifest) as ManifestParts;
  const producer = provenance.producer?.identityKey ?? '';
  return { versionId, manifest, datasetId, producer, parents: lineage?.parents ?? [] };
}
