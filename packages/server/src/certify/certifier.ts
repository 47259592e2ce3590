/** All streams' logs, and the commit that makes what they sealed, and how far they have come, durable together. */
import { hash } from 'node:crypto';
import { canonicalize } from '@tidemark/proof';
import type { LogRecord, Position, RollupWindow, SealedPacket } from '../event.ts';
import { StoreError } from '../store/errors.ts';
import type { CertifierLedger, LedgerCommit, StageRow, StreamRow } from '../store/ledger.ts';
import type { PacketStore } from '../store/packets.ts';
import type { DueRollup } from '../store/rollups.ts';
import type { StreamConfig } from '../stream.ts';
import { changeRecord } from './config-change.ts';
import { type Arrival, emptyState, type Signers, StreamLog } from './stream-log.ts';
import { TileTree } from './tile-tree.ts';

/** What the stages have for the commit under way. */
export interface StageProgress {
  rows: StageRow[];
  /** Streams that have no stage any more. */
  dropped: string[];
  /** The first journal item that a stage would want again after a restart; undefined when there are no stages. */
  from: Position | undefined;
}

export interface Collected extends LedgerCommit {
  /** Every journal item below is in the ledger, or held back on purpose. */
  reached: Position;
}

export class Certifier {
  readonly #ledger: CertifierLedger;
  readonly #files: PacketStore;
  readonly #signers: Signers;
  readonly #logs = new Map<string, StreamLog>();
  #sealed: SealedPacket[] = [];
  #rollups: DueRollup[] = [];
  /** Where streams stood when they were last sealed or reconfigured: what has been appended since is not part of it. */
  readonly #rows = new Map<string, StreamRow>();
  #policies = new Map<string, string>();
  #cursor: Position;
  #reached: Position;

  constructor(ledger: CertifierLedger, files: PacketStore, signers: Signers) {
    this.#ledger = ledger;
    this.#files = files;
    this.#signers = signers;
    this.#cursor = ledger.cursor();
    this.#reached = this.#cursor;
    const stages = new Map(ledger.stages().map(({ stream, leaf }) => [stream, leaf]));
    for (const row of ledger.streams()) this.#logs.set(row.stream, this.#reopen(row, stages.get(row.stream)));
  }

  /** The configuration in force for a stream, as far as the journal has been read. */
  config(stream: string): StreamConfig {
    return this.#log(stream).state.config;
  }

  /**
   * Items of the stream below this position are in its log. After a restart the journal is read again from the oldest
   * item that is not, and most streams have come further.
   */
  consumed(stream: string): Position {
    return this.#logs.get(stream)?.state.consumed ?? 0;
  }

  /** @returns whether a packet was full, and has been sealed */
  append(stream: string, record: LogRecord, arrival: Arrival): boolean {
    const log = this.#log(stream);
    log.append(record, arrival);
    const { full } = log;
    if (full) this.#seal(log);
    return full;
  }

  /** Packets sealed since the last `collect`. */
  get sealedPackets(): number {
    return this.#sealed.length;
  }

  /** Leaves of a stream's log: up to the record that came last, and in sealed packets. */
  extent(stream: string): { reached: number; sealed: number } {
    const { reached, sealed } = this.#log(stream);
    return { reached, sealed };
  }

  /** Seals what the stream has, if anything. */
  cut(stream: string, at?: number): void {
    const log = this.#logs.get(stream);
    if (log !== undefined) this.#seal(log, at);
  }

  /** The packets since the last rollup are to be rolled up; nothing may wait for a packet. */
  rollUp(stream: string, window: RollupWindow): void {
    const log = this.#log(stream);
    const leaves = log.rollUp();
    if (leaves === undefined) return;
    this.#rollups.push({ stream, ...leaves, window, config: canonicalize(log.state.config) });
    this.#note(log);
  }

  /** From `position` on, what the stream takes in is the batch's, and in packets of its own. */
  openBatch(stream: string, tag: string, position: Position, at: number): void {
    const log = this.#log(stream);
    this.#seal(log, at);
    log.openBatch(tag, position, at);
    this.#note(log);
  }

  /** The batch is complete: its packets are to be rolled up, if it brought anything. */
  endBatch(stream: string, tag: string, position: Position, at: number): void {
    const log = this.#log(stream);
    this.#seal(log, at);
    const ended = log.endBatch(tag, position);
    if (ended !== undefined && ended.end > ended.start) {
      const { start, end } = ended;
      const config = canonicalize(log.state.config);
      // The clock may have been set back meanwhile.
      const window = { start: ended.at, end: Math.max(ended.at, at) };
      this.#rollups.push({ stream, start, end, window, batch: tag, config });
    }
    this.#note(log);
  }

