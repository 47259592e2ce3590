/** Every version of every event seen so far: is this one new, known, or a revision? */
import type { Position } from '../event.ts';
import { canonicalText } from '../json/canonical.ts';
import { type JsonValue, parseJson } from '../json/parse.ts';
import type { EventBatch } from '../store/batch.ts';
import type { FingerprintIndex } from '../store/fingerprints/index.ts';
import { type EventsEntry, itemsOf, type JournalReader } from '../store/journal.ts';

export type Verdict =
  | { known: false }
  | { known: false; tooMany: true }
  /** `seq` of the version that it repeats. */
  | { known: true; seq: number }
  | { known: false; supersedes: number };

const NEW: Verdict = { known: false };
const TOO_MANY: Verdict = { known: false, tooMany: true };
/**
 * An event is compared with every version of it. Beyond this many, the id is that of a sender and not of an event, and
 * comparing would hold up all other sources.
 */
const MAX_VERSIONS = 256;
/** Journal entries kept at hand, since resends come soon after what they repeat. */
const KEPT_ENTRIES = 64;
const KEPT_BYTES = 32 * 1024 * 1024;

interface Version {
  position: Position;
  batch: EventBatch;
  index: number;
  seq: number;
}

export class Versions {
  readonly #index: FingerprintIndex;
  readonly #journal: JournalReader;
  /** Entries that the commit under way will bring, oldest first. */
  #open: { first: Position; seq: number; batch: EventBatch }[] = [];
  readonly #kept = new Map<Position, EventsEntry>();
  #keptBytes = 0;

  constructor(index: FingerprintIndex, journal: JournalReader) {
    this.#index = index;
    this.#journal = journal;
  }

  /** From now on, events at `first` and after are found in `batch`, until `settled`. */
  opened(first: Position, seq: number, batch: EventBatch): void {
    this.#open.push({ first, seq, batch });
  }

  /** The commit is over: what it brought is in the journal, or nowhere. */
  settled(): void {
    this.#open = [];
  }

  /**
   * Compares the event with every version of it, by its bytes first and by its canonical form if they differ. What is
   * erased is known, whatever it said: it does not come back by being sent again.
   * @param revisable false where the first version of an event stands, whatever comes under its id
   */
  judge(batch: EventBatch, index: number, value: JsonValue, revisable: boolean): Verdict {
    const high = batch.fingerprintHigh(index);
    const low = batch.fingerprintLow(index);
    const positions = this.#index.lookup(high, low);
    if (positions.length === 0) return NEW;
    const versions: Version[] = [];
    for (const position of positions) {
      const version = this.#versionAt(position);
      if (version !== undefined && batch.sameEventId(index, version.batch, version.index)) versions.push(version);
    }
    const [first] = versions;
    if (first === undefined) return NEW;
    if (!revisable) return { known: true, seq: first.seq };
    const repeated = versions.find((version) => this.#isErased(version) || sameBytes(batch, index, version));
    if (repeated !== undefined) return { known: true, seq: repeated.seq };
    const canonical = canonicalText(value);
    const same = (version: Version) => canonicalText(parseJson(version.batch.text(version.index))) === canonical;
    const equal = versions.find(same);
    if (equal !== undefined) return { known: true, seq: equal.seq };
    if (versions.length >= MAX_VERSIONS) return TOO_MANY;
    return { known: false, supersedes: Math.max(...versions.map((version) => version.seq)) };
  }

  /** Lets go of what has been read of the journal: something in it is no more. */
  forget(): void {
    this.#kept.clear();
    this.#keptBytes = 0;
  }

  /** Positions of all journaled versions of an event, oldest first. */
  find(eventId: string): Position[] {
    const high = Number.parseInt(eventId.slice(0, 8), 16);
    const low = Number.parseInt(eventId.slice(8, 16), 16);
    return this.#index.lookup(high, low).filter((position) => {
      const version = this.#versionAt(position);
      return version?.batch.eventId(version.index) === eventId;
    });
  }

  #versionAt(position: Position): Version | undefined {
    const open = this.#open.findLast(({ first }) => first <= position);
    if (open !== undefined) {
      const index = position - open.first;
      return { position, batch: open.batch, index, seq: open.seq + index };
    }
    const entry = this.#entryAt(position);
    if (entry === undefined) return undefined;
    const index = position - entry.first;
    return { position, batch: entry.events, index, seq: entry.seq + index };
  }

  /** From the moment of the operator's word, whether or not anything is left. */
  #isErased({ position, batch }: Version): boolean {
    return batch.salts !== undefined && this.#journal.erasure(position) !== undefined;
  }

  #entryAt(position: Position): EventsEntry | undefined {
    for (const kept of this.#kept.values()) {
      if (kept.first <= position && position < kept.first + itemsOf(kept)) return kept;
    }
    const entry = this.#journal.entryAt(position);
    if (entry?.kind !== 'events') return undefined;
    this.#keep(entry);
    return entry;
  }

  #keep(entry: EventsEntry): void {
    this.#kept.set(entry.first, entry);
    this.#keptBytes += entry.events.raw.length;
    for (const [first, oldest] of this.#kept) {
      if (this.#kept.size === 1 || (this.#kept.size <= KEPT_ENTRIES && this.#keptBytes <= KEPT_BYTES)) break;
      this.#kept.delete(first);
      this.#keptBytes -= oldest.events.raw.length;
    }
  }
}

/** Under salts of their own, the same bytes have different hashes. */
function sameBytes(batch: EventBatch, index: number, version: Version): boolean {
  return batch.salts === undefined
    ? batch.sameRawHash(index, version.batch, version.index)
    : batch.sameBytes(index, version.batch, version.index);
}
