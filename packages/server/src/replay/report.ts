/** What a replay finds out. */
import type { Position } from '../event.ts';

/**
 * Where what was derived anew first differs from what is stored.
 *
 * - `intake`: the journaled bytes are not those that their hash was made of, or id and hashes are not those in the leaf
 * - `normalize`: payload, mapping policy or reasons
 * - `order`: the same leaves in another order, others in their place, or packets cut elsewhere
 * - `fuse`: a decision, its inputs or its audit entry
 * - `certify`: the leaves are the same, and the manifest, or what the ledger says of the packet, is not
 */
export type ReplayStage = 'intake' | 'normalize' | 'order' | 'fuse' | 'certify';

export interface DivergingEvent {
  source: string;
  seq: number;
  /** Undefined, like the position, where the journal has no such event. */
  eventId: string | undefined;
  position: Position | undefined;
}

export interface Difference {
  /** `missing`: the ledger should have the packet; `extra`: it has one that the journal does not give. */
  kind: 'differs' | 'missing' | 'extra';
  stage: ReplayStage;
  /** The first packet that differs; undefined where the event is in none yet. */
  packet: { start: number; end: number; versionId: string } | undefined;
  /** The first leaf in it that differs; undefined where all are the same. */
  leaf: number | undefined;
  event: DivergingEvent | undefined;
  what: string;
}

export interface StreamResult {
  stream: string;
  /** Packets and leaves that were compared. */
  packets: number;
  leaves: number;
  /** Packets that the journal gives and the ledger has not come to yet. */
  pending: number;
  /** The first one. What comes after it in the stream was not compared. */
  difference: Difference | undefined;
}

export interface ReplayReport {
  equal: boolean;
  /** Journaled events that were derived anew. */
  events: number;
  /** Of these, erased ones: event time, and hash of payload or reasons, are taken from the ledger. */
  onTrust: number;
  packets: number;
  leaves: number;
  streams: StreamResult[];
}

/**
 * - `no-such-stream`: neither journal nor ledger has the stream
 * - `range-invalid`: the range is none
 * - `derivation-failed`: the journal is not what a pipeline could have worked on; the cause says why
 */
export type ReplayErrorCode = 'no-such-stream' | 'range-invalid' | 'derivation-failed';

export class ReplayError extends Error {
  readonly code: ReplayErrorCode;

  constructor(code: ReplayErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ReplayError';
    this.code = code;
  }
}
