import { createHash } from 'node:crypto';
import { canonicalize, eventId, saltedEventId } from '@tidemark/proof';
import { describe, expect, test } from 'vitest';
import { golden } from '../../../proof/test/vectors.ts';
import { InvalidId } from '../../src/external-id.ts';
import { type DeliveryName, Identity } from '../../src/intake/identity.ts';
import { type JsonObject, parseJson } from '../../src/json/parse.ts';
import type { Source } from '../../src/stream.ts';
import { sourceOf } from '../support/node.ts';

const DELIVERY: DeliveryName = { id: 'delivery-1', index: 4 };

/** The event id, or the reason why there is none. */
function identify(raw: string | object, changes: Partial<Source> = {}, delivery?: DeliveryName): string {
  const identity = new Identity(sourceOf('sensor-a', changes));
  const text = typeof raw === 'string' ? raw : JSON.stringify(raw);
  const digest = identity.eventIdDigest(parseJson(text) as JsonObject, delivery);
  return digest instanceof InvalidId
    ? `invalid: ${digest.hint}`
    : Buffer.from(digest, 'latin1').toString('hex').slice(0, 32);
}

/** The contract's formula, for external ids of any kind. */
function idOf(externalId: unknown): string {
  return createHash('sha256')
    .update(canonicalize(['sensor-a', externalId]))
    .digest('hex')
    .slice(0, 32);
}

const contentId = (event: object) => idOf(createHash('sha256').update(canonicalize(event)).digest('hex'));

test('the golden event ids', () => {
  const { raws, leaves } = golden<{ raws: string[]; leaves: { eventId?: string }[] }>('log.json');
  expect(raws.map((raw) => identify(raw))).toEqual(leaves.slice(1).map((leaf) => leaf.eventId));
});

describe('what names an event, the first that is there', () => {
  const event = { eventId: 'e', id: 'i', deep: { key: 'd' }, ts: '2026-03-01T12:00:00Z', v: 1 };
  const idFrom = ['deep.key'];

  test('idFrom, eventId, id, content where there is a time, the delivery, itself', () => {
    const { eventId: _e, ...withoutEventId } = event;
    const { id: _i, ...withoutIds } = withoutEventId;
    const { ts: _t, ...bare } = withoutIds;
    expect(identify(event, { policy: { idFrom } }, DELIVERY)).toBe(eventId('sensor-a', 'd'));
    expect(identify(event, {}, DELIVERY)).toBe(eventId('sensor-a', 'e'));
    expect(identify(withoutEventId, {}, DELIVERY)).toBe(eventId('sensor-a', 'i'));
    expect(identify(withoutIds, {}, DELIVERY)).toBe(contentId(withoutIds));
    expect(identify(bare, {}, DELIVERY)).toBe(eventId('sensor-a', 'delivery-1/4'));
    expect(identify(bare)).not.toBe(identify(bare));
  });

  test('an id that is null is none', () => {
    expect(identify({ eventId: null, id: 'i' })).toBe(eventId('sensor-a', 'i'));
    expect(identify({ eventId: null, id: null, v: 1 }, {}, DELIVERY)).toBe(eventId('sensor-a', 'delivery-1/4'));
  });

  test('a time that is null is none: such events are not the same for having the same content', () => {
    expect(identify({ ts: null, v: 1 }, {}, DELIVERY)).toBe(eventId('sensor-a', 'delivery-1/4'));
    expect(identify({ ts: null, time: 0 }, {}, DELIVERY)).toBe(contentId({ ts: null, time: 0 }));
  });

  test.each(['ts', 'timestamp', 'time'])('%s is a time field', (field) => {
    const dated = { [field]: 'whenever', v: 1 };
    expect(identify(dated, {}, DELIVERY)).toBe(contentId(dated));
  });

  test('with a timeField only that one counts', () => {
    const changes = { policy: { timeField: 'at.utc' } };
    expect(identify({ ts: 1 }, changes, DELIVERY)).toBe(eventId('sensor-a', 'delivery-1/4'));
    expect(identify({ at: { utc: 1 } }, changes, DELIVERY)).toBe(contentId({ at: { utc: 1 } }));
  });

  test('dedup "content" goes by content where there is no id', () => {
    expect(identify({ v: 1 }, { dedup: 'content' }, DELIVERY)).toBe(contentId({ v: 1 }));
    expect(identify({ id: 'i', v: 1 }, { dedup: 'content' })).toBe(eventId('sensor-a', 'i'));
  });

  test('content is the canonical form, in which numbers that no double holds stay apart', () => {
    const same = ['{"ts":1,"a":1.0}', '{ "a" : 1, "ts" : 1e0 }'];
    expect(new Set(same.map((raw) => identify(raw))).size).toBe(1);
    const apart = ['{"ts":1,"a":9007199254740993}', '{"ts":1,"a":9007199254740992}', '{"ts":1,"a":"9007199254740993"}'];
    expect(new Set(apart.map((raw) => identify(raw))).size).toBe(3);
  });
});

