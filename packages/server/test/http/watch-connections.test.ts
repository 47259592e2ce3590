/** Who gets a connection of the live feed, and how connections end that do not go as they should. */
import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { get, post } from './client.ts';
import { RawConnection, upgrade } from './raw-connection.ts';
import { AT_ONCE, eventually, settled, useServer } from './server.ts';
import { SocketWatcher } from './socket-watcher.ts';
import { Watcher } from './watcher.ts';

async function watchersNow(url: string): Promise<number> {
  const { text } = await get(url, '/metrics');
  return Number(/^tidemark_watch_clients (\d+)$/m.exec(text)?.[1]);
}

async function watchSocket(url: string, query = '', headers: Record<string, string> = {}): Promise<SocketWatcher> {
  const watcher = new SocketWatcher(url, query, headers);
  onTestFinished(() => watcher.cut());
  return watcher.until(({ all, refused }) => all.length > 0 || refused !== undefined);
}

describe('a place', () => {
  const server = useServer({ watchMaxClients: 100, watchMaxPerAddress: 2 });

  /** Both places are free: two get them, a third does not. */
  async function expectAllFree(): Promise<void> {
    const both = await eventually(async () => {
      const pair = [new SocketWatcher(server.url), new SocketWatcher(server.url)];
      await Promise.all(pair.map((one) => one.until(({ all, refused }) => all.length > 0 || refused !== undefined)));
      const refused = pair.some((one) => one.refused !== undefined);
      if (refused) for (const one of pair) one.cut();
      expect(refused).toBe(false);
      return pair;
    });
    const { status, headers, body } = await get(server.url, '/watch');
    expect([status, body.error]).toEqual([429, 'too-many-connections']);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect((await watchSocket(server.url)).refused).toBe(429);
    for (const one of both) one.cut();
    await eventually(async () => expect(await watchersNow(server.url)).toBe(0));
  }

  const endings: [string, () => Promise<unknown>][] = [
    [
      'a close in order',
      async () => {
        const watcher = await watchSocket(server.url);
        watcher.socket.close();
        await watcher.until(({ closed }) => closed !== undefined);
      },
    ],
    ['a socket that is cut', async () => (await watchSocket(server.url)).cut()],
    ['an event stream that is aborted', async () => (await Watcher.open(server.url)).close()],
    [
      'a connection that is reset in the middle of a request',
      async () => {
        for (let n = 0; n < 5; n++) new RawConnection(server.url).send(...upgrade('/watch')).socket.resetAndDestroy();
        for (let n = 0; n < 5; n++) {
          const connection = new RawConnection(server.url).send('GET /watch HTTP/1.1', 'host: localhost');
          await eventually(() => expect(connection.socket.connecting).toBe(false));
          connection.socket.resetAndDestroy();
        }
      },
    ],
    [
      'a key that is none',
      async () => {
        const connection = new RawConnection(server.url).send(...upgrade('/watch', { 'sec-websocket-key': 'short' }));
        await connection.until(({ ended }) => ended);
        expect(connection.text).toMatch(/^HTTP\/1\.1 400 /);
      },
    ],
    [
      'a version that nobody speaks',
      async () => {
        const headers = { 'sec-websocket-version': '99' };
        const connection = new RawConnection(server.url).send(...upgrade('/watch', headers));
        await connection.until(({ ended }) => ended);
        expect(connection.text).toMatch(/^HTTP\/1\.1 4\d\d /);
      },
    ],
    [
      'a request that is refused',
      async () => {
        for (const query of ['?type=nonsense', '?since=2026-99-99', '?snapshot=0', '?filter=%3D%3D', '?slow=maybe']) {
          expect((await get(server.url, `/watch${query}`)).status).toBe(400);
          expect((await watchSocket(server.url, query)).refused).toBe(400);
        }
      },
    ],
    [
      'a message that is too large',
      async () => {
        const watcher = await watchSocket(server.url);
        watcher.socket.send('x'.repeat(5000));
        await watcher.until(({ closed }) => closed !== undefined);
      },
    ],
    [
      'bytes that are no frames',
      async () => {
        const connection = new RawConnection(server.url).send(...upgrade('/watch'));
        await connection.until(({ text }) => text.includes('hello'));
        connection.socket.write(Buffer.alloc(1000, 0xff));
        await connection.until(({ ended }) => ended);
      },
    ],
    [
      'two requests on one connection',
      async () => {
        const lines = ['GET /watch HTTP/1.1', 'host: localhost', ''];
        const connection = new RawConnection(server.url).send(...lines, ...lines);
        await connection.until(({ text }) => text.includes('hello'));
        connection.socket.destroy();
      },
    ],
  ];
  it.each(endings)('is given back after %s', async (_, end) => {
    await end();
    await expectAllFree();
  });

  it('goes to the pages of this server and to programs, not to the pages of others', async () => {
    const { host } = new URL(server.url);
    expect((await watchSocket(server.url, '', { origin: 'https://elsewhere.example' })).refused).toBe(403);
    expect((await watchSocket(server.url, '', { origin: 'null' })).refused).toBe(403);
    expect((await watchSocket(server.url, '', { origin: `http://${host}` })).refused).toBeUndefined();
    const connection = new RawConnection(server.url).send(...upgrade('/watch', { origin: 'http://a.example' }));
    await connection.until(({ ended }) => ended);
    expect(connection.text).toMatch(/^HTTP\/1\.1 403 [\s\S]*"origin-not-allowed"/);
  });
});

