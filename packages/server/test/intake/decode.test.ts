import { describe, expect, test } from 'vitest';
import { decode, type Format } from '../../src/intake/decode.ts';
import { Unreadable } from '../../src/intake/decoded.ts';
import type { IntakeCode } from '../../src/intake/errors.ts';

const read = (format: Format, body: string | Buffer, max = 100) => decode(format, Buffer.from(body), max);
const items = (format: Format, body: string | Buffer, max = 100) => read(format, body, max).items.map(String);
const refused = (code: IntakeCode) => expect.objectContaining({ name: 'IntakeError', code });

describe('ndjson', () => {
  test.each<[string, string[]]>([
    ['', []],
    ['\n\n\r\n', []],
    ['{"a":1}', ['{"a":1}']],
    ['{"a":1}\n', ['{"a":1}']],
    ['{"a":1}\r\n{"b":2}\r\n', ['{"a":1}', '{"b":2}']],
    ['\n{"a":1}\n\n\r\n{"b":2}', ['{"a":1}', '{"b":2}']],
    ['  {"a": "€ 🚀"}\t \n{"b":2} \r\n', ['  {"a": "€ 🚀"}\t ', '{"b":2} ']],
    ['{"a":\r1}\r\r\n', ['{"a":\r1}\r']],
    ['\ufeff{"a":1}\n\ufeff{"b":2}', ['{"a":1}', '\ufeff{"b":2}']],
    ['not json\n{"b":2}', ['not json', '{"b":2}']],
  ])('%j', (body, expected) => {
    expect(items('ndjson', body)).toEqual(expected);
  });

  test('bytes that are no UTF-8 stay as they came', () => {
    const body = Buffer.from([0x7b, 0xff, 0x7d, 0x0a, 0xfe]);
    expect(read('ndjson', body).items).toEqual([body.subarray(0, 3), body.subarray(4)]);
  });

  test('one event too many', () => {
    expect(items('ndjson', '1\n2\n3\n\n', 3)).toEqual(['1', '2', '3']);
    expect(() => read('ndjson', '1\n2\n3\n4', 3)).toThrow(refused('too-many-events'));
  });
});

describe('json', () => {
  const json = (body: string, max?: number) => items('json', body, max);

  test.each<[string, string[]]>([
    ['{"events":[]}', []],
    [' { "events" : [ ] } \n', []],
    ['{"events":[{"a":1},{"b":2}]}', ['{"a":1}', '{"b":2}']],
    ['{"events":[ {"a": [1, {"b": "]}"}]} ,\n\t{"c":2}\r\n]}', ['{"a": [1, {"b": "]}"}]}', '{"c":2}']],
    ['{"events":["a\\"]",7,null,[[],{}],-1.5e3,true]}', ['"a\\"]"', '7', 'null', '[[],{}]', '-1.5e3', 'true']],
    ['{"events":["\\\\","\\\\\\"",""]}', ['"\\\\"', '"\\\\\\""', '""']],
    ['{"events":[{"a":"€ 🚀\\u20ac"}]}', ['{"a":"€ 🚀\\u20ac"}']],
    ['\ufeff{"events":[1]}', ['1']],
    ['{"other":{"events":[1,2]},"events":[3],"more":"]"}', ['3']],
    ['{"\\u0065vents":[3]}', ['3']],
  ])('%s', (body, expected) => {
    expect(json(body)).toEqual(expected);
  });

  test('names its source before the events or after', () => {
    expect(read('json', '{"sourceId":"one","events":[]}').sourceId).toBe('one');
    expect(read('json', '{"events":[],"sourceId":"\\u006fne"}').sourceId).toBe('one');
    expect(read('json', '{"events":[]}').sourceId).toBeUndefined();
  });

  test.each([
    '{"events":[{"a":1]},{"b":2}]}',
    '{"events":[{"a":}]}',
    '{"events":[nul,{"b":2}]}',
    '{"events":[{"a":1 "b"}]}',
  ])('the slices of %s show what is wrong, or the frame does', (body) => {
    expect(() => {
      for (const item of json(body)) JSON.parse(item);
    }).toThrow();
  });

  test('a malformed element spoils only itself', () => {
    expect(json('{"events":[{"a":},nul,{"b":2}]}')).toEqual(['{"a":}', 'nul', '{"b":2}']);
  });

  test.each([
    '',
    ' ',
    '{',
    '"events"',
    '{"events":[]',
    '{"events":[1,]}',
    '{"events":[,1]}',
    '{"events":[1 2]}',
    '{"events":[1]} x',
    '{"events":[1]}{}',
    '{"events":[{"a":1}}',
    '{"events":["a]}',
    '{"events":["a\\"]}',
    '{"events" [1]}',
    '{"events":[1],}',
    '{"events":[1] "a":2}',
    '{events:[1]}',
    '{7:1,"events":[1]}',
    '{["x"]:1,"events":[1]}',
    '{"a":nul,"events":[1]}',
    '{"a":,"events":[1]}',
    '{"a","events":[1]}',
    "{'events':[1]}",
  ])('the frame %s is malformed', (body) => {
    expect(() => json(body)).toThrow(refused('body-malformed'));
  });

  test.each([
    '{}',
    '[]',
    '[{"events":[]}]',
    '{"sourceId":"one"}',
    '{"Events":[]}',
    '{"events":{}}',
    '{"events":[1],"events":[2]}',
    '{"sourceId":"one","events":[1],"sourceId":"two"}',
    '{"events":null}',
    '{"sourceId":7,"events":[]}',
  ])('%s is a bad request', (body) => {
    expect(() => json(body)).toThrow(refused('bad-request'));
  });

  test('one event too many is refused before it is looked at', () => {
    expect(json('{"events":[1,2,3]}', 3)).toEqual(['1', '2', '3']);
    expect(() => json('{"events":[1,2,3,{]}', 3)).toThrow(refused('too-many-events'));
  });

  test('brackets and backslashes by the hundred thousand', () => {
    const nested = '['.repeat(200_000) + ']'.repeat(200_000);
    const escapes = `"${'\\\\\\"'.repeat(200_000)}"`;
    expect(json(`{"events":[${nested},${escapes}]}`)).toEqual([nested, escapes]);
  });
});

