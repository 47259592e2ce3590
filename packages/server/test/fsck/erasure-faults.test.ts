/** What erasures leave behind, damaged: `fsck` and `replay` each find it. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fsck, type ViolationCode } from '../../src/fsck/index.ts';
import { openStreamKeys } from '../../src/keys.ts';
import { ReplayError, type ReplayErrorCode, type ReplayStage, replay } from '../../src/replay/index.ts';
import { EventBatch } from '../../src/store/batch.ts';
import { makeErased } from '../replay/made.ts';
import { Desk, lines } from '../support/arrivals.ts';
import { Directories } from '../support/directories.ts';
import { batchOf, Writer } from '../support/journal.ts';
import { sourceOf, streamConfig } from '../support/node.ts';
import { flipped } from './fault-table.ts';
import { Copy } from './made.ts';
import { resealLast } from './resealed.ts';

const directories = new Directories();
const original = directories.next();
beforeAll(() => makeErased(original));
afterAll(() => directories.remove());

/** Raw bytes and salts as they were before the erasure of the event at this place in its entry. */
function bring(copy: Copy, column: 'raw' | 'salts', place: number): void {
  const [row] = copy.rows('journal.db', "SELECT headers, raw, salts FROM entries WHERE kind = 'events'");
  const batch = new EventBatch(row?.headers as Uint8Array, row?.raw as Uint8Array, row?.salts as Uint8Array);
  const texts = [1, 2, 3, 4, 5].map((n) => JSON.stringify({ id: n, v: n === 4 ? undefined : `only-${n}` }));
  const before = batchOf(
    'one',
    texts.map((text, n) => ({ id: `${n + 1}`, text })),
    true,
  );
  if (column === 'raw') before.bytes(place).copy(batch.bytes(place));
  else before.salt(place)?.copy(batch.salt(place)!);
  copy.journal(`UPDATE entries SET ${column} = ? WHERE kind = 'events'`, batch[column]!);
}

/** Zeros in the place of an event, as if it had been erased. */
function blank(copy: Copy, place: number): void {
  const [row] = copy.rows('journal.db', "SELECT headers, raw, salts FROM entries WHERE kind = 'events'");
  const batch = new EventBatch(row?.headers as Uint8Array, row?.raw as Uint8Array, row?.salts as Uint8Array);
  const { raw, salts } = batch.without(place);
  copy.journal("UPDATE entries SET raw = ?, salts = ? WHERE kind = 'events'", raw, salts!);
}

const inLast = (from: string | RegExp, to: string) => (copy: Copy) =>
  resealLast(copy, 'safe', (sealing) => {
    const [line = ''] = sealing.lines;
    const changed = line.replace(from, to);
    if (changed === line) throw new RangeError(`${from} is not in ${line}`);
    sealing.lines = [changed];
  });

interface Row {
  name: string;
  damage: (copy: Copy) => void;
  codes: ViolationCode[];
  /** What a replay calls it; undefined where it has nothing to say against it. */
  stage: ReplayStage | ReplayErrorCode | undefined;
}

