import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Tidemark } from '@tidemark/client';
import { afterEach, describe, expect, it } from 'vitest';
import type { DemoError } from '../../src/demo/errors.ts';
import { PATIENT, publish } from '../../src/demo/publish.ts';

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

function sendingTo(url: string) {
  return { tidemark: new Tidemark({ url, ...PATIENT }), sourceId: 'demo', signal: new AbortController().signal };
}

const taken = JSON.stringify({ status: 'ok', inserted: ['x'], count: 1, duplicates: 0, rejected: [] });

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
    const options = sendingTo(url);
    expect(await publish([{ id: 'a' }], { ...options, onError: (error) => errors.push(error) })).toBe(true);
    expect(errors.map(({ code }) => code)).toEqual(['overloaded', 'overloaded', 'unreachable', 'overloaded']);
    expect(bodies).toEqual(Array(5).fill({ id: 'a' }));
  });

  it('reports an event that the batch was taken without', async () => {
    const url = await listen((_request, response) => {
      response.end(JSON.stringify({ status: 'ok', rejected: [{ index: 0, error: 'too-large' }] }));
    });
    const errors: DemoError[] = [];
    const options = sendingTo(url);
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
    const options = { ...sendingTo(url), onError: () => {} };
    await expect(publish([{}], options)).rejects.toMatchObject({ name: 'DemoError', code: 'refused' });
    expect(requests).toBe(1);
  });

  it('ends with the signal, in the middle of a long wait', async () => {
    const stop = new AbortController();
    const url = await listen((_request, response) => response.writeHead(503, { 'retry-after': '60' }).end());
    const options = { ...sendingTo(url), signal: stop.signal, onError: () => stop.abort() };
    expect(await publish([{}], options)).toBe(false);
  });
});
