import { createHash } from 'node:crypto';
import { canonicalize, eventId } from '@tidemark/proof';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { IntakeCode } from '../../src/intake/errors.ts';
import { IntakeError } from '../../src/intake/errors.ts';
import type { Delivery, Draft } from '../../src/intake/intake.ts';
import { bare, Desk, type DeskOptions, lines } from '../support/arrivals.ts';
import { Directories } from '../support/directories.ts';
import { sourceOf } from '../support/node.ts';

const directories = new Directories();
afterAll(() => directories.remove());
let desk: Desk | undefined;
afterEach(() => {
  desk?.close();
  desk = undefined;
});

const SOURCES = [
  sourceOf('one', { stream: 'alpha' }),
  sourceOf('two', { auth: 'bearer' }),
  sourceOf('off', { enabled: false }),
  sourceOf('default'),
];
const SECRETS = new Map([['two', 'open sesame']]);

function open(options: Partial<DeskOptions> = {}): Desk {
  desk?.close();
  desk = new Desk(directories.next(), { sources: SOURCES, secrets: SECRETS, ...options });
  return desk;
}

function accept(delivery: Delivery, at = open()): Draft | IntakeError {
  return at.accept([delivery])[0]!;
}

function draft(delivery: Delivery, at?: Desk): Draft {
  const result = accept(delivery, at);
  if (result instanceof IntakeError) throw result;
  return result;
}

const refused = (code: IntakeCode, status: number) => expect.objectContaining({ name: 'IntakeError', code, status });
const withKey = (delivery: Delivery, bearer: string) => ({ ...delivery, credentials: { bearer } });
const id = (external: string | number, source = 'one') => eventId(source, external);

describe('whose delivery it is', () => {
  const body = '{"sourceId":"one","events":[{"id":1}]}';

  test('the request says so, or the body, or it is the default source', () => {
    expect(draft(lines('one', [{ id: 1 }])).sourceId).toBe('one');
    expect(draft(bare('json', body)).sourceId).toBe('one');
    expect(draft({ ...bare('json', body), sourceId: 'one' }).sourceId).toBe('one');
    expect(draft(bare('json', '{"events":[{"id":1}]}')).sourceId).toBe('default');
    expect(draft(bare('csv', 'id\n1')).eventIds).toEqual([id('1', 'default')]);
  });

  test('they must not contradict each other', () => {
    expect(accept({ ...bare('json', body), sourceId: 'default' })).toEqual(refused('bad-request', 400));
  });

  test.each(['three', 'off', '', '__proto__'])('%j is no enabled source', (sourceId) => {
    expect(accept(lines(sourceId, [{ id: 1 }]))).toEqual(refused('source-not-found-or-disabled', 404));
    const named = JSON.stringify({ sourceId, events: [{ id: 1 }] });
    expect(accept(bare('json', named))).toEqual(refused('source-not-found-or-disabled', 404));
  });

  test('a source with a secret asks for it, wherever it is named', () => {
    for (const delivery of [lines('two', [{ id: 1 }]), bare('json', '{"sourceId":"two","events":[{"id":1}]}')]) {
      expect(accept(delivery)).toEqual(refused('source-auth-required', 401));
      for (const wrong of ['open sesam', 'open sesame ', 'OPEN SESAME', '']) {
        expect(accept(withKey(delivery, wrong))).toEqual(refused('source-auth-invalid', 401));
      }
      expect(draft(withKey(delivery, 'open sesame')).sourceId).toBe('two');
    }
  });

  test('nobody without the key gets a body parsed where the request names the source', () => {
    expect(accept({ ...bare('json', '{'), sourceId: 'two' })).toEqual(refused('source-auth-required', 401));
  });

  test('a secret that is not there lets nobody in', () => {
    const desk = open({ secrets: new Map() });
    expect(accept(withKey(lines('two', [{ id: 1 }]), ''), desk)).toEqual(refused('source-auth-invalid', 401));
  });
});

describe('what is kept', () => {
  test('the bytes as they came, with their hash', () => {
    const texts = ['{ "id" : 1 }', '{"id":2,"t":"€ 🚀"}'];
    const desk = open();
    draft(lines('one', texts), desk);
    const [entry] = desk.entries();
    expect(entry).toMatchObject({ first: 1, stream: 'alpha', source: 'one', seq: 1, at: 0 });
    expect(texts.map((_, place) => entry?.events.text(place))).toEqual(texts);
    const hashes = texts.map((text) => createHash('sha256').update(text).digest('hex'));
    expect(texts.map((_, place) => entry?.events.rawHash(place))).toEqual(hashes);
  });

  test('of CSV, the canonical form of each row', () => {
    const desk = open();
    draft({ ...bare('csv', 't,id\n1,a\n'), sourceId: 'one' }, desk);
    expect(desk.entries()[0]?.events.text(0)).toBe(canonicalize({ id: 'a', t: '1' }));
  });
});

