import { createHash } from 'node:crypto';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { get, ingest, type Json, post } from './client.ts';
import { AT_ONCE, settled, useServer } from './server.ts';

const server = useServer({
  sources: [
    { id: 'meters' },
    { id: 'tables' },
    { id: 'keyed', secret: 'the-right-secret' },
    { id: 'closed', enabled: false },
    { id: 'same-content', dedup: 'content' },
  ],
  streams: [{ id: 'tables', publish: AT_ONCE }],
});

const JSON_TYPE = { 'content-type': 'application/json' };
const NDJSON = { 'content-type': 'application/x-ndjson' };
const CSV = { 'content-type': 'text/csv' };

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** As in `log.md`: the first 32 digits of SHA-256(JCS([source, externalId])). */
function idOf(source: string, externalId: string | number): string {
  return sha256(JSON.stringify([source, externalId])).slice(0, 32);
}

describe('JSON', () => {
  it('answers every durable event in input order, duplicates too', async () => {
    const first = await post(server.url, { events: [{ id: 'j1' }, { id: 'j2' }, { id: 'j1' }] });
    expect(first.status).toBe(200);
    expect(first.headers['content-type']).toBe('application/json; charset=utf-8');
    const [j1, j2, j3] = ['j1', 'j2', 'j3'].map((id) => idOf('default', id));
    expect(first.body).toEqual({ status: 'ok', inserted: [j1, j2, j1], count: 3, duplicates: 1, rejected: [] });
    const second = await post(server.url, { events: [{ id: 'j3' }, { id: 'j2' }] });
    expect(second.body).toEqual({ status: 'ok', inserted: [j3, j2], count: 2, duplicates: 1, rejected: [] });
  });

  it('takes the same value in other words for a duplicate, and another value for a revision', async () => {
    const texts = ['{"id":"w","t":1.0,"u":"é"}', '{ "u" : "\\u00e9", "t":1, "id":"w" }', '{"id":"w","t":2,"u":"é"}'];
    const replies = [];
    for (const text of texts) replies.push((await ingest(server.url, `{"events":[${text}]}`, JSON_TYPE)).body);
    expect(replies.map(({ duplicates }) => duplicates)).toEqual([0, 1, 0]);
    const { body } = await get(server.url, `/ingest/events/${idOf('default', 'w')}`);
    expect(body.versions.map(({ rawHash }: { rawHash: string }) => rawHash)).toEqual(
      [texts[0], texts[2]].map((t) => sha256(t!)),
    );
  });

  it('has room for anything beside the events, in any order, with white space and a byte order mark', async () => {
    const text = '\ufeff \n{ "note":{"a":["]}"]}, "events" : [ {"id":"s1"} , {"id":"s2"} ] ,"sourceId":"meters"}\n ';
    const { status, body } = await ingest(server.url, text, JSON_TYPE);
    expect([status, body.inserted]).toEqual([200, [idOf('meters', 's1'), idOf('meters', 's2')]]);
  });

  it('takes an empty list for what it is', async () => {
    const { status, body } = await post(server.url, { events: [] });
    expect([status, body]).toEqual([200, { status: 'ok', inserted: [], count: 0, duplicates: 0, rejected: [] }]);
  });

  it('names events by eventId before id, and by whole numbers as well as text', async () => {
    const { body } = await post(server.url, {
      events: [{ eventId: 'e', id: 'i' }, { id: 7 }, { id: '7' }, { id: -0 }],
    });
    expect(body.inserted).toEqual([idOf('default', 'e'), idOf('default', 7), idOf('default', '7'), idOf('default', 0)]);
  });

  it('rejects one bad event and keeps its neighbours, in their order', async () => {
    const events = '{"id":"n0"},17,{"id":"n2"},{"id":"\\ud800"},{"id":{}},{"id":"n5","x":01},{"id":"n6"}';
    const { status, body } = await ingest(server.url, `{"events":[${events}]}`, JSON_TYPE);
    expect(status).toBe(200);
    expect(body.inserted).toEqual(['n0', 'n2', 'n6'].map((id) => idOf('default', id)));
    expect(body.count).toBe(3);
    expect(body.rejected).toEqual([
      { index: 1, error: 'not-an-object', hint: expect.any(String) },
      { index: 3, error: 'not-well-formed', hint: expect.any(String) },
      { index: 4, error: 'id-invalid', hint: expect.any(String) },
      { index: 5, error: 'json-malformed', hint: expect.any(String) },
    ]);
  });
});

