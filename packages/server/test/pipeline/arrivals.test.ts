import { afterAll, describe, expect, test } from 'vitest';
import { IntakeError } from '../../src/intake/errors.ts';
import { StoreError } from '../../src/store/errors.ts';
import { TINY } from '../store/fingerprints/helpers.ts';
import { bare, checkNumbering, Desk, eventsOf, type Fault, lines } from '../support/arrivals.ts';
import { Directories } from '../support/directories.ts';
import { sourceOf } from '../support/node.ts';

const directories = new Directories();
afterAll(() => directories.remove());

const SOURCES = [sourceOf('one', { stream: 'alpha' }), sourceOf('two', { stream: 'alpha' }), sourceOf('three')];
const OPTIONS = { sources: SOURCES, index: TINY };
const open = (dir: string) => new Desk(dir, OPTIONS);

describe('a group of deliveries', () => {
  test('takes one commit; one that is refused costs the others nothing', () => {
    const desk = open(directories.next());
    const outcomes = desk.accept([
      lines('one', [{ id: 1 }, { id: 2 }]),
      bare('json', '{'),
      lines('nobody', [{ id: 1 }]),
      lines('two', [{ id: 1 }]),
      lines('one', ['x', '[]']),
      lines('one', [{ id: 3 }, { id: 1 }]),
    ]);
    const summary = outcomes.map((outcome) =>
      outcome instanceof IntakeError ? outcome.code : outcome.eventIds.length,
    );
    expect(summary).toEqual([2, 'body-malformed', 'source-not-found-or-disabled', 1, 'no-valid-events', 2]);
    expect(desk.entries().map(({ first, source, seq, events }) => [first, source, seq, events.count])).toEqual([
      [1, 'one', 1, 2],
      [3, 'two', 1, 1],
      [4, 'one', 3, 1],
    ]);
    checkNumbering(desk);
    desk.close();
  });

  test('the same event twice in it is a duplicate, another content a revision', () => {
    const desk = open(directories.next());
    const outcomes = desk.accept([
      lines('one', [{ id: 1, v: 1 }]),
      lines('one', [
        { id: 1, v: 1 },
        { id: 1, v: 2 },
      ]),
      lines('one', [
        { id: 1, v: 2 },
        { id: 1, v: 1 },
        { id: 1, v: 3 },
      ]),
      lines('two', [{ id: 1, v: 1 }]),
    ]);
    const counts = outcomes.map((outcome) => (outcome instanceof IntakeError ? outcome : outcome.duplicates));
    expect(counts).toEqual([0, 1, 2, 0]);
    const stored = desk
      .entries()
      .flatMap(eventsOf)
      .map(({ source, seq, supersedes }) => [source, seq, supersedes]);
    expect(stored).toEqual([
      ['one', 1, undefined],
      ['one', 2, 1],
      ['one', 3, 2],
      ['two', 1, undefined],
    ]);
    checkNumbering(desk);
    desk.close();
  });

  test('what cannot be compared with what is stored ends these arrivals, and new ones take it all', () => {
    const dir = directories.next();
    const before = open(dir);
    before.accept([lines('one', [{ id: 1 }])]);
    before.close();
    const broken = open(dir);
    broken.journal.unreadable = true;
    const deliveries = [lines('one', [{ id: 2 }, { id: 1 }]), lines('one', [{ id: 3 }])];
    expect(() => broken.accept(deliveries)).toThrow(StoreError);
    broken.close();
    const desk = open(dir);
    expect(desk.accept(deliveries)).toMatchObject([
      { duplicates: 1, entry: { first: 2, seq: 2 } },
      { entry: { first: 3, seq: 3 } },
    ]);
    checkNumbering(desk);
    desk.close();
  });

  test('with nothing new writes nothing', () => {
    const desk = open(directories.next());
    desk.accept([lines('one', [{ id: 1 }])]);
    desk.journal.fault = 'failed';
    expect(desk.accept([lines('one', [{ id: 1 }]), bare('json', '{')])[0]).toMatchObject({ duplicates: 1 });
    expect(desk.accept([])).toEqual([]);
    expect(desk.journal.fault).toBe('failed');
    desk.close();
  });

  test('cuts that are due are numbered after the events, in the same commit', () => {
    const desk = open(directories.next());
    desk.accept([lines('one', [{ id: 1 }]), lines('three', [{ id: 1 }])], 1000);
    desk.accept([lines('one', [{ id: 2 }])], 1099);
    desk.accept([lines('one', [{ id: 3 }])], 1100);
    desk.accept([], 5000);
    const kinds = desk.journal.read(1, 1_000_000).map(({ kind, first, stream, at }) => [kind, first, stream, at]);
    expect(kinds).toEqual([
      ['events', 1, 'alpha', 1000],
      ['events', 2, 'three', 1000],
      ['events', 3, 'alpha', 1099],
      ['events', 4, 'alpha', 1100],
      ['cut', 5, 'alpha', 1100],
      ['cut', 6, 'three', 1100],
    ]);
    checkNumbering(desk);
    desk.close();
  });

  test('a cut waits until it has been written', () => {
    const desk = open(directories.next());
    desk.accept([lines('one', [{ id: 1 }])], 0);
    desk.journal.fault = 'failed';
    expect(() => desk.accept([], 200)).toThrow('injected');
    expect(desk.cuts.due(200)).toEqual(['alpha']);
    desk.close();
  });
});