describe('several idFrom fields', () => {
  const policy = { idFrom: ['device', 'n'] };

  test('make up one id, in their order', () => {
    expect(identify({ device: 'd', n: 7 }, { policy })).toBe(idOf(['d', 7]));
    expect(identify({ device: 'd', n: 7 }, { policy: { idFrom: ['n', 'device'] } })).toBe(idOf([7, 'd']));
    expect(identify({ id: '["d",7]' })).not.toBe(idOf(['d', 7]));
  });

  test('are all there, or none is', () => {
    expect(identify({ device: 'd', id: 'i' }, { policy })).toMatch(/^invalid: some of the fields/);
    expect(identify({ device: 'd', n: null }, { policy })).toMatch(/^invalid: some of the fields/);
    expect(identify({ id: 'i' }, { policy })).toBe(eventId('sensor-a', 'i'));
    expect(identify({ device: 'd', n: [1] }, { policy })).toMatch(/^invalid: an id is text/);
  });
});

describe('ids', () => {
  test('are text or whole numbers that a double holds; text and number differ', () => {
    for (const id of ['x', '€ 🚀"\\\u0000\u2028', 'x'.repeat(1024), 0, 7, -7, 2 ** 53 - 1, -(2 ** 53) + 1]) {
      expect(identify({ id })).toBe(eventId('sensor-a', id));
    }
    expect(identify({ id: 7 })).not.toBe(identify({ id: '7' }));
    expect(identify('{"id":1e1}')).toBe(eventId('sensor-a', 10));
    expect(identify('{"id":-0}')).toBe(eventId('sensor-a', 0));
    expect(identify('{"id":"\\u0041"}')).toBe(eventId('sensor-a', 'A'));
  });

  test.each(['9007199254740992', '-9007199254740993', '1e400', '1.5', 'true', 'false', '[]', '{}', '["x"]', '""'])(
    '%s is none',
    (id) => {
      expect(identify(`{"id":${id}}`)).toMatch(/^invalid: an id is/);
      expect(identify(`{"eventId":${id},"id":"x"}`)).toMatch(/^invalid: an id is/);
    },
  );

  test('are at most 1024 characters long', () => {
    expect(identify({ id: 'x'.repeat(1025) })).toMatch(/^invalid: an id is 1 to 1024 characters/);
  });

  test('of different sources differ', () => {
    const other = new Identity(sourceOf('sensor-b')).eventIdDigest({ id: 'r1' }, undefined);
    expect(other).not.toBe(new Identity(sourceOf('sensor-a')).eventIdDigest({ id: 'r1' }, undefined));
  });

  test('are never inherited', () => {
    expect(identify('{"__proto__":{"id":"x"}}', {}, DELIVERY)).toBe(eventId('sensor-a', 'delivery-1/4'));
    const policy = { idFrom: ['constructor'] };
    expect(identify({ id: 'i' }, { policy })).toBe(eventId('sensor-a', 'i'));
    expect(identify('{"__proto__":"p"}', { policy: { idFrom: ['__proto__'] } })).toBe(eventId('sensor-a', 'p'));
  });
});

test('on a salted stream, ids take its key', () => {
  const key = Buffer.alloc(32, 3);
  const identity = new Identity(sourceOf('sensor-a'), key);
  const idUnder = (event: JsonObject) => {
    const digest = identity.eventIdDigest(event, undefined);
    return digest instanceof InvalidId ? digest.hint : Buffer.from(digest, 'latin1').toString('hex', 0, 16);
  };
  expect(idUnder({ id: 'r1' })).toBe(saltedEventId(key, 'sensor-a', 'r1'));
  expect(idUnder({ id: 17 })).toBe(saltedEventId(key, 'sensor-a', 17));
  expect(idUnder({ id: 'r1' })).not.toBe(eventId('sensor-a', 'r1'));
});
