/** Circuit breaker: a receiver that is down gets one delivery now and then, to see whether it is back. */
import type { BreakerState } from '../store/subscriptions.ts';

export interface BreakerSettings {
  /** Failures in a row that open it. */
  failures: number;
  /** Between two probes, on average. */
  probeMs: number;
}

export class Breaker {
  readonly #settings: BreakerSettings;
  #state: BreakerState;

  constructor(settings: BreakerSettings, state: BreakerState = { failures: 0 }) {
    this.#settings = settings;
    this.#state = state;
  }

  get state(): BreakerState {
    return this.#state;
  }

  get isOpen(): boolean {
    return this.#state.openedAt !== undefined;
  }

  /** When the next probe may go out; 0 while closed. */
  get probeAt(): number {
    return this.#state.probeAt ?? 0;
  }

  succeeded(): void {
    this.#state = { failures: 0 };
  }

  /** @param random from 0 to 1: keeps the probes of many subscriptions apart */
  failed(now: number, random: number): void {
    const failures = this.#state.failures + 1;
    if (!this.isOpen && failures < this.#settings.failures) {
      this.#state = { failures };
      return;
    }
    const probeAt = Math.ceil(now + this.#settings.probeMs * (0.5 + random));
    this.#state = { failures, openedAt: this.#state.openedAt ?? now, probeAt };
  }
}
