/** What the pipeline leaves behind: sealed packets and their anchors, in the order in which readers see them. */
import type { Chain } from '@tidemark/proof';
import type { Position, SealedPacket, Verdict } from '../event.ts';
import type { CertifierCallReader, CertifierCallWriter } from './certifier-calls.ts';
import type { Coin, CoinReader } from './coins.ts';
import type { DueRollup, RollupReader, RollupRow } from './rollups.ts';
import type { SubmissionReader, SubmissionWriter } from './submissions.ts';

/**
 * Number of a happening in the ledger, from 1; a packet takes two for each of its leaves and one for each of its
 * conflicts, an anchor one.
 */
export type LedgerPosition = number;

export type LedgerEntry =
  | { kind: 'packet'; first: LedgerPosition; count: number; packet: PacketRow }
  | { kind: 'anchor'; first: LedgerPosition; count: 1; anchor: AnchorRow; packet: PacketRow };

/** A packet as readers need it; its content is in a file, its lines are found with `lineBounds`. */
export type PacketRow = Pick<
  SealedPacket,
  'stream' | 'start' | 'end' | 'versionId' | 'contentHash' | 'manifest' | 'checkpoint' | 'sealedAt'
>;

/** The versionId of a packet, or of a rollup, in a transaction in a block. */
export interface AnchorRow {
  versionId: string;
  stream: string;
  /** End of the packet: the anchor proves every leaf below. 0 for a rollup, which proves its parents alone. */
  end: number;
  chain: Chain;
  vout: number;
  txid: string;
  height: number;
  /** SPV envelope as JSON text, without `headerChain`. */
  envelope: string;
}

/** Where an event went. */
export interface Place {
  stream: string;
  leaf: number;
}

/** A fusion decision as it was sealed. */
export interface DecisionRow extends Verdict {
  /** Ascends in the order of sealing. */
  id: number;
  stream: string;
  /** The leaf that names it: of the fused record, or of one of the events that it held back. */
  leaf: number;
}

export interface DecisionFilter {
  stream?: string;
  conflictsOnly: boolean;
}

/** An event that is in quarantine, or was. */
export interface QuarantineRow {
  position: Position;
  stream: string;
  /** The leaf that says so. */
  leaf: number;
  reasons: string[];
}

export interface QuarantineFilter {
  stream?: string;
  /** Whether the event has another leaf by now, whatever made it leave. */
  left?: boolean;
}

export interface StreamRow {
  stream: string;
  consumed: Position;
  size: number;
  head: string | undefined;
  through: Record<string, number>;
  /** Leaves below this are in a rollup, made or due, or were sealed while the stream had none. */
  rolledUp: number;
  /** RFC 8785 text of the `StreamConfig` in force. */
  config: string;
  /** The batch that has begun and not ended. */
  batch: OpenBatch | undefined;
}

export interface OpenBatch {
  tag: string;
  /** Its first leaf. */
  start: number;
  /** When it began, milliseconds since 1970. */
  at: number;
}

/** Where the order & fuse stage of a stream goes on after a restart. */
export interface StageRow {
  stream: string;
  /** Journal items below this position have been taken in. */
  position: Position;
  /** Number of leaves that the log had then. */
  leaf: number;
  /** JSON. */
  state: string;
}

/** All that one step of the pipeline changes. */
export interface LedgerCommit {
  /** Where the journal is read from after a restart: every item below is in the ledger, or in a stage's state. */
  cursor: Position;
  streams: StreamRow[];
  stages: StageRow[];
  /** Streams that hold nothing back any more. */
  unstaged: string[];
  packets: SealedPacket[];
  /** Rollups that have come due, in that order. */
  rollups: DueRollup[];
  /** RFC 8785 text of policies, by hash. */
  policies: Map<string, string>;
}

