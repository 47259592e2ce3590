/** A tracker's store that ends with the process. What is to outlive it, the journal says again. */
import type { Arrival, Delivery, ParkedDelivery, TrackerStore } from './store.ts';

interface Kept extends Delivery {
  /** Undefined while it is pending. */
  error: string | undefined;
}

export function memoryTrackerStore(): TrackerStore<never> {
  return new MemoryStore();
}

class MemoryStore implements TrackerStore<never> {
  #cursor = 0;
  #nextId = 1;
  readonly #keys = new Set<string>();
  /** By batch, the one of which something came last at the end. */
  readonly #batches = new Map<string, { key: string; message: string }[]>();
  readonly #deliveries = new Map<number, Kept>();

  cursor(): number {
    return this.#cursor;
  }

  arrive(arrivals: readonly Arrival[], cursor = this.#cursor): Delivery[] {
    const added: Delivery[] = [];
    for (const { handlers, ...event } of arrivals) {
      if (this.#keys.has(event.key)) continue;
      this.#keys.add(event.key);
      const events = this.#batches.get(event.batchTag) ?? [];
      this.#batches.delete(event.batchTag);
      this.#batches.set(event.batchTag, [...events, event]);
      for (const handler of handlers) {
        const delivery = { ...event, id: this.#nextId++, handler, attempts: 0 };
        this.#deliveries.set(delivery.id, { ...delivery, error: undefined });
        added.push(delivery);
      }
    }
    this.#cursor = cursor;
    return added;
  }

  pending(): Delivery[] {
    return [...this.#deliveries.values()].filter(({ error }) => error === undefined).map(deliveryOf);
  }

  parked(): ParkedDelivery[] {
    return [...this.#deliveries.values()].flatMap((kept) =>
      kept.error === undefined ? [] : [{ ...deliveryOf(kept), error: kept.error }],
    );
  }

  done(id: number): void {
    this.#deliveries.delete(id);
  }

  failed(id: number, error: string, parked: boolean): void {
    const delivery = this.#deliveries.get(id);
    if (delivery === undefined) return;
    delivery.attempts++;
    if (parked) delivery.error = error;
  }

  unpark(ids: readonly number[]): Delivery[] {
    const wanted = new Set(ids);
    const found = [...this.#deliveries.values()].filter(({ id, error }) => wanted.has(id) && error !== undefined);
    for (const delivery of found) {
      delivery.attempts = 0;
      delivery.error = undefined;
    }
    return found.map(deliveryOf);
  }

  messages(batchTag: string): string[] {
    return (this.#batches.get(batchTag) ?? []).map(({ message }) => message);
  }

  batchTags(limit: number): string[] {
    return [...this.#batches.keys()].reverse().slice(0, limit);
  }

  prune(keep: number): void {
    const busy = new Set([...this.#deliveries.values()].map(({ batchTag }) => batchTag));
    for (const batchTag of this.batchTags(Number.POSITIVE_INFINITY).slice(keep)) {
      if (busy.has(batchTag)) continue;
      for (const { key } of this.#batches.get(batchTag) ?? []) this.#keys.delete(key);
      this.#batches.delete(batchTag);
    }
  }
}

function deliveryOf({ error: _, ...delivery }: Kept): Delivery {
  return { ...delivery };
}
