/** When to ask again: at first soon, then ever later. */

export interface PaceOptions {
  firstMs: number;
  longestMs: number;
  /** Milliseconds since 1970. */
  now: () => number;
  /** From 0 to 1. */
  random: () => number;
}

export class Pace {
  readonly #options: PaceOptions;
  #attempts = 0;
  #nextAt = 0;

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  get due(): boolean {
    return this.#options.now() >= this.#nextAt;
  }

  /** Milliseconds since 1970. */
  get nextAt(): number {
    return this.#nextAt;
  }

  /** Between half of and all of a time that doubles with every attempt. */
  attempted(atLeastMs = 0): void {
    const { firstMs, longestMs, now, random } = this.#options;
    const wait = Math.min(longestMs, firstMs * 2 ** this.#attempts++) * (0.5 + random() / 2);
    this.#nextAt = now() + Math.max(wait, atLeastMs);
  }

  /** The next attempt is due, and those after it are soon again. */
  reset(): void {
    this.#attempts = 0;
    this.#nextAt = 0;
  }
}
