/** What a stage holds, and so up to which seq each source's events are in the log. */
import type { LogRecord, NormalizedEvent } from '../event.ts';

interface Holding {
  /** Size by seq, in the order in which they came, which is ascending. */
  held: Map<number, number>;
  /** The seq that came last. */
  last: number;
}

/** Held at most, in one stream; beyond it the oldest go on before their time, whatever is still missing. */
export interface HoldLimits {
  events: number;
  bytes: number;
}

export const HOLD_LIMITS: HoldLimits = { events: 200_000, bytes: 256 * 1024 * 1024 };

/** What an event takes in memory besides its payload, roughly. */
const EVENT_BYTES = 1000;

export class Holdings {
  readonly #sources = new Map<string, Holding>();
  #events = 0;
  #bytes = 0;
  /** By source, the seq up to which all is in the log; sources with nothing there are left out. */
  readonly through: Record<string, number> = {};

  get events(): number {
    return this.#events;
  }

  get bytes(): number {
    return this.#bytes;
  }

  exceed(limits: HoldLimits): boolean {
    return this.#events > limits.events || this.#bytes > limits.bytes;
  }

  took(event: NormalizedEvent): void {
    const size = EVENT_BYTES + (event.kind === 'record' ? event.payload.length : 0);
    const holding = this.#holding(event.source);
    holding.held.set(event.seq, size);
    holding.last = Math.max(holding.last, event.seq);
    this.#events++;
    this.#bytes += size;
  }

  /** The record is about to be in the log. */
  left(record: LogRecord): void {
    if (record.kind === 'fused') for (const { source, seq } of record.inputs) this.#left(source, seq);
    // An operator's word is about an event that has been in the log for long.
    else if (record.kind !== 'control') this.#left(record.source, record.seq);
  }

  #left(source: string, seq: number): void {
    const holding = this.#holding(source);
    const size = holding.held.get(seq);
    // Let out of quarantine, or corrected: it has been in the log for long.
    if (size === undefined) return;
    holding.held.delete(seq);
    this.#events--;
    this.#bytes -= size;
    this.#update(source, holding);
  }

  #update(source: string, { held, last }: Holding): void {
    const { value: first } = held.keys().next();
    const through = first === undefined ? last : first - 1;
    if (through > 0) this.through[source] = through;
  }

  #holding(source: string): Holding {
    let holding = this.#sources.get(source);
    if (holding === undefined) {
      holding = { held: new Map(), last: 0 };
      this.#sources.set(source, holding);
    }
    return holding;
  }

  /** The last seq of each source. */
  state(): Record<string, number> {
    return Object.fromEntries([...this.#sources].map(([source, { last }]) => [source, last]));
  }

  /** @param held in any order */
  restore(last: Record<string, number>, held: readonly NormalizedEvent[]): void {
    for (const event of held.toSorted((a, b) => a.seq - b.seq)) this.took(event);
    for (const [source, seq] of Object.entries(last)) {
      const holding = this.#holding(source);
      holding.last = seq;
      this.#update(source, holding);
    }
  }
}
