import { hash } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Verdict, Versions } from '../../src/intake/versions.ts';
import { parseJson } from '../../src/json/parse.ts';
import { type EventBatch, EventBatchBuilder } from '../../src/store/batch.ts';
import { FingerprintIndex } from '../../src/store/fingerprints/index.ts';
import { SqliteJournal } from '../../src/store/sqlite/journal.ts';
import { Directories } from '../support/directories.ts';

const directories = new Directories();
afterAll(() => directories.remove());

/** 32 hex digits; ids with the same first digit but another last one have the same fingerprint. */
const id = (first: string, last: string) => first.repeat(16) + last.repeat(16);

function batchOf(events: readonly [eventId: string, text: string][]): EventBatch {
  const builder = new EventBatchBuilder(events.length, 10_000);
  for (const [eventId, text] of events) {
    builder.add(Buffer.from(eventId, 'hex').toString('latin1'), hash('sha256', text, 'latin1'), Buffer.from(text));
  }
  return builder.finish();
}

describe('versions', () => {
  let journal: SqliteJournal;
  let index: FingerprintIndex;
  let versions: Versions;

  beforeEach(() => {
    const dir = directories.next();
    journal = new SqliteJournal(dir);
    index = FingerprintIndex.open(join(dir, 'fingerprints'), 0);
    versions = new Versions(index, journal);
  });
  afterEach(() => {
    index.close();
    journal.close();
  });

  function addToIndex(batch: EventBatch, first: number): void {
    for (let place = 0; place < batch.count; place++) {
      index.add(batch.fingerprintHigh(place), batch.fingerprintLow(place), first + place);
    }
  }

  /** @returns position of the first event */
  function store(seq: number, events: [string, string][]): number {
    const first = journal.next;
    const batch = batchOf(events);
    addToIndex(batch, first);
    journal.append([{ kind: 'events', first, stream: 'one', source: 'one', seq, at: 0, events: batch }]);
    return first;
  }

  function judge(eventId: string, text: string, revisable = true): Verdict {
    return versions.judge(batchOf([[eventId, text]]), 0, parseJson(text), revisable);
  }

  const NEW = { known: false };
  const KNOWN = { known: true, seq: expect.any(Number) };
  const revises = (seq: number) => ({ known: false, supersedes: seq });

  test('an id that was never seen is new', () => {
    expect(judge(id('a', '1'), '{"v":1}')).toEqual(NEW);
  });

  test('the same bytes are known, and so is the same value in other bytes', () => {
    store(1, [[id('a', '1'), '{"v":1,"w":2}']]);
    expect(judge(id('a', '1'), '{"v":1,"w":2}')).toEqual(KNOWN);
    expect(judge(id('a', '1'), '{ "w": 2.0, "v": 1e0 }')).toEqual(KNOWN);
    expect(judge(id('a', '1'), '{"v":1,"w":"2"}')).toEqual(revises(1));
  });

  test('where the first version stands, whatever comes under its id is known', () => {
    store(1, [[id('a', '1'), '{"v":1}']]);
    store(2, [[id('a', '2'), '{"v":1}']]);
    expect(judge(id('a', '1'), '{"v":2}', false)).toEqual({ known: true, seq: 1 });
    expect(judge(id('a', '3'), '{"v":1}', false)).toEqual(NEW);
  });

  test('numbers that no double holds are compared as they are written', () => {
    store(1, [[id('a', '1'), '{"v":9007199254740993}']]);
    expect(judge(id('a', '1'), '{ "v": 9007199254740993 }')).toEqual(KNOWN);
    expect(judge(id('a', '1'), '{"v":9007199254740992}')).toEqual(revises(1));
  });

  test('a revision names the newest version; a return to any older one is known', () => {
    store(1, [[id('a', '1'), '{"v":1}']]);
    store(2, [
      [id('b', '1'), '{"v":1}'],
      [id('a', '1'), '{"v":2}'],
    ]);
    expect(judge(id('a', '1'), '{"v":3}')).toEqual(revises(3));
    store(4, [[id('a', '1'), '{"v":3}']]);
    expect(judge(id('a', '1'), '{"v":4}')).toEqual(revises(4));
    for (const value of [1, 2, 3]) expect(judge(id('a', '1'), `{"v": ${value}}`)).toEqual(KNOWN);
  });

  test('another event with the same fingerprint is another event', () => {
    const first = store(1, [
      [id('a', '1'), '{"v":1}'],
      [id('a', '2'), '{"v":2}'],
    ]);
    expect(judge(id('a', '3'), '{"v":1}')).toEqual(NEW);
    expect(judge(id('a', '2'), '{"v":2}')).toEqual(KNOWN);
    expect(judge(id('a', '2'), '{"v":1}')).toEqual(revises(2));
    expect(judge(id('a', '1'), '{"v":2}')).toEqual(revises(1));
    expect(versions.find(id('a', '1'))).toEqual([first]);
    expect(versions.find(id('a', '2'))).toEqual([first + 1]);
    expect(versions.find(id('a', '3'))).toEqual([]);
  });

  test('what the commit under way will bring counts, whichever delivery brings it', () => {
    store(1, [[id('a', '1'), '{"v":1}']]);
    const one = batchOf([[id('b', '1'), '{"v":1}']]);
    const two = batchOf([
      [id('c', '1'), '{"v":1}'],
      [id('a', '1'), '{"v":2}'],
    ]);
    versions.opened(2, 2, one);
    addToIndex(one, 2);
    versions.opened(3, 3, two);
    addToIndex(two, 3);
    expect(judge(id('b', '1'), '{"v":1}')).toEqual(KNOWN);
    expect(judge(id('b', '1'), '{"v":2}')).toEqual(revises(2));
    expect(judge(id('a', '1'), '{"v":3}')).toEqual(revises(4));
    expect(judge(id('a', '1'), '{"v":1}')).toEqual(KNOWN);
  });

  test('a delivery that was refused leaves its place to the next', () => {
    const refused = batchOf([[id('b', '1'), '{"v":1}']]);
    versions.opened(1, 1, refused);
    addToIndex(refused, 1);
    index.rollback(0);
    const next = batchOf([[id('b', '1'), '{"v":2}']]);
    versions.opened(1, 1, next);
    addToIndex(next, 1);
    expect(judge(id('b', '1'), '{"v":2}')).toEqual(KNOWN);
    expect(judge(id('b', '1'), '{"v":1}')).toEqual(revises(1));
  });

  test('when the commit is over, the journal alone counts', () => {
    const lost = batchOf([[id('b', '1'), '{"v":1}']]);
    versions.opened(1, 1, lost);
    addToIndex(lost, 1);
    index.rollback(0);
    versions.settled();
    expect(judge(id('b', '1'), '{"v":1}')).toEqual(NEW);
    store(1, [[id('b', '1'), '{"v":2}']]);
    expect(judge(id('b', '1'), '{"v":1}')).toEqual(revises(1));
  });

  test('all versions of an event are found, oldest first, over more entries than are kept at hand', () => {
    const positions: number[] = [];
    for (let seq = 1; seq <= 200; seq++) {
      const revised = seq % 50 === 0;
      const position = store(seq, [[revised ? id('a', '1') : id('b', '2'), `{"v":${seq}}`]]);
      if (revised) positions.push(position);
    }
    expect(versions.find(id('a', '1'))).toEqual(positions);
    expect(versions.find(id('b', '2'))).toHaveLength(196);
    expect(judge(id('a', '1'), '{"v":50}')).toEqual(KNOWN);
  });
});
