/** How handlers are called, over each store. */
import { describe, expect, it } from 'vitest';
import {
  type BatchHandler,
  BatchTracker,
  type BatchTrackerOptions,
  type LifecycleEvent,
  memoryTrackerStore,
  type TrackerError,
  type TrackerStore,
} from '../../src/index.ts';
import { eventually } from '../stand-in.ts';
import { embedStart, gateDone, gateOpen, HandlerError, messageOf, STORES } from './tracking.ts';

function tracking(handlers: readonly BatchHandler[], more: Partial<BatchTrackerOptions> = {}) {
  const errors: TrackerError[] = [];
  const store = more.store ?? (memoryTrackerStore() as TrackerStore);
  const onError = (error: TrackerError) => void errors.push(error);
  const tracker = new BatchTracker({ handlers, onError, backoff: () => 0, ...more, store });
  void tracker.start();
  const accept = (...events: LifecycleEvent[]) => {
    for (const event of events) tracker.accept(...messageOf(event));
  };
  const settled = () => eventually(() => expect(store.pending()).toEqual([]));
  return { tracker, store, errors, codes: () => errors.map(({ code }) => code), accept, settled };
}

/** Handlers that wait until they are let go. */
class Gate {
  readonly calls: string[] = [];
  most = 0;
  #inside = 0;
  #open: (() => void)[] = [];

