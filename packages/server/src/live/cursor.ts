/** The place of a reader: in the journal (for `received`) and in the ledger (for all else). Opaque to clients. */
import type { Position } from '../event.ts';
import type { LedgerPosition } from '../store/ledger.ts';

export interface Cursor {
  /** Last position seen. */
  journal: Position;
  ledger: LedgerPosition;
}

/** The text of cursors, marked with the data directory they belong to. */
export class CursorCodec {
  readonly #prefix: string;

  constructor(instanceId: string) {
    this.#prefix = `${instanceId}-`;
  }

  encode({ journal, ledger }: Cursor): string {
    return `${this.#prefix}${journal.toString(36)}-${ledger.toString(36)}`;
  }

  /** @returns undefined for anything that this directory cannot have handed out */
  decode(text: string, heads: Cursor): Cursor | undefined {
    if (!text.startsWith(this.#prefix)) return undefined;
    const match = /^([0-9a-z]{1,11})-([0-9a-z]{1,11})$/.exec(text.slice(this.#prefix.length));
    if (match === null) return undefined;
    const cursor = { journal: Number.parseInt(match[1]!, 36), ledger: Number.parseInt(match[2]!, 36) };
    const seen = cursor.journal <= heads.journal && cursor.ledger <= heads.ledger;
    return seen && this.encode(cursor) === text ? cursor : undefined;
  }
}
