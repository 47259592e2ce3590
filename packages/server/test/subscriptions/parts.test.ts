import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Message } from '../../src/live/messages.ts';
import type { DeliveryRow } from '../../src/store/subscriptions.ts';
import { Breaker } from '../../src/subscriptions/breaker.ts';
import { cloudEvent, testEvent } from '../../src/subscriptions/cloud-event.ts';
import { deliveryId, positionIn } from '../../src/subscriptions/delivery-id.ts';
import { type Outcome, outcomeOf } from '../../src/subscriptions/outcome.ts';
import { Queue } from '../../src/subscriptions/queue.ts';
import { backoffMs, retryAfterMs } from '../../src/subscriptions/retry.ts';
import { rotated, SecretBox, signing } from '../../src/subscriptions/secrets.ts';
import { secretText, signature, signedHeaders } from '../../src/subscriptions/signing.ts';
import { parseReceiverUrl } from '../../src/subscriptions/url.ts';
import { type Failure, verdictOn } from '../../src/subscriptions/verdict.ts';

describe('signatures', () => {
  test('are those of the public vectors', () => {
    // From the reference implementations of Standard Webhooks.
    const vector = {
      secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      timestamp: 1614265330,
      body: '{"test": 2432232314}',
      signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    };
    const { secret, id, timestamp, body } = vector;
    expect(signature(secret, id, timestamp, body)).toBe(vector.signature);
    expect(signedHeaders([secret, secretText(Buffer.alloc(32))], id, timestamp, body)).toEqual({
      'webhook-id': id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': `${vector.signature} ${signature(secretText(Buffer.alloc(32)), id, timestamp, body)}`,
    });
  });
});

describe('secrets', () => {
  const boxOf = (byte: number) => {
    const key = Buffer.alloc(32, byte);
    return new SecretBox({ read: () => key, make: () => key });
  };

  test('come out as they went in, of the same subscription, with the same key, and whole', () => {
    const box = boxOf(1);
    const sealed = box.seal('sub_a', [{ secret: 'x' }, { secret: 'y', until: 5 }]);
    expect(box.open('sub_a', sealed)).toEqual([{ secret: 'x' }, { secret: 'y', until: 5 }]);
    expect(box.open('sub_b', sealed)).toBeUndefined();
    expect(boxOf(2).open('sub_a', sealed)).toBeUndefined();
    for (let place = 0; place < sealed.length; place++) {
      const altered = Uint8Array.from(sealed);
      altered[place]! ^= 1;
      expect(box.open('sub_a', altered)).toBeUndefined();
    }
    expect(box.open('sub_a', sealed.subarray(0, 20))).toBeUndefined();
    expect(box.seal('sub_a', [])).not.toEqual(box.seal('sub_a', []));
  });

  test('former ones sign until their time, and a later rotation may shorten it', () => {
    const first = [{ secret: 'a' }];
    const second = rotated(first, 'b', 100, 0);
    expect(signing(second, 99)).toEqual(['b', 'a']);
    expect(signing(second, 100)).toEqual(['b']);
    expect(rotated(second, 'c', 50, 10)).toEqual([
      { secret: 'c' },
      { secret: 'b', until: 50 },
      { secret: 'a', until: 50 },
    ]);
    expect(rotated(second, 'c', 500, 10)).toContainEqual({ secret: 'a', until: 100 });
    expect(rotated(second, 'c', 10, 10)).toEqual([{ secret: 'c' }]);
    let many = first;
    for (let round = 0; round < 9; round++) many = rotated(many, `${round}`, 1000, 0);
    expect(signing(many, 0)).toEqual(['8', '7', '6', '5', '4']);
  });
});

