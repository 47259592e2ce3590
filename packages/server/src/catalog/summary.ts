/** What a manifest says of its content, and where that is. */
import type { Manifest } from '@tidemark/proof';

export interface ContentPlace {
  contentHash: string;
  sizeBytes: number | null;
  mimeType: string | null;
  /** `provenance.locations` as the manifest has them; null where it has none. */
  locations: unknown;
}

export function contentOf({ content, provenance }: Pick<Manifest, 'content' | 'provenance'>): ContentPlace {
  const { contentHash, sizeBytes = null, mimeType = null } = content;
  return { contentHash, sizeBytes, mimeType, locations: provenance.locations ?? null };
}
