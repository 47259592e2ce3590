/** Servers that fail in ways a real one cannot be made to. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, vi } from 'vitest';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A server on loopback, until the test ends. @returns its URL */
export async function listen(handler: Handler): Promise<string> {
  return urlOf(await listening(handler));
}

export async function listening(handler: Handler): Promise<Server> {
  const server = createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

export function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}

export function problem(response: ServerResponse, status: number, error: string, headers: object = {}): void {
  response.writeHead(status, { 'content-type': 'application/problem+json', ...headers });
  response.end(JSON.stringify({ status, error, hint: `hint of ${error}` }));
}

/** What a call throws. */
export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new TypeError('nothing was thrown');
}

/** Waits until `check` no longer throws. */
export function eventually<T>(check: () => T | Promise<T>, interval = 5): Promise<T> {
  return vi.waitFor(check, { timeout: 20_000, interval });
}
