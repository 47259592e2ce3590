/** The lines of packet contents, as leaf and payload. */
import type { Leaf } from '@tidemark/proof';
import type { LedgerReader, PacketRow } from '../store/ledger.ts';
import type { PacketFiles } from '../store/packets.ts';
import type { SaltedPayloads } from './salted-payloads.ts';

export interface Line {
  /** Leaf index in the stream's log. */
  index: number;
  leaf: Leaf;
  /** RFC 8785 text, as it is in the packet, or beside it on salted streams. */
  payload: string | undefined;
  /** Hex, what goes before the payload into its hash; on salted streams alone. */
  salt?: string;
}

export class PacketLines {
  readonly #ledger: LedgerReader;
  readonly #files: PacketFiles;
  readonly #salted: SaltedPayloads;

  constructor(ledger: LedgerReader, files: PacketFiles, salted: SaltedPayloads) {
    this.#ledger = ledger;
    this.#files = files;
    this.#salted = salted;
  }

  one(packet: PacketRow, index: number): Line {
    return this.range(packet, index, index + 1)[0]!;
  }

  /**
   * Leaves `[from, to)`, which lie in this packet; fewer, but one at the least, where they have more than so many bytes.
   */
  range(packet: PacketRow, from: number, to: number, maxBytes = Number.POSITIVE_INFINITY): Line[] {
    const bounds = this.#ledger.lineBounds(packet.versionId, from - packet.start, to - packet.start);
    const { start } = bounds;
    const ends = bounds.ends.filter((end, place) => place === 0 || end - start <= maxBytes);
    const bytes = this.#files.read(packet.contentHash, start, ends.at(-1) ?? start);
    const lines = ends.map((end, place) => {
      const text = bytes.toString('utf8', (place === 0 ? start : ends[place - 1]!) - start, end - start);
      return toLine(from + place, text);
    });
    return this.#salted.fill(packet.stream, lines);
  }
}

const OPEN = '{"leaf":';
/** Cannot stand within a leaf: there, the quotes would be escaped. */
const BETWEEN = '},"payload":';
const CLOSE = '}\n';

/** Payloads are passed on as text: most readers want nothing else of them. */
function toLine(index: number, text: string): Line {
  const between = text.indexOf(BETWEEN);
  const leafEnd = between === -1 ? text.length - CLOSE.length : between + 1;
  const leaf = JSON.parse(text.slice(OPEN.length, leafEnd)) as Leaf;
  const payload = between === -1 ? undefined : text.slice(between + BETWEEN.length, text.length - CLOSE.length);
  return { index, leaf, payload };
}
