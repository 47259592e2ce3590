/** Servers that want to be a burden, or say what nobody asked for. */
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { Tidemark, type WatchMessage } from '../src/index.ts';
import { VerifiedWatch } from '../src/verified-watch.ts';
import { between } from './between.ts';
import { indexes, ofLeaf, useLevels } from './levels.ts';
import { first, transports } from './played.ts';
import { eventually, failureOf, listen } from './stand-in.ts';

const EVENT = { eventId: 'ab'.repeat(16), sourceId: 'meter', seq: 1, eventTime: '2026-01-01T00:00:00.000Z' };

/** A message about leaf `index`, said to be in quarantine. */
function quarantined(index: number, packet = { start: index, end: index + 1 }, stream = 'levels') {
  return {
    ...EVENT,
    id: '',
    type: 'quarantined' as const,
    stream,
    leafIndex: index,
    packet,
    versionId: 'v',
    reasons: [],
  };
}

describe('an answer that does not end', () => {
  const endless = (response: ServerResponse, status: number) => {
    const megabyte = Buffer.alloc(2 ** 20, ' ');
    const more = () => {
      while (!response.destroyed && response.write(megabyte));
    };
    response.writeHead(status).on('drain', more);
    more();
  };

  it.each([
    ['a refusal', 400, { code: 'refused', status: 400 }],
    ['a failure', 503, { code: 'unavailable', status: 503 }],
    ['a page', 200, { code: 'bad-answer' }],
  ])('is not read on: %s', async (_what, status, expected) => {
    let taken: number | undefined;
    const url = await listen(({ socket }, response) => {
      response.on('close', () => {
        taken = socket.bytesWritten;
      });
      endless(response, status);
    });
    const pages = new Tidemark({ url, retryForMs: 0 }).feed().pages();
    expect(await failureOf(pages.next())).toMatchObject(expected);
    // The most that is read, and what the network holds.
    await eventually(() => expect(taken).toBeLessThan(128 * 2 ** 20));
  });
});

describe.each(['sse', 'websocket'] as const)('what was not asked for, over %s', (transport) => {
  const gap = { type: 'gap', reason: 'slow', hint: 'h', missing: [{ stream: 'other', start: 0, end: 1 }] };

  it.each([
    ['another stream', quarantined(1, undefined, 'other'), {}],
    ['another stream, of part of the members', { type: 'quarantined', stream: 'other' }, { fields: 'stream' }],
    ['another type', { type: 'received', sourceId: 's', stream: 'levels', count: 1, eventIds: [] }, {}],
    ['a gap of another stream', gap, {}],
  ])('is no answer: %s', async (_what, message, more) => {
    const feed = await transports[transport]((send) => send(1, message));
    const wanted = { transport, stream: ['levels', 'late'], type: ['certified', 'quarantined'] as const, ...more };
    expect(await failureOf(first(1, feed.url, wanted))).toMatchObject({ code: 'bad-answer' });
    expect(feed.wanted).toHaveLength(1);
  });

  it('is not a gap of what was asked for', async () => {
    const feed = await transports[transport]((send) => send(1, gap));
    const { messages } = await first(1, feed.url, { transport, stream: 'levels,other', type: 'certified' });
    expect(messages).toMatchObject([gap]);
  });
});

