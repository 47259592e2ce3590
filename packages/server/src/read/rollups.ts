/** Rollups as readers ask for them: bounds, and what was aggregated. */
import type { JsonObject } from '../json/parse.ts';
import type { PacketFiles } from '../store/packets.ts';
import type { RollupReader, RollupRow } from '../store/rollups.ts';

export interface RollupItem {
  versionId: string;
  stream: string;
  /** RFC 3339. */
  window: { start: string; end: string };
  leaves: { start: number; end: number };
  /** Packets that it covers. */
  packets: number;
  contentHash: string;
  /** The content, without what is said above. */
  aggregates: JsonObject;
}

export interface RollupPage {
  items: RollupItem[];
  /** `versionId` of the last item; null when there are no older ones. */
  nextCursor: string | null;
}

export class Rollups {
  readonly #rows: RollupReader;
  readonly #files: PacketFiles;

  constructor(rows: RollupReader, files: PacketFiles) {
    this.#rows = rows;
    this.#files = files;
  }

  /**
   * Newest first.
   * @param after `versionId` of the last item seen
   * @returns undefined when `after` is no rollup of that stream
   */
  page(stream: string | undefined, after: string | undefined, limit: number): RollupPage | undefined {
    if (after !== undefined) {
      const last = this.#rows.one(after);
      if (last === undefined || (stream !== undefined && last.stream !== stream)) return undefined;
    }
    // One more than asked for, to know whether there are older ones.
    const rows = this.#rows.before(stream, after, limit + 1);
    const items = rows.slice(0, limit).map((row) => this.#item(row));
    return { items, nextCursor: rows.length > limit ? (items.at(-1)?.versionId ?? null) : null };
  }

  one(versionId: string): (RollupItem & { manifest: JsonObject }) | undefined {
    const row = this.#rows.one(versionId);
    return row && { ...this.#item(row), manifest: JSON.parse(row.manifest) as JsonObject };
  }

  #item({ versionId, stream, contentHash }: RollupRow): RollupItem {
    const content = JSON.parse(this.#files.whole(contentHash)) as RollupItem & JsonObject;
    const { v: _v, kind: _kind, stream: _stream, window, leaves, packets, ...aggregates } = content;
    return { versionId, stream, window, leaves, packets, contentHash, aggregates };
  }
}
