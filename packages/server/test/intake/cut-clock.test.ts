import { expect, test } from 'vitest';
import { CutClock } from '../../src/intake/cut-clock.ts';
import { Writer } from '../support/journal.ts';
import { streamConfig } from '../support/node.ts';

const timings = new Map([
  ['fast', { cutMs: 10, wakeMs: [] }],
  ['slow', { cutMs: 1000, wakeMs: [] }],
]);
const clock = () => new CutClock(timings);
const event = { id: 'x', text: '{}' };

test('nothing waits, nothing is due', () => {
  const cuts = clock();
  expect(cuts.nextAt()).toBeUndefined();
  expect(cuts.due(Number.MAX_SAFE_INTEGER)).toEqual([]);
});

test('a stream is due so long after the first event that waits, however many follow', () => {
  const [cuts, writer] = [clock(), new Writer()];
  cuts.saw([writer.events('slow', 'one', [event], 100)]);
  cuts.saw([writer.events('fast', 'two', [event], 200), writer.events('fast', 'two', [event], 205)]);
  cuts.saw([writer.events('fast', 'two', [event], 209)]);
  expect(cuts.nextAt()).toBe(210);
  expect(cuts.due(209)).toEqual([]);
  expect(cuts.due(210)).toEqual(['fast']);
  expect(cuts.due(1100)).toEqual(['slow', 'fast']);
});

test('a cut ends the wait, and so does a new configuration, which cuts as well', () => {
  const [cuts, writer] = [clock(), new Writer()];
  cuts.saw([writer.events('fast', 'one', [event], 1), writer.events('slow', 'two', [event], 1)]);
  cuts.saw([writer.cut('fast', 20)]);
  expect(cuts.due(5000)).toEqual(['slow']);
  cuts.saw([writer.config(streamConfig('slow', {}), 30)]);
  expect(cuts.due(5000)).toEqual([]);
  cuts.saw([writer.events('fast', 'one', [event], 40)]);
  expect(cuts.nextAt()).toBe(50);
});

test('an operator’s word waits as events do', () => {
  const [cuts, writer] = [clock(), new Writer()];
  cuts.saw([writer.resolution('fast', 1, 'release', 40)]);
  expect(cuts.nextAt()).toBe(50);
});

test('events that a commit brings along with the cut are part of it', () => {
  const [cuts, writer] = [clock(), new Writer()];
  cuts.saw([writer.events('fast', 'one', [event], 1)]);
  cuts.saw([writer.events('fast', 'one', [event], 11), writer.cut('fast', 11)]);
  expect(cuts.nextAt()).toBeUndefined();
});

test('what was waiting before a restart is due at once', () => {
  const cuts = clock();
  cuts.waits('gone', 0);
  expect(cuts.due(0)).toEqual(['gone']);
});
