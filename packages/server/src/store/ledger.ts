/** What the pipeline leaves behind: sealed packets and their anchors, in the order in which readers see them. */
import type { Position, SealedPacket } from '../event.ts';

/** Number of a happening in the ledger, from 1; a packet takes two for each of its leaves, an anchor one. */
export type LedgerPosition = number;

export type LedgerEntry =
  | { kind: 'packet'; first: LedgerPosition; count: number; packet: PacketRow }
  | { kind: 'anchor'; first: LedgerPosition; count: 1; anchor: AnchorRow; packet: PacketRow };

/** A packet as readers need it; its content is in a file, its lines are found with `lineBounds`. */
export type PacketRow = Pick<
  SealedPacket,
  'stream' | 'start' | 'end' | 'versionId' | 'contentHash' | 'manifest' | 'checkpoint' | 'sealedAt'
>;

/** A packet's versionId in a transaction in a block. */
export interface AnchorRow {
  versionId: string;
  stream: string;
  /** End of the packet: the anchor proves every leaf below. */
  end: number;
  chain: string;
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

export interface StreamRow {
  stream: string;
  consumed: Position;
  size: number;
  head: string | undefined;
  through: Record<string, number>;
  /** RFC 8785 text of the `StreamConfig` in force. */
  config: string;
}

/** All that one step of the pipeline changes. */
export interface LedgerCommit {
  /** Every journal item below is in the ledger. */
  cursor: Position;
  streams: StreamRow[];
  packets: SealedPacket[];
  /** RFC 8785 text of policies, by hash. */
  policies: Map<string, string>;
}

/** The write side; one writer. Each call is one atomic commit, on disk when it returns. */
export interface LedgerWriter extends LedgerReader {
  commit(step: LedgerCommit): void;
  recordAnchors(anchors: readonly AnchorRow[]): void;
}

export interface LedgerReader {
  /** Every journal item below this position is in the ledger. */
  cursor(): Position;
  /** The last position given out; 0 when empty. */
  head(): LedgerPosition;
  streams(): StreamRow[];
  stream(stream: string): StreamRow | undefined;
  /** Entries from the one that holds `from` on. */
  read(from: LedgerPosition, limit: number): LedgerEntry[];
  packet(versionId: string): PacketRow | undefined;
  /** The packet that holds a leaf. */
  packetOfLeaf(stream: string, leaf: number): PacketRow | undefined;
  /** Packets of a stream from the one that holds `leaf` on. */
  packetsFrom(stream: string, leaf: number, limit: number): PacketRow[];
  /** Where lines `[from, to)` of the packet's content lie: byte offsets of each end, and of the start. */
  lineBounds(versionId: string, from: number, to: number): { start: number; ends: number[] };
  placement(position: Position): Place | undefined;
  /** The journal item that became this leaf. */
  positionOfLeaf(stream: string, leaf: number): Position | undefined;
  reasons(position: Position): string[] | undefined;
  /** Positions of quarantined events below `before`, newest first. */
  quarantinedBefore(before: Position, limit: number): Position[];
  policy(hash: string): string | undefined;
  tile(stream: string, level: number, index: number): Buffer | undefined;
  anchor(versionId: string): AnchorRow | undefined;
  /** The first anchored packet whose end is at least `end`: it proves all leaves below `end`. */
  anchorCovering(stream: string, end: number): AnchorRow | undefined;
  /** The newest packet of each stream that no anchor covers. */
  unanchoredHeads(): PacketRow[];
  close(): void;
}
