import { createHash, createHmac } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalize, eventId } from '@tidemark/proof';
import fc from 'fast-check';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { IntakeError } from '../../src/intake/errors.ts';
import type { Delivery, Draft } from '../../src/intake/intake.ts';
import { compileRedaction, hashesFields } from '../../src/intake/redaction.ts';
import { type JsonObject, parseJson } from '../../src/json/parse.ts';
import type { MappingPolicy } from '../../src/normalize/policy.ts';
import { bare, checkNumbering, Desk, eventsOf, lines } from '../support/arrivals.ts';
import { Directories } from '../support/directories.ts';
import { sourceOf } from '../support/node.ts';

const directories = new Directories();
afterAll(() => directories.remove());
let desk: Desk | undefined;
afterEach(() => {
  desk?.close();
  desk = undefined;
});

const KEY = new Uint8Array(32).fill(5);
const hmac = (text: string, key = KEY) => `hmac-sha256:${createHmac('sha256', key).update(text).digest('hex')}`;
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** The bytes that are journaled of an event. */
function redacted(event: object | string, policy: MappingPolicy): string | undefined {
  const text = typeof event === 'string' ? event : JSON.stringify(event);
  return compileRedaction(policy, KEY)?.apply(parseJson(text) as JsonObject);
}

describe('redact', () => {
  test('takes out members, wherever they are, and leaves the rest in canonical form', () => {
    const event = { z: 1, a: { ssn: '123', b: [{ ssn: '1', n: 2 }] }, ssn: '9', 'dotted.name': 3 };
    expect(redacted(event, { redact: ['ssn'] })).toBe(
      '{"a":{"b":[{"n":2,"ssn":"1"}],"ssn":"123"},"dotted.name":3,"z":1}',
    );
    expect(redacted(event, { redact: ['a.b.0.ssn', 'a.ssn', 'dotted\\.name'] })).toBe(
      '{"a":{"b":[{"n":2}]},"ssn":"9","z":1}',
    );
    expect(redacted(event, { redact: ['a'] })).toBe('{"dotted.name":3,"ssn":"9","z":1}');
  });

  test('leaves null in place of an item, so that paths to the others still mean the same', () => {
    expect(redacted({ a: [1, 2, 3] }, { redact: ['a.0', 'a.2'] })).toBe('{"a":[null,2,null]}');
    expect(redacted({ a: [1] }, { redact: ['a.1', 'a.01', 'a.-1', 'a.length'] })).toBe('{"a":[1]}');
  });

  test('knows a name however it is written, and every time it is', () => {
    expect(redacted('{"\\u0073sn":"1","ssn":"2","x":1}', { redact: ['ssn'] })).toBe('{"x":1}');
    expect(redacted('{"__proto__":{"ssn":"1","x":2}}', { redact: ['__proto__.ssn'] })).toBe('{"__proto__":{"x":2}}');
    expect(redacted('{"__proto__":"p","x":2}', { redact: ['__proto__'] })).toBe('{"x":2}');
    expect(redacted('{"toString":1,"x":2}', { redact: ['toString', 'constructor.name'] })).toBe('{"x":2}');
  });

  test('passes by what is not there', () => {
    const event = '{"a":"text","b":null,"n":12345678901234567890}';
    for (const path of ['c', 'a.b', 'a.0', 'b.x', 'n.x', 'a.length', 'n.source']) {
      expect(redacted(event, { redact: [path] })).toBe(event);
    }
  });
});

