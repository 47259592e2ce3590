/** A set of whole numbers as ascending intervals: memory grows with its gaps, and not with its members. */
export class Intervals {
  readonly #starts: number[];
  /** The last number of each interval. */
  readonly #ends: number[];

  /** @param pairs as `pairs` gives them */
  constructor(pairs: readonly (readonly [number, number])[] = []) {
    this.#starts = pairs.map(([start]) => start);
    this.#ends = pairs.map(([, end]) => end);
  }

  /** First and last number of each interval. */
  get pairs(): [number, number][] {
    return this.#starts.map((start, at) => [start, this.#ends[at]!]);
  }

  /** The largest number; 0 when there is none. */
  get max(): number {
    return this.#ends.at(-1) ?? 0;
  }

  /** @returns false where it is there already */
  add(number: number): boolean {
    const at = this.#before(number);
    if (this.#holds(at, number)) return false;
    const touchesLeft = this.#ends[at] === number - 1;
    const touchesRight = this.#starts[at + 1] === number + 1;
    if (touchesLeft && touchesRight) {
      this.#ends.splice(at, 1);
      this.#starts.splice(at + 1, 1);
    } else if (touchesLeft) this.#ends[at] = number;
    else if (touchesRight) this.#starts[at + 1] = number;
    else {
      this.#starts.splice(at + 1, 0, number);
      this.#ends.splice(at + 1, 0, number);
    }
    return true;
  }

  /** @returns false where it is not there */
  delete(number: number): boolean {
    const at = this.#before(number);
    if (!this.#holds(at, number)) return false;
    const [start, end] = [this.#starts[at]!, this.#ends[at]!];
    const rest: [number, number][] = [];
    if (start < number) rest.push([start, number - 1]);
    if (end > number) rest.push([number + 1, end]);
    this.#starts.splice(at, 1, ...rest.map(([from]) => from));
    this.#ends.splice(at, 1, ...rest.map(([, to]) => to));
    return true;
  }

  /** What is missing of `[from, to]`, as intervals. */
  *gaps(from: number, to: number): Generator<[number, number]> {
    let next = from;
    for (let at = Math.max(0, this.#before(from)); at < this.#starts.length && next <= to; at++) {
      const start = this.#starts[at]!;
      if (start > next) yield [next, Math.min(to, start - 1)];
      next = Math.max(next, this.#ends[at]! + 1);
    }
    if (next <= to) yield [next, to];
  }

  #holds(at: number, number: number): boolean {
    return at >= 0 && number <= this.#ends[at]!;
  }

  /** Place of the last interval that begins at the number or before; -1 where there is none. */
  #before(number: number): number {
    let [low, high] = [0, this.#starts.length];
    // Numbers come in ascending order, but for few.
    if (high > 0 && this.#starts[high - 1]! <= number) return high - 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#starts[middle]! <= number) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
