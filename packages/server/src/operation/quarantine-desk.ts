/** Where operators' words about events in quarantine are weighed before they are journaled. */
import type { Position } from '../event.ts';
import { Normalizer } from '../normalize/normalizer.ts';
import { type EventRecord, statusOf } from '../read/events.ts';
import type { Status } from '../read/item.ts';
import type { Quarantine, QuarantineQuery } from '../read/quarantine.ts';
import { underPolicy } from '../resolution.ts';
import { StoreError } from '../store/errors.ts';
import type { EventsEntry, Heard, JournalReader, ResolutionEntry, Word } from '../store/journal.ts';
import type { StreamConfig } from '../stream.ts';

/** A word without the event that it is about. */
export type Order = Pick<Word, 'action' | 'by' | 'reason'>;

export type Said =
  | { kind: 'taken'; entry: ResolutionEntry }
  /** There is a word already, and it stands. */
  | { kind: 'resolved'; entry: ResolutionEntry }
  | { kind: 'not-quarantined'; status: Status }
  | { kind: 'erased' }
  /** The policy now in force refuses the event too. */
  | { kind: 'still-quarantined'; reasons: string[] }
  /** The journal cannot be written: the word may stand or not. */
  | { kind: 'unavailable' };

export interface Sweep {
  resolved: number;
  stillQuarantined: { eventId: string; sourceId: string; seq: number; reasons: string[] }[];
  next: Position | undefined;
}

const FAR = Number.MAX_SAFE_INTEGER;

export class QuarantineDesk {
  readonly #journal: JournalReader;
  readonly #quarantine: Quarantine;
  readonly #resolve: (words: readonly Word[]) => Promise<Heard[] | undefined>;
  readonly #normalizer = new Normalizer();
  readonly #configs = new Map<string, { first: Position; config: StreamConfig }>();

  /** @param resolve journals words, and answers after the commit */
  constructor(
    journal: JournalReader,
    quarantine: Quarantine,
    resolve: (words: readonly Word[]) => Promise<Heard[] | undefined>,
  ) {
    this.#journal = journal;
    this.#quarantine = quarantine;
    this.#resolve = resolve;
  }

  async say(record: EventRecord, order: Order): Promise<Said> {
    const { position, entry, erased } = record;
    if (erased !== undefined) return { kind: 'erased' };
    const standing = this.#journal.resolution(position);
    if (standing !== undefined) return { kind: 'resolved', entry: standing };
    const status = statusOf(record);
    if (status !== 'quarantined') return { kind: 'not-quarantined', status };
    const reasons = this.#reasonsAgainst(order, entry, position);
    if (reasons !== undefined) return { kind: 'still-quarantined', reasons };
    const heard = await this.#resolve([{ stream: entry.stream, position, ...order }]);
    const [only] = heard ?? [];
    if (only === undefined) return { kind: 'unavailable' };
    if (only.entry === undefined) return { kind: 'erased' };
    return { kind: only.taken ? 'taken' : 'resolved', entry: only.entry };
  }

  /**
   * The same word about many events, with one commit.
   * @param limit events looked at
   * @returns undefined when the journal cannot be written: the words may stand or not
   */
  async sweep(
    query: Omit<QuarantineQuery, 'resolved'>,
    order: Order,
    before: Position,
    limit: number,
  ): Promise<Sweep | undefined> {
    const { found, next } = this.#quarantine.page({ ...query, resolved: false }, before, limit);
    const words: Word[] = [];
    const stillQuarantined: Sweep['stillQuarantined'] = [];
    for (const { row, entry, place } of found) {
      const reasons = this.#reasonsAgainst(order, entry, row.position);
      if (reasons === undefined) words.push({ stream: row.stream, position: row.position, ...order });
      else {
        const eventId = entry.events.eventId(place);
        stillQuarantined.push({ eventId, sourceId: entry.source, seq: entry.seq + place, reasons });
      }
    }
    const heard = words.length === 0 ? [] : await this.#resolve(words);
    return heard && { resolved: heard.filter(({ taken }) => taken).length, stillQuarantined, next };
  }

  #reasonsAgainst({ action }: Order, entry: EventsEntry, position: Position): string[] | undefined {
    if (action === 'discard') return undefined;
    const event = underPolicy(this.#normalizer, entry, position, this.#configOf(entry.stream));
    return Array.isArray(event) ? event : undefined;
  }

  /** The one that will hold for the word: configurations are journaled before anybody is answered. */
  #configOf(stream: string): StreamConfig {
    const entry = this.#journal.configBefore(stream, FAR);
    if (entry === undefined) throw new StoreError('damaged', `the journal has no configuration of ${stream}`);
    let known = this.#configs.get(stream);
    if (known?.first !== entry.first) {
      known = { first: entry.first, config: JSON.parse(entry.config) as StreamConfig };
      this.#configs.set(stream, known);
    }
    return known.config;
  }
}
