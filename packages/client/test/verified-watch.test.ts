import { describe, expect, it } from 'vitest';
import type { VerifiedWatchOptions, WatchMessage } from '../src/index.ts';
import { between, type Json } from './between.ts';
import { indexes, LEAVES, OTHER, ofLeaf, RECORDS, useLevels } from './levels.ts';
import { failureOf } from './stand-in.ts';

const levels = useLevels();

describe('a watch that is verified', () => {
  it('yields all that is there, from a server that does not lie', async () => {
    const expected = Array.from({ length: LEAVES }, (_, n) => n).filter((n) => n !== 0 && n !== 301);
    for (const type of [undefined, 'certified', ['certified', 'quarantined']] as VerifiedWatchOptions['type'][]) {
      expect(indexes(await levels.follow(levels.server.url, { type }))).toEqual(expected);
    }
  });

  it('is the same over WebSocket', async () => {
    const overSse = await levels.follow(levels.server.url, { type: 'certified' });
    const overWebSocket = await levels.follow(levels.server.url, { type: 'certified', transport: 'websocket' });
    expect(indexes(overWebSocket)).toEqual(indexes(overSse));
  });

  it('is of what a filter and a list of fields leave, too, as far as that goes', async () => {
    const wanted = { type: 'certified', filter: 'normalized.n >= 590', fields: 'normalized.n' } as const;
    expect(indexes(await levels.follow(levels.server.url, wanted))).toEqual(
      Array.from({ length: 10 }, (_, n) => LEAVES - 10 + n),
    );
    const { url } = await between(
      levels.server.url,
      ofLeaf(LEAVES - 5, (one) => [{ ...one, contentHash: OTHER }]),
    );
    const failure = await failureOf(levels.follow(url, wanted));
    expect(failure).toMatchObject({ code: 'record-altered', leafIndex: LEAVES - 5 });
  });

  it('knows which records it has asked for', async () => {
    const watch = levels.tidemark.watch({
      stream: 'levels',
      sourceId: 'other',
      since: 'earliest',
      verify: levels.pins,
    });
    const messages: WatchMessage[] = [];
    for await (const message of watch) {
      messages.push(message);
      if (indexes(messages).length === 100) break;
    }
    expect(indexes(messages)).toEqual(Array.from({ length: 100 }, (_, n) => 302 + n));
  });

  it('begins with the first record that comes, or where it is told', async () => {
    const [, , third] = await levels.follow(levels.server.url, { type: 'certified' });
    const since = third!.id;
    expect(indexes(await levels.follow(levels.server.url, { type: 'certified', since }))[0]).toBe(4);
    const from = { levels: 3 };
    const failure = await failureOf(
      levels.follow(levels.server.url, { type: 'certified', since, verify: { ...levels.pins, from } }),
    );
    expect(failure).toMatchObject({ code: 'record-missing', leafIndex: 3 });
  });

  it('asks the log for little', async () => {
    const { url, asked } = await between(levels.server.url, {});
    const messages = await levels.follow(url);
    const packets = new Set(messages.flatMap((message) => ('packet' in message ? [message.packet.end] : [])));
    const [watch, ...log] = asked;
    expect(watch).toBe('/watch');
    // The checkpoint and its manifest, three bundles of entries, the tile above them, and the right edge.
    expect(log.length).toBeLessThanOrEqual(8);
    expect(packets.size).toBeGreaterThan(6);
  });

  it.each([{ type: 'anchored' }, { slow: 'conflate' }] as const)('cannot be of %o', (options) => {
    expect(() => levels.tidemark.watch({ ...options, verify: {} })).toThrow(
      expect.objectContaining({ code: 'invalid-argument' }),
    );
  });

  it('ends with the signal without an error, also while it reads the log', async () => {
    const stop = new AbortController();
    const { url } = await between(levels.server.url, {
      answer: (path) => {
        if (path.endsWith('/checkpoint')) stop.abort();
        return undefined;
      },
    });
    expect(indexes(await levels.follow(url, { type: 'certified', signal: stop.signal })).length).toBeLessThan(RECORDS);
  });

  it('goes on over a gap that the server owns up to', async () => {
    const isCut = ({ type, leafIndex }: Json) => type === 'certified' && leafIndex >= 100 && leafIndex < 350;
    const missing = [{ stream: 'levels', start: 100, end: 350 }];
    const gap = { type: 'gap', reason: 'slow', skipped: 249, hint: 'h', missing };
    const { url } = await between(levels.server.url, {
      message: (one) => (!isCut(one) ? [one] : one.leafIndex === 349 ? [gap] : []),
    });
    const messages = await levels.follow(url, { type: 'certified' });
    expect(indexes(messages).filter((index) => index >= 100 && index < 350)).toEqual([]);
    expect(messages.filter(({ type }) => type === 'gap')).toHaveLength(1);
  });
});