describe('hash', () => {
  test('puts the keyed hash of the canonical text in the place of a value of any kind', () => {
    const event = '{"a":"alice","o":{"z":1.0,"a":[true]},"t":[1e2],"f":false,"n":7}';
    expect(JSON.parse(redacted(event, { hash: ['a', 'o', 't', 'f', 'n'] })!)).toEqual({
      a: hmac('"alice"'),
      o: hmac('{"a":[true],"z":1}'),
      t: hmac('[100]'),
      f: hmac('false'),
      n: hmac('7'),
    });
    expect(redacted({ t: ['x', 'y'] }, { hash: ['t.1'] })).toBe(`{"t":["x","${hmac('"y"')}"]}`);
    expect(redacted('{"__proto__":"p"}', { hash: ['__proto__'] })).toBe(`{"__proto__":"${hmac('"p"')}"}`);
  });

  test('tells apart numbers that a double does not', () => {
    const [one, other] = ['9007199254740993', '9007199254740992'];
    expect(redacted(`{"n":${one}}`, { hash: ['n'] })).toBe(`{"n":"${hmac(one)}"}`);
    expect(hmac(one)).not.toBe(hmac(other));
  });

  test('leaves null and what is not there', () => {
    expect(redacted({ a: null, b: 1 }, { hash: ['a', 'c', 'b.c'] })).toBe('{"a":null,"b":1}');
  });

  test('takes what a sender calls a hash for a value like any other', () => {
    const claimed = hmac('"alice"');
    expect(redacted({ a: claimed }, { hash: ['a'] })).toBe(`{"a":"${hmac(JSON.stringify(claimed))}"}`);
  });

  test('does not go without a key', () => {
    const missing = expect.objectContaining({ name: 'KeyError', code: 'key-missing' });
    expect(() => compileRedaction({ hash: ['a'] }, undefined)).toThrow(missing);
    expect(compileRedaction({ redact: ['a'] }, undefined)).toBeDefined();
  });
});

test('a policy with neither takes events as they come', () => {
  for (const policy of [{}, { redact: [], hash: [] }, { required: ['a'] }, { pii: { mask: [] } }]) {
    expect(compileRedaction(policy, KEY)).toBeUndefined();
  }
});

describe('of events that are marked', () => {
  const policy: MappingPolicy = { pii: { redact: ['name'], hash: ['mail'], mask: ['text', 'chat', 'list.0'] } };
  const person = { name: 'Alice', mail: 'a@b.co', text: 'Ask a@b.co, it is 10.', n: 1 };

  test('values are taken out, hashed and masked', () => {
    expect(JSON.parse(redacted({ ...person, pii: true }, policy)!)).toEqual({
      ...{ pii: true, mail: hmac('"a@b.co"'), text: 'Ask [email], it is 10.', n: 1 },
    });
  });

  test('all texts within an object or a list are masked, and nothing else there', () => {
    const chat = [{ by: '+1 415 555 0132', 'a@b.co': { at: 4155550132, ok: true, none: null } }, ['192.0.2.1', 'x']];
    const masked = [{ by: '[phone]', 'a@b.co': { at: 4155550132, ok: true, none: null } }, ['[ip]', 'x']];
    expect(JSON.parse(redacted({ pii: true, chat, list: ['a@b.co', 'a@b.co'] }, policy)!)).toEqual({
      ...{ pii: true, chat: masked, list: ['[email]', 'a@b.co'] },
    });
    const text = '{"chat":{"__proto__":"a@b.co","n":12345678901234567890},"pii":true}';
    expect(redacted(text, policy)).toBe(text.replace('a@b.co', '[email]'));
  });

  test.each([
    ['at the top', { pii: true }],
    ['in the metadata', { metadata: { pii: true } }],
    ['in one of both', { pii: false, metadata: { pii: true } }],
  ])('a mark may be %s', (_, mark) => {
    const redaction = compileRedaction(policy, KEY)!;
    expect(redaction.concerns(mark)).toBe(true);
    expect(redacted({ ...mark, text: 'a@b.co' }, policy)).toContain('[email]');
  });

  test.each([
    {},
    { pii: false },
    { pii: 'true' },
    { pii: 1 },
    { pii: [true] },
    { pii: { pii: true } },
    { metadata: true },
    { metadata: [true] },
    { metadata: 'pii' },
    { metadata: { pii: 'true' } },
    { metadata: { metadata: { pii: true } } },
    { data: { pii: true } },
  ])('%j is none', (mark) => {
    expect(compileRedaction(policy, KEY)?.concerns(mark)).toBe(false);
    const event = { ...mark, ...person };
    expect(redacted(event, policy)).toBe(canonicalize(event));
  });

  test('a mark holds though the policy takes it out', () => {
    const hiding: MappingPolicy = { redact: ['metadata'], pii: { redact: ['pii'], mask: ['text'] } };
    expect(redacted({ metadata: { pii: true }, pii: 1, text: 'a@b.co' }, hiding)).toBe('{"text":"[email]"}');
  });

  test('what holds for all events holds for the others, too', () => {
    const both: MappingPolicy = { redact: ['ssn'], pii: { mask: ['text'] } };
    const event = { ssn: '078-05-1120', text: 'a@b.co' };
    expect(compileRedaction(both, KEY)?.concerns(event)).toBe(true);
    expect(redacted(event, both)).toBe('{"text":"a@b.co"}');
    expect(redacted({ ...event, pii: true }, both)).toBe('{"pii":true,"text":"[email]"}');
  });

  test('a policy that hashes theirs needs the key of its source', () => {
    const missing = expect.objectContaining({ name: 'KeyError', code: 'key-missing' });
    expect(() => compileRedaction({ pii: { hash: ['a'] } }, undefined)).toThrow(missing);
    expect(compileRedaction({ pii: { mask: ['a'] } }, undefined)).toBeDefined();
    expect([{ pii: { hash: ['a'] } }, { pii: { mask: ['a'] } }, { hash: ['a'] }, {}].map(hashesFields)).toEqual([
      ...[true, false, true, false],
    ]);
  });
});

