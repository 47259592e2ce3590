/** Where a version is anchored: by itself, by a later packet of its log, or by a rollup over it. */

import { blockHashOf } from '../anchor/followed.ts';
import type { Headers } from '../headers/headers.ts';
import type { CatalogReader } from '../store/catalog.ts';
import type { AnchorRow, LedgerReader } from '../store/ledger.ts';
import type { Version } from './versions.ts';

/** What finding its proof takes of a version. */
export type Placed = Pick<Version, 'versionId' | 'log'>;

/** A place in a block of the best chain. */
export interface Proven {
  anchor: AnchorRow;
  /** Live, by the block's hash: after a reorganization it is another than the anchor's, or none. */
  height: number;
  confirmations: number;
}

/** The best chain at one moment, for one answer: most of the versions in it are proven by a few blocks. */
export class ChainView {
  readonly bestHeight: number;
  readonly #headers: Pick<Headers, 'heightOf'>;
  readonly #heights = new Map<string, number | undefined>();

  constructor(headers: Pick<Headers, 'heightOf' | 'bestHeight'>) {
    this.#headers = headers;
    this.bestHeight = headers.bestHeight();
  }

  /** Of the block that the anchor's envelope names; undefined where that is not on the best chain. */
  heightOf({ envelope }: AnchorRow): number | undefined {
    const blockHash = blockHashOf(envelope);
    if (blockHash === undefined) return undefined;
    if (!this.#heights.has(blockHash)) this.#heights.set(blockHash, this.#headers.heightOf(blockHash));
    return this.#heights.get(blockHash);
  }
}

export interface ProvenOptions {
  ledger: Pick<LedgerReader, 'anchorCovering' | 'standingAnchor' | 'rollups'>;
  catalog: Pick<CatalogReader, 'proofs'>;
}

/** Of one version; there are more only where it was put into blocks of branches that have been left. */
const MAX_PROOFS = 64;

export class Anchors {
  readonly #options: ProvenOptions;

  constructor(options: ProvenOptions) {
    this.#options = options;
  }

  /**
   * `lost` where there are places and none is on the best chain; undefined where there is none.
   * @param view without a chain the first place is as good as any, and has no confirmations
   */
  find(version: Placed, view: ChainView | undefined): Proven | 'lost' | undefined {
    let found = false;
    for (const anchor of this.#candidates(version)) {
      found = true;
      if (view === undefined) return { anchor, height: anchor.height, confirmations: 0 };
      const height = view.heightOf(anchor);
      if (height !== undefined) return { anchor, height, confirmations: view.bestHeight - height + 1 };
    }
    return found ? 'lost' : undefined;
  }

  *#candidates({ versionId, log }: Placed): Generator<AnchorRow> {
    const { ledger, catalog } = this.#options;
    const own = log?.packet ? ledger.anchorCovering(log.stream, log.end) : log && ledger.standingAnchor(versionId);
    if (own !== undefined) yield own;
    yield* catalog.proofs(versionId, MAX_PROOFS);
    const rollup = log?.packet ? ledger.rollups.over(log.stream, log.start) : undefined;
    if (rollup === undefined) return;
    const over = ledger.standingAnchor(rollup.versionId);
    if (over !== undefined) yield over;
    yield* catalog.proofs(rollup.versionId, MAX_PROOFS);
  }
}
