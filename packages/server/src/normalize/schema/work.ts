import { MAX_PATTERN_WORK, type Pattern } from '../pattern.ts';

/** A check that went over its bounds. */
export class OutOfWork extends Error {
  constructor() {
    super('a schema asks for more steps than an event may take');
    this.name = 'OutOfWork';
  }
}

/** What checking one event may still cost: a schema of a few lines can ask for more steps than there is time. */
export class Work {
  #steps = 0;
  #patternWork = 0;
  #maxErrors = 0;

  /**
   * Another event begins.
   * @param maxErrors held at once, also of alternatives that do not hold
   */
  begin(steps: number, maxErrors: number): void {
    this.#steps = steps;
    this.#maxErrors = maxErrors;
    this.#patternWork = MAX_PATTERN_WORK;
  }

  /** @throws OutOfWork */
  spend(steps: number, errors = 0): void {
    this.#steps -= steps;
    if (this.#steps < 0 || errors > this.#maxErrors) throw new OutOfWork();
  }

  /** @throws OutOfWork */
  match(pattern: Pattern, text: string): boolean {
    this.#patternWork -= pattern.work(text);
    if (this.#patternWork < 0) throw new OutOfWork();
    return pattern.test(text);
  }
}
