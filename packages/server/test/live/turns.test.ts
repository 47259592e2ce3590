import { expect, test } from 'vitest';
import { Turns } from '../../src/live/turns.ts';

/** A thread of which a test decides when it has time, and how long work takes. */
class Thread {
  now = 0;
  readonly did: string[] = [];
  readonly #free: (() => void)[] = [];
  readonly turns = new Turns(
    (work) => this.#free.push(work),
    () => this.now,
  );

  /** Work that takes so many milliseconds. */
  work(name: string, ms: number): () => void {
    return () => {
      this.did.push(name);
      this.now += ms;
    };
  }

  /** Everything else has been seen to. @returns what was done then */
  turn(): string[] {
    this.did.length = 0;
    for (const work of this.#free.splice(0)) work();
    return [...this.did];
  }
}

test('a turn takes what fits into five milliseconds, and one piece of work at the least', () => {
  const thread = new Thread();
  for (const name of ['a', 'b', 'c']) thread.turns.add(thread.work(name, 2));
  thread.turns.add(thread.work('long', 50));
  thread.turns.add(thread.work('last', 1));
  expect(thread.did).toEqual([]);
  expect(thread.turn()).toEqual(['a', 'b', 'c']);
  expect(thread.turn()).toEqual(['long']);
  expect(thread.turn()).toEqual(['last']);
  expect(thread.turn()).toEqual([]);
});

test('whoever has more to do comes after those who have not had a turn', () => {
  const thread = new Thread();
  const again = (name: string) => () => {
    thread.work(name, 3)();
    thread.turns.add(again(name));
  };
  for (const name of ['a', 'b', 'c']) thread.turns.add(again(name));
  expect([thread.turn(), thread.turn(), thread.turn()]).toEqual([
    ['a', 'b'],
    ['c', 'a'],
    ['b', 'c'],
  ]);
});

test('work in steps has one step at a time, and its outcome', async () => {
  const thread = new Thread();
  function* steps(name: string): Generator<void, string> {
    for (let step = 0; step < 2; step++) {
      thread.work(`${name}${step}`, 4)();
      yield;
    }
    return name;
  }
  const outcomes = Promise.all([thread.turns.run(steps('a')), thread.turns.run(steps('b'))]);
  expect(thread.turn()).toEqual(['a0', 'b0']);
  expect(thread.turn()).toEqual(['a1', 'b1']);
  thread.turn();
  expect(await outcomes).toEqual(['a', 'b']);
  function* fails(): Generator<void> {
    yield;
    throw new RangeError('no');
  }
  const failing = expect(thread.turns.run(fails())).rejects.toThrow('no');
  thread.turn();
  thread.turn();
  await failing;
});
