/** The stage of streams that keep the journal's order and remember something from one event to the next. */
import type { LogRecord, NormalizedEvent, Resolved, Step } from '../event.ts';
import type { StreamConfig } from '../stream.ts';
import { Holdings } from './holdings.ts';
import { MonotonicCheck, type MonotonicCheckState } from './monotonic-check.ts';
import type { Stage } from './stage.ts';

export interface ArrivalOrderState {
  last: Record<string, number>;
  monotonic: MonotonicCheckState;
}

export class ArrivalOrderStage implements Stage {
  #config: StreamConfig;
  readonly #monotonic: MonotonicCheck;
  readonly #holdings = new Holdings();
  #steps: Step[] = [];

  constructor(config: StreamConfig, state?: ArrivalOrderState) {
    this.#config = config;
    this.#monotonic = new MonotonicCheck(config);
    if (state === undefined) return;
    this.#holdings.restore(state.last, []);
    this.#monotonic.restore(state.monotonic);
  }

  get config(): StreamConfig {
    return this.#config;
  }

  get held(): number {
    return 0;
  }

  get weight(): number {
    return this.#monotonic.remembered;
  }

  take(event: NormalizedEvent, at: number): void {
    this.#holdings.took(event);
    this.#push(event.kind === 'record' ? this.#monotonic.check(event) : event, at);
  }

  resolve(record: Resolved, at: number): Iterable<Step> {
    this.#push(record, at);
    return this.steps();
  }

  *steps(): Generator<Step> {
    const steps = this.#steps;
    this.#steps = [];
    for (const step of steps) {
      if (step.kind === 'append') this.#holdings.left(step.record);
      yield step;
    }
  }

  flush(): Iterable<Step> {
    return this.steps();
  }

  *configure(config: StreamConfig): Generator<Step> {
    yield* this.steps();
    this.#config = config;
    this.#monotonic.configure(config);
  }

  #push(record: LogRecord, at: number): void {
    const { through } = this.#holdings;
    this.#steps.push({ kind: 'append', record, arrivedAt: at, through, window: undefined });
  }

  state(): ArrivalOrderState {
    return { last: this.#holdings.state(), monotonic: this.#monotonic.state() };
  }
}
