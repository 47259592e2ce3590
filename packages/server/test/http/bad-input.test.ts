/** Whatever comes in, the answer is a clear 4xx, and the next good event is certified as if nothing had been. */
import { randomBytes } from 'node:crypto';
import { verifyProof } from '@tidemark/proof';
import { describe, expect, it } from 'vitest';
import { CSV, expectNoTraces, JSON_TYPE, MIB, NDJSON, nested, type Row, useAbusedServer } from './abuse.ts';
import { type Call, exchange, get, ingest } from './client.ts';
import { eventually, settled } from './server.ts';

const abused = useAbusedServer();
const { server, expectProblem, metric, open } = abused;

describe('what is no list of events', () => {
  it.each<Row>([
    ['an empty body', '', JSON_TYPE, 400, 'body-malformed'],
    ['white space', ' \n', JSON_TYPE, 400, 'body-malformed'],
    ['an open brace', '{', JSON_TYPE, 400, 'body-malformed'],
    ['a body that ends in the list', '{"events":[{"id":1}', JSON_TYPE, 400, 'body-malformed'],
    ['a body that ends in a string', '{"events":[{"id":"1', JSON_TYPE, 400, 'body-malformed'],
    ['a list after its end', '{"events":[]} x', JSON_TYPE, 400, 'body-malformed'],
    ['a list with a comma too many', '{"events":[{"id":1},]}', JSON_TYPE, 400, 'body-malformed'],
    ['a list with a comma too few', '{"events":[{"id":1}{"id":2}]}', JSON_TYPE, 400, 'body-malformed'],
    ['brackets that cross', '{"events":[{"id":1]}', JSON_TYPE, 400, 'body-malformed'],
    ['a bare word', '{"events":[],"x":yes}', JSON_TYPE, 400, 'body-malformed'],
    ['single quotes', "{'events':[]}", JSON_TYPE, 400, 'body-malformed'],
    ['zeros', Buffer.alloc(100), JSON_TYPE, 400, 'body-malformed'],
    ['random bytes', randomBytes(10_000), JSON_TYPE, 400, 'body-malformed'],
    ['UTF-16', Buffer.from('{"events":[{"id":1}]}', 'utf16le'), JSON_TYPE, 400, 'body-malformed'],
    ['a list alone', '[{"id":1}]', JSON_TYPE, 400, 'bad-request'],
    ['an object without events', '{}', JSON_TYPE, 400, 'bad-request'],
    ['null for events', '{"events":null}', JSON_TYPE, 400, 'bad-request'],
    ['an object for events', '{"events":{"id":1}}', JSON_TYPE, 400, 'bad-request'],
    ['text for events', '{"events":"[]"}', JSON_TYPE, 400, 'bad-request'],
    ['a number for the source', '{"sourceId":5,"events":[]}', JSON_TYPE, 400, 'bad-request'],
    ['a source that is not there', '{"sourceId":"nobody","events":[]}', JSON_TYPE, 404, 'source-not-found-or-disabled'],
    ['10,000 lists in each other', nested(10_000), JSON_TYPE, 400, 'bad-request'],
    ['5,000,000 lists beside the events', `{"x":${nested(5e6)},"events":[]}`, JSON_TYPE, 400, 'body-malformed'],
    ['a name of a megabyte', `{"${'n'.repeat(MIB)}":1,"events":[]}`, JSON_TYPE, 400, 'body-malformed'],
    ['an empty CSV', '', CSV, 400, 'body-malformed'],
    ['a CSV that is no UTF-8', Buffer.from('id,t\n1,\xff\n', 'latin1'), CSV, 400, 'body-malformed'],
    ['a CSV with an open quote', 'id,t\n"1,2\n', CSV, 400, 'body-malformed'],
    ['CSV columns of one name', 'id,id\n1,2\n', CSV, 400, 'body-malformed'],
    ['CSV columns without names', 'id,\n1,2\n', CSV, 400, 'body-malformed'],
    ['a CSV of 1,001 columns', `${Array.from({ length: 1001 }, (_, i) => `c${i}`)}\n`, CSV, 400, 'body-malformed'],
  ])('%s', async (...row) => {
    await expectProblem(row);
  });
});

