/** From a template to a request, and from a request to its answer, on real sockets. */
import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { JsonData } from '../../src/go-template/values.ts';
import { NotifierError, type NotifierErrorCode } from '../../src/notify/errors.ts';
import { maskOf, secretsIn, secretsOf } from '../../src/notify/masking.ts';
import { type NotifierRequest, plaintextWarning, renderRequest } from '../../src/notify/notifier.ts';
import { sendRequest } from '../../src/notify/send.ts';
import { endpoint } from './endpoint.ts';

const OPTIONS = { env: { URL: 'http://127.0.0.1/x' }, now: () => 1_757_412_610_999 };
const render = (template: string, data: JsonData = {}) => renderRequest(template, 't', data, OPTIONS);

function codeOf(work: () => unknown): NotifierErrorCode | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof NotifierError) return error.code;
    throw error;
  }
}

describe('what a template renders to', () => {
  test('everything given', () => {
    const template =
      '{"method":"put","url":"{{env "URL"}}","headers":{"X-A":"{{.a}}","content-type":"text/plain"},"body":"{{epoch}}"}';
    expect(render(template, { a: 'é' })).toEqual({
      method: 'put',
      url: 'http://127.0.0.1/x',
      headers: { 'X-A': 'é', 'content-type': 'text/plain' },
      body: '1757412610',
    });
  });

  test.each<[string, string, Partial<NotifierRequest>]>([
    ['no method', '{"url":"http://h/"}', { method: 'POST', headers: {}, body: undefined }],
    ['an empty method', '{"url":"http://h/","method":""}', { method: 'POST' }],
    [
      'names in another case',
      '{"URL":"http://h/","Method":"PUT","BODY":"x"}',
      { method: 'PUT', url: 'http://h/', body: 'x' },
    ],
    [
      'nulls',
      '{"url":"http://h/","method":null,"headers":null,"body":null}',
      { method: 'POST', headers: {}, body: undefined },
    ],
    ['a text', '{"url":"http://h/","body":"a\\nb"}', { body: 'a\nb', headers: { 'Content-Type': 'application/json' } }],
    ['an empty text', '{"url":"http://h/","body":""}', { body: '', headers: { 'Content-Type': 'application/json' } }],
    [
      'an object as it stands',
      '{"url":"http://h/", "body" : { "9":1, "2": 9007199254740993 , "a":1.0} }',
      { body: '{ "9":1, "2": 9007199254740993 , "a":1.0}' },
    ],
    ['an array', '{"body":[1, "}\\"]", {"body":2}],"url":"http://h/"}', { body: '[1, "}\\"]", {"body":2}]' }],
    ['a number', '{"url":"http://h/","body":1e2}', { body: '1e2' }],
    ['a truth', '{"url":"http://h/","body":false}', { body: 'false' }],
    ['a body within a body', '{"x":{"body":1},"body":{"body":2},"url":"http://h/"}', { body: '{"body":2}' }],
    ['the last of two', '{"body":{"a":1},"url":"http://h/","Body":{"b":2}}', { body: '{"b":2}' }],
  ])('%s', (_what, template, request) => {
    expect(render(template)).toMatchObject(request);
  });

  test.each<[string, string, NotifierErrorCode]>([
    ['a template that is none', '{{nope}}', 'template'],
    ['a template that fails', '{{index .missing 1}}', 'template'],
    ['no JSON', '{"url":', 'rendered'],
    ['nothing', '', 'rendered'],
    ['a list', '[]', 'rendered'],
    ['null', 'null', 'rendered'],
    ['no URL', '{}', 'rendered'],
    ['an empty URL', '{"url":""}', 'rendered'],
    ['another scheme', '{"url":"file:///etc/passwd"}', 'rendered'],
    ['half a URL', '{"url":"/event-publish"}', 'rendered'],
    ['a URL that is none', '{"url":7}', 'rendered'],
    ['a method with a blank', '{"url":"http://h/","method":"GET /"}', 'rendered'],
    ['a method that is no text', '{"url":"http://h/","method":1}', 'rendered'],
    ['headers in a list', '{"url":"http://h/","headers":[]}', 'rendered'],
    ['a header that is no text', '{"url":"http://h/","headers":{"X":1}}', 'rendered'],
    ['a header in two lines', '{"url":"http://h/","headers":{"X":"a\\r\\nY: b"}}', 'rendered'],
    ['a name with a blank', '{"url":"http://h/","headers":{"X Y":"a"}}', 'rendered'],
  ])('refused: %s', (_what, template, code) => {
    expect(codeOf(() => render(template))).toBe(code);
  });

  test('an error in the template says where', () => {
    expect(() => render('{\n "url": {{ .a | nope }}}')).toThrow('template: t:2:17: function "nope" not defined');
  });
});

describe('a token without encryption', () => {
  const to = (url: string, headers: Record<string, string> = { authorization: 'Bearer x' }) => {
    return plaintextWarning({ method: 'POST', url, headers, body: undefined });
  };

  test.each([
    'http://example.com/p',
    'http://10.0.0.1:8080/',
    'http://localhost.example.com/',
    'http://[2001:db8::1]/',
  ])('said of %s', (url) => expect(to(url)).toContain(new URL(url).host));

  test.each([
    'https://example.com/',
    'http://localhost:1/',
    'http://127.9.9.9/',
    'http://[::1]:80/',
    'http://a.localhost/',
  ])('nothing of %s', (url) => expect(to(url)).toBeUndefined());

  test('nothing without a token', () => expect(to('http://example.com/', { 'X-A': 'b' })).toBeUndefined());
});

