/** Payloads of salted streams: not in the packets, so made once more from the journal, until they are erased. */
import type { RecordLeaf } from '@tidemark/proof';
import { type JsonObject, parseJson } from '../json/parse.ts';
import { innerSalt } from '../salt.ts';
import { type EventsEntry, itemsOf, type JournalReader } from '../store/journal.ts';
import type { LedgerReader } from '../store/ledger.ts';
import type { Line } from './lines.ts';
import type { Policies } from './policies.ts';

export class SaltedPayloads {
  readonly #journal: JournalReader;
  readonly #ledger: LedgerReader;
  readonly #policies: Policies;

  constructor(journal: JournalReader, ledger: LedgerReader, policies: Policies) {
    this.#journal = journal;
    this.#ledger = ledger;
    this.#policies = policies;
  }

  /** The lines of a stream with the payloads, and their salts, of the records in them that have none. */
  fill(stream: string, lines: readonly Line[]): Line[] {
    // Neighbours are of one entry. None is kept: what is in it may be erased.
    let entry: EventsEntry | undefined;
    return lines.map((line) => {
      const { leaf, payload, index } = line;
      if (leaf.kind !== 'record' || payload !== undefined) return line;
      const position = this.#ledger.positionOfLeaf(stream, index);
      if (position === undefined || this.#journal.erasure(position) !== undefined) return line;
      if (entry === undefined || position < entry.first || position >= entry.first + itemsOf(entry)) {
        const found = this.#journal.entryAt(position);
        entry = found?.kind === 'events' ? found : undefined;
      }
      return entry === undefined ? line : { ...line, ...this.#payload(entry, position - entry.first, leaf) };
    });
  }

  #payload({ events, at }: EventsEntry, place: number, { policyHash }: RecordLeaf): Partial<Line> {
    const salt = events.salt(place);
    // It may have been erased since it was looked for.
    if (salt === undefined || events.isErased(place)) return {};
    const { payload } = this.#policies.named(policyHash).normalize(parseJson(events.text(place)) as JsonObject, at);
    return { payload, salt: innerSalt(salt).toString('hex') };
  }
}
