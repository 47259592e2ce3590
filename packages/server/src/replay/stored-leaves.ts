import type { QuarantinedLeaf, RecordLeaf } from '@tidemark/proof';
import type { Position } from '../event.ts';
import type { PacketFiles } from '../store/packets.ts';
import type { StoredLedger } from './stored-ledger.ts';
import { storedLine } from './stored-lines.ts';

/** The leaves that the ledger has of one event: what is left of it where it is erased. */
export class StoredLeaves {
  readonly #ledger: StoredLedger;
  readonly #files: PacketFiles;

  constructor(ledger: StoredLedger, files: PacketFiles) {
    this.#ledger = ledger;
    this.#files = files;
  }

  /** Oldest first. */
  of(stream: string, position: Position): (RecordLeaf | QuarantinedLeaf)[] {
    const first = this.#ledger.leafOf(position);
    if (first === undefined) return [];
    return [first, ...this.#ledger.movesOf(position)].flatMap((leaf) => this.#at(stream, leaf) ?? []);
  }

  #at(stream: string, leaf: number): RecordLeaf | QuarantinedLeaf | undefined {
    const packet = this.#ledger.packetFrom(stream, leaf);
    const line = packet && storedLine(this.#files.path(packet.contentHash), leaf - packet.start);
    if (typeof line !== 'object') return undefined;
    return line.leaf.kind === 'record' || line.leaf.kind === 'quarantined' ? line.leaf : undefined;
  }
}
