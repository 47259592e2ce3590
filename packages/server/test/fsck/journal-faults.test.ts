import { describe } from 'vitest';
import { type Fault, faultTables, flipped } from './fault-table.ts';
import type { Copy } from './made.ts';

const { table } = faultTables();

/** The second delivery to `plant`: not the first entry of the stream, and not the last. */
const SECOND = "(SELECT first FROM entries WHERE source = 'plant' ORDER BY first LIMIT 1 OFFSET 1)";
/** The third, which begins with a revision of p7. */
const THIRD = "(SELECT max(first) FROM entries WHERE source = 'plant')";

describe('the journal', () => {
  table([
    [
      'an entry is gone',
      (copy) => copy.journal(`DELETE FROM entries WHERE first = ${SECOND}`),
      ...(['journal-not-contiguous', 'seq-not-contiguous', 'leaf-without-event', 'supersedes-wrong'] as const),
    ],
    [
      'the bytes of an event are changed',
      (copy) => copy.journal(`UPDATE entries SET raw = ${flipped('raw', 12)} WHERE first = ${SECOND}`),
      'raw-hash-mismatch',
    ],
    [
      'the hash of an event is changed',
      (copy) => copy.journal(`UPDATE entries SET headers = ${flipped('headers', 20)} WHERE first = ${SECOND}`),
      ...(['raw-hash-mismatch', 'leaf-mismatch'] as const),
    ],
    [
      'the id of an event is changed',
      (copy) => copy.journal(`UPDATE entries SET headers = ${flipped('headers', 121)} WHERE first = ${SECOND}`),
      ...(['event-id-mismatch', 'leaf-mismatch'] as const),
    ],
    [
      'a revision names another event',
      (copy) => copy.journal(`UPDATE entries SET headers = ${flipped('headers', 60)} WHERE first = ${THIRD}`),
      ...(['supersedes-wrong', 'leaf-mismatch'] as const),
    ],
    [
      'a revision names nothing',
      (copy) =>
        copy.journal(
          `UPDATE entries SET headers = CAST(substr(headers, 1, 52) || zeroblob(8) || substr(headers, 61) AS BLOB)
           WHERE first = ${THIRD}`,
        ),
      ...(['revision-unmarked', 'leaf-mismatch'] as const),
    ],
    ['an event is journaled twice', journalAgain, 'journaled-twice'],
    [
      'the headers are cut short',
      (copy) => copy.journal(`UPDATE entries SET headers = substr(headers, 1, 90) WHERE first = ${SECOND}`),
      'journal-entry-malformed',
    ],
    [
      'an entry is of an unknown kind',
      (copy) => copy.journal("UPDATE entries SET kind = 'noise' WHERE kind = 'cut' AND stream = 'water'"),
      ...(['journal-entry-malformed', 'stream-tail-wrong'] as const),
    ],
    [
      'the last number of a source is wrong',
      (copy) => copy.journal("UPDATE sources SET seq = seq - 1 WHERE source = 'plant'"),
      'sources-row-wrong',
    ],
    [
      'the stream of a source is forgotten',
      (copy) => copy.journal("UPDATE sources SET stream = 'water' WHERE source = 'plant'"),
      'sources-row-wrong',
    ],
    [
      'a source feeds two streams',
      (copy) => copy.journal(`UPDATE entries SET stream = 'water' WHERE first = ${THIRD}`),
      ...(['source-in-two-streams', 'stream-tail-wrong', 'config-missing', 'placed-in-wrong-stream'] as const),
    ],
    [
      'a waiting cut would be missed',
      (copy) => copy.journal("UPDATE stream_tails SET last_cut = last_cut + 1 WHERE stream = 'water'"),
      'stream-tail-wrong',
    ],
    [
      'a configuration is changed',
      (copy) =>
        copy.journal(
          "UPDATE entries SET config = replace(config, 'proprietary', 'none') WHERE kind = 'config' AND stream = 'plant'",
        ),
      ...(['stream-tail-wrong', 'config-mismatch', 'stream-row-wrong'] as const),
    ],
    [
      'a configuration is unreadable',
      (copy) =>
        copy.journal("UPDATE entries SET config = substr(config, 2) WHERE kind = 'config' AND stream = 'water'"),
      ...(['journal-entry-malformed', 'stream-tail-wrong', 'config-missing', 'stream-row-wrong'] as const),
    ],
  ]);
});

