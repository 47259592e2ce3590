/** Has witnesses cosign the checkpoints of the packets that are to be anchored, so that one proof carries both. */
import { consistencyProof } from '@tidemark/proof';
import { TileNodes } from '../read/tile-nodes.ts';
import type { LedgerWriter } from '../store/ledger.ts';
import type { StreamConfig } from '../stream.ts';
import { type WitnessAt, WitnessClient, type WitnessFailure } from './client.ts';

type Ledger = Pick<LedgerWriter, 'packet' | 'streams' | 'tile' | 'submissions' | 'recordCosignature'>;

/** Checkpoints for which a witness is asked at a time. */
const MAX_CHECKPOINTS = 1000;

export class Cosigner {
  readonly #witnesses: readonly AskedWitness[];

  /** @param signed told when there is a new cosignature */
  constructor(ledger: Ledger, witnesses: readonly WitnessAt[], signed: () => void) {
    this.#witnesses = witnesses.map((witness) => new AskedWitness(ledger, witness, signed));
  }

  /** What each witness last had against a checkpoint, in words; empty where all is well. */
  get troubles(): string[] {
    return this.#witnesses.flatMap(({ trouble }) => trouble ?? []);
  }

  /** Asks for the newest packet of each stream that no anchor covers yet: each witness at its own pace. */
  run(): void {
    for (const witness of this.#witnesses) witness.run();
  }

  /** Settles when nobody is being asked any more. */
  async stop(): Promise<void> {
    await Promise.all(this.#witnesses.map((witness) => witness.stop()));
  }
}

/** One witness; that another is slow, or gone, is nothing to it. */
class AskedWitness {
  readonly #ledger: Ledger;
  readonly #client: WitnessClient;
  readonly #name: string;
  readonly #signed: () => void;
  /** By stream, the versionId for which it was asked last. */
  readonly #asked = new Map<string, string>();
  /** Packets to ask for, by versionId. Those that are anchored while another is asked for would wait no more. */
  readonly #due = new Map<string, string>();
  #running: Promise<void> | undefined;
  #stopping = false;
  #trouble: string | undefined;

  constructor(ledger: Ledger, witness: WitnessAt, signed: () => void) {
    this.#ledger = ledger;
    this.#name = witness.key.split('+', 1)[0]!;
    this.#signed = signed;
    this.#client = new WitnessClient({
      witnesses: [witness],
      consistency: (origin, from, to) => this.#consistency(origin, from, to),
    });
  }

  get trouble(): string | undefined {
    return this.#trouble;
  }

  run(): void {
    const heads = this.#ledger.submissions.waiting(MAX_CHECKPOINTS);
    for (const { end, stream, versionId } of heads) {
      if (end > 0 && this.#asked.get(stream) !== versionId) this.#due.set(versionId, stream);
    }
    for (const oldest of this.#due.keys()) {
      if (this.#due.size <= MAX_CHECKPOINTS) break;
      this.#due.delete(oldest);
    }
    this.#running ??= this.#ask()
      .catch((error: unknown) => {
        this.#trouble = `the witness ${this.#name} cannot be asked: ${(error as Error).message}`;
      })
      .finally(() => {
        this.#running = undefined;
      });
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  async #ask(): Promise<void> {
    for (const [versionId, stream] of this.#due) {
      if (this.#stopping) return;
      this.#due.delete(versionId);
      if (this.#asked.get(stream) === versionId) continue;
      const checkpoint = this.#ledger.packet(versionId)?.checkpoint;
      const [answer] = checkpoint === undefined ? [] : await this.#client.submit(checkpoint);
      if (answer === undefined) continue;
      // It is asked again, as long as the packet is the newest one and waits.
      this.#trouble = answer.ok ? undefined : `the witness ${this.#name} does not cosign: ${inWords(answer.failure)}`;
      if (!answer.ok) continue;
      this.#ledger.recordCosignature(versionId, this.#name, answer.line);
      this.#asked.set(stream, versionId);
      this.#signed();
    }
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
