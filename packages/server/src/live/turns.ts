/**
 * Work that can wait, a little at a time: however many clients are behind, everything else that this thread does gets
 * its turn every few milliseconds.
 */

/** Milliseconds of work before everything else gets its turn. */
const TURN_MS = 5;

export class Turns {
  readonly #later: (work: () => void) => void;
  readonly #clock: () => number;
  #waiting: (() => void)[] = [];
  #scheduled = false;

  /**
   * @param later calls back when this thread has seen to everything else that waits
   * @param clock monotonic, milliseconds
   */
  constructor(later: (work: () => void) => void, clock: () => number) {
    this.#later = later;
    this.#clock = clock;
  }

  add(work: () => void): void {
    this.#waiting.push(work);
    this.#schedule();
  }

  /** Takes each step of the work in a turn. */
  run<T>(work: Generator<void, T>): Promise<T> {
    const outcome = Promise.withResolvers<T>();
    const step = () => {
      try {
        const { done, value } = work.next();
        if (done === true) outcome.resolve(value);
        else this.add(step);
      } catch (cause) {
        outcome.reject(cause);
      }
    };
    this.add(step);
    return outcome.promise;
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0) return;
    this.#scheduled = true;
    this.#later(() => {
      this.#scheduled = false;
      this.#take();
    });
  }

  #take(): void {
    const until = this.#clock() + TURN_MS;
    const taken = this.#waiting;
    this.#waiting = [];
    let done = 0;
    while (done < taken.length && (done === 0 || this.#clock() < until)) taken[done++]!();
    // Whoever is not done yet comes after those who have not had a turn.
    this.#waiting = [...taken.slice(done), ...this.#waiting];
    this.#schedule();
  }
}