  /**
   * From `position` on, the stream has another configuration: what came before is sealed under the old one, and then a
   * leaf that says so.
   */
  reconfigure(config: StreamConfig, position: Position, at: number): void {
    const log = this.#logs.get(config.id);
    if (log === undefined) {
      const created = new StreamLog(emptyState(config, position + 1), new TileTree(), this.#files, this.#signers);
      this.#logs.set(config.id, created);
      this.#note(created);
    } else {
      this.#seal(log, at);
      if (log.size > 0) {
        log.append(changeRecord(log.state.config, config, position), { arrivedAt: at });
        this.#seal(log, at);
      }
      log.reconfigure(config, position);
      this.#note(log);
    }
    for (const policy of policiesOf(config)) this.#policies.set(hash('sha256', policy, 'hex'), policy);
  }

  /**
   * What has been sealed since the last call, and the cursor that goes with it: `next` is the first journal item not yet
   * read. Steps are committed in the order in which they were collected.
   */
  collect(next: Position, stages: StageProgress): Collected {
    const waiting = [...this.#logs.values()].map((log) => log.waitingSince ?? next);
    const reached = Math.min(next, ...waiting);
    const step = {
      cursor: Math.min(reached, stages.from ?? reached),
      reached,
      stages: stages.rows,
      unstaged: stages.dropped,
      packets: this.#sealed,
      rollups: this.#rollups,
      streams: [...this.#rows.values()],
      policies: this.#policies,
    };
    this.#sealed = [];
    this.#rollups = [];
    this.#rows.clear();
    this.#policies = new Map();
    return step;
  }

  /**
   * Commits a step once its packets are on disk.
   * @returns false when there was nothing to commit
   */
  async commit(step: Collected): Promise<boolean> {
    await Promise.all(step.packets.map(({ durable }) => durable));
    // The cursor also moves past items that change nothing, as a cut does where nothing waits.
    const changes = step.streams.length + step.stages.length + step.unstaged.length;
    const moved = step.reached !== this.#reached;
    this.#reached = step.reached;
    if (step.cursor === this.#cursor && changes === 0) return moved;
    this.#ledger.commit(step);
    this.#cursor = step.cursor;
    return true;
  }

  /** Every journal item below is in the ledger, or held on purpose. */
  get reached(): Position {
    return this.#reached;
  }

  /** To be called before another certifier starts from the last commit. */
  abandon(): void {
    for (const log of this.#logs.values()) log.abandon();
  }

  #seal(log: StreamLog, at?: number): void {
    const packet = log.seal(at);
    if (packet === undefined) return;
    this.#sealed.push(packet);
    this.#note(log);
  }

  #note(log: StreamLog): void {
    this.#rows.set(log.state.config.id, toRow(log));
  }

  #log(stream: string): StreamLog {
    const log = this.#logs.get(stream);
    if (log === undefined) throw new StoreError('damaged', `the journal has no configuration of the stream ${stream}`);
    return log;
  }

  /** @param stageLeaf leaves that the log had when the state was taken from which its stage goes on, if it has one */
  #reopen(row: StreamRow, stageLeaf: number | undefined): StreamLog {
    const config = JSON.parse(row.config) as StreamConfig;
    const { consumed, head, through, rolledUp, batch } = row;
    const partial: Buffer[] = [];
    for (let level = 0, width = 1; width <= row.size; level++, width *= 256) {
      const entries = Math.floor(row.size / width) % 256;
      const index = Math.floor(row.size / (width * 256));
      const tile = entries === 0 ? Buffer.alloc(0) : this.#ledger.tile(row.stream, level, index);
      if (tile?.length !== entries * 32)
        throw new StoreError('damaged', `a tile of the stream ${row.stream} is missing`);
      partial.push(tile);
    }
    const tree = new TileTree(row.size, partial);
    // The header leaf comes with the first record, and is none.
    const known = stageLeaf === undefined || row.size === 0 ? 0 : row.size - Math.max(1, stageLeaf);
    return new StreamLog({ consumed, head, through, rolledUp, config, batch }, tree, this.#files, this.#signers, known);
  }
}

function toRow(log: StreamLog): StreamRow {
  const { config, consumed, head, through, rolledUp, batch } = log.state;
  const row = { stream: config.id, size: log.size, consumed, head, through: { ...through }, rolledUp, batch };
  return { ...row, config: canonicalize(config) };
}

/** RFC 8785 text of every policy that leaves of the stream may name. */
function policiesOf({ sources, fusion }: StreamConfig): string[] {
  const policies = [...Object.values(sources), ...(fusion === undefined ? [] : [fusion])];
  return policies.map((policy) => canonicalize(policy));
}