describe('retries', () => {
  const RETRY = { attempts: 5, baseMs: 100, factor: 3, capMs: 2000 };

  test('wait anything up to the step, which grows up to the cap', () => {
    expect([1, 2, 3, 4, 100].map((failures) => backoffMs(RETRY, failures, 1))).toEqual([100, 300, 900, 2000, 2000]);
    expect(backoffMs(RETRY, 3, 0)).toBe(0);
    expect(backoffMs(RETRY, 3, 0.5)).toBe(450);
  });

  test.each([
    [undefined, undefined],
    ['0', 0],
    ['7', 7000],
    ['99999999', 60_000],
    ['-1', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['2026-03-01', undefined],
    ['Sun, 01 Mar 2026 12:00:30 GMT', 30_000],
    ['Sun, 01 Mar 2026 11:00:00 GMT', 0],
    ['Sun, 01 Mar 2027 12:00:00 GMT', 60_000],
    ['Sun, 99 Mar 2026 12:00:00 GMT', undefined],
  ])('Retry-After: %s', (value, wait) => {
    expect(retryAfterMs(value, Date.UTC(2026, 2, 1, 12), 60_000)).toBe(wait);
  });

  test.each([
    [200, undefined, 'delivered'],
    [299, undefined, 'delivered'],
    [202, 5, 'delivered'],
    [301, undefined, 'unavailable'],
    [308, undefined, 'unavailable'],
    [400, undefined, 'refused'],
    [401, 5, 'refused'],
    [404, undefined, 'refused'],
    [410, undefined, 'gone'],
    [429, undefined, 'unavailable'],
    [429, 5, 'later'],
    [500, 5, 'refused'],
    [502, 5, 'unavailable'],
    [503, undefined, 'unavailable'],
    [503, 5, 'later'],
    [504, undefined, 'unavailable'],
  ])('status %i (Retry-After %s) means %s', (status, afterMs, kind) => {
    expect(outcomeOf(status, afterMs)).toMatchObject({ kind, status });
  });

  const verdicts = (outcomes: readonly Failure[], breaker: Breaker, failures = 0) =>
    outcomes.map((outcome, at) => {
      const verdict = verdictOn(outcome, { failures, breaker, retry: RETRY, now: at * 1000, random: () => 1 });
      if (verdict.kind !== 'gone') failures = verdict.failures;
      return verdict.kind === 'again' ? failures : verdict.kind;
    });
  const unavailable: Outcome = { kind: 'unavailable', reason: 'ECONNREFUSED' };
  const refused: Outcome = { kind: 'refused', status: 400, reason: 'status 400' };
  const later: Outcome = { kind: 'later', status: 429, reason: 'status 429', afterMs: 5 };
  const breaker = () => new Breaker({ failures: 4, probeMs: 100 });

  test('no outage makes a dead letter, a refusal does, and waiting never', () => {
    expect(verdicts(Array(50).fill(unavailable), breaker()).at(-1)).toBe(3);
    expect(verdicts(Array(5).fill(refused), breaker())).toEqual([1, 2, 3, 4, 'dead']);
    expect(verdicts(Array(50).fill(later), breaker()).at(-1)).toBe(0);
    expect(verdicts([refused, later, unavailable, refused, refused], breaker())).toEqual([1, 1, 2, 3, 4]);
    expect(verdicts([{ kind: 'gone', status: 410, reason: 'status 410' }], breaker())).toEqual(['gone']);
  });

  test('while others get through, one that brings no answer is given up as well', () => {
    const one = breaker();
    const seen = Array.from({ length: 5 }, (_, failures) => {
      one.succeeded();
      return verdicts([unavailable], one, failures)[0];
    });
    expect(seen).toEqual([1, 2, 3, 4, 'dead']);
  });
});

test('the circuit opens after so many failures in a row, and closes with a success', () => {
  const breaker = new Breaker({ failures: 3, probeMs: 100 });
  breaker.failed(1, 0);
  breaker.failed(2, 0);
  breaker.succeeded();
  breaker.failed(3, 0);
  breaker.failed(4, 0);
  expect(breaker.isOpen).toBe(false);
  breaker.failed(5, 0);
  expect(breaker.state).toEqual({ failures: 3, openedAt: 5, probeAt: 55 });
  breaker.failed(60, 1);
  expect(breaker.state).toEqual({ failures: 4, openedAt: 5, probeAt: 210 });
  expect(new Breaker({ failures: 3, probeMs: 100 }, breaker.state).isOpen).toBe(true);
  breaker.succeeded();
  expect([breaker.isOpen, breaker.probeAt, breaker.state]).toEqual([false, 0, { failures: 0 }]);
});

describe('bodies', () => {
  const message = { type: 'certified', text: '{"type":"certified","normalized":{"a":1.50}}' } as Message;
  const told = { id: 'c-0-1', message, origin: 'a.example:8443/alpha', subject: 'ab', sealedAt: 0, cursor: 'c-5-1' };

  test('are CloudEvents 1.0 with what /watch shows, to the byte', () => {
    const text = cloudEvent(told);
    expect(JSON.parse(text)).toEqual({
      ...{ specversion: '1.0', id: 'c-0-1', source: '//a.example:8443/alpha', type: 'tidemark.certified' },
      ...{ subject: 'ab', time: '1970-01-01T00:00:00.000Z', datacontenttype: 'application/json' },
      data: { type: 'certified', normalized: { a: 1.5 }, cursor: 'c-5-1' },
    });
    expect(text).toContain('"data":{"type":"certified","normalized":{"a":1.50},"cursor":"c-5-1"}');
  });

  test('hold to the rules for context attributes', () => {
    const anchored = cloudEvent({ ...told, message: { type: 'anchored', text: '{"a":1}' } as Message });
    for (const text of [cloudEvent(told), anchored, testEvent('sub_a', '//x', 5)]) {
      const { data, ...attributes } = JSON.parse(text);
      expect(data).toBeTypeOf('object');
      for (const [name, value] of Object.entries(attributes)) {
        expect(name).toMatch(/^[a-z0-9]{1,20}$/);
        expect(value).toMatch(/^.+$/);
      }
      expect(Object.keys(attributes)).toEqual(expect.arrayContaining(['specversion', 'id', 'source', 'type']));
      // A reference without a scheme, which has to be one that can be resolved.
      expect(new URL(attributes.source, 'https://base.example').host).not.toBe('base.example');
      if (attributes.time !== undefined) expect(new Date(attributes.time).toISOString()).toBe(attributes.time);
    }
    expect(JSON.parse(anchored)).not.toHaveProperty('time');
  });
});

test('a delivery is called by its subscription and position', () => {
  const owner = 'sub_0123456789abcdef';
  expect(deliveryId(owner, 1295)).toBe(`${owner}_zz`);
  expect(positionIn(owner, `${owner}_zz`)).toBe(1295);
  for (const id of [`sub_1123456789abcdef_zz`, `${owner}_0zz`, `${owner}_`, owner, '', `${owner}_ZZ`]) {
    expect(positionIn(owner, id)).toBeUndefined();
  }
});

test('URLs of receivers', () => {
  expect(parseReceiverUrl('HTTPS://Example.com:443/a b')).toEqual({ url: 'https://example.com/a%20b' });
  for (const text of [
    'ftp://a/',
    'a',
    '',
    'https://u@a/',
    'https://:p@a/',
    'https://a/#b',
    `https://a/${'x'.repeat(2048)}`,
  ]) {
    expect(parseReceiverUrl(text)).toHaveProperty('problem');
  }
});

describe('the queue', () => {
  const row = (position: number, stream: string, dueAt = 0, failures = 0): DeliveryRow => ({
    ...{ subscription: 's', position, state: 'pending', type: 'certified', stream, eventId: undefined },
    ...{ failures, dueAt, attempts: [], createdAt: 0, settledAt: undefined },
  });

  test('probes with what has failed the least', () => {
    const queue = new Queue('none', [row(1, 'a', 0, 2), row(2, 'a', 99, 1), row(3, 'b', 0, 1)]);
    expect(queue.probe()?.row.position).toBe(2);
    expect(new Queue('stream', [row(1, 'a', 0, 2), row(2, 'a', 0, 0), row(3, 'b', 0, 1)]).probe()?.row.position).toBe(
      3,
    );
    expect(new Queue('stream').probe()).toBeUndefined();
  });

  const steps = fc.array(
    fc.record({ stream: fc.constantFrom('a', 'b', 'c'), dueAt: fc.nat(5), end: fc.boolean(), again: fc.nat(9) }),
    { maxLength: 60 },
  );

  test.each(['stream', 'none'] as const)('with order "%s" keeps what it promises, whatever happens', (order) => {
    fc.assert(
      fc.property(steps, (list) => {
        const queue = new Queue(order);
        const waiting = new Map<number, { stream: string; dueAt: number; underWay: boolean }>();
        for (const [at, { stream, dueAt, end, again }] of list.entries()) {
          queue.add(row(at + 10, stream, dueAt));
          waiting.set(at + 10, { stream, dueAt, underWay: false });
          // What is sent again may come before all else.
          if (again < 3 && !waiting.has(again)) {
            queue.add(row(again, stream, 0));
            waiting.set(again, { stream, dueAt: 0, underWay: false });
          }
          const allowed = [...waiting].filter(([position, one]) => {
            if (one.underWay || one.dueAt > 3) return false;
            const before = [...waiting].filter(([other, { stream }]) => other < position && stream === one.stream);
            const busy = [...waiting.values()].some((other) => other.stream === one.stream && other.underWay);
            return order === 'none' || (before.length === 0 && !busy);
          });
          const next = queue.next(3);
          expect(next === undefined).toBe(allowed.length === 0);
          if (next === undefined) continue;
          expect(allowed.map(([position]) => position)).toContain(next.row.position);
          queue.started(next);
          waiting.get(next.row.position)!.underWay = true;
          if (!end) continue;
          queue.remove(next.row.position);
          waiting.delete(next.row.position);
        }
        expect(queue.size).toBe(waiting.size);
        const before = queue.nextDue();
        queue.reorder(order === 'none' ? 'stream' : 'none');
        queue.reorder(order);
        expect(queue.nextDue()).toBe(before);
      }),
    );
  });
});
