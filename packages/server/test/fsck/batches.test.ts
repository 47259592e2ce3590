import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fsck, type ViolationCode } from '../../src/fsck/index.ts';
import { Directories } from '../support/directories.ts';
import { Writer } from '../support/journal.ts';
import { streamConfig } from '../support/node.ts';
import { Works } from '../support/passage.ts';
import { Copy } from './made.ts';

const directories = new Directories();
const original = directories.next();
afterAll(() => directories.remove());

/** A batch with its certificate, one whose rollup is due, one that is open; and a stream that has none. */
beforeAll(async () => {
  const works = new Works(original);
  const writer = new Writer();
  const events = (from: number, count: number) =>
    writer.events(
      'hall',
      'a',
      Array.from({ length: count }, (_, n) => ({ id: `${from + n}`, text: `{"id":"${from + n}"}` })),
      from,
    );
  works.journal.append([
    writer.config(streamConfig('hall', { a: {} }), 0),
    writer.config(streamConfig('attic', { b: {} }), 0),
    ...[events(1, 2), writer.batch('hall', 'one', 'open', 5), events(10, 3), writer.batch('hall', 'one', 'end', 20)],
  ]);
  await works.run();
  await works.rollUp();
  works.journal.append([
    ...[events(30, 2), writer.batch('hall', 'two', 'open', 40), events(50, 1), writer.batch('hall', 'two', 'end', 60)],
    ...[writer.batch('hall', 'three', 'open', 70), events(80, 1)],
  ]);
  await works.run();
  works.close();
});

type Row = [fault: string, damage: (copy: Copy) => void, ...codes: ViolationCode[]];
const journal = (sql: string) => (copy: Copy) => copy.journal(sql);
const ledger = (sql: string) => (copy: Copy) => copy.ledger(sql);

const ROWS: Row[] = [
  ['nothing at all', () => undefined],
  ['a mark is gone', journal("DELETE FROM batch_marks WHERE batch = 'one' AND action = 'end'"), 'batch-wrong'],
  ['a mark of no entry', journal("INSERT INTO batch_marks VALUES (999, 'four', 'open')"), 'batch-wrong'],
  ['a mark that is none', journal("UPDATE batch_marks SET action = 'pause' WHERE batch = 'three'"), 'batch-wrong'],
  ['a batch under another name', journal("UPDATE batch_marks SET batch = 'uno' WHERE batch = 'one'"), 'batch-wrong'],
  [
    'an end that is of another',
    journal("UPDATE batch_marks SET batch = 'four' WHERE action = 'end'  AND batch = 'two'"),
    'batch-wrong',
  ],
  ['its rollup is gone', ledger("DELETE FROM due_rollups WHERE batch = 'two'"), 'batch-wrong'],
  [
    'its rollup is of no batch',
    ledger("UPDATE rollups SET batch = NULL WHERE batch = 'one'"),
    ...(['batch-wrong', 'config-mismatch', 'rollup-mismatch', 'rollup-range-wrong'] as const),
  ],
  ['a leaf too few', ledger(`UPDATE due_rollups SET "start" = "start" + 1 WHERE batch = 'two'`), 'batch-wrong'],
  ['a leaf too many', ledger(`UPDATE due_rollups SET "start" = "start" - 1 WHERE batch = 'two'`), 'batch-wrong'],
  ['another time', ledger("UPDATE due_rollups SET window_end = 61 WHERE batch = 'two'"), 'batch-wrong'],
  ['a stream that forgot it', ledger("UPDATE streams SET batch = NULL WHERE stream = 'hall'"), 'batch-wrong'],
  [
    'a stream that is in another',
    ledger(`UPDATE streams SET batch = '{"tag":"two","start":7,"at":40}' WHERE stream = 'hall'`),
    'batch-wrong',
  ],
  [
    'a stream in a batch that never was',
    ledger(`UPDATE streams SET batch = '{"tag":"four","start":0,"at":0}' WHERE stream = 'attic'`),
    'batch-wrong',
  ],
];

describe('a batch', () => {
  test.each(ROWS.map(([fault, damage, ...codes]) => ({ fault, damage, codes })))('$fault', ({ damage, codes }) => {
    const copy = new Copy(original, directories);
    damage(copy);
    const { violations } = fsck(copy.dir);
    const found = [...new Set(violations.map(({ code }) => code))].sort();
    expect(found, JSON.stringify(violations, null, 1)).toEqual([...codes].sort());
  });
});
