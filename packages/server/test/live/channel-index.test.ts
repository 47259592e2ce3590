/** The index finds the channels that asking each of them would find. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Filter } from '../../src/filter/filter.ts';
import { Split } from '../../src/filter/split.ts';
import { Channel } from '../../src/live/channel.ts';
import { ChannelIndex } from '../../src/live/channel-index.ts';
import { EVENT_STREAM_PLAIN, WEB_SOCKET } from '../../src/live/framing.ts';
import { MESSAGE_TYPES, type Message, type MessageType } from '../../src/live/messages.ts';
import { Selection, type Wanted } from '../../src/live/selection.ts';

const STREAMS = ['alpha', 'beta', 'gamma'];
const SOURCES = ['one', 'two', 'three'];
const scalar = fc.constantFrom<unknown>(0, -0, 1, '1', 'one', 'red', true, false, null);
const literal = fc.constantFrom('0', '1', '"1"', '"one"', '"red"', 'true', 'null');
const path = fc.constantFrom('hue', 'a.b', 'tags', 'sourceId', 'sources', 'stream', 'eventId', 'type', 'count');
const equality = fc.oneof(
  fc.tuple(path, literal).map(([path, value]) => `${path} == ${value}`),
  fc
    .tuple(path, fc.array(literal, { minLength: 1, maxLength: 4 }))
    .map(([path, list]) => `${path} in [${list.join(', ')}]`),
  fc.tuple(path, literal).map(([path, value]) => `${path} != ${value}`),
  path.map((path) => `exists ${path}`),
  fc
    .tuple(path, fc.constantFrom('<', '<=', '>', '>='), fc.constantFrom('-1', '0', '1', '"one"'))
    .map(([path, order, value]) => `${path} ${order} ${value}`),
);
const filter = fc
  .tuple(equality, fc.constantFrom(' and ', ' or ', ' and not '), equality, fc.constantFrom('', 'not '))
  .map(([one, operator, other, negation]) => Filter.parse(`${negation}(${one}${operator}${other})`));
const single = equality.map((text) => Filter.parse(text));
const some = (all: readonly string[]) =>
  fc.option(
    fc.subarray([...all]).map((list) => new Set(list)),
    { nil: undefined },
  );
const wanted: fc.Arbitrary<Wanted> = fc.record({
  ...{ types: some([...MESSAGE_TYPES, 'gap']), streams: some(STREAMS), sources: some(SOURCES) },
  filter: fc.option(fc.oneof(filter, single), { nil: undefined, freq: 4 }),
  split: fc.option(fc.constantFrom(Split.parse('0/2'), Split.parse('1/2', 'hue')), { nil: undefined }),
});

const payload = fc.record(
  {
    hue: fc.oneof(scalar, fc.array(scalar, { maxLength: 3 })),
    tags: fc.array(scalar, { maxLength: 3 }),
    a: fc.oneof(scalar, fc.record({ b: scalar })),
  },
  { requiredKeys: [] },
);
const message: fc.Arbitrary<Message> = fc
  .record({
    type: fc.constantFrom<MessageType>(...MESSAGE_TYPES),
    stream: fc.constantFrom(...STREAMS),
    sources: fc.subarray(SOURCES),
    isFused: fc.boolean(),
    eventId: fc.constantFrom('1', 'one', 'other'),
    payload,
  })
  .map(({ type, stream, sources, isFused, eventId, payload }) => {
    const about = isFused ? { sourceId: sources[0] ?? null, sources } : { sourceId: sources[0] };
    const withoutPayload = type === 'received' || type === 'anchored';
    const own = withoutPayload ? { count: 1 } : { eventId, normalized: payload };
    const body = JSON.parse(JSON.stringify({ type, stream, ...(type === 'anchored' ? {} : about), ...own }));
    const named = type === 'anchored' ? [] : isFused ? sources : sources.slice(0, 1);
    return { type, stream, sources: named, position: 1, text: JSON.stringify(body), body, withoutPayload };
  });

test('of random channels that come and go, those and no others, each once', () => {
  let found = 0;
  const channels = fc.array(fc.record({ wanted, stays: fc.boolean(), overSocket: fc.boolean() }), { maxLength: 30 });
  fc.assert(
    fc.property(channels, fc.array(message, { minLength: 1, maxLength: 20 }), (list, messages) => {
      const index = new ChannelIndex();
      const made = list.map(({ wanted, stays, overSocket }) => ({
        stays,
        channel: new Channel(new Selection(wanted), overSocket ? WEB_SOCKET : EVENT_STREAM_PLAIN),
      }));
      for (const { channel } of made) index.add(channel);
      const check = (there: readonly Channel[]) => {
        for (const message of messages) {
          const concerned = [...index.concernedBy(message)];
          const naive = there.filter(({ selection }) => selection.matches(message));
          expect(new Set(concerned)).toEqual(new Set(naive));
          expect(concerned).toHaveLength(naive.length);
          found += naive.length;
        }
      };
      check(made.map(({ channel }) => channel));
      for (const { channel, stays } of made) if (!stays) index.delete(channel);
      check(made.filter(({ stays }) => stays).map(({ channel }) => channel));
      for (const { channel, stays } of made) if (stays) index.delete(channel);
      check([]);
    }),
    { numRuns: 300 },
  );
  expect(found).toBeGreaterThan(200);
});
