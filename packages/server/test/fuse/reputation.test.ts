import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Reputation } from '../../src/fuse/reputation.ts';

const saw = (reputation: Reputation, times: number, agreed: string[], disagreed: string[]) => {
  for (let i = 0; i < times; i++) reputation.saw({ agreed, disagreed });
};

test('a new source starts at 1 and earns its standing from there', () => {
  const reputation = new Reputation();
  expect(reputation.of('alpha')).toBe(1);
  saw(reputation, 1, ['alpha'], ['constructor']);
  expect([reputation.of('alpha'), reputation.of('constructor')]).toEqual([1, 10 / 11]);
  saw(reputation, 9, ['constructor'], ['alpha']);
  expect([reputation.of('alpha'), reputation.of('constructor')]).toEqual([11 / 20, 19 / 20]);
  expect(reputation.state()).toEqual({ alpha: [1, 10], constructor: [9, 10] });
});

test('at 1000 decisions both counts are halved, rounded down', () => {
  const reputation = new Reputation();
  saw(reputation, 499, ['alpha'], []);
  saw(reputation, 500, [], ['alpha']);
  expect(reputation.state()).toEqual({ alpha: [499, 999] });
  saw(reputation, 1, [], ['alpha']);
  expect(reputation.state()).toEqual({ alpha: [249, 500] });
});

test('the state is sorted, a copy, and makes the same again', () => {
  const step = fc.record({
    agreed: fc.subarray(['alpha', 'beta', 'gamma']),
    disagreed: fc.subarray(['delta', 'omega']),
  });
  fc.assert(
    fc.property(fc.array(step), fc.array(step), (before, after) => {
      const one = new Reputation();
      for (const each of before) one.saw(each);
      const two = new Reputation(JSON.parse(JSON.stringify(one.state())));
      const kept = JSON.stringify(one.state());
      const state = one.state();
      for (const each of after) {
        one.saw(each);
        two.saw(each);
      }
      expect(JSON.stringify(state)).toBe(kept);
      expect(JSON.stringify(two.state())).toBe(JSON.stringify(one.state()));
      expect(Object.keys(one.state())).toEqual(Object.keys(one.state()).sort());
    }),
  );
});
