/** What each source's word has been worth: the share of decisions whose outcome it agreed with. */

/** A new source starts at 1, and its first errors weigh little: as if it had agreed this often before. */
const PRIOR = 10;
/** When a source has been in so many decisions, its counts are halved, so that what is long ago fades. */
const HALVED_AT = 1000;

/** Source → [agreed, decided]. */
export type ReputationState = Record<string, [agreed: number, decided: number]>;

export class Reputation {
  readonly #counts: Map<string, readonly [agreed: number, decided: number]>;

  constructor(state: ReputationState = {}) {
    this.#counts = new Map(Object.entries(state));
  }

  /** Above 0, at most 1. */
  of(source: string): number {
    const [agreed, decided] = this.#counts.get(source) ?? [0, 0];
    return (agreed + PRIOR) / (decided + PRIOR);
  }

  saw({ agreed, disagreed }: { agreed: readonly string[]; disagreed: readonly string[] }): void {
    for (const source of agreed) this.#count(source, 1);
    for (const source of disagreed) this.#count(source, 0);
  }

  /** Sorted by source. */
  state(): ReputationState {
    const sorted = [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(sorted.map(([source, [agreed, decided]]) => [source, [agreed, decided]]));
  }

  #count(source: string, agrees: 0 | 1): void {
    const [agreed, decided] = this.#counts.get(source) ?? [0, 0];
    const [sum, count] = [agreed + agrees, decided + 1];
    this.#counts.set(source, count < HALVED_AT ? [sum, count] : [Math.floor(sum / 2), Math.floor(count / 2)]);
  }
}
