/** The newest of what a client wants, to begin with. */
import type { LedgerReader } from '../store/ledger.ts';
import type { Cursor } from './cursor.ts';
import type { LedgerMessages, Message } from './messages.ts';
import type { Selection } from './selection.ts';

/** Ledger positions looked at; what is further back is not told, however little was found. */
const LOOKED_AT = 20_000;
const STEP = 500;

/**
 * Where a client begins who is to be told the newest `count` messages that it wants, those of the journal left out.
 * @param at where those are who follow live
 */
export function* beforeNewest(
  { ledger, messages }: { ledger: LedgerReader; messages: LedgerMessages },
  selection: Selection,
  count: number,
  at: Readonly<Cursor>,
): Generator<void, Cursor> {
  let found = 0;
  let end = at.ledger;
  while (end > 0 && end > at.ledger - LOOKED_AT) {
    const { first, list } = stretch(ledger, messages, end);
    for (const message of list.reverse()) {
      if (selection.matches(message) && ++found === count) return { ...at, ledger: message.position - 1 };
    }
    end = first - 1;
    yield;
  }
  return { ...at, ledger: Math.max(0, end) };
}

/** Some consecutive messages of one entry, up to the position. */
function stretch(ledger: LedgerReader, messages: LedgerMessages, end: number): { first: number; list: Message[] } {
  const [entry] = ledger.read(end, 1);
  if (entry === undefined) return { first: 1, list: [] };
  const first = Math.max(entry.first, end - STEP + 1);
  const list: Message[] = [];
  for (let position = first; position <= end; ) {
    const part = messages.part(entry, position);
    list.push(...part.list.filter((message) => message.position <= end));
    position = part.last + 1;
  }
  return { first, list };
}
