/** What stages hold and what they leave behind, damaged. */
import { describe } from 'vitest';
import { makeStaged, stagedEntries } from '../replay/made.ts';
import { type Fault, faultTables } from './fault-table.ts';
import type { Copy } from './made.ts';

const { table } = faultTables((dir) => makeStaged(dir, stagedEntries(), 1));

interface Held {
  position: number;
  time: number;
}

interface State {
  config: { policy: { license: string } };
  state: {
    last: Record<string, number>;
    waiting: Held[];
    agenda: Held[];
    corrections: Held[];
    contests: { open: { members: Held[] }[]; decided: [string, number, number, string | null, number[]][] };
  };
}

function inState(stream: string, change: (saved: State) => void): (copy: Copy) => void {
  return (copy) => {
    const saved = JSON.parse(String(copy.find('SELECT state FROM stages WHERE stream = ?', stream).state)) as State;
    change(saved);
    copy.ledger('UPDATE stages SET state = ? WHERE stream = ?', JSON.stringify(saved), stream);
  };
}

/** A decision on which the sources agreed, so that readers are told of no conflict, and which nothing replaces. */
const AGREED = `(SELECT id FROM decisions WHERE conflict = 0 AND json_extract(audit, '$.outcome') = 'resolved'
  AND (SELECT count(*) FROM decisions AS same WHERE same.event_id = decisions.event_id) = 1 LIMIT 1)`;
const HELD_BACK = `(SELECT id FROM decisions WHERE conflict = 0 AND json_extract(audit, '$.outcome') = 'quarantined'
  AND json_array_length(audit, '$.candidates') = 1 LIMIT 1)`;

describe('stages', () => {
  table([
    ...(
      [
        ['an event that waits', 'fused', ({ state }) => state.waiting],
        ['an event that is to go on', 'fused', ({ state }) => state.agenda],
        ['an event that waits to correct', 'corrected', ({ state }) => state.corrections],
        ['a candidate', 'fused', ({ state }) => state.contests.open[1]!.members],
      ] satisfies [string, string, (saved: State) => Held[]][]
    ).map(([name, stream, listOf]): Fault => {
      const forget = inState(stream, (saved) => {
        if (listOf(saved).pop() === undefined) throw new RangeError('nothing is held there');
      });
      // By now it has a leaf, which would not come again after a restart.
      return [`${name} is forgotten`, forget, 'stage-row-wrong'];
    }),
    [
      'an event is forgotten that is in no leaf yet',
      inState('windows', ({ state }) => {
        const newest = Math.max(...state.waiting.map(({ time }) => time));
        state.waiting = state.waiting.filter(({ time }) => time < newest);
      }),
      'event-without-leaf',
    ],
    [
      'an event is held twice',
      inState('windows', ({ state }) => state.waiting.push(state.waiting[0]!)),
      'stage-row-wrong',
    ],
    [
      'an event is held that has had a leaf',
      (copy) => {
        const { first } = copy.find("SELECT first FROM placements WHERE stream = 'windows' ORDER BY leaf");
        inState('windows', ({ state }) => state.waiting.push({ position: Number(first), time: 0 }))(copy);
      },
      'stage-row-wrong',
    ],
    [
      'an event of another stream is held',
      (copy) => {
        const { first } = copy.find("SELECT first FROM placements WHERE stream = 'plain' ORDER BY leaf");
        inState('windows', ({ state }) => state.waiting.push({ position: Number(first), time: 0 }))(copy);
      },
      'stage-row-wrong',
    ],
    [
      'a stage counts more events than have come',
      inState('rising', ({ state }) => void state.last.eight!++),
      'stage-row-wrong',
    ],
    ['a stage does not count a source', inState('windows', ({ state }) => delete state.last.two), 'stage-row-wrong'],
    [
      'a stage has decided what has no audit entry',
      inState('fused', ({ state }) => {
        state.contests.decided.find(([, , , decision]) => decision !== null)![3] = '5'.repeat(64);
      }),
      'stage-row-wrong',
    ],
    [
      'a stage has decided about what has no leaf',
      inState('fused', ({ state: { contests, waiting } }) => {
        contests.decided[0]![4].push(waiting[0]!.position);
      }),
      'stage-row-wrong',
    ],
    [
      'a stage is of another configuration',
      inState('rising', ({ config }) => Object.assign(config.policy, { license: 'none' })),
      'stage-row-wrong',
    ],
    [
      'a state is no JSON',
      (copy) => copy.ledger("UPDATE stages SET state = substr(state, 2) WHERE stream = 'rising'"),
      'stage-row-wrong',
    ],
    ['a stage is gone', (copy) => copy.ledger("DELETE FROM stages WHERE stream = 'rising'"), 'stage-row-wrong'],
    [
      'a stage counts more leaves than there are',
      (copy) => copy.ledger("UPDATE stages SET leaf = 1000 WHERE stream = 'rising'"),
      'stage-row-wrong',
    ],
    [
      'a stage counts fewer leaves than it has left behind',
      (copy) => copy.ledger("UPDATE stages SET leaf = leaf - 10 WHERE stream = 'corrected'"),
      'stage-row-wrong',
    ],
    [
      'a stage goes on beyond the journal',
      (copy) => copy.ledger("UPDATE stages SET position = 100000 WHERE stream = 'rising'"),
      'stage-row-wrong',
    ],
    [
      'the journal is read from where a stage has passed already',
      (copy) => copy.ledger('UPDATE cursor SET position = (SELECT min(position) + 1 FROM stages)'),
      'stage-row-wrong',
    ],
    [
      'a stream has a stage that needs none',
      (copy) =>
        copy.ledger(
          `INSERT INTO stages SELECT 'plain', (SELECT consumed FROM streams WHERE stream = 'plain'), 1, state
           FROM stages WHERE stream = 'rising'`,
        ),
      'stage-row-wrong',
    ],
  ]);
});

