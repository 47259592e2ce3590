/** What the journal holds, and what any journal owes to its callers. */
import type { Position } from '../event.ts';
import type { EventBatch } from './batch.ts';

interface Entry {
  /** Position of the entry's first item; a control entry is one item. */
  first: Position;
  stream: string;
  /** When the single writer took the entry in, milliseconds since 1970. */
  at: number;
}

/** The new events of one delivery of one source. */
export interface EventsEntry extends Entry {
  kind: 'events';
  source: string;
  /** The source's sequence number of the first event; the others follow without a gap. */
  seq: number;
  events: EventBatch;
}

/** "Seal what this stream has": whoever cuts by the clock writes it down, so that replay needs no clock. */
export interface CutEntry extends Entry {
  kind: 'cut';
}

/** From here on, this is the stream's configuration. */
export interface ConfigEntry extends Entry {
  kind: 'config';
  /** RFC 8785 text of a `StreamConfig`. */
  config: string;
}

/** What an operator has decided about an event in quarantine; there is one such word about an event, and it stands. */
export interface ResolutionEntry extends Entry {
  kind: 'resolution';
  /** Position of the event. */
  position: Position;
  action: ResolutionAction;
  /** Whose word it is. */
  by: string;
  reason: string;
}

/** A word that is not in the journal yet. */
export type Word = Pick<ResolutionEntry, 'stream' | 'position' | 'action' | 'by' | 'reason'>;

/** What has become of a word: taken; or there is one already, and that stands; or the event is erased. */
export type Heard = { taken: boolean; entry: ResolutionEntry } | { taken: false; entry: undefined };

/** `release`: into the log, as the policy now in force has it; `discard`: never. */
export type ResolutionAction = 'release' | 'discard';

/** An operator has had an event erased; there is one such word about an event, and it stands. */
export interface ErasureEntry extends Entry {
  kind: 'erasure';
  /** Position of the event, which is of a salted stream. */
  position: Position;
  by: string;
  reason: string;
}

/** What an operator says of an erasure. */
export type ErasureWord = Pick<ErasureEntry, 'by' | 'reason'>;

/** A batch begins or ends here: what its stream takes in between is the batch's, and its packets hold nothing else. */
export interface BatchEntry extends Entry {
  kind: 'batch';
  batch: string;
  action: BatchAction;
}

export type BatchAction = 'open' | 'end';

/** What the journal says of a batch. */
export interface BatchMarks {
  opened: BatchEntry;
  ended: BatchEntry | undefined;
}

export type JournalEntry = EventsEntry | CutEntry | ConfigEntry | ResolutionEntry | ErasureEntry | BatchEntry;

/** Number of items in an entry, which is also how many positions it takes. */
export function itemsOf(entry: JournalEntry): number {
  return entry.kind === 'events' ? entry.events.count : 1;
}

export interface StreamTail {
  /** The last entry that may wait for a cut: events, or an operator's word about one. */
  lastEvents: Position;
  lastCut: Position;
  config: string | undefined;
}

/**
 * The append side. One writer holds it; it alone numbers entries.
 *
 * `append` is one atomic commit: when it returns, all entries are on disk (fsync); when it throws, nobody knows
 * whether they are, and the journal has to be opened again. Entries
 * come with consecutive positions starting at `next`. A second word about an event fails the commit, and so does a second
 * erasure, and a second beginning or end of a batch.
 */
export interface JournalWriter extends JournalReader {
  readonly next: Position;
  append(entries: readonly JournalEntry[]): void;
  /** The last sequence number given to each source. */
  sourceSeqs(): Map<string, number>;
  /** The stream that each source has fed so far. */
  sourceStreams(): Map<string, string>;
  streamTails(): Map<string, StreamTail>;
  /** Overwrites bytes and salts of these events, which must have been erased and certified. Once more changes nothing. */
  overwrite(positions: readonly Position[]): void;
  /**
   * Has no file of the journal hold any more what has been overwritten.
   * @returns false while somebody reads what was there before: to be called again
   */
  trim(): boolean;
  /** Nothing is left of these events. */
  noteErased(positions: readonly Position[]): void;
}

/** The read side. Sees committed entries only, in order of position. */
export interface JournalReader {
  /** The last committed position; 0 when empty. */
  head(): Position;
  /** Entries from the one that holds `from` on, until `maxBytes` of payload are exceeded (at least one). */
  read(from: Position, maxBytes: number): JournalEntry[];
  /** Entries of events that begin below `before`, newest first; of one source, if it is given. */
  readBackwards(before: Position, limit: number, source?: string): JournalEntry[];
  /** The entry that holds `position`. */
  entryAt(position: Position): JournalEntry | undefined;
  /** The newest configuration of a stream below this position. */
  configBefore(stream: string, before: Position): ConfigEntry | undefined;
  /** The operator's word about the event at this position. */
  resolution(position: Position): ResolutionEntry | undefined;
  /** The word by which the event at this position was erased. */
  erasure(position: Position): ErasureEntry | undefined;
  /** Erasures of which it is not known that nothing is left, oldest first. */
  erasuresToDo(): ErasureEntry[];
  batch(tag: string): BatchMarks | undefined;
  /** The batch that has begun on this stream and has not ended; there is one at the most. */
  openBatch(stream: string): BatchEntry | undefined;
  close(): void;
}
