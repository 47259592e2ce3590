/** Pages of other sites: nobody may, until an origin is listed. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { call, get } from './client.ts';
import { useServer } from './server.ts';
import { Watcher } from './watcher.ts';

const LISTED = 'https://dashboard.example';
const OTHER = 'https://elsewhere.example';
const PREFLIGHT = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' };

describe('with an origin listed', () => {
  const server = useServer({ corsOrigins: LISTED, anchor: 'none' });

  it('its pages see answers, refusals too, and what they may send', async () => {
    for (const path of ['/feed', '/feed?limit=0', '/nowhere']) {
      const { headers } = await get(server.url, path, { origin: LISTED });
      expect(headers['access-control-allow-origin']).toBe(LISTED);
      expect(headers.vary).toMatch(/origin/i);
    }
    const { status, headers } = await call(server.url, '/ingest/events', {
      method: 'OPTIONS',
      headers: { origin: LISTED, ...PREFLIGHT },
    });
    expect(status).toBe(204);
    expect(headers['access-control-allow-methods']).toMatch(/POST/);
    expect(headers['access-control-allow-headers']).toMatch(/content-type/i);
  });

  it('its pages follow, over both transports', async () => {
    const watcher = await Watcher.open(server.url, '', { origin: LISTED });
    onTestFinished(() => watcher.close());
    expect(watcher.headers.get('access-control-allow-origin')).toBe(LISTED);
    const webSocket = new WebSocket(`${server.url.replace('http', 'ws')}/watch`, { origin: LISTED });
    onTestFinished(() => webSocket.terminate());
    const first = new Promise((resolve) => webSocket.once('message', resolve));
    expect(JSON.parse(String(await first)).type).toBe('hello');
  });

  it('pages of others do not', async () => {
    const { headers } = await get(server.url, '/feed', { origin: OTHER });
    expect(headers['access-control-allow-origin']).toBeUndefined();
    expect((await handshake(server.url, OTHER)).statusCode).toBe(403);
  });
});

describe('without', () => {
  const server = useServer({ anchor: 'none' });

  it('nobody is told that they may', async () => {
    const { status, headers } = await call(server.url, '/feed', {
      method: 'OPTIONS',
      headers: { origin: LISTED, ...PREFLIGHT },
    });
    expect(status).toBe(405);
    expect(headers['access-control-allow-origin']).toBeUndefined();
    expect((await get(server.url, '/feed', { origin: LISTED })).headers['access-control-allow-origin']).toBeUndefined();
    expect((await handshake(server.url, LISTED)).statusCode).toBe(403);
  });
});

function handshake(url: string, origin: string): Promise<{ statusCode?: number | undefined }> {
  const webSocket = new WebSocket(`${url.replace('http', 'ws')}/watch`, { origin });
  onTestFinished(() => webSocket.terminate());
  webSocket.on('error', () => undefined);
  return new Promise((resolve) => webSocket.once('unexpected-response', (_request, response) => resolve(response)));
}
