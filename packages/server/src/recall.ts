/** Events of the journal, normalized once more: the same result, whenever it is asked for. */
import type { Position } from './event.ts';
import type { Recall, Recalled } from './fuse/held.ts';
import type { Normalizer } from './normalize/normalizer.ts';
import { StoreError } from './store/errors.ts';
import type { EventsEntry, JournalReader } from './store/journal.ts';
import type { StreamConfig } from './stream.ts';

/** Configurations kept at hand, each with its compiled policies. */
const KEPT_CONFIGS = 64;
/** Journal entries kept at hand: late events correct what was decided not long ago. */
const KEPT_ENTRIES = 32;
const KEPT_BYTES = 16 * 1024 * 1024;

export function recallFrom(journal: JournalReader, normalizer: Normalizer): Recall {
  const configs = new Map<Position, StreamConfig>();
  const entries = new RecentEntries(journal);

  /** The configuration under which the entry was normalized first. */
  function configOf({ stream, first }: EventsEntry): StreamConfig {
    const entry = journal.configBefore(stream, first);
    if (entry === undefined) throw new StoreError('damaged', `the journal has no configuration of ${stream}`);
    let config = configs.get(entry.first);
    if (config === undefined) {
      config = JSON.parse(entry.config) as StreamConfig;
      if (configs.size >= KEPT_CONFIGS) configs.clear();
      configs.set(entry.first, config);
    }
    return config;
  }

  return (positions) => {
    const recalled = new Map<Position, Recalled>();
    let current: { entry: EventsEntry; config: StreamConfig } | undefined;
    // Sorted, so that each entry is read once.
    for (const position of positions.toSorted((a, b) => a - b)) {
      if (current === undefined || !holds(current.entry, position)) {
        const entry = entries.at(position);
        current = { entry, config: configOf(entry) };
      }
      const { entry, config } = current;
      recalled.set(position, { event: normalizer.one(entry, config, position), at: entry.at });
    }
    return positions.map((position) => recalled.get(position)!);
  };
}

class RecentEntries {
  readonly #journal: JournalReader;
  /** The one that was read last is the last. */
  readonly #kept: EventsEntry[] = [];
  #bytes = 0;

  constructor(journal: JournalReader) {
    this.#journal = journal;
  }

  at(position: Position): EventsEntry {
    const kept = this.#kept.find((entry) => holds(entry, position));
    if (kept !== undefined) return kept;
    const entry = this.#journal.entryAt(position);
    if (entry?.kind !== 'events') throw new StoreError('damaged', `the journal has no event at ${position}`);
    this.#kept.push(entry);
    this.#bytes += entry.events.raw.length;
    while (this.#kept.length > KEPT_ENTRIES || (this.#kept.length > 1 && this.#bytes > KEPT_BYTES)) {
      this.#bytes -= this.#kept.shift()?.events.raw.length ?? 0;
    }
    return entry;
  }
}

function holds({ first, events }: EventsEntry, position: Position): boolean {
  return first <= position && position < first + events.count;
}
