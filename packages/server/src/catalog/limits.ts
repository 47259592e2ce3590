/** What one submission may have at the most. */
export const LIMITS = {
  /** Of the canonical text, signatures included. */
  manifestBytes: 256 * 1024,
  parents: 1000,
  endorsements: 16,
  tags: 64,
  tagLength: 100,
  datasetIdLength: 256,
  descriptionLength: 10_000,
  rawTxBytes: 1024 * 1024,
  outputs: 10_000,
  /** A transaction twice in hex, in the envelope too, and the manifest. */
  bodyBytes: 6 * 1024 * 1024,
} as const;
