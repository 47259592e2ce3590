/**
 * Why something is not taken into the catalog, or cannot be answered from it.
 *
 * - `invalid-rawtx`: no transaction in Bitcoin's wire format, or one that could be an inner node of a block's tree
 * - `invalid-manifest`: no DLM1 manifest, or none is known for the transaction
 * - `versionId-mismatch`: the manifest brings another versionId than its own
 * - `producer-unproven`: the manifest names a producer and lacks that producer's valid signature
 * - `onchain-mh-mismatch`: not exactly one output of the transaction carries the manifest's hash
 * - `spv-verification-failed`: what is to prove that a block has the transaction does not; `reason` says why
 * - `catalog-share-used-up`: the additions of this identity would take more room than it has
 * - `version-not-found`: no packet, rollup or submitted manifest has this versionId
 * - `incomplete-lineage`: an ancestor is not known here; `missing` names those that are not
 * - `invalid-envelope`: a version of the bundle was proven, and its block is not on the best chain any more
 */
export type CatalogErrorCode =
  | 'invalid-rawtx'
  | 'invalid-manifest'
  | 'versionId-mismatch'
  | 'producer-unproven'
  | 'onchain-mh-mismatch'
  | 'spv-verification-failed'
  | 'catalog-share-used-up'
  | 'version-not-found'
  | 'incomplete-lineage'
  | 'invalid-envelope';

export interface CatalogErrorOptions extends ErrorOptions {
  /** Further members of the answer. */
  extra?: Record<string, unknown>;
}

export class CatalogError extends Error {
  readonly code: CatalogErrorCode;
  readonly extra: Record<string, unknown>;

  /** @param message what is wrong and what to do */
  constructor(code: CatalogErrorCode, message: string, options: CatalogErrorOptions = {}) {
    super(message, options);
    this.name = 'CatalogError';
    this.code = code;
    this.extra = options.extra ?? {};
  }
}