  handle = async ({ event, batch_tag }: LifecycleEvent): Promise<void> => {
    this.calls.push(`${event}:${batch_tag}`);
    this.most = Math.max(this.most, ++this.#inside);
    await new Promise<void>((resolve) => this.#open.push(resolve));
    this.#inside--;
  };

  async letGo(): Promise<void> {
    for (const open of this.#open.splice(0)) open();
    await new Promise(setImmediate);
  }
}

describe.each(Object.entries(STORES))('over %s', (_, open) => {
  it('each gets what it wants, once', async () => {
    const got: string[] = [];
    const noting = (name: string, want: object): BatchHandler => ({
      ...{ name, ...want },
      handle: ({ event }, { key, channel, attempt }) => void got.push(`${name} ${event} ${key} ${channel} ${attempt}`),
    });
    const handlers = [
      noting('all', {}),
      noting('embed', { channel: 'embed_updates' }),
      noting('done', { event: 'gate.done' }),
    ];
    const { accept, settled } = tracking(handlers, { store: open() });
    accept(gateOpen('t'), gateDone('t'), gateOpen('t'), embedStart('t'), gateDone('t'));
    await settled();
    expect(got).toEqual([
      'all gate.open gate.open:t ingest_updates 1',
      'all gate.done gate.done:t ingest_updates 1',
      'done gate.done gate.done:t ingest_updates 1',
      'all embed.start embed.start:t embed_updates 1',
      'embed embed.start embed.start:t embed_updates 1',
    ]);
  });

  it('of a batch one at a time, in order of arrival; of several side by side, as many as may be', async () => {
    const gate = new Gate();
    const { accept, settled, tracker } = tracking([gate], { store: open(), concurrency: 2 });
    accept(gateOpen('a'), gateDone('a'), gateOpen('b'), gateOpen('c'), gateDone('b'));
    expect(gate.calls).toEqual(['gate.open:a', 'gate.open:b']);
    await gate.letGo();
    expect(gate.calls.slice(2)).toEqual(['gate.open:c', 'gate.done:a']);
    await gate.letGo();
    expect(gate.calls.slice(4)).toEqual(['gate.done:b']);
    await gate.letGo();
    await settled();
    expect(gate.most).toBe(2);
    await tracker.stop();
  });

  it('one that throws is called again, and those behind it wait', async () => {
    const calls: string[] = [];
    const handle: BatchHandler['handle'] = ({ event }, { attempt }) => {
      calls.push(`${event} ${attempt}`);
      if (event === 'gate.open' && attempt < 3) throw new HandlerError('not yet');
    };
    const { accept, settled, errors, tracker } = tracking([{ name: 'h', handle }], { store: open() });
    accept(gateOpen('t'), gateDone('t'));
    await settled();
    expect(calls).toEqual(['gate.open 1', 'gate.open 2', 'gate.open 3', 'gate.done 1']);
    expect(errors.map(({ code, key, handler, message }) => [code, key, handler, message])).toEqual([
      ['handler-failed', 'gate.open:t', 'h', 'h on gate.open:t: not yet'],
      ['handler-failed', 'gate.open:t', 'h', 'h on gate.open:t: not yet'],
    ]);
    expect(tracker.parked()).toEqual([]);
  });

  it('one that never succeeds is parked, is listed, and is called again when that is wanted', async () => {
    let broken = true;
    const calls: string[] = [];
    const handle: BatchHandler['handle'] = async ({ event }, { attempt }) => {
      calls.push(`${event} ${attempt}`);
      if (broken && event === 'gate.open') throw new HandlerError('no');
    };
    const { accept, settled, codes, tracker } = tracking([{ name: 'h', handle }], { store: open(), attempts: 2 });
    accept(gateOpen('t'), gateDone('t'));
    await settled();
    expect(calls).toEqual(['gate.open 1', 'gate.open 2', 'gate.done 1']);
    expect(codes()).toEqual(['handler-failed', 'handler-parked']);
    expect(tracker.parked()).toMatchObject([{ key: 'gate.open:t', handler: 'h', attempts: 2, error: 'no' }]);
    broken = false;
    tracker.retry();
    await settled();
    expect(calls.slice(3)).toEqual(['gate.open 1']);
    expect(tracker.parked()).toEqual([]);
  });

  it('a batch that waits for another attempt keeps no other from its turn', async () => {
    const calls: string[] = [];
    const handle: BatchHandler['handle'] = ({ batch_tag }) => {
      calls.push(batch_tag);
      if (batch_tag === 'a') throw new HandlerError('no');
    };
    const { accept, tracker } = tracking([{ handle }], { store: open(), concurrency: 1, backoff: () => 3_600_000 });
    accept(gateOpen('a'), gateOpen('b'));
    await eventually(() => expect(calls).toEqual(['a', 'b']));
    await tracker.stop();
  });

  it('what was left undone is done after the next start', async () => {
    const store = open();
    const first = tracking([{ name: 'h', handle: () => Promise.reject(new HandlerError('no')) }], {
      store,
      backoff: () => 3_600_000,
    });
    first.accept(gateOpen('t'), gateDone('t'));
    await eventually(() => expect(first.codes()).toEqual(['handler-failed']));
    await first.tracker.stop();
    first.accept(embedStart('t'));
    const calls: string[] = [];
    const second = tracking(
      [{ name: 'h', handle: ({ event }, { attempt }) => void calls.push(`${event} ${attempt}`) }],
      { store },
    );
    await second.settled();
    expect(calls).toEqual(['gate.open 2', 'gate.done 1', 'embed.start 1']);
  });

  it('what was for a handler that is gone is parked', async () => {
    const store = open();
    const first = tracking([{ name: 'old', handle: () => undefined }], { store });
    await first.tracker.stop();
    first.accept(gateOpen('t'));
    const second = tracking([{ name: 'new', handle: () => undefined }], { store });
    await second.settled();
    expect(second.codes()).toEqual(['handler-parked']);
    expect(second.tracker.parked()).toMatchObject([{ handler: 'old', error: 'there is no handler of this name' }]);
  });

  it('a handler sees the batch with all that is known', async () => {
    const states: unknown[] = [];
    const handle: BatchHandler['handle'] = (_event, { batch: { state, bytes } }) => void states.push([state, bytes]);
    const { accept, settled, tracker } = tracking([{ handle }], { store: open() });
    accept(gateDone('t'));
    await settled();
    accept(gateOpen('t'));
    await settled();
    expect(states).toEqual([
      ['ingested', null],
      ['ingested', 5],
    ]);
    expect(tracker.batches().map(({ batchTag }) => batchTag)).toEqual(['t']);
    expect(tracker.batch('other')).toBeUndefined();
  });

  it('stopping waits for the handler at work, which is told, and its work counts', async () => {
    const gate = new Gate();
    let signal: AbortSignal | undefined;
    const handle: BatchHandler['handle'] = (event, context) => {
      signal = context.signal;
      return gate.handle(event);
    };
    const { accept, tracker, store } = tracking([{ handle }], { store: open() });
    accept(gateOpen('t'), gateDone('t'));
    let over = false;
    const stopped = tracker.stop().then(() => {
      over = true;
    });
    expect(signal?.aborted).toBe(true);
    await new Promise(setImmediate);
    expect(over).toBe(false);
    await gate.letGo();
    await stopped;
    expect(gate.calls).toEqual(['gate.open:t']);
    expect(store.pending().map(({ key }) => key)).toEqual(['gate.done:t']);
  });
});

describe('messages', () => {
  it.each([
    ['text', 'no JSON'],
    ['[]', 'no JSON'],
    ['{"event":"gate.open","batch_tag":"t"}', 'spool is missing'],
  ])('%s is reported, and left out', (message, words) => {
    const { tracker, errors } = tracking([]);
    tracker.accept('ingest_updates', message);
    expect(errors.map(({ code }) => code)).toEqual(['invalid-message']);
    expect(errors[0]?.message).toContain(words);
    expect(tracker.batches()).toEqual([]);
  });

  it('of others, and of other channels, are none of its business', () => {
    const { tracker, errors } = tracking([]);
    tracker.accept('ingest_updates', '{"event":"own","batch_tag":"t"}');
    tracker.accept('other', messageOf(gateOpen('t'))[1]);
    expect([errors, tracker.batches()]).toEqual([[], []]);
  });
});

describe('options', () => {
  const handler: BatchHandler = { name: 'h', handle: () => undefined };

  it.each([
    [{ unknown: 1 }, 'there is no option "unknown"'],
    [{ concurrency: 0 }, 'concurrency is a whole number from 1'],
    [{ attempts: 1.5 }, 'attempts is a whole number from 1'],
    [{ keepBatches: -1 }, 'keepBatches is a whole number from 1'],
    [{ sweepMs: Number.NaN }, 'sweepMs is a number of milliseconds'],
    [{ handlers: [handler, handler] }, 'two handlers have the same name'],
  ])('%o: %s', (options, words) => {
    expect(() => tracking([], options as Partial<BatchTrackerOptions>)).toThrow(words);
  });

  it('start only once', () => {
    const { tracker } = tracking([]);
    expect(() => tracker.start()).toThrow('a tracker is started once');
  });
});

it('as many batches are remembered as are to be kept', () => {
  const { tracker, accept } = tracking([], { keepBatches: 3 });
  for (let n = 0; n < 256; n++) accept(gateOpen(`t${n}`));
  expect(tracker.batches().map(({ batchTag }) => batchTag)).toEqual(['t255', 't254', 't253']);
});