describe('lists without one good event', () => {
  const only = (event: string) => `{"events":[${event}]}`;
  const big = `{"id":"big","x":"${'x'.repeat(MIB)}"}`;
  const rows: [what: string, body: Call['body'], headers: Record<string, string>, error: string][] = [
    ['a number', only('17'), JSON_TYPE, 'not-an-object'],
    ['null', only('null'), JSON_TYPE, 'not-an-object'],
    ['a list', only('[{"id":1}]'), JSON_TYPE, 'not-an-object'],
    ['an object for the id', only('{"id":{}}'), JSON_TYPE, 'id-invalid'],
    ['true for the id', only('{"id":true}'), JSON_TYPE, 'id-invalid'],
    ['an empty id', only('{"id":""}'), JSON_TYPE, 'id-invalid'],
    ['a fraction for the id', only('{"id":1.5}'), JSON_TYPE, 'id-invalid'],
    ['an id past 2^53', only('{"id":9007199254740992}'), JSON_TYPE, 'id-invalid'],
    ['an id of 1,025 characters', only(`{"id":"${'i'.repeat(1025)}"}`), JSON_TYPE, 'id-invalid'],
    ['half a surrogate pair', only('{"id":"\\ud83d"}'), JSON_TYPE, 'not-well-formed'],
    ['half a surrogate pair in a name', only('{"\\udc00":1}'), JSON_TYPE, 'not-well-formed'],
    ['depth 10,000', only(`{"id":"deep","x":${nested(10_000)}}`), JSON_TYPE, 'too-deep'],
    ['depth 10,000 as a line', `{"id":"deep","x":${nested(10_000)}}`, NDJSON, 'too-deep'],
    ['depth 5,000,000', only(`{"x":${nested(5e6)}}`), JSON_TYPE, 'event-too-large'],
    ['more than a mebibyte', only(big), JSON_TYPE, 'event-too-large'],
    ['a CSV row too long', 'id,t\n1,2,3\n', CSV, 'row-malformed'],
    ['a CSV row too short', 'id,t\n1\n', CSV, 'row-malformed'],
    ['a CSV row of more than a mebibyte', `id,x\n1,${'x'.repeat(MIB)}\n`, CSV, 'event-too-large'],
    ['bytes that are no UTF-8', Buffer.from('{"events":[{"id":"\xff"}]}', 'latin1'), JSON_TYPE, 'not-utf8'],
    ['an overlong form', Buffer.from('{"id":"\xc0\xaf"}', 'latin1'), NDJSON, 'not-utf8'],
    ['an encoded surrogate', Buffer.from('{"id":"\xed\xa0\x80"}', 'latin1'), NDJSON, 'not-utf8'],
    ['a bare word', only('yes'), JSON_TYPE, 'json-malformed'],
    ['NaN', only('{"id":"nan","x":NaN}'), JSON_TYPE, 'json-malformed'],
    ['a raw line break in text', only('{"id":"a\nb"}'), JSON_TYPE, 'json-malformed'],
    ['two values in a line', '{"id":1}{"id":2}', NDJSON, 'json-malformed'],
  ];
  it.each(rows)('%s', async (_what, body, headers, error) => {
    const { rejected } = await expectProblem(['', body, headers, 400, 'no-valid-events']);
    expect(rejected).toEqual([{ index: 0, error, hint: expect.any(String) }]);
  });

  it('an event that is too large takes no neighbour with it', async () => {
    const { status, body } = await ingest(server.url, `{"events":[{"id":"b0"},${big},{"id":"b2"}]}`, JSON_TYPE);
    expect([status, body.count, body.rejected[0].error]).toEqual([200, 2, 'event-too-large']);
    for (const id of body.inserted) expect((await settled(server.url, id)).status).toBe('certified');
  });
});

