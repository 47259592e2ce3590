/** One stream's certified log: leaves go in, sealed packets come out. */
import type {
  AcceptedEvent,
  ControlRecord,
  EventWindow,
  FusedRecord,
  LogRecord,
  NormalizedEvent,
  Placement,
  Position,
  SealedPacket,
} from '../event.ts';
import type { OpenBatch } from '../store/ledger.ts';
import type { PacketStore } from '../store/packets.ts';
import type { StreamConfig } from '../stream.ts';
import { PacketContent } from './content.ts';
import { controlLeaf, headerLeaf, recordLeaf } from './leaf-text.ts';
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
  /** Leaves below this are in a rollup, or were sealed while the stream had none. */
  rolledUp: number;
  config: StreamConfig;
  batch: OpenBatch | undefined;
}

export interface Signers {
  version: SignVersion;
  /** The checkpoint of a log as a note signed with this C2SP verifier key's private half; throws where it is not at hand. */
  checkpoint: (logKey: string, size: number, root: Buffer) => string;
  /** Ed25519 signature of the UTF-8 bytes of the text, which is that of this leaf of the stream, by the same key, base64. */
  control: (logKey: string, text: string, stream: string, leaf: number) => string;
}

/** A packet is cut at this size whatever its number of leaves: readers may have to fetch it whole. */
const MAX_PACKET_BYTES = 128 * 1024 * 1024;

/** How a record came to its place in the log. */
export interface Arrival {
  /** Milliseconds since 1970. */
  arrivedAt: number;
  /**
   * Of streams whose order is not the journal's: by source, the seq up to which all is in the log. Read when a packet
   * is sealed.
   */
  through?: Readonly<Record<string, number>>;
  window?: EventWindow | undefined;
}

/** The leaves since the last packet. */
interface Open {
  content: PacketContent;
  start: number;
  /** Undefined where the stream's stage knows what is waiting. */
  firstPosition: Position | undefined;
  window: EventWindow | undefined;
  through: Readonly<Record<string, number>> | undefined;
  /** Arrival of the first record. */
  oldest: number;
  /** Arrival of the newest record: the time of a packet that is cut by count. */
  newest: number;
  placements: Placement[];
  quarantined: SealedPacket['quarantined'];
  notes: SealedPacket['notes'];
  moved: SealedPacket['moved'];
  erased: SealedPacket['erased'];
  decisions: SealedPacket['decisions'];
}

export class StreamLog {
  readonly #files: PacketStore;
  readonly #signers: Signers;
  readonly #tree: TileTree;
  #state: StreamState;
  #open: Open | undefined;
  /** Records that come once more after a restart, and are in sealed packets already. */
  #known: number;

  constructor(state: StreamState, tree: TileTree, files: PacketStore, signers: Signers, known = 0) {
    this.#state = state;
    this.#tree = tree;
    this.#files = files;
    this.#signers = signers;
    this.#known = known;
  }

  get state(): Readonly<StreamState> {
    return this.#state;
  }

  /** Leaves, with those of the open packet. */
  get size(): number {
    return this.#tree.size;
  }

  /** Leaves up to the record that came last, which after a restart is one that came before. */
  get reached(): number {
    return this.#tree.size - this.#known;
  }

