/** Whether the server does its work, not merely whether it runs. */
import type { Position } from '../event.ts';
import type { Headers } from '../headers/headers.ts';
import type { OutsideTroubles } from '../threads/protocol.ts';

export interface HealthReport {
  status: 'ok' | 'failing';
  /** What is wrong, in words; empty when all is well. */
  problems: string[];
  journalHead: number;
  /** Journaled items that are not in the ledger yet. */
  backlog: number;
  /** Milliseconds for which the oldest of them has waited, as far as is known. */
  lagMs: number;
  sourcesWithSecret: number;
  /** The chain whose headers are followed, how far, and what is wrong with their sources; null where none is. */
  headers: { chain: string; bestHeight: number; troubles: string[] } | null;
  /** Why versions are not being anchored, in words; null while all is well. What comes in is certified all the same. */
  anchoringTrouble: string | null;
  /** Why witnesses do not cosign. */
  witnessTroubles: string[];
}

/** A backlog that does not move for so long means that the pipeline stands still. */
const STALLED_MS = 10_000;
/** What failed once and did not fail again is no news after so long. */
const TROUBLE_SHOWN_MS = 30_000;

export interface HealthOptions {
  now: () => number;
  sourcesWithSecret: number;
  /** The longest a stream may wait for its cut, in milliseconds: that long is not a stall. */
  longestWaitMs: number;
}

export class Health {
  readonly #options: HealthOptions;
  #journalHead = 0;
  #cursor = 1;
  /** When the backlog last began or got shorter. */
  #movedAt: number;
  #trouble: { message: string; at: number } | undefined;
  #headers: Pick<Headers, 'chain' | 'bestHeight'> | undefined;
  #outside: OutsideTroubles = { anchoring: undefined, headers: [], witnesses: [] };

  constructor(options: HealthOptions) {
    this.#options = options;
    this.#movedAt = options.now();
  }

  journalGrew(head: Position): void {
    if (this.backlog === 0) this.#movedAt = this.#options.now();
    this.#journalHead = head;
  }

  /** @param cursor every journal item below it is in the ledger */
  progressed(cursor: Position): void {
    if (cursor > this.#cursor) {
      this.#movedAt = this.#options.now();
      this.#trouble = undefined;
    }
    this.#cursor = cursor;
  }

  /** Something failed and will be tried again. */
  troubled(message: string): void {
    this.#trouble = { message, at: this.#options.now() };
  }

  follows(headers: Pick<Headers, 'chain' | 'bestHeight'> | undefined): void {
    this.#headers = headers;
  }

  /** What others do not do: no reason to take the server out of service. */
  outside(troubles: OutsideTroubles): void {
    this.#outside = troubles;
  }

  get backlog(): number {
    return Math.max(0, this.#journalHead - this.#cursor + 1);
  }

  report(): HealthReport {
    const { now, sourcesWithSecret, longestWaitMs } = this.#options;
    const lagMs = this.backlog === 0 ? 0 : now() - this.#movedAt;
    const problems: string[] = [];
    if (lagMs > STALLED_MS + longestWaitMs)
      problems.push(`the pipeline has not moved for ${Math.round(lagMs / 1000)} s`);
    const { message, at = 0 } = this.#trouble ?? {};
    if (message !== undefined && now() - at < TROUBLE_SHOWN_MS) problems.push(message);
    return {
      status: problems.length === 0 ? 'ok' : 'failing',
      problems,
      journalHead: this.#journalHead,
      backlog: this.backlog,
      lagMs,
      sourcesWithSecret,
      headers:
        this.#headers === undefined
          ? null
          : { chain: this.#headers.chain, bestHeight: this.#headers.bestHeight(), troubles: this.#outside.headers },
      anchoringTrouble: this.#outside.anchoring ?? null,
      witnessTroubles: this.#outside.witnesses,
    };
  }
}