describe('NDJSON', () => {
  it('reads lines with LF or CRLF, blank ones and a last one without end', async () => {
    const { status, body } = await ingest(server.url, '{"id":"l1"}\r\n\n{"id":"l2"}\n\r\n{"id":"l3"}', NDJSON);
    expect([status, body.inserted]).toEqual([200, ['l1', 'l2', 'l3'].map((id) => idOf('default', id))]);
    const { evidence } = (await get(server.url, `/ingest/events/${body.inserted[0]}`)).body;
    expect(evidence[0].rawHash).toBe(sha256('{"id":"l1"}'));
  });

  it('keeps the neighbours of lines that are broken, and counts them from 0', async () => {
    const lines = [
      Buffer.from('{"id":"k0"}\n{"id":'),
      Buffer.from('\n{"id":"k2","x":"'),
      Buffer.from([0xff]),
      Buffer.from('"}\n{"id":"k3"}'),
    ];
    const { status, body } = await ingest(server.url, Buffer.concat(lines), NDJSON);
    expect([status, body.inserted]).toEqual([200, ['k0', 'k3'].map((id) => idOf('default', id))]);
    expect(body.rejected.map(({ index, error }: Json) => [index, error])).toEqual([
      [1, 'json-malformed'],
      [2, 'not-utf8'],
    ]);
  });
});

describe('CSV', () => {
  it('takes each row as an object of text, whose hash is that of its canonical JSON', async () => {
    const csv = 'id,temp,"a ""name"", quoted"\r\n1,21.5,"x, y"\n2,,"line\nbreak"\n';
    const { status, body } = await ingest(server.url, csv, CSV, '?sourceId=tables');
    expect([status, body.inserted]).toEqual([200, [idOf('tables', '1'), idOf('tables', '2')]]);
    const raws = [
      { id: '1', temp: '21.5', 'a "name", quoted': 'x, y' },
      { id: '2', temp: '', 'a "name", quoted': 'line\nbreak' },
    ];
    for (const [place, raw] of raws.entries()) {
      const event = await settled(server.url, body.inserted[place]);
      expect(event.raw).toEqual(raw);
      const canonical = JSON.stringify(Object.fromEntries(Object.entries(raw).sort(([a], [b]) => (a < b ? -1 : 1))));
      expect(event.evidence[0].rawHash).toBe(sha256(canonical));
    }
  });

  it('keeps a column named __proto__ as a column', async () => {
    const { body } = await ingest(server.url, 'id,__proto__\nproto-row,p\n', CSV);
    const { raw, normalized } = await settled(server.url, body.inserted[0]);
    for (const value of [raw, normalized]) expect(Object.entries(value)).toContainEqual(['__proto__', 'p']);
  });

  it('keeps the neighbours of a row that is too short or too long', async () => {
    const { status, body } = await ingest(server.url, 'id,t\nr1,1\nr2\nr3,3,3\nr4,4\n', CSV);
    expect([status, body.inserted]).toEqual([200, [idOf('default', 'r1'), idOf('default', 'r4')]]);
    expect(body.rejected.map(({ index, error }: Json) => [index, error])).toEqual([
      [1, 'row-malformed'],
      [2, 'row-malformed'],
    ]);
  });

  it('takes a header without rows for no events', async () => {
    const { status, body } = await ingest(server.url, 'id,temp\n', CSV);
    expect([status, body.count]).toEqual([200, 0]);
  });
});

describe('Content-Encoding', () => {
  const encoders = {
    gzip: gzipSync,
    'x-gzip': gzipSync,
    deflate: deflateSync,
    br: brotliCompressSync,
    zstd: zstdCompressSync,
    identity: (text: string) => Buffer.from(text),
    GZIP: gzipSync,
  };
  const formats = [
    ['JSON', JSON_TYPE, (id: string) => `{"events":[{"id":"${id}"}]}`],
    ['NDJSON', NDJSON, (id: string) => `{"id":"${id}"}\n`],
    ['CSV', CSV, (id: string) => `id\n${id}\n`],
  ] as const;

  for (const [encoding, encode] of Object.entries(encoders)) {
    it.each(formats)(`${encoding} around %s`, async (format, type, body) => {
      const id = `${encoding}-${format}`;
      const reply = await ingest(server.url, encode(body(id)), { ...type, 'content-encoding': encoding });
      expect([reply.status, reply.body.inserted]).toEqual([200, [idOf('default', id)]]);
    });
  }

  it('reads two gzip members one after the other as one body', async () => {
    const body = Buffer.concat([gzipSync('{"id":"g1"}\n'), gzipSync('{"id":"g2"}\n')]);
    const reply = await ingest(server.url, body, { ...NDJSON, 'content-encoding': 'gzip' });
    expect(reply.body.inserted).toEqual([idOf('default', 'g1'), idOf('default', 'g2')]);
  });
});

describe('Prefer', () => {
  it('leaves out the id list for return=minimal, and says so', async () => {
    const { body, headers } = await post(server.url, { events: [{ id: 'p1' }, 5] }, { prefer: 'return=minimal' });
    expect(headers['preference-applied']).toBe('return=minimal');
    const rejected = [{ index: 1, error: 'not-an-object', hint: expect.any(String) }];
    expect(body).toEqual({ status: 'ok', count: 1, duplicates: 0, rejected });
  });

  it('answers in full for any other preference', async () => {
    const { body, headers } = await post(server.url, { events: [{ id: 'p1' }] }, { prefer: 'respond-async' });
    expect(headers['preference-applied']).toBeUndefined();
    expect(body.inserted).toEqual([idOf('default', 'p1')]);
  });
});