describe('operators’ words', () => {
  const word = (position: number, action: 'release' | 'discard' = 'release') => ({
    ...{ stream: 'alpha', position, action, by: 'admin', reason: 'because' },
  });

  test('take a position each in one commit, and one word about an event stands', () => {
    const desk = open(directories.next());
    desk.accept([lines('one', [{ id: 1 }, { id: 2 }])], 1000);
    const heard = desk.arrivals.resolve([word(1), word(2), word(1, 'discard')], 2000);
    expect(heard.map(({ taken, entry }) => [taken, entry?.first, entry?.position, entry?.action, entry?.at])).toEqual([
      [true, 3, 1, 'release', 2000],
      [true, 4, 2, 'release', 2000],
      [false, 3, 1, 'release', 2000],
    ]);
    expect(desk.arrivals.resolve([word(2, 'discard')], 3000)).toEqual([{ ...heard[1], taken: false }]);
    expect(desk.journal.next).toBe(5);
    const [next] = desk.accept([lines('one', [{ id: 3 }])], 4000);
    expect(next).toMatchObject({ entry: { first: 5, seq: 3 } });
    checkNumbering(desk);
    desk.close();
  });

  test('are followed by a cut', () => {
    const desk = open(directories.next());
    desk.accept([lines('one', [{ id: 1 }])], 1000);
    desk.accept([], 1100);
    desk.arrivals.resolve([word(1)], 2000);
    desk.accept([], 2099);
    desk.accept([], 2100);
    expect(desk.journal.read(1, 1_000_000).map(({ kind, at }) => [kind, at])).toEqual([
      ['events', 1000],
      ['cut', 1100],
      ['resolution', 2000],
      ['cut', 2100],
    ]);
    desk.close();
  });

  test.each<Fault>(['failed', 'failed but persisted'])(
    'whose commit %s are heard by whoever says them again',
    (fault) => {
      const dir = directories.next();
      const desk = open(dir);
      desk.accept([lines('one', [{ id: 1 }])]);
      desk.journal.fault = fault;
      expect(() => desk.arrivals.resolve([word(1)], 1)).toThrow('injected');
      desk.close();
      const again = open(dir);
      expect(again.arrivals.resolve([word(1)], 2)).toEqual([
        { taken: fault === 'failed', entry: expect.objectContaining({ position: 1, at: fault === 'failed' ? 2 : 1 }) },
      ]);
      checkNumbering(again);
      again.close();
    },
  );
});

describe('a commit that fails', () => {
  const before = lines('one', [
    { id: 1, v: 1 },
    { id: 2, v: 1 },
  ]);
  const during = [
    lines('one', [
      { id: 1, v: 2 },
      { id: 3, v: 1 },
      { id: 2, v: 1 },
    ]),
    lines('two', [{ id: 1, v: 1 }]),
    bare('json', 'x'),
  ];

  /** The desk as it is opened again after the failure. */
  function after(fault: Fault): Desk {
    const dir = directories.next();
    const desk = open(dir);
    desk.accept([before]);
    desk.journal.fault = fault;
    expect(() => desk.accept(during)).toThrow(expect.objectContaining({ name: 'StoreError', code: 'write-failed' }));
    desk.close();
    const again = open(dir);
    checkNumbering(again);
    return again;
  }

  test('failed: leaves no trace, and the same group goes in when it is sent again', () => {
    const desk = after('failed');
    expect(desk.journal.next).toBe(3);
    const [first, second] = desk.accept(during);
    expect(first).toMatchObject({ duplicates: 1, entry: { first: 3, seq: 3 } });
    expect(second).toMatchObject({ duplicates: 0, entry: { first: 5, seq: 1 } });
    checkNumbering(desk);
    desk.close();
  });

  test('failed but persisted: what is sent again is known', () => {
    const desk = after('failed but persisted');
    const [first, second] = desk.accept(during);
    expect(first).toMatchObject({ duplicates: 3, entry: undefined });
    expect(second).toMatchObject({ duplicates: 1, entry: undefined });
    desk.accept([lines('one', [{ id: 9 }])]);
    checkNumbering(desk);
    expect(desk.journal.sourceSeqs().get('one')).toBe(5);
    desk.close();
  });
});
