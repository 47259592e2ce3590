/** How far a version is on its way to a block: the states of a certificate, spelled out. */
import { anchorScript, toHex } from '@tidemark/proof';
import { blockHashOf } from '../anchor/followed.ts';
import type { Headers } from '../headers/headers.ts';
import type { AnchorRow, LedgerReader, PacketRow } from '../store/ledger.ts';
import type { Candidate, Submission } from '../store/submissions.ts';

/**
 * `certified`: in a sealed packet, with nothing on its way to a chain; `submitted`: a transaction carries it, or a later
 * packet of its log; `anchored`: a block has that, with so many confirmations; `failed`: nothing carries it now, and the
 * last attempt says why.
 */
export type CertificateState =
  | { state: 'certified' }
  | { state: 'submitted'; txid: string; reason?: string }
  | { state: 'anchored'; confirmations: number; chain: string; txid: string; height: number; versionId: string }
  | { state: 'failed'; reason: string; txid?: string };

export class AnchorStates {
  readonly #ledger: LedgerReader;
  readonly #headers: Headers | undefined;

  constructor(ledger: LedgerReader, headers: Headers | undefined) {
    this.#ledger = ledger;
    this.#headers = headers;
  }

  /** Of a packet, or a rollup; undefined for a version that is not ours. */
  of(versionId: string): CertificateState | undefined {
    const packet = this.#ledger.packet(versionId);
    if (packet !== undefined) return this.ofPacket(packet);
    if (this.#ledger.rollups.one(versionId) === undefined) return undefined;
    const anchor = this.#ledger.standingAnchor(versionId);
    return anchor === undefined ? this.#underWay(versionId, undefined) : this.#anchored(anchor);
  }

  /** By its own anchor, or that of a later packet of its log. */
  ofPacket({ stream, end, versionId }: PacketRow): CertificateState {
    const anchor = this.#ledger.anchorCovering(stream, end);
    return anchor === undefined ? this.#underWay(versionId, { stream, end }) : this.#anchored(anchor);
  }

  /** Versions that wait for somebody to put them on a chain, with the output that each wants. */
  offers(limit: number): object[] {
    return this.#ledger.submissions.waiting(limit).map(toOffer);
  }

  #anchored({ chain, txid, height, versionId, envelope }: AnchorRow): CertificateState {
    return { state: 'anchored', confirmations: this.#confirmations(envelope), chain, txid, height, versionId };
  }

  /** From the headers at hand: a block that has left the best chain confirms nothing. */
  #confirmations(envelope: string): number {
    const height = this.#headers?.heightOf(blockHashOf(envelope) ?? '');
    return height === undefined || this.#headers === undefined ? 0 : this.#headers.bestHeight() - height + 1;
  }

  #underWay(versionId: string, packet: { stream: string; end: number } | undefined): CertificateState {
    const { submissions, certifierCalls } = this.#ledger;
    const carrier = packet === undefined ? undefined : submissions.covering(packet.stream, packet.end);
    const own = carrier ?? submissions.carrying(versionId);
    if (own !== undefined && isOpen(own)) return { state: 'submitted', txid: own.txid, ...reasonOf(own) };
    const call = certifierCalls.one(versionId);
    if (call?.state === 'dead') return { state: 'failed', reason: call.reason ?? 'the certifier does not answer' };
    if (own?.state !== 'failed') return { state: 'certified' };
    return { state: 'failed', txid: own.txid, reason: own.reason ?? 'the network refused it' };
  }
}

function isOpen({ state }: Submission): boolean {
  return state === 'made' || state === 'sent';
}

function reasonOf({ reason }: Submission): { reason?: string } {
  return reason === undefined ? {} : { reason };
}

function toOffer({ versionId, stream, manifest }: Candidate): object {
  const { lineage } = JSON.parse(manifest) as { lineage: { parents: string[] } };
  const { parents } = lineage;
  const scriptHex = toHex(anchorScript({ mh: versionId, parents }));
  return { versionId, stream, parents, outputs: [{ scriptHex, satoshis: 0 }] };
}