describe('a verified watch', () => {
  const levels = useLevels();

  /** What it yields of these messages, and what ends it. */
  async function verified(messages: Iterable<WatchMessage>, limits = {}, since: string | undefined = 'earliest') {
    const logOf = (stream: string) => levels.tidemark.log(stream, levels.pins);
    const watch = new VerifiedWatch({ since }, levels.pins, logOf, limits);
    const seen: WatchMessage[] = [];
    const failure = await failureOf(
      (async () => {
        for await (const message of watch.of(asynchronous(messages))) seen.push(message);
      })(),
    );
    return { seen, failure };
  }

  it('checks what is quarantined with its packet, though nothing in it is certified', async () => {
    const { seen, failure } = await verified([quarantined(5), quarantined(6), quarantined(7)]);
    expect(failure).toMatchObject({ code: 'record-missing', leafIndex: 1 });
    expect(seen).toHaveLength(1);
    const lie = await verified([quarantined(0), quarantined(6)]);
    expect(lie.failure).toMatchObject({ code: 'record-altered', leafIndex: 0 });
  });

  it('keeps no more than so much that was not checked', async () => {
    const flood = Array.from({ length: 100 }, (_, n) => quarantined(n + 1, { start: 0, end: 500 }));
    const { seen, failure } = await verified(flood, { maxWaiting: 20 });
    expect(failure).toMatchObject({ code: 'record-altered', leafIndex: 1 });
    expect(seen).toHaveLength(19);
  });

  it('takes what is true all the same', async () => {
    const messages = await levels.follow(levels.server.url, { type: ['certified', 'quarantined'] });
    const logOf = (stream: string) => levels.tidemark.log(stream, levels.pins);
    const watch = new VerifiedWatch({ since: 'earliest' }, levels.pins, logOf, { maxWaiting: 1 });
    const seen: WatchMessage[] = [];
    for await (const message of watch.of(asynchronous(messages))) seen.push(message);
    expect(seen).toEqual(messages);
  });

  it('is of no more than so many streams', async () => {
    const gaps = Array.from({ length: 5 }, (_, n): WatchMessage => {
      return { id: '', type: 'gap', reason: 'slow', hint: '', missing: [{ stream: `s${n}`, start: null, end: 5 }] };
    });
    const { seen, failure } = await verified(gaps, { maxStreams: 3 });
    expect(failure).toMatchObject({ code: 'bad-answer', message: expect.stringContaining('more than 3 streams') });
    expect(seen).toHaveLength(3);
  });

  it.each([3, 301])('is told nothing more of leaf %i once it is checked', async (index) => {
    const { url } = await between(
      levels.server.url,
      ofLeaf(350, (one) => [one, quarantined(index)]),
    );
    const failure = await failureOf(levels.follow(url, { type: ['certified', 'quarantined'] }));
    expect(failure).toMatchObject({ code: 'record-altered', leafIndex: index });
  });

  it('is told nothing of what was before its beginning', async () => {
    const messages = await levels.follow(levels.server.url, { type: 'certified' });
    const { seen, failure } = await verified([messages[400]!, quarantined(3)], {}, 'latest');
    expect([seen.length, failure]).toMatchObject([1, { code: 'record-altered', leafIndex: 3 }]);
  });

  it('with a list of members still wants those that it goes by', async () => {
    const { url } = await between(
      levels.server.url,
      ofLeaf(40, ({ packet: _, ...one }) => [one]),
    );
    expect(await failureOf(levels.follow(url, { fields: 'seq' }))).toMatchObject({ code: 'bad-answer' });
  });

  it.each([
    ['its leaves', [{ stream: 'levels', start: null, end: 100 }]],
    ['nothing', undefined],
  ])('is not talked out of what came by a gap that names %s', async (_what, missing) => {
    const gap = { type: 'gap', reason: 'unknown-cursor', hint: '', missing };
    const { url } = await between(
      levels.server.url,
      ofLeaf(1, (one) => [{ ...one, normalized: {}, packet: { start: 0, end: 90 } }, gap]),
    );
    const failure = await failureOf(levels.follow(url, { type: 'certified' }));
    expect(failure).toMatchObject({ code: 'record-altered', leafIndex: 1 });
  });

  it('begins where the server has forgotten what was before, if it says so', async () => {
    const missing = [{ stream: 'levels', start: 0, end: 302 }];
    const gap = { type: 'gap', reason: 'expired-cursor', cursor: 'earliest', hint: 'h', missing };
    const { url } = await between(levels.server.url, {
      message: (one) => {
        if (one.type !== 'certified' || one.leafIndex > 302) return [one];
        return one.leafIndex === 302 ? [gap, one] : [];
      },
    });
    const messages = await levels.follow(url, { type: 'certified' });
    expect(messages[0]).toMatchObject(gap);
    expect(indexes(messages)).toEqual(Array.from({ length: 300 }, (_, n) => 302 + n));
  });
});

async function* asynchronous<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}