describe('decisions', () => {
  const inAgreed = (set: string) => (copy: Copy) => copy.ledger(`UPDATE decisions SET ${set} WHERE id = ${AGREED}`);
  table([
    [
      'an audit entry is changed',
      inAgreed('audit = replace(audit, \'"strategy":"quorum"\', \'"strategy":"median"\')'),
      'decision-mismatch',
    ],
    ['an audit entry is no JSON', inAgreed('audit = substr(audit, 2)'), 'decision-mismatch'],
    ['an audit entry is of another event', inAgreed("event_id = '5' || substr(event_id, 2)"), 'decision-mismatch'],
    [
      'an audit entry is gone',
      (copy) => copy.ledger(`DELETE FROM decisions WHERE id = ${AGREED}`),
      ...(['decision-missing', 'stage-row-wrong'] as const),
    ],
    [
      'the audit entry of a contest without a quorum is gone',
      (copy) => copy.ledger(`DELETE FROM decisions WHERE id = ${HELD_BACK}`),
      'decision-missing',
    ],
    [
      'the audit entry of a contest without a quorum is changed',
      (copy) => copy.ledger(`UPDATE decisions SET audit = replace(audit, '"v":1', '"v":2') WHERE id = ${HELD_BACK}`),
      'decision-mismatch',
    ],
    [
      'an audit entry is of no leaf',
      (copy) => copy.ledger("INSERT INTO decisions VALUES (NULL, 'none', 'plain', 3, 'none', 0, '{}')"),
      'decision-extra',
    ],
    [
      'the decision that another replaces is about something else',
      (copy) =>
        copy.ledger(
          `UPDATE decisions SET event_id = '5' WHERE decision =
             (SELECT json_extract(audit, '$.supersedes') FROM decisions WHERE audit LIKE '%supersedes%')`,
        ),
      ...(['correction-wrong', 'decision-mismatch'] as const),
    ],
  ]);
});

describe('leaves of several events, and events with several leaves', () => {
  const MOVED = '(SELECT min(leaf) FROM moves)';
  table([
    ['a move is forgotten', (copy) => copy.ledger(`DELETE FROM moves WHERE leaf = ${MOVED}`), 'leaf-mismatch'],
    [
      'a move is to another leaf',
      (copy) => copy.ledger("UPDATE moves SET leaf = (SELECT min(leaf) FROM decisions WHERE stream = 'fused')"),
      ...(['leaf-mismatch', 'move-wrong'] as const),
    ],
    [
      'a record is said to be of an event that has moved',
      (copy) =>
        copy.ledger("INSERT INTO moves VALUES ((SELECT first FROM placements WHERE stream = 'plain'), 9, 'plain')"),
      'move-wrong',
    ],
    [
      'an event has moved beyond the log',
      (copy) =>
        copy.ledger("INSERT INTO moves VALUES ((SELECT first FROM placements WHERE stream = 'plain'), 999, 'plain')"),
      'move-wrong',
    ],
    [
      'an input is placed on another leaf',
      (copy) => {
        const { first } = copy.find(
          `SELECT first FROM placements JOIN decisions USING (stream, leaf)
           WHERE count = 1 AND json_extract(audit, '$.outcome') = 'resolved'`,
        );
        copy.ledger('UPDATE placements SET leaf = leaf - 1 WHERE first = ?', Number(first));
      },
      'leaf-mismatch',
    ],
  ]);
});

describe('notes', () => {
  table([
    [
      'notes are of another leaf',
      (copy) => copy.ledger("UPDATE notes SET leaf = leaf + 1 WHERE stream = 'corrected'"),
      'notes-wrong',
    ],
    [
      'notes are of another stream',
      (copy) => copy.ledger("UPDATE notes SET stream = 'plain' WHERE stream = 'corrected'"),
      'notes-wrong',
    ],
    [
      'notes are none',
      (copy) => copy.ledger("UPDATE notes SET notes = '[1]' WHERE stream = 'corrected'"),
      'notes-wrong',
    ],
    [
      'notes are of an event that was refused',
      (copy) => copy.ledger('INSERT INTO notes SELECT position, leaf, stream, \'["late"]\' FROM quarantine LIMIT 1'),
      'notes-wrong',
    ],
    [
      'that events came late is forgotten',
      (copy) => copy.ledger("DELETE FROM notes WHERE stream = 'windows'"),
      'order-wrong',
    ],
  ] satisfies Fault[]);
});