describe('numbers', () => {
  test('that no double holds keep their digits', () => {
    const text = '{"big":123456789012345678901,"deep":[{"huge":1e400}],"ssn":1}';
    expect(redacted(text, { redact: ['ssn'] })).toBe('{"big":123456789012345678901,"deep":[{"huge":1e400}]}');
  });

  test('that a double holds are not taken for one that it does not when they are read again', () => {
    const text = '{"a":1e20,"b":[-1e+16],"c":1e21,"d":9007199254740992.0,"e":9007199254740991,"__proto__":2e19}';
    const kept = redacted(text, { redact: ['ssn'] })!;
    expect(kept).toBe(
      '{"__proto__":2e+19,"a":1e+20,"b":[-1e+16],"c":1e+21,"d":9.007199254740992e+15,"e":9007199254740991}',
    );
    expect(parseJson(kept)).toEqual(parseJson(text));
  });
});

test('whatever the event, the named values and nothing else are gone, and once is enough', () => {
  const policy = { redact: ['secret', 'a.b'], hash: ['c'] };
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom('secret', 'a', 'c', 'd', '__proto__'), fc.jsonValue()), (event) => {
      const source = JSON.parse(JSON.stringify(event)) as Record<string, unknown>;
      const result = JSON.parse(redacted(source, policy)!) as Record<string, unknown>;
      const expected = structuredClone(source);
      delete expected.secret;
      const { a, c } = expected;
      if (Array.isArray(a) === false && typeof a === 'object' && a !== null) delete (a as { b?: unknown }).b;
      if (c !== undefined && c !== null) expected.c = hmac(canonicalize(c));
      expect(canonicalize(result)).toBe(canonicalize(expected));
      const again = redacted(result, { redact: policy.redact });
      expect(again).toBe(canonicalize(result));
    }),
  );
});

const POLICY: MappingPolicy = { redact: ['ssn'], hash: ['email'] };
const SOURCES = [
  sourceOf('people', { policy: POLICY }),
  sourceOf('guests', { policy: POLICY }),
  sourceOf('hashed-ids', { policy: { hash: ['id'] } }),
  sourceOf('nameless', { policy: POLICY, dedup: 'content' }),
  sourceOf('texts', { policy: { pii: { mask: ['text'], hash: ['id'] } } }),
  sourceOf('default'),
];
const KEYS = new Map(SOURCES.map(({ id }, index) => [id, new Uint8Array(32).fill(index + 1)]));

function open(): Desk {
  desk = new Desk(directories.next(), { sources: SOURCES, hashKeys: KEYS });
  return desk;
}

