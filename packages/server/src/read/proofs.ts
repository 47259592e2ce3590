/** Self-contained proof files, see `contracts/log.md`. */
import { inclusionProof } from '@tidemark/proof';
import type { Headers } from '../headers/headers.ts';
import { StoreError } from '../store/errors.ts';
import type { AnchorRow, LedgerReader, PacketRow } from '../store/ledger.ts';
import type { Line } from './lines.ts';
import { TileNodes } from './tile-nodes.ts';

/** Headers after the block's own that a proof file carries at the most, to show the block's depth. */
const MAX_FOLLOWING_HEADERS = 6;

export class ProofBuilder {
  readonly #ledger: LedgerReader;
  readonly #headers: Headers | undefined;

  constructor(ledger: LedgerReader, headers: Headers | undefined) {
    this.#ledger = ledger;
    this.#headers = headers;
  }

  /** The proof of one leaf, through the first anchored packet that covers it, else through its own. */
  build(line: Line, packet: PacketRow): object {
    const anchor = this.#ledger.anchorCovering(packet.stream, packet.end);
    const through = anchor === undefined ? packet : this.#packet(anchor.versionId);
    const nodes = new TileNodes(this.#ledger, packet.stream);
    const inclusion = inclusionProof(line.index, through.end, (level, index) => nodes.read(level, index));
    return {
      format: 'tidemark-proof/1',
      leaf: line.leaf,
      ...(line.payload === undefined ? {} : { payload: JSON.parse(line.payload) as unknown }),
      ...(line.salt === undefined ? {} : { salt: line.salt }),
      index: line.index,
      inclusion: inclusion.map((hash) => Buffer.from(hash).toString('hex')),
      manifest: JSON.parse(through.manifest) as unknown,
      versionId: through.versionId,
      checkpoint: through.checkpoint + this.#ledger.cosignatures(through.versionId).join(''),
      anchor: anchor === undefined ? null : this.#anchor(anchor),
    };
  }

  /** The envelope with the headers that follow its block. */
  envelope(anchor: AnchorRow): object {
    const envelope = JSON.parse(anchor.envelope) as object;
    if (this.#headers === undefined) return envelope;
    return { ...envelope, headerChain: this.#headers.headersFrom(anchor.height, 1 + MAX_FOLLOWING_HEADERS) };
  }

  #anchor(anchor: AnchorRow): object {
    return { chain: anchor.chain, vout: anchor.vout, envelope: this.envelope(anchor) };
  }

  #packet(versionId: string): PacketRow {
    const packet = this.#ledger.packet(versionId);
    if (packet === undefined) throw new StoreError('damaged', `the anchored packet ${versionId} is missing`);
    return packet;
  }
}
