/** A data directory with something to watch, and what watchers should see of it. */
import { LocalChain } from '../../src/anchor/local-chain.ts';
import { CursorCodec } from '../../src/live/cursor.ts';
import { Hub } from '../../src/live/hub.ts';
import { LedgerMessages, type Message, receivedMessage } from '../../src/live/messages.ts';
import { Turns } from '../../src/live/turns.ts';
import { itemsOf, type JournalEntry } from '../../src/store/journal.ts';
import type { LedgerEntry, StreamRow } from '../../src/store/ledger.ts';
import { SqliteJournalReader } from '../../src/store/sqlite/journal.ts';
import { SqliteLedgerReader } from '../../src/store/sqlite/ledger-reader.ts';
import { IDENTITY } from './node.ts';
import { Works } from './passage.ts';
import { linesOf } from './readers.ts';

const ALL = 1_000_000_000;

/** Journals, certifies and anchors, once after each group of entries. */
export async function fillDirectory(dir: string, groups: readonly JournalEntry[][]): Promise<void> {
  const chain = new LocalChain(dir, IDENTITY, () => 1_772_366_400_000);
  const works = new Works(dir, chain);
  for (const entries of groups) {
    works.journal.append(entries);
    await works.run();
    await works.anchor();
  }
  works.close();
  chain.close();
}

/** Storage that says at first that it is empty, so that a hub over it can be told how far it has come. */
class GrowingJournal extends SqliteJournalReader {
  override head(): number {
    return 0;
  }
}

class GrowingLedger extends SqliteLedgerReader {
  override head(): number {
    return 0;
  }

  override streams(): StreamRow[] {
    return [];
  }
}

export class Feed {
  readonly codec: CursorCodec;
  readonly #journal: GrowingJournal;
  readonly #ledger: GrowingLedger;
  readonly #messages: LedgerMessages;

  constructor(dir: string) {
    this.#journal = new GrowingJournal(dir);
    this.#ledger = new GrowingLedger(dir);
    this.codec = new CursorCodec('0a1b2c3d', this.#ledger);
    this.#messages = new LedgerMessages(this.#ledger, linesOf(dir, this.#journal, this.#ledger));
  }

  /** A hub that has not heard of anything yet. @param later at once, unless a test wants to see the turns */
  hub(later: (work: () => void) => void = (work) => work(), queue = { bytes: 0, messages: 1_000_000 }): Hub {
    const { codec } = this;
    const stores = { journal: this.#journal, ledger: this.#ledger, messages: this.#messages };
    return new Hub({
      ...stores,
      codec,
      queue,
      now: () => 1_772_366_400_000,
      later,
      turns: new Turns(later, () => performance.now()),
    });
  }

  /** All messages there are: those from the journal, and those from the ledger, each in order. */
  expected(): { journal: Message[]; ledger: Message[] } {
    const entries = this.#journal.read(1, ALL).filter((entry) => entry.kind === 'events');
    return {
      journal: entries.map(receivedMessage),
      ledger: this.#ledger.read(1, ALL).flatMap((entry) => this.#messagesOf(entry)),
    };
  }

  #messagesOf(entry: LedgerEntry): Message[] {
    const messages: Message[] = [];
    for (let position = entry.first; position < entry.first + entry.count; ) {
      const part = this.#messages.part(entry, position);
      messages.push(...part.list);
      position = part.last + 1;
    }
    return messages;
  }

  entries(): LedgerEntry[] {
    return this.#ledger.read(1, ALL);
  }

  /** The last positions of journal and ledger entries: where heads can be. */
  heads(): { journal: number[]; ledger: number[] } {
    return {
      journal: this.#journal.read(1, ALL).map((entry) => entry.first + itemsOf(entry) - 1),
      ledger: this.#ledger.read(1, ALL).map(({ first, count }) => first + count - 1),
    };
  }

  close(): void {
    this.#journal.close();
    this.#ledger.close();
  }
}
