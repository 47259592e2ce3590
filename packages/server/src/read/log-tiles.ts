/** A stream's log as C2SP tlog-tiles has it: checkpoints, tiles of hashes, bundles of entries. */
import { consistencyProof, encodeEntries, hashesAt, type TilePath } from '@tidemark/proof';
import { StoreError } from '../store/errors.ts';
import type { LedgerReader, PacketRow, StreamRow } from '../store/ledger.ts';
import type { PacketFiles } from '../store/packets.ts';
import type { StreamConfig } from '../stream.ts';
import { HASH_BYTES, TILE_WIDTH } from '../tile.ts';
import { TileNodes } from './tile-nodes.ts';

/** Whose log it is, by the configuration in force. */
export interface LogKey {
  stream: string;
  origin: string;
  logKey: string;
  publisher: string;
}

const OPEN = Buffer.from('{"leaf":');
/** Cannot stand within a leaf: there, the quotes would be escaped. */
const BETWEEN = Buffer.from('},"payload":');
const CLOSE = Buffer.from('}\n');

export class LogTiles {
  readonly #ledger: LedgerReader;
  readonly #files: PacketFiles;

  constructor(ledger: LedgerReader, files: PacketFiles) {
    this.#ledger = ledger;
    this.#files = files;
  }

  streams(): StreamRow[] {
    return this.#ledger.streams();
  }

  /** Undefined for a stream that there is not, or that no event has reached yet. */
  stream(stream: string): StreamRow | undefined {
    return this.#ledger.stream(stream);
  }

  key({ stream, config }: StreamRow): LogKey {
    const { origin, logKey, publisher } = JSON.parse(config) as StreamConfig;
    return { stream, origin, logKey, publisher };
  }

  /** The packet that ends at `size`, without which the newest; undefined where there is none. */
  packet({ stream, head }: StreamRow, size?: number): PacketRow | undefined {
    if (size === undefined) return head === undefined ? undefined : this.#ledger.packet(head);
    const [packet] = size === 0 ? [] : this.#ledger.packetsFrom(stream, size - 1, 1);
    return packet?.end === size ? packet : undefined;
  }

  /**
   * What is at a path, of a tree that has been sealed: any width up to what there is, for a smaller tree had that.
   * Undefined beyond.
   */
  tile({ stream, size }: StreamRow, { level, index, width }: TilePath): Uint8Array | undefined {
    const first = index * TILE_WIDTH;
    if (first + width > hashesAt(level, size)) return undefined;
    if (level === 'entries') return encodeEntries(this.#leaves(stream, first, first + width));
    const hashes = this.#ledger.tile(stream, level, index)?.subarray(0, width * HASH_BYTES);
    if (hashes?.length !== width * HASH_BYTES) {
      throw new StoreError('damaged', `tile ${level}/${index} of ${stream} is missing or cut short`);
    }
    return hashes;
  }

  /** Hashes in hex. @param from at least 1, and at most `to`, which is at most the log's size */
  consistency({ stream }: StreamRow, from: number, to: number): string[] {
    const nodes = new TileNodes(this.#ledger, stream);
    const proof = consistencyProof(from, to, (level, index) => nodes.read(level, index));
    return proof.map((hash) => Buffer.from(hash).toString('hex'));
  }

  /** RFC 8785 text of leaves `[from, to)`, at most a tile's width of them, which can lie in as many packets. */
  #leaves(stream: string, from: number, to: number): Buffer[] {
    const packets = this.#ledger.packetsFrom(stream, from, TILE_WIDTH).filter(({ start }) => start < to);
    return packets.flatMap((packet) => this.#leavesOf(packet, Math.max(from, packet.start), Math.min(to, packet.end)));
  }

  #leavesOf({ versionId, contentHash, start: offset }: PacketRow, from: number, to: number): Buffer[] {
    const { start, ends } = this.#ledger.lineBounds(versionId, from - offset, to - offset);
    const bytes = this.#files.read(contentHash, start, ends.at(-1) ?? start);
    return ends.map((end, place) =>
      leafOf(bytes.subarray((place === 0 ? start : ends[place - 1]!) - start, end - start)),
    );
  }
}

function leafOf(line: Buffer): Buffer {
  const between = line.indexOf(BETWEEN);
  return line.subarray(OPEN.length, between === -1 ? line.length - CLOSE.length : between + 1);
}