describe('WATCH_MAX_PER_IDENTITY', () => {
  const server = useServer({ watchMaxPerIdentity: 1 });

  it('counts those that carry the token, and no others', async () => {
    const token = readFileSync(server.process.adminTokenFile, 'utf8').trim();
    const headers = { authorization: `Bearer ${token}` };
    const first = await watchSocket(server.url, '', headers);
    expect(first.refused).toBeUndefined();
    const { status, body } = await get(server.url, '/watch', headers);
    expect([status, body.error]).toEqual([429, 'too-many-connections']);
    expect((await watchSocket(server.url)).refused).toBeUndefined();
    first.socket.close();
    await eventually(async () => expect((await watchSocket(server.url, '', headers)).refused).toBeUndefined());
  });
});

describe('requests that are not what /watch is for', () => {
  const server = useServer({ streams: [{ id: 'default', publish: AT_ONCE }], anchor: 'none' });

  it.each(['/feed', '/watch?since=earliest'])(
    '%s is answered as plain HTTP where HTTP/2 is asked for',
    async (path) => {
      const connection = new RawConnection(server.url).send(
        ...[`GET ${path} HTTP/1.1`, 'host: localhost', 'connection: Upgrade, HTTP2-Settings', 'upgrade: h2c'],
        'http2-settings: AAMAAABkAAQAAP__',
      );
      await connection.until(({ text }) => text.includes('\r\n\r\n'));
      expect(connection.text).toMatch(/^HTTP\/1\.1 200 /);
      await connection.until(({ text }) => text.includes(path === '/feed' ? 'nextCursor' : 'hello'));
    },
  );

  it('HTTP/1.0 gets events without chunks, up to the end of the connection', async () => {
    const connection = new RawConnection(server.url).send('GET /watch?since=earliest HTTP/1.0', 'host: localhost');
    await connection.until(({ text }) => text.includes('hello'));
    const { body } = await post(server.url, { events: [{ id: 'one', n: 1 }] });
    await settled(server.url, body.inserted[0]);
    await connection.until(({ text }) => text.includes('"certified"'));
    const [head, ...blocks] = connection.text.split(/\r?\n\r?\n/);
    expect(head).not.toMatch(/transfer-encoding|connection: keep-alive/i);
    for (const block of blocks.slice(0, -1)) expect(block).toMatch(/^(?:retry: \d+\n)?id: [0-9a-z-]+\ndata: \{.*\}$/);
  });

  it('behind another request on the same connection it harms nobody', async () => {
    const lines = ['host: localhost', ''];
    const connection = new RawConnection(server.url).send(
      ...['GET /feed HTTP/1.1', ...lines, 'GET /watch?since=earliest HTTP/1.1', ...lines],
      ...['GET /feed HTTP/1.1', 'host: localhost'],
    );
    await connection.until(({ text }) => text.split('nextCursor').length === 3);
    expect(connection.text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400', 'HTTP/1.1 200']);
    expect(await watchersNow(server.url)).toBe(0);
    connection.socket.destroy();
    await eventually(async () => expect(await watchersNow(server.url)).toBe(0));
    expect((await get(server.url, '/health/live')).status).toBe(200);
  });

  it('what a client of a WebSocket sends is read and passed by; pings are answered', async () => {
    const watcher = await watchSocket(server.url);
    watcher.socket.send('hello?');
    watcher.socket.send(Buffer.from([1, 2, 3]));
    const pong = new Promise((resolve) => watcher.socket.once('pong', (data) => resolve(String(data))));
    watcher.socket.ping('are you there');
    expect(await pong).toBe('are you there');
    expect(watcher.socket.readyState).toBe(WebSocket.OPEN);
  });

  it('pings of a client that reads no answers are not all kept', async () => {
    const events = Array.from({ length: 1000 }, (_, n) => ({ id: `p${n}`, filler: 'x'.repeat(8000) }));
    const { body } = await post(server.url, { events });
    await settled(server.url, body.inserted.at(-1));
    const connection = new RawConnection(server.url).stall();
    connection.send(...upgrade('/watch?since=earliest'));
    await eventually(async () => expect(await watchersNow(server.url)).toBe(1));
    const frame = Buffer.concat([Buffer.from([0x89, 0xfd, 0, 0, 0, 0]), Buffer.alloc(125, 0x61)]);
    const many = Buffer.concat(Array<Buffer>(10_000).fill(frame));
    for (let n = 0; n < 20; n++) {
      await new Promise((resolve) => connection.socket.write(many, resolve));
    }
    connection.socket.resume();
    const pong = `\x8a\x7d${'a'.repeat(125)}`;
    await connection.until(({ text }) => text.includes(pong));
    // Time for the others: something is told after them.
    const { body: next } = await post(server.url, { events: [{ id: 'after the pings' }] });
    await settled(server.url, next.inserted[0]);
    await connection.until(({ text }) => text.includes('after the pings'));
    expect(connection.text.split(pong).length).toBeLessThan(10_000);
  });
});
