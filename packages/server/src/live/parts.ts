/** What is stored, as messages, part by part. Whoever reads the same part within a short time shares it. */
import { itemsOf, type JournalReader } from '../store/journal.ts';
import type { LedgerReader } from '../store/ledger.ts';
import { type LedgerMessages, type Message, type Part, receivedMessage, type Wants } from './messages.ts';

const JOURNAL_CHUNK_BYTES = 256 * 1024;
/** Parts of the journal, and of the ledger, that are kept: a few MB. */
const KEPT_PARTS = 16;

class KeptParts {
  readonly #parts: Part[] = [];

  /** The part that holds the position. */
  at(position: number): Part | undefined {
    return this.#parts.findLast(({ first, last }) => first <= position && position <= last);
  }

  keep(part: Part): Part {
    this.#parts.push(part);
    if (this.#parts.length > KEPT_PARTS) this.#parts.shift();
    return part;
  }

  clear(): void {
    this.#parts.length = 0;
  }
}

/** Parts of one side, the journal or the ledger. */
export interface PartSource {
  /**
   * Messages from the position after this one on; undefined at the end.
   * @param head storage may have more than has been announced; a cursor beyond that would not be known on return
   * @param wants what nobody wants may be left out
   */
  after(position: number, head: number, wants: Wants): Part | undefined;
}

export class JournalParts implements PartSource {
  readonly #journal: JournalReader;
  readonly #kept = new KeptParts();

  constructor(journal: JournalReader) {
    this.#journal = journal;
  }

  after(position: number, head: number): Part | undefined {
    const kept = this.#kept.at(position + 1);
    if (kept !== undefined) return kept;
    const entries = this.#journal.read(position + 1, JOURNAL_CHUNK_BYTES).filter(({ first }) => first <= head);
    const newest = entries.at(-1);
    if (newest === undefined) return undefined;
    const list = entries.flatMap((entry) => (entry.kind === 'events' ? [receivedMessage(entry)] : []));
    return this.#kept.keep({ first: position + 1, last: newest.first + itemsOf(newest) - 1, list });
  }
}

export class LedgerParts implements PartSource {
  readonly #ledger: LedgerReader;
  readonly #messages: LedgerMessages;
  readonly #kept = new KeptParts();

  constructor(ledger: LedgerReader, messages: LedgerMessages) {
    this.#ledger = ledger;
    this.#messages = messages;
  }

  forget(): void {
    this.#kept.clear();
  }

  after(position: number, _head: number, wants: Wants): Part | undefined {
    const kept = this.#kept.at(position + 1);
    if (kept !== undefined) return kept;
    const [entry] = this.#ledger.read(position + 1, 1);
    if (entry === undefined) return undefined;
    const unwanted = this.#messages.unwanted(entry, position + 1, wants);
    return unwanted ?? this.#kept.keep(this.#messages.part(entry, position + 1));
  }
}

/** Index of the first message above `position`; their positions ascend. */
export function firstAfter(list: readonly Message[], position: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (list[middle]!.position <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}
