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
  /** On salted streams: goes into every hash of what the event says. */
  salt?: Uint8Array;
}

/** An event that its policy accepts. */
export interface AcceptedEvent extends Normalized {
  kind: 'record';
  /** RFC 8785 text of the normalized payload. */
  payload: string;
  payloadHash: string;
  /** RFC 8785 text of what its source calls it; only where a stream fuses by it, and only if it has such an id. */
  externalId?: string;
  /** Position of the operator's word that lets it out of quarantine; it then supersedes itself. */
  released?: Position;
  /** What was noticed after normalization and is no reason to hold it back: that it came late, for one. */
  notes?: string[];
}

/** An event that its policy refuses; it still gets its place in the log, with the hash of the reasons. */
export interface QuarantinedEvent extends Normalized {
  kind: 'quarantined';
  reasons: string[];
  /** Where the reasons are not known any more. */
  reasonsHash?: string;
  /** The contest in which it and others were held back; one of them carries it. */
  contest?: Verdict;
}

/** The audit entry of a fusion decision. */
export interface Verdict {
  /** Id of what was decided about. */
  eventId: string;
  /** SHA-256 of `audit`, hex. */
  decision: string;
  /** RFC 8785 text. */
  audit: string;
  /** The sources did not all say the same. */
  conflict: boolean;
}

export type NormalizedEvent = AcceptedEvent | QuarantinedEvent;

/** A candidate of a fused record. */
export interface FusedInput {
  position: Position;
  source: string;
  seq: number;
  rawHash: string;
  policyHash: string;
  /** It is in the log already, as an input of the decision that this one replaces. */
  placed: boolean;
  /** As of an accepted event; of one that was placed before, with the leaf that it had then. */
  notes?: string[];
}

/** What several sources say of the same thing, decided. */
export interface FusedRecord extends Verdict {
  kind: 'fused';
  /** Start of the bucket, or the earliest candidate's time where there are no buckets. */
  eventTime: string;
  /** All candidates, losers too, sorted by source and seq. */
  inputs: FusedInput[];
  /** Hash of the fusion policy. */
  policyHash: string;
  /** The decision that this one replaces. */
  supersedes: string | undefined;
  payload: string;
  payloadHash: string;
}

/** What the log says of itself, signed. */
interface Control<Action extends string, Data extends object> {
  kind: 'control';
  /** Position of the journal item that it comes of. */
  cause: Position;
  action: Action;
  data: Data;
}

/** An operator's word: a quarantined event is given up. */
export interface DiscardRecord
  extends Control<
    'quarantine-discarded',
    { source: string; seq: number; eventId: string; by: string; reason: string }
  > {
  /** Position of the event. */
  about: Position;
}

/** An operator's word: a version of an event is erased. */
export interface ErasedRecord
  extends Control<'erased', { source: string; seq: number; eventId: string; by: string; reason: string }> {
  /** Position of the event. */
  about: Position;
}

/**
 * From here on, another configuration holds. It is the last leaf under the former one, and signed by its key, so that
 * whoever trusts that key knows the new one from it.
 */
export type ChangeRecord = Control<'policy-changed' | 'key-rotated', ConfigChange>;

export interface ConfigChange {
  /** `content.log.config` of the packets to come. */
  config: string;
  /** Names of the members of the configuration that are not what they were. */
  changed: string[];
  /** The new key of the log, if it has one. */
  logKey?: string;
  /** The new identity key, if there is one. */
  publisher?: string;
}

export type ControlRecord = DiscardRecord | ErasedRecord | ChangeRecord;

/** What an operator's word makes of an event in quarantine. */
export type Resolved = (AcceptedEvent & { released: Position }) | DiscardRecord;

/** What goes into a stream's log, one leaf each. */
export type LogRecord = NormalizedEvent | FusedRecord | ControlRecord;

/** Bounds of a window in event time, milliseconds since 1970: `[start, end)`. */
export interface EventWindow {
  start: number;
  end: number;
  /** Holds nothing but events that came after the window had been sealed. */
  correction: boolean;
}

/** Bounds of a rollup in event time, milliseconds since 1970: `[start, end)`. */
export interface RollupWindow {
  start: number;
  end: number;
}

/** What the order & fuse stage has its stream's log do next. */
export type Step =
  | {
      kind: 'append';
      record: LogRecord;
      /** When it arrived, milliseconds since 1970. */
      arrivedAt: number;
      /** By source, the seq up to which every event is in the log once this record is; read before the next step. */
      through: Readonly<Record<string, number>>;
      /** Where packets are cut in event time: the window that the record belongs to. */
      window: EventWindow | undefined;
    }
  | { kind: 'seal' }
  /** Roll up the packets since the last rollup; all that is in the log is in sealed packets. */
  | { kind: 'rollup'; window: RollupWindow };

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
  /** What was noticed of events that are certified all the same. */
  notes: { position: Position; leaf: number; notes: string[] }[];
  /** Leaves of items that already had one: inputs of a decision that replaces another, events out of quarantine. */
  moved: { position: Position; leaf: number }[];
  /** Events that are erased: what is kept of them beside their leaves is to go. */
  erased: Position[];
  decisions: (Verdict & { leaf: number })[];
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
