/** All streams' logs, and the commit that makes what they sealed, and how far they have come, durable together. */
import { canonicalize } from '@tidemark/proof';
import type { LogRecord, Position, SealedPacket } from '../event.ts';
import { StoreError } from '../store/errors.ts';
import type { LedgerCommit, LedgerWriter, StreamRow } from '../store/ledger.ts';
import type { PacketFiles } from '../store/packets.ts';
import type { StreamConfig } from '../stream.ts';
import { emptyState, type Signers, StreamLog } from './stream-log.ts';
import { TileTree } from './tile-tree.ts';

export class Certifier {
  readonly #ledger: LedgerWriter;
  readonly #files: PacketFiles;
  readonly #signers: Signers;
  readonly #logs = new Map<string, StreamLog>();
  #sealed: SealedPacket[] = [];
  /** Where streams stood when they were last sealed or reconfigured: what has been appended since is not part of it. */
  readonly #rows = new Map<string, StreamRow>();
  #policies = new Map<string, string>();
  #cursor: Position;

  constructor(ledger: LedgerWriter, files: PacketFiles, signers: Signers) {
    this.#ledger = ledger;
    this.#files = files;
    this.#signers = signers;
    this.#cursor = ledger.cursor();
    for (const row of ledger.streams()) this.#logs.set(row.stream, this.#reopen(row));
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

  append(stream: string, record: LogRecord, arrivedAt: number): void {
    const log = this.#log(stream);
    log.append(record, arrivedAt);
    if (log.full) this.#seal(log);
  }

  /** Seals what the stream has, if anything. */
  cut(stream: string, at: number): void {
    const log = this.#logs.get(stream);
    if (log !== undefined) this.#seal(log, at);
  }

  /** From `position` on, the stream has another configuration: what came before is sealed under the old one. */
  reconfigure(config: StreamConfig, policies: ReadonlyMap<string, string>, position: Position, at: number): void {
    const log = this.#logs.get(config.id);
    if (log === undefined) {
      const created = new StreamLog(emptyState(config, position + 1), new TileTree(), this.#files, this.#signers);
      this.#logs.set(config.id, created);
      this.#note(created);
    } else {
      this.#seal(log, at);
      log.reconfigure(config, position);
      this.#note(log);
    }
    for (const [hash, policy] of policies) this.#policies.set(hash, policy);
  }

  /**
   * What has been sealed since the last call, and the cursor that goes with it: `next` is the first journal item not yet
   * read. Steps are committed in the order in which they were collected.
   */
  collect(next: Position): LedgerCommit {
    const step = {
      cursor: Math.min(next, ...[...this.#logs.values()].map((log) => log.waitingSince ?? next)),
      packets: this.#sealed,
      streams: [...this.#rows.values()],
      policies: this.#policies,
    };
    this.#sealed = [];
    this.#rows.clear();
    this.#policies = new Map();
    return step;
  }

  /**
   * Commits a step once its packets are on disk.
   * @returns false when there was nothing to commit
   */
  async commit(step: LedgerCommit): Promise<boolean> {
    await Promise.all(step.packets.map(({ durable }) => durable));
    // The cursor also moves past items that change nothing, as a cut does where nothing waits.
    if (step.cursor === this.#cursor && step.streams.length === 0) return false;
    this.#ledger.commit(step);
    this.#cursor = step.cursor;
    return true;
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

  #reopen(row: StreamRow): StreamLog {
    const config = JSON.parse(row.config) as StreamConfig;
    const { consumed, head, through } = row;
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
    return new StreamLog({ consumed, head, through, config }, tree, this.#files, this.#signers);
  }
}

function toRow(log: StreamLog): StreamRow {
  const { config, consumed, head, through } = log.state;
  const row = { stream: config.id, size: log.size, consumed, head, through: { ...through } };
  return { ...row, config: canonicalize(config) };
}
