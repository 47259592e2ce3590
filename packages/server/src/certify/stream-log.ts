/** One stream's certified log: leaves go in, sealed packets come out. */
import type { LogRecord, Placement, Position, SealedPacket } from '../event.ts';
import type { PacketFiles } from '../store/packets.ts';
import type { StreamConfig } from '../stream.ts';
import { PacketContent } from './content.ts';
import { headerLeaf, recordLeaf } from './leaf-text.ts';
import { type SignVersion, signedManifest } from './manifest.ts';
import type { TileTree } from './tile-tree.ts';

/** Where a stream stands between two packets; this is what the ledger keeps of it. */
export interface StreamState {
  /** Journal items of the stream below this position are in sealed packets. */
  consumed: Position;
  /** versionId of the newest packet. */
  head: string | undefined;
  /** Highest seq of each source in the log. */
  through: Record<string, number>;
  config: StreamConfig;
}

export interface Signers {
  version: SignVersion;
  /** The checkpoint of a log as a note signed with this C2SP verifier key's private half; throws where it is not at hand. */
  checkpoint: (logKey: string, size: number, root: Buffer) => string;
}

/** A packet is cut at this size whatever its number of leaves: readers may have to fetch it whole. */
const MAX_PACKET_BYTES = 128 * 1024 * 1024;

/** The leaves since the last packet. */
interface Open {
  content: PacketContent;
  start: number;
  firstPosition: Position;
  /** Arrival of the first record. */
  oldest: number;
  /** Arrival of the newest record: the time of a packet that is cut by count. */
  newest: number;
  placements: Placement[];
  quarantined: SealedPacket['quarantined'];
}

export class StreamLog {
  readonly #files: PacketFiles;
  readonly #signers: Signers;
  readonly #tree: TileTree;
  #state: StreamState;
  #open: Open | undefined;

  constructor(state: StreamState, tree: TileTree, files: PacketFiles, signers: Signers) {
    this.#state = state;
    this.#tree = tree;
    this.#files = files;
    this.#signers = signers;
  }

  get state(): Readonly<StreamState> {
    return this.#state;
  }

  get size(): number {
    return this.#tree.size;
  }

  /** The first journal item that waits for a packet; undefined when none does. */
  get waitingSince(): Position | undefined {
    return this.#open?.firstPosition;
  }

  /** True when the open packet has as many leaves, or bytes, as it may. */
  get full(): boolean {
    if (this.#open === undefined) return false;
    const { leaves, bytes } = this.#open.content;
    return leaves >= this.#state.config.publish.maxEvents || bytes >= MAX_PACKET_BYTES;
  }

  append(record: LogRecord, arrivedAt: number): void {
    this.#open ??= this.#begin(record.position, arrivedAt);
    const open = this.#open;
    const leaf = this.#tree.size;
    const payload = record.kind === 'record' ? record.payload : undefined;
    this.#tree.append(open.content.append(recordLeaf(this.#state.config.id, record), payload));
    if (record.kind === 'quarantined') {
      open.quarantined.push({ position: record.position, leaf, reasons: record.reasons });
    }
    place(open.placements, record.position, leaf);
    open.newest = arrivedAt;
    this.#state.through[record.source] = record.seq;
    this.#state.consumed = record.position + 1;
  }

  /**
   * Seals what waits.
   * @param at time of sealing as the journal has it; without one the newest record's arrival
   * @returns undefined when nothing waits
   */
  seal(at?: number): SealedPacket | undefined {
    const open = this.#open;
    if (open === undefined) return undefined;
    this.#open = undefined;
    const { config, head } = this.#state;
    const { contentHash, sizeBytes, offsets, durable } = open.content.finish();
    const root = this.#tree.root();
    const { start } = open;
    const end = this.#tree.size;
    const sealedAt = at ?? open.newest;
    const through = { ...this.#state.through };
    const facts = { start, end, root, through, contentHash, sizeBytes, parent: head, sealedAt };
    const { versionId, manifest } = signedManifest(config, facts, this.#signers.version);
    const checkpoint = this.#signers.checkpoint(config.logKey, end, Buffer.from(root, 'hex'));
    this.#state.head = versionId;
    const { placements, quarantined } = open;
    const stream = config.id;
    return {
      ...{ stream, start, end, versionId, contentHash, manifest, checkpoint, offsets, sealedAt },
      ...{ placements, quarantined, tiles: this.#tree.takeChanged(), oldestArrival: open.oldest, durable },
    };
  }

  /** A new configuration holds from `position` on. What waits must have been sealed. */
  reconfigure(config: StreamConfig, position: Position): void {
    this.#state.config = config;
    this.#state.consumed = position + 1;
  }

  /** Lets go of what is not sealed: it will be derived from the journal again. */
  abandon(): void {
    this.#open?.content.abandon();
  }

  #begin(firstPosition: Position, arrivedAt: number): Open {
    const { config } = this.#state;
    const content = new PacketContent(this.#files.create());
    const start = this.#tree.size;
    if (start === 0) {
      this.#tree.append(content.append(headerLeaf(config.id, config.publisher, config.logKey), undefined));
    }
    return { content, start, firstPosition, oldest: arrivedAt, newest: arrivedAt, placements: [], quarantined: [] };
  }
}

/** Extends the last run of placements, or begins another. */
function place(placements: Placement[], position: Position, leaf: number): void {
  const last = placements.at(-1);
  if (last !== undefined && last.first + last.count === position && last.leaf + last.count === leaf) last.count++;
  else placements.push({ first: position, count: 1, leaf });
}

export function emptyState(config: StreamConfig, position: Position): StreamState {
  return { consumed: position, head: undefined, through: {}, config };
}
