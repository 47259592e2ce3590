/** The numbers of one field, on their way into an aggregate. */

export interface NumbersSummary {
  count: number;
  /** null where there are no numbers, as in `max`, `mean` and each of the quantiles. */
  min: number | null;
  max: number | null;
  /** Also null where the sum is beyond what a double holds. */
  mean: number | null;
  /** By the quantile in decimals; null where there are too many numbers to keep. */
  quantiles: Record<string, number | null> | null;
}

const FIRST_CAPACITY = 1024;
/** Quantiles have at most six decimals, so that their ranks can be had exactly. */
const MILLION = 1_000_000;

export class Numbers {
  #count = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #sum = 0;
  #lost = 0;
  #kept: Float64Array | undefined = new Float64Array(FIRST_CAPACITY);

  /** Sums up in the order of the calls, with Neumaier's compensation for what rounding loses. */
  add(value: number): void {
    this.#keep(value);
    this.#count++;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    const sum = this.#sum + value;
    this.#lost += Math.abs(this.#sum) >= Math.abs(value) ? this.#sum - sum + value : value - sum + this.#sum;
    this.#sum = sum;
  }

  /** There will be no quantiles. */
  forget(): void {
    this.#kept = undefined;
  }

  /** @param quantiles each 0 to 1, with at most six decimals */
  summary(quantiles: readonly number[]): NumbersSummary {
    const sorted = this.#kept?.subarray(0, this.#count).sort();
    const none = this.#count === 0;
    const mean = (this.#sum + this.#lost) / this.#count;
    return {
      count: this.#count,
      min: none ? null : this.#min,
      max: none ? null : this.#max,
      mean: Number.isFinite(mean) ? mean : null,
      quantiles: sorted === undefined ? null : quantilesOf(sorted, quantiles),
    };
  }

  #keep(value: number): void {
    if (this.#kept === undefined) return;
    if (this.#count === this.#kept.length) {
      const grown = new Float64Array(2 * this.#count);
      grown.set(this.#kept);
      this.#kept = grown;
    }
    this.#kept[this.#count] = value;
  }
}

/** Nearest rank: the smallest number that at least this share of the numbers does not exceed; of 0, the smallest. */
function quantilesOf(sorted: Float64Array, quantiles: readonly number[]): Record<string, number | null> {
  const nearest = (quantile: number) => {
    const rank = Math.ceil((Math.round(quantile * MILLION) * sorted.length) / MILLION);
    return sorted[Math.max(0, rank - 1)] ?? null;
  };
  return Object.fromEntries(quantiles.map((quantile) => [String(quantile), nearest(quantile)]));
}
