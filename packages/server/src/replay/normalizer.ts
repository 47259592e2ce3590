import type { NormalizedEvent, Position } from '../event.ts';
import { Normalizer } from '../normalize/normalizer.ts';
import type { EventsEntry } from '../store/journal.ts';
import type { StreamConfig } from '../stream.ts';

/** Normalizes as ever. An event that cannot be normalized ends the replay of its own stream, not that of the others. */
export class WatchedNormalizer extends Normalizer {
  readonly #failed: (entry: EventsEntry, position: Position, cause: unknown) => void;

  constructor(failed: (entry: EventsEntry, position: Position, cause: unknown) => void) {
    super();
    this.#failed = failed;
  }

  override *normalize(entry: EventsEntry, config: StreamConfig, from: Position): Generator<NormalizedEvent> {
    let position = Math.max(entry.first, from);
    try {
      for (const event of super.normalize(entry, config, from)) {
        position = event.position + 1;
        yield event;
      }
    } catch (cause) {
      this.#failed(entry, position, cause);
    }
  }

  override one(entry: EventsEntry, config: StreamConfig, position: Position): NormalizedEvent {
    return super.normalize(entry, config, position).next().value as NormalizedEvent;
  }
}