/** The last delivery once more, numbered as the next one. */
function journalAgain(copy: Copy): void {
  const last = "(SELECT max(first) FROM entries WHERE source = 'river')";
  copy.journal(
    `INSERT INTO entries SELECT (SELECT max(first + count) FROM entries), count, kind, stream, at, source, seq + count,
       config, headers, raw, salts FROM entries WHERE first = ${last}`,
  );
  copy.journal("UPDATE sources SET seq = seq + 1 WHERE source = 'river'");
  copy.journal(`UPDATE stream_tails SET last_events = ${last} WHERE stream = 'water'`);
}

describe('placements and cursors', () => {
  const longest = '(SELECT first FROM placements ORDER BY count DESC LIMIT 1)';
  table([
    [
      'a placement is gone',
      (copy) => copy.ledger(`DELETE FROM placements WHERE first = ${longest}`),
      ...(['event-without-leaf', 'leaf-without-event'] as const),
    ],
    [
      'an event has two leaves',
      (copy) => {
        const { first, leaf } = copy.find('SELECT first, leaf FROM placements ORDER BY count DESC');
        copy.ledger("INSERT INTO placements VALUES (?, 1, 'plant', ?)", Number(first) + 1, Number(leaf) + 1);
      },
      ...(['certified-twice', 'leaf-of-two-events'] as const),
    ],
    [
      'an event is placed beyond the log',
      (copy) => copy.ledger(`UPDATE placements SET leaf = 5000 WHERE first = (SELECT max(first) FROM placements)`),
      ...(['event-without-leaf', 'leaf-without-event'] as const),
    ],
    [
      'a control entry is placed',
      (copy) => {
        const [cut] = copy.rows('journal.db', "SELECT first FROM entries WHERE kind = 'cut' AND stream = 'plant'");
        copy.ledger("INSERT INTO placements VALUES (?, 1, 'plant', 2)", Number(cut?.first));
      },
      ...(['leaf-without-event', 'leaf-of-two-events', 'order-wrong'] as const),
    ],
    [
      'an event is placed in another stream',
      (copy) => {
        const { first } = copy.find("SELECT max(first) AS first FROM placements WHERE stream = 'water'");
        copy.ledger("UPDATE placements SET stream = 'plant', leaf = 700 WHERE first = ?", Number(first));
      },
      ...(['placed-in-wrong-stream', 'leaf-without-event', 'event-without-leaf', 'stream-row-wrong'] as const),
    ],
    [
      'two placements are exchanged',
      (copy) => {
        const [one, other] = copy.rows(
          'ledger.db',
          "SELECT first, leaf FROM placements WHERE stream = 'water' ORDER BY leaf",
        );
        copy.ledger('UPDATE placements SET leaf = ? WHERE first = ?', Number(other?.leaf), Number(one?.first));
        copy.ledger('UPDATE placements SET leaf = ? WHERE first = ?', Number(one?.leaf), Number(other?.first));
      },
      ...(['order-wrong', 'leaf-mismatch', 'through-mismatch'] as const),
    ],
    [
      'the cursor is beyond the journal',
      (copy) => copy.ledger('UPDATE cursor SET position = position + 1'),
      'cursor-wrong',
    ],
    [
      'a stream skips what comes next',
      (copy) => copy.ledger("UPDATE streams SET consumed = consumed + 1 WHERE stream = 'water'"),
      'stream-row-wrong',
    ],
    [
      'a stream would certify its last event again',
      (copy) => copy.ledger("UPDATE streams SET consumed = consumed - 1 WHERE stream = 'water'"),
      'stream-row-wrong',
    ],
    ...(['size', 'head', 'through', 'config'] as const).map((column): Fault => {
      const other = "(SELECT other.$ FROM streams other WHERE other.stream = 'water')".replace('$', column);
      return [
        `the ${column} of a stream is that of another`,
        (copy) => copy.ledger(`UPDATE streams SET ${column} = ${other} WHERE stream = 'plant'`),
        'stream-row-wrong',
      ];
    }),
    [
      'the row of a stream is gone',
      (copy) => copy.ledger("DELETE FROM streams WHERE stream = 'water'"),
      'stream-row-wrong',
    ],
  ]);
});