  /** Leaves in sealed packets. */
  get sealed(): number {
    return this.#open?.start ?? this.#tree.size;
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

  append(record: LogRecord, { arrivedAt, through, window }: Arrival): void {
    if (this.#known > 0) {
      this.#known--;
      return;
    }
    const inOrder = through === undefined && record.kind !== 'fused';
    const cause = inOrder ? causeOf(record) : undefined;
    this.#open ??= this.#begin(cause, arrivedAt, window);
    const open = this.#open;
    const leaf = this.#tree.size;
    // What can be erased is not in packets, which stay as they are.
    const payload = 'payload' in record && this.#state.config.salted !== true ? record.payload : undefined;
    this.#tree.append(open.content.append(this.#leafText(record), payload));
    if (record.kind === 'fused') noteFused(open, record, leaf);
    else if (record.kind === 'control') noteControl(open, record, leaf);
    else noteEvent(open, record, leaf);
    open.newest = arrivedAt;
    open.through = through;
    if (cause === undefined) return;
    this.#state.consumed = cause + 1;
    if (inOrder && record.kind !== 'control' && !isReleased(record)) this.#state.through[record.source] = record.seq;
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
    const { window } = open;
    const sealedAt = window?.end ?? at ?? open.newest;
    Object.assign(this.#state.through, open.through);
    const through = { ...this.#state.through };
    const facts = { start, end, root, through, contentHash, sizeBytes, parent: head, sealedAt, window };
    const { versionId, manifest } = signedManifest(config, facts, this.#signers.version);
    const checkpoint = this.#signers.checkpoint(config.logKey, end, Buffer.from(root, 'hex'));
    this.#state.head = versionId;
    const { placements, quarantined, notes, moved, erased, decisions } = open;
    const stream = config.id;
    return {
      ...{ stream, start, end, versionId, contentHash, manifest, checkpoint, offsets, sealedAt },
      ...{
        placements,
        quarantined,
        notes,
        moved,
        erased,
        decisions,
        tiles: this.#tree.takeChanged(),
        oldestArrival: open.oldest,
        durable,
      },
    };
  }

  /**
   * The leaves since the last rollup become the next one; they must have been sealed.
   * @returns undefined where that has been noted before a restart
   */
  rollUp(): { start: number; end: number } | undefined {
    const start = this.#state.rolledUp;
    const end = this.reached;
    if (end <= start) return undefined;
    this.#state.rolledUp = end;
    return { start, end };
  }

  /** From here on, what comes is the batch's. What waits must have been sealed. Once more changes nothing. */
  openBatch(tag: string, position: Position, at: number): void {
    if (this.#state.batch?.tag !== tag) this.#state.batch = { tag, start: this.#tree.size, at };
    this.#state.consumed = position + 1;
  }

  /**
   * What comes is of no batch any more; what waits must have been sealed.
   * @returns the leaves of the batch, and when it began; undefined where that has been noted before a restart
   */
  endBatch(tag: string, position: Position): { start: number; end: number; at: number } | undefined {
    const { batch } = this.#state;
    this.#state.consumed = position + 1;
    if (batch?.tag !== tag) return undefined;
    this.#state.batch = undefined;
    return { start: batch.start, end: this.#tree.size, at: batch.at };
  }

  /** A new configuration holds from `position` on. What waits must have been sealed. */
  reconfigure(config: StreamConfig, position: Position): void {
    if (this.#state.config.rollup === undefined) this.#state.rolledUp = this.#tree.size;
    this.#state.config = config;
    this.#state.consumed = position + 1;
  }

  /** Lets go of what is not sealed: it will be derived from the journal again. */
  abandon(): void {
    this.#open?.content.abandon();
  }

  #leafText(record: LogRecord): string {
    const { id, logKey } = this.#state.config;
    if (record.kind !== 'control') return recordLeaf(id, record);
    return controlLeaf(id, record, (text) => this.#signers.control(logKey, text, id, this.#tree.size));
  }

  #begin(firstPosition: Position | undefined, arrivedAt: number, window: EventWindow | undefined): Open {
    const { config } = this.#state;
    const start = this.#tree.size;
    const content = new PacketContent(this.#files.create(config.id, start));
    if (start === 0) {
      this.#tree.append(content.append(headerLeaf(config.id, config.publisher, config.logKey), undefined));
    }
    return {
      ...{ content, start, firstPosition, window, through: undefined, oldest: arrivedAt, newest: arrivedAt },
      ...{ placements: [], quarantined: [], notes: [], moved: [], erased: [], decisions: [] },
    };
  }
}

/** The journal item that made the record come. */
function causeOf(record: NormalizedEvent | ControlRecord): Position {
  if (record.kind === 'control') return record.cause;
  return isReleased(record) ? record.released : record.position;
}

function isReleased(record: NormalizedEvent): record is AcceptedEvent & { released: Position } {
  return record.kind === 'record' && record.released !== undefined;
}

function noteEvent(open: Open, record: NormalizedEvent, leaf: number): void {
  const { position } = record;
  if (isReleased(record)) open.moved.push({ position, leaf });
  else place(open.placements, position, leaf);
  if (record.kind === 'quarantined') {
    open.quarantined.push({ position, leaf, reasons: record.reasons });
    if (record.contest !== undefined) open.decisions.push({ ...record.contest, leaf });
  } else if (record.notes !== undefined) open.notes.push({ position, leaf, notes: record.notes });
}

/**
 * What becomes of an event in quarantine is one more leaf of the event; a change is the leaf of its configuration, an
 * erasure that of the word: the event's leaf stays the one it has.
 */
function noteControl(open: Open, record: ControlRecord, leaf: number): void {
  if (record.action === 'quarantine-discarded') open.moved.push({ position: record.about, leaf });
  else place(open.placements, record.cause, leaf);
  if (record.action === 'erased') open.erased.push(record.about);
}

function noteFused(open: Open, { inputs, eventId, decision, audit, conflict }: FusedRecord, leaf: number): void {
  for (const { position, placed, notes } of inputs) {
    if (placed) open.moved.push({ position, leaf });
    else place(open.placements, position, leaf);
    if (notes !== undefined) open.notes.push({ position, leaf, notes });
  }
  open.decisions.push({ leaf, eventId, decision, audit, conflict });
}

/** Extends the last run of placements, or begins another. */
function place(placements: Placement[], position: Position, leaf: number): void {
  const last = placements.at(-1);
  if (last !== undefined && last.first + last.count === position && last.leaf + last.count === leaf) last.count++;
  else placements.push({ first: position, count: 1, leaf });
}

export function emptyState(config: StreamConfig, position: Position): StreamState {
  return { consumed: position, head: undefined, through: {}, rolledUp: 0, config, batch: undefined };
}
