/** Anchors as the ledger keeps them: written down when the headers show that a block has them, dropped when it has not. */
import { type AnchoredAt, parseEnvelope, type Refusal, verifyEnvelope } from '@tidemark/proof';
import type { Headers } from '../headers/headers.ts';
import type { AnchorRow, LedgerWriter } from '../store/ledger.ts';
import { blockHashOf, followed } from './followed.ts';

export type AnchorLedger = Pick<
  LedgerWriter,
  'packet' | 'rollups' | 'standingAnchor' | 'recordAnchors' | 'submissions' | 'submit'
>;

/** Blocks below the tip in which anchors are looked for after a reorganization; no deeper one is followed. */
const DEEPEST_FORK = 1000;

export class AnchorBook {
  readonly #ledger: AnchorLedger;
  readonly #headers: Headers;
  #lastTip: { height: number; header: string | undefined } | undefined;

  constructor(ledger: AnchorLedger, headers: Headers) {
    this.#ledger = ledger;
    this.#headers = headers;
  }

  /** Whether the envelope shows that a block which we follow has a transaction that commits to the version. */
  prove(envelope: unknown, versionId: string): AnchoredAt | Refusal {
    const chain = this.#headers.chain === 'tidemark-dev' ? 'tidemark-dev' : followed(this.#headers);
    return verifyEnvelope(envelope, { versionId, chain });
  }

  /** Versions that one transaction carries, proven to be in a block. */
  record(
    versions: readonly { versionId: string; vout: number }[],
    txid: string,
    height: number,
    envelope: unknown,
  ): void {
    const { headerChain: _, ...evidence } = parseEnvelope(envelope, 'elsewhere');
    const place = { chain: this.#headers.chain, txid, height, envelope: JSON.stringify(evidence) };
    this.#ledger.recordAnchors(
      versions.map((version) => ({ ...place, ...version, ...this.#extent(version.versionId) })),
    );
  }

  /** Anchors whose blocks have left the best chain prove nothing until they are mined again. @returns whether any have */
  dropForked(): boolean {
    const height = this.#headers.bestHeight();
    const last = this.#lastTip;
    this.#lastTip = { height, header: this.#headers.headerAt(height) };
    if (last !== undefined && this.#headers.headerAt(last.height) === last.header) return false;
    const mined = this.#ledger.submissions.minedFrom(this.#headers.chain, height - DEEPEST_FORK);
    const gone = mined.filter(({ envelope }) => this.#headers.heightOf(blockHashOf(envelope) ?? '') === undefined);
    if (gone.length === 0) return false;
    this.#ledger.submit.lose(gone.map(({ txid }) => txid));
    return true;
  }

  #extent(versionId: string): Pick<AnchorRow, 'stream' | 'end'> {
    const packet = this.#ledger.packet(versionId);
    if (packet !== undefined) return { stream: packet.stream, end: packet.end };
    return { stream: this.#ledger.rollups.one(versionId)?.stream ?? '', end: 0 };
  }
}
