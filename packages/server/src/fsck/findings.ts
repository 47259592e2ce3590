/** What a check of a data directory can find. */

/** The journal: what has been acknowledged. */
type JournalCode =
  /** A position is missing, or taken twice. */
  | 'journal-not-contiguous'
  /** An entry does not hold what its kind has to. */
  | 'journal-entry-malformed'
  /** A source's count has a gap, or goes back. */
  | 'seq-not-contiguous'
  | 'source-in-two-streams'
  /** `sources` is not what the entries add up to: the next event would get a wrong number. */
  | 'sources-row-wrong'
  /** `stream_tails` is not what the entries add up to: a cut would be missed. */
  | 'stream-tail-wrong'
  | 'raw-hash-mismatch'
  /** The stored event id is not that of the external id in the event's bytes. */
  | 'event-id-mismatch'
  /** The same event with the same bytes has two numbers. */
  | 'journaled-twice'
  /** A second version of an event does not say which one it supersedes. */
  | 'revision-unmarked'
  /** What an event supersedes is no earlier version of it. */
  | 'supersedes-wrong'
  /** An operator's word is about no event that it could be about, or nothing has come of it. */
  | 'resolution-wrong'
  /** A beginning or an end of a batch that is none, or nothing has come of it. */
  | 'batch-wrong'
  /** An erasure is of no event, or no leaf says so, or something is left of what is erased. */
  | 'erasure-wrong'
  /** Events stand before any configuration of their stream, or of their source in it. */
  | 'config-missing';

/** Between journal and ledger: every event below the cursors has its leaf, or is held by its stream's stage. */
type PlacementCode =
  | 'event-without-leaf'
  /** Two placements cover one journal item. */
  | 'certified-twice'
  /** A leaf, or a placement, stands for something that is no journaled event. */
  | 'leaf-without-event'
  | 'leaf-of-two-events'
  | 'placed-in-wrong-stream'
  /** An item is said to have another leaf besides its own, and that leaf does not stand for it. */
  | 'move-wrong'
  /** A stage would not go on from where it was. */
  | 'stage-row-wrong'
  /** Leaves do not follow the order of the journal, or, where packets are cut in event time, that of event times. */
  | 'order-wrong'
  /** The ledger says that it has read more than there is. */
  | 'cursor-wrong';

/** A stream's packets, leaf by leaf. */
type PacketCode =
  /** A packet does not begin where the one before ends. */
  | 'packet-gap'
  | 'packet-row-mismatch'
  | 'manifest-malformed'
  | 'version-id-mismatch'
  | 'parent-mismatch'
  | 'manifest-signature-invalid'
  /** The manifest does not follow from the configuration that the journal has for its events. */
  | 'config-mismatch'
  | 'through-mismatch'
  | 'content-missing'
  | 'content-hash-mismatch'
  | 'line-count-wrong'
  | 'offsets-wrong'
  | 'line-not-canonical'
  | 'leaf-malformed'
  /** A leaf says something else than the journal. */
  | 'leaf-mismatch'
  /** A control leaf is not signed by the key of its log. */
  | 'control-signature-invalid'
  /** A configuration came into force, and the log does not say so. */
  | 'change-missing'
  | 'payload-hash-mismatch'
  | 'reasons-mismatch'
  /** The window that a packet was cut at is not one of its stream, or holds what does not belong there. */
  | 'window-wrong'
  /** A leaf names a decision of which no audit entry is kept. */
  | 'decision-missing'
  /** The audit entry of a decision is not the one that the leaf names, or says something else than the leaf. */
  | 'decision-mismatch'
  /** What a decision replaces is no earlier one about the same. */
  | 'correction-wrong'
  | 'root-mismatch'
  | 'checkpoint-mismatch'
  | 'checkpoint-signature-invalid'
  | 'tile-mismatch'
  | 'tile-missing'
  /** A row that belongs to no leaf of the log. */
  | 'tile-extra'
  | 'quarantine-extra'
  | 'decision-extra'
  /** Notes that are of no leaf, or are none. */
  | 'notes-wrong'
  | 'policy-mismatch'
  | 'stream-row-wrong';

/** Rollups, besides what can be wrong with any manifest and content. */
type RollupCode =
  /** It covers leaves that another covers too, or parts of packets, or its stream does not go on where it ends. */
  | 'rollup-range-wrong'
  /** It says something else than its packets add up to, or than its row. */
  | 'rollup-mismatch';

/** The order in which readers see things, and the anchors. */
type LedgerCode =
  | 'ledger-missing'
  | 'ledger-not-contiguous'
  | 'ledger-entry-mismatch'
  /** A packet or an anchor that no entry, or more than one, makes known. */
  | 'ledger-entry-missing'
  | 'ledger-entry-twice'
  | 'anchor-mismatch'
  | 'anchor-invalid'
  | 'chain-missing'
  | 'chain-broken';

export type ViolationCode =
  | JournalCode
  | PlacementCode
  | PacketCode
  | RollupCode
  | LedgerCode
  /** SQLite itself cannot read the file, or finds it inconsistent. */
  | 'database-damaged';

export interface Violation {
  code: ViolationCode;
  where: string;
  what: string;
}

/**
 * Worth knowing, and no violation.
 *
 * - `packet-file-unnamed`: content that no packet names, as a crash between file and commit leaves it
 * - `waiting`: events that wait for their packet
 * - `unchecked`: a check that another finding made impossible
 */
export interface Note {
  code: 'packet-file-unnamed' | 'waiting' | 'unchecked';
  where: string;
  what: string;
}

export interface Checked {
  events: number;
  packets: number;
  leaves: number;
  streams: number;
  rollups: number;
  anchors: number;
  blocks: number;
}

/** Listed in full up to here, so that a directory full of faults does not fill the memory too. */
const MAX_LISTED = 10_000;

export class Findings {
  readonly violations: Violation[] = [];
  readonly notes: Note[] = [];
  readonly checked: Checked = { events: 0, packets: 0, leaves: 0, streams: 0, rollups: 0, anchors: 0, blocks: 0 };
  #violationCount = 0;

  /** Also those that are not listed. */
  get violationCount(): number {
    return this.#violationCount;
  }

  violation(code: ViolationCode, where: string, what: string): void {
    this.#violationCount++;
    if (this.violations.length < MAX_LISTED) this.violations.push({ code, where, what });
  }

  note(code: Note['code'], where: string, what: string): void {
    if (this.notes.length < MAX_LISTED) this.notes.push({ code, where, what });
  }
}