describe('the answer', () => {
  test('names every durable event in the order of the input, duplicates too', () => {
    const desk = open();
    draft(lines('one', [{ id: 1 }]), desk);
    const result = draft(lines('one', [{ id: 2 }, { id: 1 }, '{"id": 2 }', { id: 3 }, { id: 2, v: 1 }]), desk);
    expect(result.eventIds).toEqual([id(2), id(1), id(2), id(3), id(2)]);
    expect(result.duplicates).toBe(2);
    const [, entry] = desk.entries();
    const kept = Array.from({ length: entry?.events.count ?? 0 }, (_, place) => [
      entry?.events.text(place),
      entry?.events.supersedes(place),
    ]);
    expect(kept).toEqual([
      ['{"id":2}', undefined],
      ['{"id":3}', undefined],
      ['{"id":2,"v":1}', 2],
    ]);
  });

  test('has nothing to store when all is known, and keeps the numbering', () => {
    const desk = open();
    draft(lines('one', [{ id: 1 }]), desk);
    expect(draft(lines('one', [{ id: 1 }]), desk)).toEqual({
      sourceId: 'one',
      stream: 'alpha',
      eventIds: [id(1)],
      duplicates: 1,
      repeated: [1],
      rejected: [],
      entry: undefined,
    });
    expect(desk.journal.next).toBe(2);
  });

  test('to an empty delivery is empty', () => {
    expect(draft(bare('json', '{"events":[]}'))).toMatchObject({ eventIds: [], duplicates: 0, rejected: [] });
  });

  test('names each bad event, and the others are kept', () => {
    const limits = { eventsPerRequest: 100, eventBytes: 40 };
    const deep = `{"id":1,"a":${'['.repeat(15)}${']'.repeat(12)}`;
    const events = [
      '{"id":1}',
      '{"id":',
      '[1]',
      'null',
      '"x"',
      '7',
      '{"id":true}',
      '{"id":"\\ud800"}',
      deep,
      '{"id":2}',
    ];
    const desk = open({ limits });
    const result = draft(lines('one', [...events, `{"id":3,"text":"${'x'.repeat(30)}"}`]), desk);
    expect(result.eventIds).toEqual([id(1), id(2)]);
    expect(result.rejected.map(({ index, error }) => [index, error])).toEqual([
      [1, 'json-malformed'],
      [2, 'not-an-object'],
      [3, 'not-an-object'],
      [4, 'not-an-object'],
      [5, 'not-an-object'],
      [6, 'id-invalid'],
      [7, 'not-well-formed'],
      [8, 'json-malformed'],
      [10, 'event-too-large'],
    ]);
    for (const { hint } of result.rejected) expect(hint).toMatch(/\w{3}/);
    expect(desk.entries()[0]?.events.count).toBe(2);
  });

  test('to an event of exactly the greatest size is yes', () => {
    const limits = { eventsPerRequest: 100, eventBytes: 40 };
    const exactly = `{"id":1,"text":"${'x'.repeat(22)}"}`;
    expect(exactly).toHaveLength(40);
    expect(draft(lines('one', [exactly]), open({ limits })).eventIds).toEqual([id(1)]);
    expect(accept(lines('one', [`${exactly} `]), open({ limits }))).toEqual(refused('no-valid-events', 400));
  });

  test('to events nested too deep is no', () => {
    const nested = (depth: number) => `{"id":1,"a":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    expect(draft(lines('one', [nested(59)])).eventIds).toEqual([id(1)]);
    const result = accept(lines('one', [nested(60)]));
    expect(result).toMatchObject({ code: 'no-valid-events', rejected: [{ index: 0, error: 'too-deep' }] });
  });

  test('to bytes that are no UTF-8 is no, and their neighbours are not touched', () => {
    const body = Buffer.concat([Buffer.from('{"id":"é"}\n{"id":"'), Buffer.from([0xe9]), Buffer.from('"}\n{"id":1}')]);
    const result = draft({ ...bare('ndjson', body), sourceId: 'one' });
    expect(result.eventIds).toEqual([id('é'), id(1)]);
    expect(result.rejected.map(({ index, error }) => [index, error])).toEqual([[1, 'not-utf8']]);
  });

  test('is a refusal when no event was any good', () => {
    const result = accept(lines('one', ['x', '{"id":{}}']));
    expect(result).toEqual(refused('no-valid-events', 400));
    expect((result as IntakeError).rejected.map(({ index, error }) => [index, error])).toEqual([
      [0, 'json-malformed'],
      [1, 'id-invalid'],
    ]);
  });

  test('is a refusal when there are too many', () => {
    const limits = { eventsPerRequest: 2, eventBytes: 100 };
    expect(accept(lines('one', [{ id: 1 }, { id: 2 }, { id: 3 }]), open({ limits }))).toEqual(
      refused('too-many-events', 413),
    );
  });
});

describe('events without id and time', () => {
  test('are known by the delivery and their place in it', () => {
    const desk = open();
    const delivery = { ...lines('one', [{ v: 1 }, { v: 1 }, 'x', { v: 1 }]), deliveryId: 'd1' };
    const first = draft(delivery, desk);
    expect(first.eventIds).toEqual([id('d1/0'), id('d1/1'), id('d1/3')]);
    expect(draft(delivery, desk)).toMatchObject({ eventIds: first.eventIds, duplicates: 3, entry: undefined });
    expect(draft({ ...delivery, deliveryId: 'd2' }, desk).duplicates).toBe(0);
  });

  test('are each their own where the delivery has no name', () => {
    const desk = open();
    const ids = [1, 2].flatMap(() => draft(lines('one', [{ v: 1 }, { v: 1 }]), desk).eventIds);
    expect(new Set(ids).size).toBe(4);
  });
});