function accept(at: Desk, delivery: Delivery): Draft {
  const [outcome] = at.accept([delivery]);
  if (outcome instanceof IntakeError) throw outcome;
  return outcome!;
}

const journaled = (at: Desk) => at.entries().flatMap(eventsOf);

describe('at intake', () => {
  test('the redacted event is what is journaled, hashed and named', () => {
    const at = open();
    const [text] = [`{"email":"${hmac('"a@b"', KEYS.get('people'))}","id":"p1","v":1}`];
    accept(at, lines('people', [{ v: 1, ssn: '123-45', id: 'p1', email: 'a@b' }]));
    expect(journaled(at).map((event) => event.text)).toEqual([text]);
    expect(at.entries()[0]!.events.rawHash(0)).toBe(sha256(text));
    expect(journaled(at)[0]!.id).toBe(eventId('people', 'p1'));
  });

  test('an id that is hashed names the event by its hash alone', () => {
    const at = open();
    const { eventIds } = accept(at, lines('hashed-ids', [{ id: 'alice' }, { id: null, v: 1 }]));
    expect(eventIds[0]).toBe(eventId('hashed-ids', hmac('"alice"', KEYS.get('hashed-ids'))));
    expect(eventIds[0]).not.toBe(eventId('hashed-ids', 'alice'));
  });

  test('a masked event is what is journaled, hashed and named', () => {
    const at = open();
    const id = hmac('"alice"', KEYS.get('texts'));
    const text = `{"id":"${id}","pii":true,"text":"Write to [email]"}`;
    const events = ['a@b.co', 'c@d.co'].map((mail) => ({ text: `Write to ${mail}`, pii: true, id: 'alice' }));
    expect(accept(at, lines('texts', [...events, { text: 'a@b.co', id: 'alice' }]))).toMatchObject({ duplicates: 1 });
    expect(journaled(at).map((event) => [event.id, JSON.parse(event.text)])).toEqual([
      [eventId('texts', id), JSON.parse(text)],
      [eventId('texts', 'alice'), { id: 'alice', text: 'a@b.co' }],
    ]);
    expect(journaled(at)[0]!.text).toBe(text);
    expect(at.entries()[0]!.events.rawHash(0)).toBe(sha256(text));
  });

  test('where its content names an event, that is what is left of it', () => {
    const at = open();
    const { eventIds } = accept(
      at,
      lines('nameless', [
        { ssn: '1', v: 1 },
        { ssn: '2', v: 1 },
      ]),
    );
    expect(eventIds).toEqual(Array(2).fill(eventId('nameless', sha256('{"v":1}'))));
    expect(journaled(at)).toHaveLength(1);
  });

  test('events that differ in what is redacted alone are duplicates, others are revisions', () => {
    const at = open();
    const first = accept(at, lines('people', [{ id: 1, ssn: '1', email: 'a', v: 1 }]));
    const second = accept(
      at,
      lines('people', [
        { v: 1, email: 'a', id: 1, ssn: '2' },
        { id: 1, email: 'a', v: 1 },
        { id: 1, ssn: '1', email: 'b', v: 1 },
      ]),
    );
    expect(second).toMatchObject({ duplicates: 2, eventIds: Array(3).fill(first.eventIds[0]) });
    expect(journaled(at).map(({ supersedes }) => supersedes)).toEqual([undefined, 1]);
  });

  test('the same value has another hash in another source', () => {
    const at = open();
    accept(at, lines('people', [{ id: 1, email: 'a' }]));
    accept(at, lines('guests', [{ id: 1, email: 'a' }]));
    const [mine, theirs] = journaled(at).map(({ text }) => (JSON.parse(text) as { email: string }).email);
    expect(mine).toBe(hmac('"a"', KEYS.get('people')));
    expect(theirs).toBe(hmac('"a"', KEYS.get('guests')));
  });

  test('CSV rows and JSON arrays go the same way', () => {
    const at = open();
    accept(at, { ...bare('csv', 'id,ssn,email\n7,123,a\n'), sourceId: 'people' });
    accept(at, bare('json', '{"sourceId":"people","events":[ {"ssn" : "1", "id":8} ]}'));
    const email = hmac('"a"', KEYS.get('people'));
    expect(journaled(at).map(({ text }) => text)).toEqual([`{"email":"${email}","id":"7"}`, '{"id":8}']);
  });

  test('the limit on an event holds for what came in', () => {
    const at = open();
    const long = { id: 1, ssn: 'x'.repeat(4096) };
    expect(() => accept(at, lines('people', [long]))).toThrow(
      expect.objectContaining({ rejected: [expect.objectContaining({ error: 'event-too-large' })] }),
    );
    // 4 characters that become 16.
    const growing = `{"id":2,"n":[${Array(500).fill('9e15').join(',')}]}`;
    accept(at, lines('people', [growing, { id: 3 }]));
    expect(journaled(at)[0]!.text).toBe(canonicalize(JSON.parse(growing)));
    expect(journaled(at)[0]!.text.length).toBeGreaterThan(3 * growing.length);
    expect(journaled(at)[1]!.text).toBe('{"id":3}');
  });

  test('events that grow are still found as duplicates within their own delivery', () => {
    const at = open();
    const events = Array.from({ length: 300 }, (_, n) => ({ id: n % 100, email: `e${n % 100}` }));
    expect(accept(at, lines('people', events))).toMatchObject({ duplicates: 200 });
    expect(journaled(at)).toHaveLength(100);
    checkNumbering(at);
  });

  test('other sources keep their bytes as they came', () => {
    const at = open();
    accept(at, lines('default', ['{ "ssn" : "1", "id": 1 }']));
    expect(journaled(at)[0]!.text).toBe('{ "ssn" : "1", "id": 1 }');
  });
});