describe('what is odd and still an event', () => {
  it('__proto__ is a member like any other', async () => {
    const { body } = await ingest(server.url, '{"id":"proto","__proto__":{"polluted":1}}', NDJSON);
    const event = await settled(server.url, body.inserted[0]);
    expect(event.status).toBe('certified');
    for (const value of [event.raw, event.normalized]) {
      expect(Object.entries(value)).toContainEqual(['__proto__', { polluted: 1 }]);
    }
  });

  it('an event as deep as it may be is certified, and one level more is refused', async () => {
    const deep = (id: string, depth: number) => `{"id":"${id}","x":${nested(depth - 1)}}`;
    const { body } = await ingest(server.url, `${deep('deepest', 60)}\n${deep('too deep', 61)}\n`, NDJSON);
    expect(body).toMatchObject({ count: 1, rejected: [{ index: 1, error: 'too-deep' }] });
    expect((await settled(server.url, body.inserted[0])).status).toBe('certified');
    const { body: proof } = await get(server.url, `/ingest/events/${body.inserted[0]}/proof`);
    expect(verifyProof(proof, { dev: true })).toMatchObject({ valid: true });
  });

  it('an integer that no double holds is refused from the payload, and passes as text', async () => {
    const lines = '{"id":"unsafe","n":12345678901234567890}\n{"id":"text","n":"12345678901234567890"}\n';
    const { body } = await ingest(server.url, lines, NDJSON);
    const [unsafe, text] = [await settled(server.url, body.inserted[0]), await settled(server.url, body.inserted[1])];
    expect([unsafe.status, unsafe.lastError]).toEqual(['quarantined', 'number-unsafe:n']);
    expect([text.status, text.normalized.n]).toEqual(['certified', '12345678901234567890']);
  });
});

describe('headers', () => {
  it.each<Row>([
    ['no type', '{"events":[]}', {}, 415, 'unsupported-media-type'],
    ['a type that is not taken', '<events/>', { 'content-type': 'application/xml' }, 415, 'unsupported-media-type'],
    ['a form', 'events=1', { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'unsupported-media-type'],
    ['a type that is none', '{"events":[]}', { 'content-type': 'garbage' }, 415, 'unsupported-media-type'],
    ['constructor for a type', '{"events":[]}', { 'content-type': 'constructor' }, 415, 'unsupported-media-type'],
    ['a key that is too long', '{}', { ...NDJSON, 'idempotency-key': 'k'.repeat(257) }, 400, 'bad-request'],
    ['a source id that is too long', '{}', { ...NDJSON, 'x-source-id': 's'.repeat(257) }, 400, 'bad-request'],
  ])('%s', async (...row) => {
    await expectProblem(row);
  });
});

describe('broken HTTP', () => {
  const head = 'POST /ingest/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';
  it.each([
    ['no request at all', 'hello\r\n\r\n', 400, 'bad-request'],
    [
      'a body cut off before its length',
      `${head}content-length: 100\r\n\r\n{"events":[{"id":"lost"}`,
      400,
      'bad-request',
    ],
    ['a body cut off in a chunk', `${head}transfer-encoding: chunked\r\n\r\n20\r\n{"events":`, 400, 'bad-request'],
    ['a chunk of no length', `${head}transfer-encoding: chunked\r\n\r\nxyz\r\n`, 400, 'bad-request'],
    ['a negative length', `${head}content-length: -1\r\n\r\n`, 400, 'bad-request'],
    ['two lengths', `${head}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`, 400, 'bad-request'],
    [
      'a length and chunks',
      `${head}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
      'bad-request',
    ],
    ['headers of 20 kB', `${head}x: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'headers-too-large'],
  ])('%s', async (_what, bytes, status, error) => {
    const [headers, body] = (await exchange(server.url, bytes)).split('\r\n\r\n');
    expect(headers).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(headers).toMatch(/^content-type: application\/problem\+json/im);
    expect(JSON.parse(body!)).toMatchObject({ status, error });
  });

  it('a client that goes away in the middle leaves nothing behind', async () => {
    for (const bytes of ['{"events":[{"id":"gone"}', '']) {
      const socket = open(['content-type: application/json', 'content-length: 1000']);
      await new Promise((resolve) => socket.write(bytes, resolve));
      socket.resetAndDestroy();
    }
    await eventually(async () => expect(await metric('tidemark_bodies_in_flight_bytes')).toBe(0));
    expect((await get(server.url, '/ingest/feed?limit=1000')).text).not.toContain('"gone"');
  });
});

expectNoTraces(abused);
