/** Has every packet certified by the agent behind the webhook: each once, however often it has to be asked. */
import type { CertifierCall, CertifierCallReader, CertifierCallWriter } from '../store/certifier-calls.ts';
import type { LedgerReader } from '../store/ledger.ts';
import type { CertifierWebhook } from './webhook.ts';

export interface RetrySettings {
  /** Attempts after the first, before a call is given up. */
  max: number;
  baseMs: number;
  factor: number;
}

type Ledger = Pick<LedgerReader, 'read' | 'head' | 'packet'> & {
  readonly certifierCalls: CertifierCallReader;
  readonly certify: CertifierCallWriter;
};

export interface DeskOptions {
  ledger: Ledger;
  webhook: CertifierWebhook;
  retry: RetrySettings;
  /** Takes what the agent says of where a packet is anchored. @returns why it does not hold, if it does not */
  anchored: (versionId: string, envelope: unknown) => string | undefined;
  /** Milliseconds since 1970. */
  now: () => number;
  /** From 0 to 1: keeps calls that failed together from coming back together. */
  random: () => number;
}

/** Ledger entries looked at with one commit. */
const ENTRIES_AT_A_TIME = 1000;
/** Calls that wait for their answers at a time. */
const CALLS_AT_A_TIME = 8;
const LONGEST_DELAY_MS = 3_600_000;

export class CertifierDesk {
  readonly #options: DeskOptions;
  #stopping = false;
  #trouble: string | undefined;

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  /** What the last failure was; undefined once a call has been answered. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Makes the calls that are due. @returns whether any has come to an end */
  async run(): Promise<boolean> {
    const { ledger, now } = this.#options;
    this.#enqueue();
    let ended = false;
    for (;;) {
      const due = this.#stopping ? [] : ledger.certifierCalls.due(now(), CALLS_AT_A_TIME);
      if (due.length === 0) return ended;
      const results = await Promise.all(due.map((call) => this.#call(call)));
      ended ||= results.includes(true);
    }
  }

  /** Has `run` settle once the calls that are under way have been answered. */
  stop(): void {
    this.#stopping = true;
  }

  /** A call that was given up is made again. @returns false where there is none */
  retry(versionId: string): boolean {
    const { ledger, now } = this.#options;
    const call = ledger.certifierCalls.one(versionId);
    if (call?.state !== 'dead') return false;
    ledger.certify.failed({ ...call, state: 'pending', attempts: 0, dueAt: now() });
    return true;
  }

  /** A packet is called for from the moment that it is in the ledger; those from before the webhook was set are not. */
  #enqueue(): void {
    const { ledger, now } = this.#options;
    let next = ledger.certifierCalls.next();
    if (next === undefined) {
      ledger.certify.enqueue([], ledger.head() + 1, now());
      return;
    }
    while (!this.#stopping) {
      const entries = ledger.read(next, ENTRIES_AT_A_TIME);
      const last = entries.at(-1);
      if (last === undefined) return;
      next = last.first + last.count;
      const packets = entries.filter(({ kind }) => kind === 'packet').map(({ packet }) => packet.versionId);
      ledger.certify.enqueue(packets, next, now());
    }
  }

  /** @returns whether it has come to an end */
  async #call(call: CertifierCall): Promise<boolean> {
    const { ledger, webhook, anchored } = this.#options;
    const packet = ledger.packet(call.versionId);
    const result =
      packet === undefined
        ? ({ outcome: 'failed', reason: 'there is no such packet' } as const)
        : await webhook.certify(packet);
    switch (result.outcome) {
      case 'certified':
        return this.#certified(
          call,
          result.envelope === undefined ? undefined : anchored(call.versionId, result.envelope),
        );
      case 'refused':
        this.#giveUp(call, `failed(${result.reason})`);
        return true;
      case 'failed':
        return this.#failed(call, result.reason);
    }
  }

  /** @param wrong with the anchor that it came with; one whose block nobody knows yet may hold later */
  #certified(call: CertifierCall, wrong: string | undefined): boolean {
    if (wrong === 'unknown-block-hash') return this.#failed(call, 'the block of its envelope is not known here yet');
    if (wrong !== undefined) {
      this.#giveUp(call, `failed(${wrong})`);
      return true;
    }
    this.#trouble = undefined;
    this.#options.ledger.certify.done(call.versionId);
    return true;
  }

  #failed(call: CertifierCall, reason: string): boolean {
    const { ledger, retry, now, random } = this.#options;
    this.#trouble = `the certifier gives no good answer: ${reason}`;
    const attempts = call.attempts + 1;
    if (attempts > retry.max) {
      this.#giveUp({ ...call, attempts }, reason);
      return true;
    }
    const delay = Math.min(LONGEST_DELAY_MS, retry.baseMs * retry.factor ** (attempts - 1));
    // Between half of it and all.
    const dueAt = Math.ceil(now() + delay * (0.5 + random() / 2));
    ledger.certify.failed({ ...call, attempts, dueAt, reason });
    return false;
  }

  #giveUp(call: CertifierCall, reason: string): void {
    this.#trouble = `a call of the certifier was given up: ${reason}`;
    this.#options.ledger.certify.failed({ ...call, state: 'dead', reason });
  }
}