describe('a refusal', () => {
  const SECRET = '078-05-1120';

  test.each([
    ['json-malformed', `{"id":1,"ssn":"${SECRET}"; "x":1}`],
    ['json-malformed', `{"id":1,"ssn":${SECRET}}`],
    ['json-malformed', `{"id":1,"ssn":"${SECRET}","x":?}`],
    ['json-malformed', `${SECRET}`],
    ['json-malformed', `{"id":1,"ssn":"${SECRET}`],
    ['not-well-formed', `{"id":1,"ssn":"${SECRET}\\ud800"}`],
    ['not-an-object', `["${SECRET}"]`],
    ['id-invalid', `{"id":["${SECRET}"],"ssn":"${SECRET}"}`],
  ])('%s does not repeat what came: %s', (error, text) => {
    const [outcome] = open().accept([lines('people', [text])]);
    expect(outcome).toMatchObject({ rejected: [{ index: 0, error }] });
    const { rejected, hint } = outcome as IntakeError;
    expect(JSON.stringify([rejected, hint])).not.toMatch(/078|1120/);
  });

  test.each([
    [`id,ssn\n1,${SECRET}"x"\n`, 'invalid opening quote, in line 2'],
    [`id,ssn\n1,"${SECRET}"x\n`, 'invalid closing quote, in line 2'],
    [`id,ssn\n1,"${SECRET}\n`, 'quote not closed, in line 2'],
  ])('of CSV neither: %j', (body, why) => {
    const [outcome] = open().accept([{ ...bare('csv', body), sourceId: 'people' }]);
    expect(outcome).toMatchObject({ code: 'body-malformed', hint: `not valid CSV: ${why}` });
  });

  test('leaves nothing on the disk', () => {
    const dir = directories.next();
    desk = new Desk(dir, { sources: SOURCES, hashKeys: KEYS });
    const bad = [`{"id":1,"ssn":"${SECRET}"`, `{"id":true,"ssn":"${SECRET}"}`];
    accept(desk, lines('people', [{ id: 1, ssn: SECRET, email: SECRET }, ...bad]));
    desk.close();
    desk = undefined;
    for (const file of readdirSync(dir, { recursive: true, withFileTypes: true })) {
      if (file.isFile()) expect(readFileSync(join(file.parentPath, file.name)).includes(SECRET)).toBe(false);
    }
  });
});
