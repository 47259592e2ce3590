/**
 * The types that travel between the stages, in the order in which an event passes through them.
 * Hashes and ids are lower-case hex, times in leaves RFC 3339 UTC with milliseconds, other times milliseconds
 * since 1970.
 */

/** Number of an item in the journal: counted from 1 over all sources, without a gap. */
export type Position = number;

interface Normalized {
  position: Position;
  source: string;
  seq: number;
  eventId: string;
  eventTime: string;
  rawHash: string;
  policyHash: string;
  /** `seq` of the version of the same event that this one revises. */
  supersedes: number | undefined;
}

/** An event that its policy accepts. */
export interface AcceptedEvent extends Normalized {
  kind: 'record';
  /** RFC 8785 text of the normalized payload. */
  payload: string;
  payloadHash: string;
}

/** An event that its policy refuses; it still gets its place in the log, with the hash of the reasons. */
export interface QuarantinedEvent extends Normalized {
  kind: 'quarantined';
  reasons: string[];
}

export type NormalizedEvent = AcceptedEvent | QuarantinedEvent;

/** What goes into a stream's log, one leaf each. Streams with one source pass normalized events straight on. */
export type LogRecord = NormalizedEvent;

/** Journal items `[first, first + count)` became the leaves `[leaf, leaf + count)` of the stream. */
export interface Placement {
  first: Position;
  count: number;
  leaf: number;
}

/** Leaves `[start, end)` of a stream's log, sealed: content written, manifest and checkpoint signed. */
export interface SealedPacket {
  stream: string;
  start: number;
  end: number;
  versionId: string;
  contentHash: string;
  /** DLM1 manifest with its signatures, as JSON text. */
  manifest: string;
  /** C2SP signed note. */
  checkpoint: string;
  /** Where each line of the content ends: u32, little-endian. */
  offsets: Buffer;
  sealedAt: number;
  /** When its first event arrived. */
  oldestArrival: number;
  placements: Placement[];
  quarantined: { position: Position; leaf: number; reasons: string[] }[];
  /** Tiles of the log that are new or have grown. */
  tiles: Tile[];
  /** Settles when the content is on disk. The packet counts for nothing before that. */
  durable: Promise<void>;
}

/** Hashes of complete subtrees of a log: entry i of a tile at level L covers 256^L leaves. (https://c2sp.org/tlog-tiles) */
export interface Tile {
  level: number;
  index: number;
  /** Up to 256 hashes, 32 bytes each. */
  hashes: Buffer;
}
