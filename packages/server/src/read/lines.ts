/** The lines of packet contents, as leaf and payload. */
import type { Leaf } from '@tidemark/proof';
import type { JsonObject } from '../json/parse.ts';
import type { LedgerReader, PacketRow } from '../store/ledger.ts';
import type { PacketFiles } from '../store/packets.ts';

export interface Line {
  /** Leaf index in the stream's log. */
  index: number;
  leaf: Leaf;
  payload: JsonObject | undefined;
}

export class PacketLines {
  readonly #ledger: LedgerReader;
  readonly #files: PacketFiles;

  constructor(ledger: LedgerReader, files: PacketFiles) {
    this.#ledger = ledger;
    this.#files = files;
  }

  one(packet: PacketRow, index: number): Line {
    return this.range(packet, index, index + 1)[0]!;
  }

  /** Leaves `[from, to)`, which lie in this packet. */
  range(packet: PacketRow, from: number, to: number): Line[] {
    const { start, ends } = this.#ledger.lineBounds(packet.versionId, from - packet.start, to - packet.start);
    const bytes = this.#files.read(packet.contentHash, start, ends.at(-1) ?? start);
    return ends.map((end, place) => {
      const text = bytes.toString('utf8', (place === 0 ? start : ends[place - 1]!) - start, end - start);
      return { index: from + place, ...(JSON.parse(text) as { leaf: Leaf; payload?: JsonObject }) } as Line;
    });
  }
}
