import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { DemoError } from '../../src/demo/errors.ts';
import { publish } from '../../src/demo/publish.ts';
import { backoffMs, retryAfterMs } from '../../src/demo/retry.ts';
import { followWatch } from '../../src/demo/watch.ts';

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function listen(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  server = createServer(handler);
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return JSON.parse(text);
}

const taken = JSON.stringify({ status: 'ok', inserted: ['x'], count: 1, duplicates: 0, rejected: [] });

describe('retry', () => {
  const now = Date.parse('2024-01-01T00:00:00Z');

  it.each([
    [null, undefined],
    ['2', 2_000],
    ['0', 0],
    ['86400', 60_000],
    ['Mon, 01 Jan 2024 00:00:05 GMT', 5_000],
    ['Sun, 31 Dec 2023 00:00:00 GMT', 0],
    ['soon', undefined],
  ])('reads Retry-After %s', (header, expected) => {
    expect(retryAfterMs(header, now)).toBe(expected);
  });

  it('backs off up to five seconds', () => {
    expect([0, 1, 2, 10, 5000].map(backoffMs)).toEqual([200, 400, 800, 5_000, 5_000]);
  });
});

describe('publish', () => {
  it('sends the same event again after 429, 503, a broken connection and a 500, until it is taken', async () => {
    const bodies: unknown[] = [];
    const url = await listen(async (request, response) => {
      bodies.push(await bodyOf(request));
      const attempt = bodies.length;
      if (attempt === 3) request.socket.destroy();
      else if (attempt < 5) response.writeHead([429, 503, 0, 500][attempt - 1] ?? 0, { 'retry-after': '0' }).end();
      else response.end(taken);
    });
    const errors: DemoError[] = [];
    const options = { url, sourceId: 'demo', signal: new AbortController().signal };
    expect(await publish([{ id: 'a' }], { ...options, onError: (error) => errors.push(error) })).toBe(true);
    expect(errors.map(({ code }) => code)).toEqual(['overloaded', 'overloaded', 'unreachable', 'overloaded']);
    expect(bodies).toEqual(Array(5).fill({ sourceId: 'demo', events: [{ id: 'a' }] }));
  });

  it('reports an event that the batch was taken without', async () => {
    const url = await listen((_request, response) => {
      response.end(JSON.stringify({ status: 'ok', rejected: [{ index: 0, error: 'too-large' }] }));
    });
    const errors: DemoError[] = [];
    const options = { url, sourceId: 'demo', signal: new AbortController().signal };
    await publish([{}], { ...options, onError: (error) => errors.push(error) });
    expect(errors.map(({ code, message }) => [code, message])).toEqual([
      ['rejected', 'event 0 of the batch: too-large'],
    ]);
  });

  it('gives up at once where it is refused', async () => {
    let requests = 0;
    const url = await listen((_request, response) => {
      requests += 1;
      response.writeHead(404).end('{"error":"source-not-found-or-disabled"}');
    });
    const options = { url, sourceId: 'demo', signal: new AbortController().signal, onError: () => {} };
    await expect(publish([{}], options)).rejects.toMatchObject({ name: 'DemoError', code: 'refused' });
    expect(requests).toBe(1);
  });

  it('ends with the signal, in the middle of a long wait', async () => {
    const stop = new AbortController();
    const url = await listen((_request, response) => response.writeHead(503, { 'retry-after': '60' }).end());
    const options = { url, sourceId: 'demo', signal: stop.signal, onError: () => stop.abort() };
    expect(await publish([{}], options)).toBe(false);
  });
});

describe('followWatch', () => {
  it('resumes behind the last message after a break', async () => {
    const stop = new AbortController();
    const resumedFrom: unknown[] = [];
    const url = await listen((request, response) => {
      resumedFrom.push(request.headers['last-event-id']);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const n = resumedFrom.length;
      response.end(`retry: 1\n\nid: c${n}\ndata: {"n":${n}}\n\nid: lost\ndata: {"n":`);
    });
    const messages: string[] = [];
    const errors: string[] = [];
    await followWatch({
      url,
      signal: stop.signal,
      onMessage: (data) => {
        messages.push(data);
        if (messages.length === 3) stop.abort();
      },
      onError: ({ code }) => errors.push(code),
    });
    expect(messages).toEqual(['{"n":1}', '{"n":2}', '{"n":3}']);
    expect(resumedFrom).toEqual([undefined, 'c1', 'c2']);
    expect(errors).toEqual(['unreachable', 'unreachable']);
  });

  it('waits as long as the server says when it is full', async () => {
    const stop = new AbortController();
    let requests = 0;
    const url = await listen((_request, response) => {
      requests += 1;
      if (requests === 1) response.writeHead(503, { 'retry-after': '0' }).end();
      else response.end('data: {}\n\n');
    });
    const errors: string[] = [];
    await followWatch({
      url,
      signal: stop.signal,
      onMessage: () => stop.abort(),
      onError: ({ code }) => errors.push(code),
    });
    expect(errors).toEqual(['overloaded']);
  });
});
