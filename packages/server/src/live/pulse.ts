/** When the clients' heartbeats are due: they are spread over the interval, so that not all are due at once. */
import type { Client } from './client.ts';

/** Parts of the interval between two heartbeats of a client. */
export const BEATS = 16;

export class Pulse {
  readonly #parts = Array.from({ length: BEATS }, () => new Set<Client>());
  #added = 0;
  #beats = 0;

  add(client: Client): void {
    client.beat = this.#added++ % BEATS;
    this.#parts[client.beat]!.add(client);
  }

  delete(client: Client): void {
    this.#parts[client.beat]!.delete(client);
  }

  /** Those whose turn it is. */
  next(): Iterable<Client> {
    return this.#parts[this.#beats++ % BEATS]!;
  }
}
