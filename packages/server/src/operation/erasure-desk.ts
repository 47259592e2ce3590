/** Where an event is erased on an operator's word: journaled first, hidden at once, overwritten as soon as the log has it. */
import type { Erasing } from '../erasure.ts';
import type { ErasureEntry, ErasureWord, JournalReader } from '../store/journal.ts';

export type Erased =
  | {
      kind: 'erased';
      entries: ErasureEntry[];
      /** Nothing is left of the event; false where its log has not come so far, or somebody is still reading. */
      complete: boolean;
    }
  | Exclude<Erasing, { kind: 'erased' }>
  /** The journal cannot be written: the word may stand or not. */
  | { kind: 'unavailable' };

export interface ErasureDeskParts {
  journal: JournalReader;
  /** Journals the word, and answers after the commit; undefined when it may or may not have been written. */
  erase: (eventId: string, word: ErasureWord) => Promise<Erasing | undefined>;
  /** Lets go of everything that has been made of events and is kept in memory. */
  forget: () => void;
  wait: (milliseconds: number) => Promise<unknown>;
}

/** Looked so often, this far apart: most often the first or the second time is enough. */
const LOOKS = 100;
const LOOK_MS = 50;

export class ErasureDesk {
  readonly #parts: ErasureDeskParts;

  constructor(parts: ErasureDeskParts) {
    this.#parts = parts;
  }

  /** All versions of an event. Once more changes nothing, and is answered the same. */
  async erase(eventId: string, word: ErasureWord): Promise<Erased> {
    const { erase, forget } = this.#parts;
    const erasing = await erase(eventId, word);
    if (erasing === undefined) return { kind: 'unavailable' };
    if (erasing.kind !== 'erased') return erasing;
    forget();
    const complete = await this.#isComplete(erasing.entries);
    // Until now, a reason for quarantine may have been read again from the ledger.
    forget();
    return { ...erasing, complete };
  }

  async #isComplete(entries: readonly ErasureEntry[]): Promise<boolean> {
    const firsts = new Set(entries.map(({ first }) => first));
    for (let look = 0; look < LOOKS; look++) {
      if (!this.#parts.journal.erasuresToDo().some(({ first }) => firsts.has(first))) return true;
      await this.#parts.wait(LOOK_MS);
    }
    return false;
  }
}
