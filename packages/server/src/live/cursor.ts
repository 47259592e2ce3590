/** The place of a reader: in the journal (for `received`) and in the ledger (for all else). Opaque to clients. */
import type { Position } from '../event.ts';
import type { LedgerEntry, LedgerPosition, LedgerReader } from '../store/ledger.ts';

export interface Cursor {
  /** Last position seen. */
  journal: Position;
  ledger: LedgerPosition;
}

export function isSame(one: Readonly<Cursor>, other: Readonly<Cursor>): boolean {
  return one.journal === other.journal && one.ledger === other.ledger;
}

const CURSOR = /^([0-9a-z]{1,11})-([0-9a-z]{1,11})-([0-9a-f]{0,6})$/;
/** Characters of a versionId. */
const MARK_LENGTH = 6;
/** Ledger entries that are kept, of those last asked about. */
const KEPT_ENTRIES = 8;

/**
 * The text of cursors. It is marked with the data directory they belong to, and with what the ledger has at their place:
 * where an older state of it was restored and has grown again, cursors of what is lost are not taken for others.
 */
export class CursorCodec {
  readonly #prefix: string;
  readonly #ledger: Pick<LedgerReader, 'read'>;
  readonly #kept: LedgerEntry[] = [];

  constructor(instanceId: string, ledger: Pick<LedgerReader, 'read'>) {
    this.#prefix = `${instanceId}-`;
    this.#ledger = ledger;
  }

  /** @param cursor with a place that the ledger has, or none in it */
  encode({ journal, ledger }: Cursor): string {
    return `${this.#prefix}${journal.toString(36)}-${ledger.toString(36)}-${this.#markAt(ledger)}`;
  }

  /** @returns undefined for anything that this directory, as it is now, cannot have handed out */
  decode(text: string, heads: Cursor): Cursor | undefined {
    if (!text.startsWith(this.#prefix)) return undefined;
    const match = CURSOR.exec(text.slice(this.#prefix.length));
    if (match === null) return undefined;
    const cursor = { journal: Number.parseInt(match[1]!, 36), ledger: Number.parseInt(match[2]!, 36) };
    const seen = cursor.journal <= heads.journal && cursor.ledger <= heads.ledger;
    return seen && this.encode(cursor) === text ? cursor : undefined;
  }

  /** Of the packet that the position belongs to, or that was anchored there. */
  #markAt(position: LedgerPosition): string {
    if (position === 0) return '';
    return this.#entryAt(position)?.packet.versionId.slice(0, MARK_LENGTH) ?? '';
  }

  #entryAt(position: LedgerPosition): LedgerEntry | undefined {
    const kept = this.#kept.findLast(({ first, count }) => first <= position && position < first + count);
    if (kept !== undefined) return kept;
    const [entry] = this.#ledger.read(position, 1);
    if (entry === undefined) return undefined;
    this.#kept.push(entry);
    if (this.#kept.length > KEPT_ENTRIES) this.#kept.shift();
    return entry;
  }
}
