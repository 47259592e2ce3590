/** Has witnesses cosign the checkpoints of the packets that are to be anchored, so that one proof carries both. */
import { consistencyProof } from '@tidemark/proof';
import { TileNodes } from '../read/tile-nodes.ts';
import type { LedgerWriter } from '../store/ledger.ts';
import type { StreamConfig } from '../stream.ts';
import { type WitnessAt, WitnessClient, type WitnessFailure } from './client.ts';

type Ledger = Pick<LedgerWriter, 'packet' | 'streams' | 'tile' | 'submissions' | 'recordCosignature'>;

/** Checkpoints for which witnesses are asked at a time. */
const MAX_CHECKPOINTS = 1000;

export class Cosigner {
  readonly #ledger: Ledger;
  readonly #client: WitnessClient;
  /** By stream, the versionId for which they were asked last. */
  readonly #asked = new Map<string, string>();
  /** What each witness last had against a checkpoint, in words; empty where all is well. */
  readonly #troubles = new Map<string, string>();
  #running: Promise<boolean> | undefined;

  constructor(ledger: Ledger, witnesses: readonly WitnessAt[]) {
    this.#ledger = ledger;
    this.#client = new WitnessClient({
      witnesses,
      consistency: (origin, from, to) => this.#consistency(origin, from, to),
    });
  }

  get troubles(): string[] {
    return [...this.#troubles.values()];
  }

  /**
   * Asks for the newest packet of each stream that no anchor covers yet.
   * @returns whether there is a new cosignature
   */
  run(): Promise<boolean> {
    this.#running ??= this.#ask().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #ask(): Promise<boolean> {
    const heads = this.#ledger.submissions
      .waiting(MAX_CHECKPOINTS)
      .filter(({ end, stream, versionId }) => end > 0 && this.#asked.get(stream) !== versionId);
    let signed = false;
    for (const { stream, versionId } of heads) {
      const checkpoint = this.#ledger.packet(versionId)?.checkpoint;
      if (checkpoint === undefined) continue;
      let failed = false;
      for (const answer of await this.#client.submit(checkpoint)) {
        const name = answer.key.split('+', 1)[0]!;
        if (answer.ok) {
          this.#ledger.recordCosignature(versionId, name, answer.line);
          this.#troubles.delete(name);
          signed = true;
        } else {
          this.#troubles.set(name, `the witness ${name} does not cosign: ${inWords(answer.failure)}`);
          failed = true;
        }
      }
      // Those that failed are asked again, as long as the packet is the newest one and waits.
      if (!failed) this.#asked.set(stream, versionId);
    }
    return signed;
  }

  #consistency(origin: string, from: number, to: number): Uint8Array[] {
    const row = this.#ledger.streams().find(({ config }) => (JSON.parse(config) as StreamConfig).origin === origin);
    const nodes = new TileNodes(this.#ledger, row?.stream ?? '');
    return consistencyProof(from, to, (level, index) => nodes.read(level, index));
  }
}

function inWords(failure: WitnessFailure): string {
  switch (failure.code) {
    case 'unreachable':
      return failure.detail;
    case 'timeout':
      return 'no answer in time';
    case 'refused':
      return `${failure.status} ${failure.text}`;
    case 'wrong-cosignature':
      return 'its answer has no valid signature by its key';
  }
}
