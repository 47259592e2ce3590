/** What an operator's word makes of an event in quarantine: for whoever asks beforehand as for the pipeline. */
import type { AcceptedEvent, Position, Resolved } from './event.ts';
import type { Normalizer } from './normalize/normalizer.ts';
import { StoreError } from './store/errors.ts';
import {
  type EventsEntry,
  type Heard,
  itemsOf,
  type JournalReader,
  type ResolutionEntry,
  type Word,
} from './store/journal.ts';
import type { StreamConfig } from './stream.ts';

/**
 * The event under the policy that its source has in this configuration. What the order & fuse stage may have had against
 * it does not count: an operator knows better.
 * @returns the reasons where the policy refuses it
 */
export function underPolicy(
  normalizer: Normalizer,
  entry: EventsEntry,
  position: Position,
  config: StreamConfig,
): AcceptedEvent | string[] {
  if (config.sources[entry.source] === undefined) return [`source-not-declared:${entry.source}`];
  const event = normalizer.one(entry, config, position);
  return event.kind === 'record' ? event : event.reasons;
}

/**
 * Operators' words as they go into the journal: one entry about each event that no word stands about, and that is not
 * erased.
 */
export function resolutionsOf(
  journal: JournalReader & { readonly next: Position },
  words: readonly Word[],
  at: number,
): { heard: Heard[]; fresh: ResolutionEntry[] } {
  const taken = new Map<Position, ResolutionEntry>();
  const heard = words.map((word): Heard => {
    if (journal.erasure(word.position) !== undefined) return { taken: false, entry: undefined };
    const standing = journal.resolution(word.position) ?? taken.get(word.position);
    if (standing !== undefined) return { taken: false, entry: standing };
    const entry: ResolutionEntry = { kind: 'resolution', first: journal.next + taken.size, at, ...word };
    taken.set(word.position, entry);
    return { taken: true, entry };
  });
  return { heard, fresh: [...taken.values()] };
}

export class Resolver {
  readonly #journal: JournalReader;
  readonly #normalizer: Normalizer;
  /** The entry that was needed last: words about many events come in the order of the journal, or its reverse. */
  #entry: EventsEntry | undefined;

  constructor(journal: JournalReader, normalizer: Normalizer) {
    this.#journal = journal;
    this.#normalizer = normalizer;
  }

  /** @returns undefined for an event that is to be released and is refused all the same: it stays where it is */
  resolve({ first, position, action, by, reason }: ResolutionEntry, config: StreamConfig): Resolved | undefined {
    const entry = this.#entryAt(position);
    if (action === 'release') {
      const event = underPolicy(this.#normalizer, entry, position, config);
      return Array.isArray(event) ? undefined : { ...event, released: first };
    }
    const { source, events } = entry;
    const place = position - entry.first;
    const data = { source, seq: entry.seq + place, eventId: events.eventId(place), by, reason };
    return { kind: 'control', cause: first, about: position, action: 'quarantine-discarded', data };
  }

  #entryAt(position: Position): EventsEntry {
    const known = this.#entry;
    if (known !== undefined && known.first <= position && position < known.first + itemsOf(known)) return known;
    const entry = this.#journal.entryAt(position);
    if (entry?.kind !== 'events') throw new StoreError('damaged', `the journal has no event at ${position}`);
    this.#entry = entry;
    return entry;
  }
}
