/** Packets as they are derived anew, each held against the ledger's when it is complete, and then dropped. */
import type { Position, SealedPacket } from '../event.ts';
import type { ContentWriter, PacketFiles, PacketStore } from '../store/packets.ts';
import type { DueRollup } from '../store/rollups.ts';
import { ComparedContent } from './compared-content.ts';
import type { PacketDifferences } from './packet-difference.ts';
import type { Range } from './range.ts';
import type { Difference, StreamResult } from './report.ts';
import { RollupDifferences } from './rollup-differences.ts';
import type { StoredLedger, StoredPacket } from './stored-ledger.ts';

export interface ComparisonParts {
  ledger: StoredLedger;
  files: PacketFiles;
  differences: PacketDifferences;
  range: Range;
  /** The only stream to be compared, if there is one. */
  stream: string | undefined;
}

/** A packet that is being derived. */
interface Open {
  stored: StoredPacket | undefined;
  content: ComparedContent;
  /** What had been read of the journal when it was complete. */
  sealedBy: Position;
}

interface Progress {
  result: StreamResult;
  /** Leaves in the packets that have been derived. */
  end: number;
  /** End of the last rollup that has been derived. */
  rolledUp: number;
  /** Nothing more is to be compared. */
  finished: boolean;
  /** Packets that have been begun, and not taken yet. */
  open: Open[];
}

export class Comparison implements PacketStore {
  readonly #parts: ComparisonParts;
  readonly #rollups: RollupDifferences;
  readonly #reached: () => Position;
  readonly #streams = new Map<string, Progress>();

  /** @param reached one beyond the last journal item that is being worked on */
  constructor(parts: ComparisonParts, reached: () => Position) {
    this.#parts = parts;
    this.#rollups = new RollupDifferences(parts.ledger, parts.files);
    this.#reached = reached;
    for (const stream of parts.ledger.streams) if (this.#isSelected(stream)) this.#progress(stream);
  }

  /** Whether what the journal says of a stream can still make a difference. */
  wants(stream: string): boolean {
    return this.#isSelected(stream) && !this.#progress(stream).finished;
  }

  create(stream: string, start: number): ContentWriter {
    const { ledger, files } = this.#parts;
    const stored = ledger.packetFrom(stream, start);
    const path = stored && files.path(stored.contentHash);
    const open: Open = {
      stored,
      content: new ComparedContent(path, () => {
        open.sealedBy = this.#reached();
      }),
      sealedBy: 0,
    };
    this.#progress(stream).open.push(open);
    return open.content;
  }

  /** @param packets in the order in which they were sealed */
  take(packets: readonly SealedPacket[]): void {
    for (const packet of packets) {
      const progress = this.#progress(packet.stream);
      const open = progress.open.shift();
      if (open !== undefined && !progress.finished) this.#compare(packet, open, progress);
    }
  }

  /** @param rollups whose packets have been taken, in the order in which they came due */
  takeRollups(rollups: readonly DueRollup[]): void {
    for (const due of rollups) {
      const progress = this.#progress(due.stream);
      progress.rolledUp = due.end;
      const compared = this.#parts.range.holds({ ...due, sealedAt: due.window.end, manifest: '{"content":{}}' });
      if (progress.finished || !compared) continue;
      const difference = this.#rollups.between(due);
      if (difference !== undefined) end(progress, difference);
    }
  }

  /** The journal item at a position keeps its stream from being derived any further. */
  stop(stream: string, difference: Difference): void {
    const progress = this.#progress(stream);
    if (!progress.finished) end(progress, difference);
  }

  /** To be called when everything has been derived. */
  results(): StreamResult[] {
    for (const [stream, progress] of this.#streams) if (!progress.finished) this.#lookForMore(stream, progress);
    return [...this.#streams.values()].map(({ result }) => result).sort((a, b) => (a.stream < b.stream ? -1 : 1));
  }

  #compare(packet: SealedPacket, { stored, content, sealedBy }: Open, progress: Progress): void {
    const { ledger, differences, range } = this.#parts;
    const { stream, start } = packet;
    progress.end = packet.end;
    const compared = range.holds(packet);
    if (stored === undefined || stored.start >= packet.end) {
      const due = start < ledger.size(stream) || sealedBy <= ledger.passed(stream);
      if (!due) progress.result.pending++;
      else if (compared) end(progress, differences.missing(packet));
    } else if (compared) {
      const difference = differences.between(packet, stored, content);
      if (difference === undefined) {
        progress.result.packets++;
        progress.result.leaves += packet.end - start;
      } else end(progress, difference);
    }
    if (range.isPast(packet.end)) progress.finished = true;
  }

  #lookForMore(stream: string, progress: Progress): void {
    const { ledger, differences, range } = this.#parts;
    let more = ledger.packetFrom(stream, progress.end);
    while (more !== undefined && !range.holds(more)) more = ledger.packetFrom(stream, more.end);
    const extra = more === undefined ? this.#rollups.extra(stream, progress.rolledUp) : differences.extra(more);
    if (extra !== undefined) end(progress, extra);
  }

  #isSelected(stream: string): boolean {
    return this.#parts.stream === undefined || this.#parts.stream === stream;
  }

  #progress(stream: string): Progress {
    let progress = this.#streams.get(stream);
    if (progress === undefined) {
      const result = { stream, packets: 0, leaves: 0, pending: 0, difference: undefined };
      progress = { result, end: 0, rolledUp: 0, finished: false, open: [] };
      this.#streams.set(stream, progress);
    }
    return progress;
  }
}

function end(progress: Progress, difference: Difference): void {
  progress.result.difference = difference;
  progress.finished = true;
}
