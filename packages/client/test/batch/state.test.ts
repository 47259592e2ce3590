import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchTracker, batchState, type LifecycleEvent, memoryTrackerStore } from '../../src/index.ts';

const open: LifecycleEvent = {
  event: 'gate.open',
  batch_tag: 't',
  spool: '/data',
  bytes: 5,
  count: 2,
  pii: false,
  ts: 10,
};
const done: LifecycleEvent = {
  event: 'gate.done',
  batch_tag: 't',
  status: 'success',
  processed: 7,
  pii: false,
  ts: 20,
};
const start: LifecycleEvent = { event: 'embed.start', batch_tag: 't', pii: false, ts: 30 };
const embedded: LifecycleEvent = {
  event: 'embed.done',
  batch_tag: 't',
  status: 'success',
  embedded: 6,
  pii: false,
  ts: 40,
};
const failed: LifecycleEvent = { ...done, status: 'failed' } as LifecycleEvent;
const notEmbedded: LifecycleEvent = { ...embedded, status: 'failed' } as LifecycleEvent;

describe('the state of a batch', () => {
  it.each([
    ['open', [open]],
    ['ingested', [open, done]],
    ['ingested', [done]],
    ['failed', [open, failed]],
    ['embedding', [open, done, start]],
    ['embedding', [start]],
    ['embedded', [open, done, start, embedded]],
    ['embedded', [embedded]],
    ['failed', [open, done, start, notEmbedded]],
  ])('%s after %o', (state, events) => {
    expect(batchState('t', events).state).toBe(state);
  });

  it('has what the events say', () => {
    const versionId = 'ab'.repeat(32);
    const certified = { ...done, version_id: versionId, stream: 'spool' } as LifecycleEvent;
    expect(batchState('t', [open, certified, start, embedded])).toEqual({
      ...{ batchTag: 't', state: 'embedded', pii: false, spool: '/data', bytes: 5, count: 2, openedAt: 10 },
      ...{ status: 'success', processed: 7, versionId, stream: 'spool', doneAt: 20 },
      ...{ embedStartedAt: 30, embedStatus: 'success', embedded: 6, embeddedAt: 40 },
    });
  });

  it('is personal as soon as one event says so', () => {
    for (const event of [open, done, start, embedded]) {
      const others = [open, done, start, embedded].filter((one) => one !== event);
      expect(batchState('t', [{ ...event, pii: true }, ...others]).pii).toBe(true);
    }
  });

  it('is filled in by what comes late, and not moved back', () => {
    const before = batchState('t', [done, start]);
    const after = batchState('t', [done, start, open]);
    expect(after).toEqual({ ...before, spool: '/data', bytes: 5, count: 2, openedAt: 10 });
  });
});

it('any order of a batch’s events, with any repetitions, comes to the same', () => {
  const event = fc
    .constantFrom([open], [done, failed], [start], [embedded, notEmbedded])
    .chain((one) => fc.constantFrom(...one));
  const batch = fc.uniqueArray(event, { selector: ({ event }) => event, minLength: 1 });
  const arrivals = batch.chain((events) =>
    fc
      .tuple(fc.constant(events), fc.array(fc.constantFrom(...events), { maxLength: 8 }))
      .chain(([all, again]) =>
        fc.tuple(fc.constant(all), fc.shuffledSubarray([...all, ...again], { minLength: all.length + again.length })),
      ),
  );
  fc.assert(
    fc.property(arrivals, ([events, arrived]) => {
      const tracker = new BatchTracker({
        store: memoryTrackerStore(),
        handlers: [],
        onError: (error) => expect.fail(error.message),
      });
      for (const one of arrived) tracker.accept('ingest_updates', JSON.stringify(one));
      expect(tracker.batch('t')).toEqual(batchState('t', events));
    }),
  );
});