describe('csv', () => {
  const csv = (body: string | Buffer, max?: number) => items('csv', body, max);

  test.each<[string, string[]]>([
    ['id,t\n1,21.5\n', ['{"id":"1","t":"21.5"}']],
    ['t,id\r\n21.5,1\r\n22,2', ['{"id":"1","t":"21.5"}', '{"id":"2","t":"22"}']],
    ['\ufeffid\n1', ['{"id":"1"}']],
    ['id\n\n1\n\n', ['{"id":"1"}']],
    ['id,note\n1,"a, ""b""\nc"\n2,\n', ['{"id":"1","note":"a, \\"b\\"\\nc"}', '{"id":"2","note":""}']],
    ['id,note\n1,€ 🚀\n', ['{"id":"1","note":"€ 🚀"}']],
    ['id,__proto__\n1,x\n', ['{"__proto__":"x","id":"1"}']],
    ['id,t\n', []],
  ])('%j', (body, expected) => {
    expect(csv(body)).toEqual(expected);
  });

  test('is a function of the cells, not of how they were written', () => {
    expect(csv('"id","t"\n"1","2"\n')).toEqual(csv('t,id\r\n2,1'));
  });

  test.each(['', '\n', 'id,id\n1,2', 'id,\n1,2', 'id\n"1', 'id\n"1"x'])('%j is malformed', (body) => {
    expect(() => csv(body)).toThrow(refused('body-malformed'));
  });

  test.each([
    ['id,t\n1,2\n3\n4,5\n', 1],
    ['id,t\n1,2\n3,4,5\n6,7\n', 3],
  ])('%j: a row with too few or too many cells spoils only itself', (body, cells) => {
    const [before, spoilt, after] = decode('csv', Buffer.from(body), 10).items;
    expect(before).toBeInstanceOf(Buffer);
    expect(spoilt).toEqual(new Unreadable('row-malformed', `the row has ${cells} cells, the first row names 2`));
    expect(after).toBeInstanceOf(Buffer);
  });

  test('text that is no UTF-8 is refused, not replaced', () => {
    expect(() => csv(Buffer.from('id,note\n1,caf\xe9\n', 'latin1'))).toThrow(refused('body-malformed'));
  });

  test('columns beyond a thousand', () => {
    const names = Array.from({ length: 1000 }, (_, index) => `c${index}`).join();
    expect(csv(names)).toEqual([]);
    expect(() => csv(`${names},more`)).toThrow(refused('body-malformed'));
  });

  test('one event too many', () => {
    expect(csv('id\n1\n2\n', 2)).toHaveLength(2);
    expect(() => csv('id\n1\n2\n3\n', 2)).toThrow(refused('too-many-events'));
  });
});
