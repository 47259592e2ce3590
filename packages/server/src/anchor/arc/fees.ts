/** What a transaction has to pay: as ARC's policy asks, within what the operator allows. */
import { AnchorError } from '../chain.ts';
import type { ArcClient } from './client.ts';

/** All in satoshis for 1000 bytes. */
export interface FeeSettings {
  /** Where ARC does not say. */
  fallback: number;
  /** No more is ever paid: a service could ask for anything. */
  highest: number;
}

const KEPT_MS = 600_000;

export class Fees {
  readonly #client: Pick<ArcClient, 'fee'>;
  readonly #settings: FeeSettings;
  readonly #now: () => number;
  #rate: number;
  #askedAt: number | undefined;
  /** What the last refusal showed to be too little, doubled. */
  #floor = 0;

  constructor(client: Pick<ArcClient, 'fee'>, settings: FeeSettings, now: () => number) {
    this.#client = client;
    this.#settings = settings;
    this.#now = now;
    this.#rate = settings.fallback;
  }

  /** @throws AnchorError `fee-too-high` */
  async rate(): Promise<number> {
    if (this.#askedAt === undefined || this.#now() - this.#askedAt >= KEPT_MS) {
      this.#askedAt = this.#now();
      this.#rate = (await this.#client.fee()) ?? this.#rate;
    }
    const rate = Math.max(this.#rate, this.#floor);
    if (rate <= this.#settings.highest) return rate;
    throw new AnchorError(
      'fee-too-high',
      `ARC asks ${rate} satoshis for 1000 bytes, and the settings allow ${this.#settings.highest}`,
    );
  }

  /** After a refusal for the fee: asked anew, and more than before, whatever the policy says. */
  raise(): void {
    this.#floor = Math.max(1, Math.min(2 * Math.max(this.#rate, this.#floor), this.#settings.highest));
    this.#askedAt = undefined;
  }
}
