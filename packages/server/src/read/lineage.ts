/** Versions with their ancestors and proofs, and whether one is ready to be relied on. */
import { Ancestries, type Ancestry } from '../catalog/ancestry.ts';
import { CatalogError } from '../catalog/errors.ts';
import { Anchors, ChainView, type Proven } from '../catalog/proven.ts';
import { type Version, Versions } from '../catalog/versions.ts';
import type { Headers } from '../headers/headers.ts';
import type { CatalogReader, Standing } from '../store/catalog.ts';
import type { AnchorRow, LedgerReader } from '../store/ledger.ts';
import type { ProofBuilder } from './proofs.ts';

export type NotReady =
  | 'recalled'
  | 'advisory-blocked'
  | 'superseded'
  | 'headers-unavailable'
  | 'missing-envelope'
  | 'unknown-block-hash'
  | 'insufficient-confs';

export interface Readiness {
  ready: boolean;
  reason?: NotReady;
  /** Where the reason is `superseded`. */
  supersededBy?: string;
  confirmations: number;
  confsUsed: number;
  bestHeight: number | null;
}

/** What there is beside the node's own log. */
export interface Beside {
  catalog: Pick<CatalogReader, 'version' | 'proofs' | 'carrier'>;
  /** What advisories that count say of a version. @param owner of its dataset, '' for nobody */
  standing: (versionId: string, owner: string) => Standing;
}

/** Of what never changes in bundles, kept in memory. */
const CACHE_BYTES = 32 * 1024 * 1024;

export class Lineage {
  readonly #proofs: ProofBuilder;
  readonly #headers: Headers | undefined;
  readonly #minConfirmations: number;
  readonly #catalog: Beside['catalog'];
  readonly #standing: Beside['standing'];
  readonly #versions: Versions;
  readonly #anchors: Anchors;
  readonly #ancestries: Ancestries;

  constructor(
    ledger: LedgerReader,
    proofs: ProofBuilder,
    headers: Headers | undefined,
    minConfirmations: number,
    { catalog, standing }: Beside,
  ) {
    this.#proofs = proofs;
    this.#headers = headers;
    this.#minConfirmations = minConfirmations;
    this.#catalog = catalog;
    this.#standing = standing;
    this.#versions = new Versions(ledger, catalog);
    this.#anchors = new Anchors({ ledger, catalog });
    this.#ancestries = new Ancestries(this.#versions, CACHE_BYTES);
  }

  version(versionId: string): Version | undefined {
    return this.#versions.find(versionId);
  }

  /** Live: advisories expire, and a reorganization takes confirmations back. */
  readiness(version: Version): Readiness {
    const state = this.#chainState(version);
    const said = this.#standing(version.versionId, version.producer);
    const { reason = state.reason, ...more } = objection(said);
    const { confirmations, bestHeight } = state;
    const facts = { ...more, confirmations, confsUsed: this.#minConfirmations, bestHeight };
    return reason === undefined ? { ready: true, ...facts } : { ready: false, reason, ...facts };
  }

  /**
   * The target and `depth` generations of parents, as JSON text; `frontier` names those left out.
   * @throws CatalogError `incomplete-lineage`, `invalid-envelope`
   */
  bundle(target: Version, depth: number): string {
    const ancestry = this.#ancestries.of(target, depth);
    const view = this.#view();
    const { nodes, anchors } = this.#proven(ancestry, view);
    const proofs = [...anchors.values()].map((anchor) => ({
      versionId: anchor.versionId,
      chain: anchor.chain,
      envelope: this.#proofs.envelope(anchor),
    }));
    const graph = `{"nodes":${JSON.stringify(nodes)},"edges":${ancestry.edges}}`;
    const counts = `"confsUsed":${this.#minConfirmations},"bestHeight":${view?.bestHeight ?? null}`;
    return (
      `{"bundleType":"datasetLineageBundle","target":"${target.versionId}","graph":${graph},` +
      `"manifests":${ancestry.manifests},"proofs":${JSON.stringify(proofs)},"frontier":${ancestry.frontier},${counts}}`
    );
  }

  #chainState(version: Version): { reason?: NotReady; confirmations: number; bestHeight: number | null } {
    const view = this.#view();
    if (view === undefined) return { reason: 'headers-unavailable', confirmations: 0, bestHeight: null };
    const { bestHeight } = view;
    const proven = this.#anchors.find(version, view);
    if (proven === undefined) return { reason: 'missing-envelope', confirmations: 0, bestHeight };
    if (proven === 'lost') return { reason: 'unknown-block-hash', confirmations: 0, bestHeight };
    const { confirmations } = proven;
    return confirmations < this.#minConfirmations
      ? { reason: 'insufficient-confs', confirmations, bestHeight }
      : { confirmations, bestHeight };
  }

  /** Undefined where no chain is followed, or nothing of it is known yet. */
  #view(): ChainView | undefined {
    const view = this.#headers && new ChainView(this.#headers);
    return view === undefined || view.bestHeight < 0 ? undefined : view;
  }

  #proven({ versions }: Ancestry, view: ChainView | undefined): { nodes: object[]; anchors: Map<string, AnchorRow> } {
    const anchors = new Map<string, AnchorRow>();
    const nodes = versions.map((version) => {
      const proven = this.#anchors.find(version, view);
      if (proven === 'lost') {
        throw new CatalogError(
          'invalid-envelope',
          'the block that proved a version has left the best chain; try again later',
          {
            extra: { versionId: version.versionId, reason: 'unknown-block-hash' },
          },
        );
      }
      if (proven !== undefined) anchors.set(proven.anchor.versionId, { ...proven.anchor, height: proven.height });
      return this.#node(version.versionId, proven);
    });
    return { nodes, anchors };
  }

  /** `txo` is where the version's own hash is on the chain; `provenBy` names the version that stands for it. */
  #node(versionId: string, proven: Proven | undefined): object {
    const node = { versionId, manifestHash: versionId };
    if (proven === undefined) {
      const carrier = this.#catalog.carrier(versionId);
      return { ...node, txo: carrier === undefined ? null : `${carrier.txid}:${carrier.vout}` };
    }
    const { anchor } = proven;
    if (anchor.versionId === versionId) return { ...node, txo: `${anchor.txid}:${anchor.vout}` };
    return { ...node, txo: null, provenBy: anchor.versionId };
  }
}

/** The first of these is the reason. */
function objection({ recalled, blocked, supersededBy }: Standing): { reason?: NotReady; supersededBy?: string } {
  if (recalled) return { reason: 'recalled' };
  if (blocked) return { reason: 'advisory-blocked' };
  return supersededBy === undefined ? {} : { reason: 'superseded', supersededBy };
}
