import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ended, heard, opened } from '../../src/batches/facts.ts';
import { type PublishRow, rowOf } from '../../src/notify/event-publish-row.ts';
import type { BatchFacts } from '../../src/store/batches.ts';

type Named = PublishRow & { batch_tag: string; event: string };

function message(event: string, members: object = {}): Named {
  const row = rowOf('c', JSON.stringify({ event, batch_tag: 'one', ts: 5, ...members }), 0);
  return { ...row, batch_tag: 'one', event };
}

const never = () => false;
const always = () => true;

function after(...messages: Named[]): BatchFacts {
  return messages.reduce<BatchFacts | undefined>((known, one) => heard(known, one, always, 1).facts, undefined)!;
}

describe('messages of a batch', () => {
  const LIFE = [
    message('gate.open', { bytes: 12, count: 2 }),
    message('gate.done', { status: 'success', processed: 7 }),
    message('embed.start'),
    message('embed.done', { status: 'success', embedded: 7 }),
  ];

  test('move it on, one state after the other', () => {
    const states = LIFE.map((_, index) => after(...LIFE.slice(0, index + 1)).state);
    expect(states).toEqual(['open', 'ingested', 'embedding', 'embedded']);
    expect(after(...LIFE)).toMatchObject({ bytes: 12, files: 2, processed: 7 });
  });

  test('come in any order, and again, without moving it back', () => {
    const some = fc.array(fc.constantFrom(...LIFE), { maxLength: 8 });
    fc.assert(
      fc.property(fc.shuffledSubarray(LIFE, { minLength: 4 }), some, (order, more) => {
        const facts = after(...order, ...more);
        expect(facts).toEqual({ ...after(...LIFE), endedAt: 1 });
      }),
    );
  });

  test('have the end of one of our own to its orchestrator', () => {
    const ours = opened(undefined, 'one', { stream: 'spool', source: 'spool', pii: false }, 1).facts;
    const told = heard(ours, message('gate.done', { status: 'success', processed: 7 }), always, 5).facts;
    expect(told).toMatchObject({ state: 'ingested', endedAt: undefined });
    expect(ended(told, { status: 'success', inserted: 7 }, 6).facts).toMatchObject({ endedAt: 6, inserted: 7 });
  });

  test('a failure is a state of its own, which success replaces', () => {
    const failed = message('gate.done', { status: 'failed' });
    expect(after(LIFE[0]!, failed).state).toBe('failed');
    expect(after(failed, LIFE[1]!).state).toBe('ingested');
    expect(after(LIFE[1]!, failed).state).toBe('ingested');
    expect(after(message('embed.done', { status: 'failed' })).state).toBe('open');
  });

  test('one that is ingested elsewhere is not embedded here, nor one of a stream that is not searched', () => {
    expect(after(message('embed.start')).embedding).toBe('none');
    const ours = opened(undefined, 'one', { stream: 'spool', source: 'spool', pii: false }, 1).facts;
    expect(heard(ours, message('embed.start'), always, 1).facts.embedding).toBe('due');
    expect(heard(ours, message('embed.start'), never, 1).facts.embedding).toBe('none');
    const done: BatchFacts = { ...ours, embedding: 'done' };
    expect(heard(done, message('embed.start'), always, 1).facts.embedding).toBe('done');
  });
});

describe('the gate', () => {
  const opening = (pii: boolean) => ({ stream: 'spool', source: 'spool', pii });

  test('is locked by whoever says that there may be personal data', () => {
    expect(opened(undefined, 'one', opening(true), 1).facts).toMatchObject({ pii: true, gate: 'locked' });
    for (const event of ['gate.open', 'gate.done', 'embed.start', 'embed.done']) {
      expect(after(message(event, { pii: true }))).toMatchObject({ pii: true, gate: 'locked' });
    }
  });

  test('is locked by whatever does not clearly say no', () => {
    for (const pii of ['true', 'yes', 1, ['email'], {}])
      expect(after(message('gate.open', { pii })).gate).toBe('locked');
    for (const pii of ['false', 'no', '', 0, null, []]) expect(after(message('gate.open', { pii })).gate).toBe('open');
  });

  test('stays locked whatever comes, and stays unlocked once an administrator has said so', () => {
    const locked = opened(undefined, 'one', opening(true), 1).facts;
    const events = ['gate.open', 'gate.done', 'embed.start', 'embed.done'];
    for (const event of events) {
      expect(heard(locked, message(event, { pii: false, status: 'success' }), always, 1).facts.gate).toBe('locked');
    }
    expect(opened(locked, 'one', opening(false), 1).facts).toMatchObject({ pii: true, gate: 'locked' });
    expect(ended(locked, { status: 'success' }, 1).facts.gate).toBe('locked');
    const unlocked: BatchFacts = { ...locked, gate: 'unlocked' };
    expect(opened(unlocked, 'one', opening(true), 1).facts.gate).toBe('unlocked');
    for (const event of events) {
      expect(heard(unlocked, message(event, { pii: true }), always, 1).facts.gate).toBe('unlocked');
    }
  });

  test('while it is locked, nothing is embedded', () => {
    const locked = opened(undefined, 'one', opening(true), 1).facts;
    const { facts, happenings } = heard(locked, message('embed.start'), always, 3);
    expect(facts).toMatchObject({ state: 'open', embedding: 'none' });
    expect(happenings).toEqual([{ at: 3, what: 'held', detail: { event: 'embed.start' } }]);
    expect(heard({ ...facts, gate: 'unlocked' }, message('embed.start'), always, 4).facts).toMatchObject({
      state: 'embedding',
      embedding: 'due',
    });
  });
});