const THIRD = 2;
const ROWS: Row[] = [
  { name: 'nothing at all', damage: () => undefined, codes: [], stage: undefined },
  {
    name: 'bytes of an erased event are still there',
    damage: (copy) => bring(copy, 'raw', THIRD),
    codes: ['erasure-wrong'],
    stage: undefined,
  },
  {
    name: 'bytes and salt of an erased event are still there',
    damage: (copy) => {
      bring(copy, 'raw', THIRD);
      bring(copy, 'salts', THIRD);
    },
    codes: ['erasure-wrong'],
    stage: undefined,
  },
  {
    name: 'the salt of an erased event is still there',
    damage: (copy) => bring(copy, 'salts', THIRD),
    codes: ['erasure-wrong', 'raw-hash-mismatch'],
    stage: 'intake',
  },
  {
    name: 'the salt of another event is another',
    damage: (copy) =>
      copy.journal(
        "UPDATE entries SET salts = CAST(x'00' || substr(salts, 2) AS BLOB) WHERE kind = 'events' AND substr(salts, 1, 1) <> x'00'",
      ),
    codes: ['raw-hash-mismatch'],
    stage: 'intake',
  },
  {
    name: 'salts are missing',
    damage: (copy) => copy.journal("UPDATE entries SET salts = NULL WHERE kind = 'events'"),
    codes: ['erasure-wrong', 'journal-entry-malformed'],
    stage: 'intake',
  },
  {
    name: 'an event is gone, and nobody has had it erased',
    damage: (copy) => blank(copy, 0),
    codes: ['erasure-wrong'],
    stage: 'intake',
  },
  {
    name: 'the reasons of an erased event are still there',
    damage: (copy) => copy.ledger(`UPDATE quarantine SET reasons = '["required-missing:v"]'`),
    codes: ['reasons-mismatch'],
    stage: 'normalize',
  },
  {
    name: 'the reasons of an event that is not erased are gone',
    damage: (copy) => {
      copy.journal('DELETE FROM erasures WHERE position = 5');
      bring(copy, 'raw', 3);
      bring(copy, 'salts', 3);
    },
    codes: ['erasure-wrong', 'leaf-mismatch', 'reasons-mismatch'],
    stage: 'derivation-failed',
  },
  {
    name: 'a word is about another event',
    damage: (copy) => copy.journal('UPDATE erasures SET position = 2 WHERE position = 4'),
    codes: ['erasure-wrong', 'leaf-mismatch'],
    stage: 'intake',
  },
  {
    name: 'a word is about what is no event',
    damage: (copy) => copy.journal('UPDATE erasures SET position = 1 WHERE position = 4'),
    codes: ['erasure-wrong'],
    stage: 'intake',
  },
  {
    name: 'the reason is another',
    damage: (copy) => copy.journal("UPDATE erasures SET reason = 'none' WHERE position = 4"),
    codes: ['leaf-mismatch'],
    stage: 'certify',
  },
  {
    name: 'the leaf names another event',
    damage: inLast('"seq":3', '"seq":2'),
    codes: ['leaf-mismatch', 'control-signature-invalid'],
    stage: 'order',
  },
  {
    name: 'the leaf is of another action',
    damage: inLast('"erased"', '"quarantine-discarded"'),
    codes: ['leaf-mismatch', 'control-signature-invalid'],
    stage: 'certify',
  },
  {
    name: 'the leaf has no place',
    damage: (copy) => copy.ledger('DELETE FROM placements WHERE leaf = (SELECT max(leaf) FROM placements)'),
    codes: ['erasure-wrong', 'leaf-without-event', 'leaf-mismatch', 'stream-row-wrong'],
    stage: undefined,
  },
  {
    name: 'what is taken on trust is another than was sealed',
    damage: (copy) => {
      const path = copy.contentPath('safe');
      const lines = readFileSync(path, 'utf8').split('\n');
      const changed = lines[3]!.replace(/"payloadHash":"....../, '"payloadHash":"000000');
      writeFileSync(path, lines.with(3, changed).join('\n'));
    },
    codes: ['content-hash-mismatch'],
    stage: 'certify',
  },
];

it.each(ROWS)('$name', async ({ damage, codes, stage }) => {
  const copy = new Copy(original, directories);
  damage(copy);
  const { violations } = fsck(copy.dir);
  const found = [...new Set(violations.map(({ code }) => code))].sort();
  expect(found, JSON.stringify(violations, null, 1)).toEqual([...codes].sort());
  expect(await stageOf(copy.dir)).toBe(stage);
});

async function stageOf(dir: string): Promise<Row['stage']> {
  try {
    const [stream] = (await replay(dir)).streams;
    return stream?.difference?.stage;
  } catch (error) {
    if (error instanceof ReplayError) return error.code;
    throw error;
  }
}

it('an id that is not the event’s is found by whoever has the key of its stream', () => {
  const dir = directories.next();
  const source = sourceOf('one', { stream: 'safe' });
  const desk = new Desk(dir, { sources: [source], streamKeys: openStreamKeys(dir, ['safe'], () => false) });
  const config = { ...streamConfig('safe', { one: {} }), salted: true as const };
  desk.journal.append([new Writer().config(config, 1)]);
  desk.accept([lines('one', [{ id: 'a' }])]);
  desk.close();
  const codesOf = (copy: Copy) => fsck(copy.dir).violations.map(({ code }) => code);
  const copy = new Copy(dir, directories);
  expect(codesOf(copy)).toEqual(['ledger-missing']);
  copy.journal(`UPDATE entries SET headers = ${flipped('headers', 1)} WHERE kind = 'events'`);
  expect(codesOf(copy)).toEqual(['event-id-mismatch', 'ledger-missing']);
  rmSync(copy.path('stream.key'));
  expect(codesOf(copy)).toEqual(['ledger-missing']);
});