describe('masks', () => {
  const request: NotifierRequest = {
    method: 'POST',
    url: 'https://user:pa%40ss@h/p?apikey=query-secret&x=1',
    headers: {
      Authorization: 'Bearer tok-1',
      'X-Api-Key': 'key-2',
      'X-Trace': 'eyJhbGciOiJIUzI1NiJ9.e30.abc',
      'Content-Type': 'application/x-www-form-urlencoded',
    },
    body: '{"echo":"tok-1"}',
  };

  test('credentials in headers and the URL, wherever they stand', () => {
    const mask = maskOf(secretsIn(request));
    const text = JSON.stringify(request);
    for (const secret of ['tok-1', 'key-2', 'eyJ', 'query-secret', 'pa%40ss']) {
      expect(text).toContain(secret);
      expect(mask(text)).not.toContain(secret);
    }
    expect(mask(text)).toContain('application/x-www-form-urlencoded');
    expect(mask(text)).toContain('Bearer ***');
  });

  test('as JSON and URLs write them, the longest first, and empty ones not at all', () => {
    const mask = maskOf(['a"b', 'a"b/long', '', undefined]);
    expect(mask('a"b/long a"b {"x":"a\\"b"} a\\\\\\"b a%22b%2Flong')).toBe('*** *** {"x":"***"} *** ***');
    expect(maskOf(['', undefined])('text')).toBe('text');
    const environment = { SLACK_PW: 'hunter22', API_KEY: 'k-123456', HOME: '/home/me', A_TOKEN: 'x' };
    expect(secretsOf(environment)).toEqual(['hunter22', 'k-123456']);
    const { headers, body } = { headers: {}, body: undefined };
    expect(secretsIn({ method: 'POST', url: 'http://u:50%25%@host/', headers, body })).toContain('50%25%');
  });
});

describe('sending', () => {
  const post = (url: string, more: Partial<NotifierRequest> = {}): NotifierRequest => {
    return { method: 'POST', url, headers: {}, body: '{"a":"é"}', ...more };
  };

  test('method, headers and body arrive as they were rendered', async () => {
    await using there = await endpoint((response) => response.writeHead(202).end('taken'));
    const headers = { 'X-Name': 'é€', 'content-length': '3' };
    const answer = await sendRequest(post(`${there.url}/p?q=1`, { method: 'PUT', headers }), { timeoutMs: 10_000 });
    expect(answer).toEqual({ status: 202, body: 'taken' });
    const [received] = there.received;
    expect(received).toMatchObject({ method: 'PUT', path: '/p?q=1', body: '{"a":"é"}' });
    expect(received?.headers['content-length']).toBe('10');
    expect(Buffer.from(received?.headers['x-name'] as string, 'latin1').toString()).toBe('é€');
  });

  test('a request without a body', async () => {
    await using there = await endpoint((response) => response.end());
    const answer = await sendRequest(post(there.url, { method: 'GET', body: undefined }), { timeoutMs: 10_000 });
    expect(answer).toEqual({ status: 200, body: '' });
    expect(there.received[0]).toMatchObject({ method: 'GET', body: '' });
  });

  test('a redirect is an answer, and nothing goes to where it points', async () => {
    await using there = await endpoint((response) => response.writeHead(307, { location: '/elsewhere' }).end());
    expect((await sendRequest(post(there.url), { timeoutMs: 10_000 })).status).toBe(307);
    expect(there.received).toHaveLength(1);
  });

  test('of a long answer, its beginning', async () => {
    await using there = await endpoint((response) => response.end('x'.repeat(1_000_000)));
    const { status, body } = await sendRequest(post(there.url), { timeoutMs: 10_000 });
    expect({ status, length: body.length }).toEqual({ status: 200, length: 65_536 });
  });

  test.each<[string, Parameters<typeof endpoint>[0], number, NotifierErrorCode]>([
    ['an answer that never comes', () => undefined, 100, 'timeout'],
    ['an answer that never ends', (response) => response.write('begun'), 100, 'timeout'],
    [
      'an answer that breaks off',
      (response) => response.write('begun', () => response.destroy()),
      10_000,
      'unreachable',
    ],
    ['a connection that is closed', (response) => response.destroy(), 10_000, 'unreachable'],
  ])('%s', async (_what, answer, timeoutMs, code) => {
    await using there = await endpoint(answer);
    await expect(sendRequest(post(there.url), { timeoutMs })).rejects.toMatchObject({ name: 'NotifierError', code });
  });

  test('nobody there, and what does not speak HTTP', async () => {
    const server = createServer((socket) => socket.resume().end('hello\r\n'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`;
    const unreachable = { name: 'NotifierError', code: 'unreachable' };
    await expect(sendRequest(post(url), { timeoutMs: 10_000 })).rejects.toMatchObject(unreachable);
    await new Promise((resolve) => server.close(resolve));
    await expect(sendRequest(post(url), { timeoutMs: 10_000 })).rejects.toMatchObject(unreachable);
  });
});