/** The write side; one writer. Each call is one atomic commit, on disk when it returns. */
export interface LedgerWriter extends LedgerReader {
  commit(step: LedgerCommit): void;
  /** Anchors that a block has. The submissions that carried them are mined; what a rollup's proves, readers are not told. */
  recordAnchors(anchors: readonly AnchorRow[]): void;
  readonly submit: SubmissionWriter;
  readonly certify: CertifierCallWriter;
  /** Coins that the operator brings in. @returns how many are new, or had been set aside */
  fund(coins: readonly Coin[]): number;
  /** A witness's signature of the checkpoint of a packet; the newest stands. */
  recordCosignature(versionId: string, witness: string, line: string): void;
  /** A rollup that was due has been made. */
  recordRollup(rollup: RollupRow): void;
}

/** What overwriting needs to know of the ledger, and to have done there. */
export interface ErasureLedger {
  /** Whether the word at this position of the journal has its leaf: then all versions of the event have theirs. */
  hasLeaf(entry: Position): boolean;
  /** As that of the journal. */
  trim(): boolean;
}

/** What certifying needs: to go on from the last commit, and to make the next. */
export type CertifierLedger = Pick<LedgerWriter, 'cursor' | 'streams' | 'stages' | 'tile' | 'commit'>;

export interface LedgerReader {
  readonly rollups: RollupReader;
  readonly submissions: SubmissionReader;
  readonly certifierCalls: CertifierCallReader;
  readonly coins: CoinReader;
  /** Every journal item below this position is in the ledger, or in a stage's state. */
  cursor(): Position;
  /** The last position given out; 0 when empty. */
  head(): LedgerPosition;
  streams(): StreamRow[];
  stream(stream: string): StreamRow | undefined;
  stages(): StageRow[];
  /** Entries from the one that holds `from` on. */
  read(from: LedgerPosition, limit: number): LedgerEntry[];
  packet(versionId: string): PacketRow | undefined;
  /** The packet that holds a leaf. */
  packetOfLeaf(stream: string, leaf: number): PacketRow | undefined;
  /** Packets of a stream from the one that holds `leaf` on. */
  packetsFrom(stream: string, leaf: number, limit: number): PacketRow[];
  /** Where lines `[from, to)` of the packet's content lie: byte offsets of each end, and of the start. */
  lineBounds(versionId: string, from: number, to: number): { start: number; ends: number[] };
  /** The newest one, where an item has been placed more than once. */
  placement(position: Position): Place | undefined;
  /** The journal item that became this leaf; one of them, where several did. */
  positionOfLeaf(stream: string, leaf: number): Position | undefined;
  reasons(position: Position): string[] | undefined;
  /** What was noticed of an event that is certified all the same, the newest leaf's if it has several. */
  notes(position: Position): string[] | undefined;
  /** Events with positions below `before`, newest first. */
  quarantinedBefore(before: Position, limit: number, filter?: QuarantineFilter): QuarantineRow[];
  /** The decision with this hash. */
  decision(hash: string): DecisionRow | undefined;
  decisionOfLeaf(stream: string, leaf: number): DecisionRow | undefined;
  /** What was decided about the same thing, oldest first. */
  decisionsAbout(eventId: string): DecisionRow[];
  /** Newest first. @param before a decision of the filter's stream, if it names one */
  decisionsBefore(before: DecisionRow | undefined, filter: DecisionFilter, limit: number): DecisionRow[];
  /** Conflicts decided in the leaves `[start, end)`, in their order, from the one with index `from` on. */
  conflictsIn(leaves: Pick<PacketRow, 'stream' | 'start' | 'end'>, from: number, limit: number): DecisionRow[];
  policy(hash: string): string | undefined;
  tile(stream: string, level: number, index: number): Buffer | undefined;
  /** The last one that there was, lost or not. */
  anchor(versionId: string): AnchorRow | undefined;
  /** The version's own, if a block of the best chain has it. */
  standingAnchor(versionId: string): AnchorRow | undefined;
  /** The first anchored packet whose end is at least `end`: it proves all leaves below `end`. */
  anchorCovering(stream: string, end: number): AnchorRow | undefined;
  /** Signature lines of witnesses under the checkpoint of a packet. */
  cosignatures(versionId: string): string[];
  close(): void;
}
