/** Whether the fields that a source's policy calls monotonic are, in the order of the stream. */
import type { AcceptedEvent, NormalizedEvent } from '../event.ts';
import type { JsonObject } from '../json/parse.ts';
import type { StreamConfig } from '../stream.ts';
import { quarantinedFor } from './held.ts';
import { Monotonic, type MonotonicState } from './monotonic.ts';

export type MonotonicCheckState = MonotonicState;

/** Some source of the stream has monotonic fields. */
export function isMonotonic({ sources }: StreamConfig): boolean {
  return Object.values(sources).some(({ constraints }) => (constraints?.monotonicFields?.length ?? 0) > 0);
}

export class MonotonicCheck {
  #config: StreamConfig;
  #needed: boolean;
  #monotonic = new Monotonic();

  constructor(config: StreamConfig) {
    this.#config = config;
    this.#needed = isMonotonic(config);
  }

  configure(config: StreamConfig): void {
    this.#config = config;
    this.#needed = isMonotonic(config);
  }

  /** The event as it goes on: accepted, accepted with a note, or refused. */
  check(event: AcceptedEvent): NormalizedEvent {
    if (!this.#needed) return event;
    const { constraints, onIssue } = this.#config.sources[event.source] ?? {};
    if (constraints?.monotonicFields === undefined) return event;
    const payload = JSON.parse(event.payload) as JsonObject;
    const certify = onIssue === 'certify';
    const issues = this.#monotonic.check(event.source, constraints, payload, certify);
    if (issues.length === 0) return event;
    if (certify) return { ...event, notes: [...(event.notes ?? []), ...issues] };
    return quarantinedFor(event, ...issues);
  }

  /** Keys whose values are remembered. */
  get remembered(): number {
    return this.#monotonic.size;
  }

  state(): MonotonicCheckState {
    return this.#monotonic.state();
  }

  restore(state: MonotonicCheckState): void {
    this.#monotonic = new Monotonic(state);
  }
}
