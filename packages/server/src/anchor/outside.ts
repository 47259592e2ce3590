/** Anchors that others make, a wallet or an agent: they offer evidence, and the headers that we follow decide. */
import type { EnvelopeReason } from '@tidemark/proof';
import type { Headers } from '../headers/headers.ts';
import { AnchorBook, type AnchorLedger } from './book.ts';

export class OutsideAnchors {
  readonly #ledger: AnchorLedger;
  readonly #book: AnchorBook;

  constructor(ledger: AnchorLedger, headers: Headers) {
    this.#ledger = ledger;
    this.#book = new AnchorBook(ledger, headers);
  }

  /** @returns whether an anchor has been lost */
  async run(): Promise<boolean> {
    return this.#book.dropForked();
  }

  /**
   * Takes evidence that a version of ours is anchored. The same evidence again changes nothing.
   * @returns why it is not taken
   */
  accept(versionId: string, envelope: unknown): EnvelopeReason | 'malformed' | undefined {
    const found = this.#book.prove(envelope, versionId);
    if (!found.valid) return found.reason as EnvelopeReason | 'malformed';
    if (this.#ledger.standingAnchor(versionId) !== undefined) return undefined;
    this.#book.record([{ versionId, vout: found.vout }], found.txid, found.height ?? 0, envelope);
    return undefined;
  }
}