describe('the source', () => {
  const event = '{"id":"src"}';
  const body = (sourceId: string) => `{"sourceId":"${sourceId}","events":[${event}]}`;

  it('is named by the body, the query or a header, and the three may agree', async () => {
    const replies = [
      await ingest(server.url, body('meters'), JSON_TYPE),
      await ingest(server.url, event, NDJSON, '?sourceId=meters'),
      await ingest(server.url, event, { ...NDJSON, 'x-source-id': 'meters' }),
      await ingest(server.url, body('meters'), { ...JSON_TYPE, 'x-source-id': 'meters' }, '?sourceId=meters'),
    ];
    for (const { status, body } of replies) expect([status, body.inserted]).toEqual([200, [idOf('meters', 'src')]]);
  });

  it('is "default" where nobody names one', async () => {
    expect((await ingest(server.url, event, NDJSON)).body.inserted).toEqual([idOf('default', 'src')]);
  });

  it.each([
    ['body and query', body('meters'), JSON_TYPE, '?sourceId=tables'],
    ['body and header', body('meters'), { ...JSON_TYPE, 'x-source-id': 'tables' }, ''],
    ['query and header', event, { ...NDJSON, 'x-source-id': 'tables' }, '?sourceId=meters'],
    ['query and query', event, NDJSON, '?sourceId=meters&sourceId=tables'],
  ])('is not guessed where %s disagree', async (_who, text, headers, query) => {
    const reply = await ingest(server.url, text, headers, query);
    expect([reply.status, reply.body.error]).toEqual([400, 'bad-request']);
  });

  it.each(['nobody', 'closed', '__proto__', 'constructor', 'METERS'])('%s takes nothing', async (sourceId) => {
    const replies = [
      await ingest(server.url, body(sourceId), JSON_TYPE),
      await ingest(server.url, event, NDJSON, `?sourceId=${sourceId}`),
    ];
    for (const { status, body } of replies) {
      expect([status, body.error]).toEqual([404, 'source-not-found-or-disabled']);
    }
  });
});

describe('a secret', () => {
  const byBody = '{"sourceId":"keyed","events":[{"id":"secret"}]}';
  const bearer = (token: string) => ({ ...JSON_TYPE, authorization: `Bearer ${token}` });

  it('opens its source', async () => {
    const reply = await ingest(server.url, byBody, bearer('the-right-secret'));
    expect([reply.status, reply.body.inserted]).toEqual([200, [idOf('keyed', 'secret')]]);
  });

  it.each([
    ['a wrong one', bearer('the-wrong-secret'), 'source-auth-invalid'],
    ['part of it', bearer('the-right-secre'), 'source-auth-invalid'],
    ['none', JSON_TYPE, 'source-auth-required'],
    ['an empty one', { ...JSON_TYPE, authorization: 'Bearer ' }, 'source-auth-required'],
    ['another scheme', { ...JSON_TYPE, authorization: 'Basic the-right-secret' }, 'source-auth-required'],
  ])('keeps out who brings %s', async (_what, headers, error) => {
    for (const query of ['', '?sourceId=keyed']) {
      const reply = await ingest(server.url, byBody, headers, query);
      expect([reply.status, reply.body.error]).toEqual([401, error]);
      expect(reply.headers['www-authenticate']).toBe('Bearer');
      expect(reply.text).not.toContain('the-right');
    }
  });

  it('is asked for before the body is looked at', async () => {
    const reply = await ingest(server.url, '{', JSON_TYPE, '?sourceId=keyed');
    expect([reply.status, reply.body.error]).toEqual([401, 'source-auth-required']);
  });

  it('does no harm at an open source', async () => {
    expect((await ingest(server.url, '{"id":"open"}', { ...bearer('whatever'), ...NDJSON })).status).toBe(200);
  });
});

describe('events without an id', () => {
  const batch = (key?: string) =>
    post(server.url, { events: [{ t: 1 }, { t: 1 }] }, key === undefined ? {} : { 'idempotency-key': key });

  it('are named by the delivery where it has a name: a resend is known', async () => {
    const [first, again, other] = [await batch('key-1'), await batch('key-1'), await batch('key-2')];
    expect(first.body).toMatchObject({ count: 2, duplicates: 0 });
    expect(new Set(first.body.inserted).size).toBe(2);
    expect(again.body).toEqual({ ...first.body, duplicates: 2 });
    expect(other.body.duplicates).toBe(0);
    expect(first.body.inserted).not.toContain(other.body.inserted[0]);
  });

  it('are each their own without such a name', async () => {
    const [first, second] = [await batch(), await batch()];
    expect(new Set([...first.body.inserted, ...second.body.inserted]).size).toBe(4);
    expect(second.body.duplicates).toBe(0);
  });

  it('are named by their content where they have a time, or the source asks for it', async () => {
    const timed = () => post(server.url, { events: [{ ts: '2026-01-01T00:00:00Z', t: 1 }] });
    expect([(await timed()).body.duplicates, (await timed()).body.duplicates]).toEqual([0, 1]);
    const plain = () => post(server.url, { sourceId: 'same-content', events: [{ t: 1 }, { t: 2 }, { t: 1 }] });
    expect([(await plain()).body.duplicates, (await plain()).body.duplicates]).toEqual([1, 3]);
  });
});
