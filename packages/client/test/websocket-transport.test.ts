import { describe, expect, it } from 'vitest';
import { Tidemark } from '../src/index.ts';
import { body, first, transports, wantedBy, webSockets } from './played.ts';
import { eventually, failureOf } from './stand-in.ts';

describe('over WebSocket', () => {
  it.each([
    [1001, ['unreachable']],
    [1013, ['unreachable']],
    [1011, ['unreachable']],
  ])('comes again after a close with %i', async (code, expected) => {
    const feed = await transports.websocket((send, end, attempt) => {
      if (attempt === 2) send(1);
      else end(code, 'why');
    });
    expect((await first(1, feed.url, { transport: 'websocket' })).breaks).toEqual(expected);
  });

  it('takes the pace that the server names', async () => {
    const delays: number[] = [];
    const feed = await transports.websocket((send, end, attempt) => {
      send(1, { type: 'hello', heartbeatMs: 15_000, retryMs: 555 });
      if (attempt < 3) end();
      else send(2);
    });
    const onRetry = (_error: unknown, delayMs: number) => delays.push(delayMs);
    await first(1, feed.url, { transport: 'websocket', onRetry });
    expect(delays).toEqual([555, 555]);
  });

  it('does not come again after a close that refuses it', async () => {
    const feed = await transports.websocket((_send, end) => end(1008, 'not for you'));
    const failure = await failureOf(first(1, feed.url, { transport: 'websocket' }));
    expect(failure).toMatchObject({ code: 'refused', message: 'watch: closed as refused: not for you' });
  });

  it('keeps no more than so many messages for a reader that is slow, and loses none', async () => {
    const total = 50_000;
    const wanted: (string | null)[] = [];
    let closed = 0;
    const url = await webSockets((socket, request) => {
      wanted.push(wantedBy(request));
      socket.on('close', () => closed++);
      for (let n = Number(wanted.at(-1)?.slice(1) ?? 0) + 1; n <= total; n++) {
        socket.send(JSON.stringify({ id: `c${n}`, ...body(n) }));
      }
    });
    const counts: unknown[] = [];
    for await (const message of new Tidemark({ url }).watch({ transport: 'websocket' })) {
      if (counts.length === 0) await eventually(() => expect(closed).toBe(1));
      counts.push(message.type === 'received' && message.count);
      if (counts.length === total) break;
    }
    expect(counts).toEqual(Array.from({ length: total }, (_, n) => n + 1));
    expect(Number(wanted[1]?.slice(1))).toBeLessThan(20_000);
  });

  it('carries the token in a header, where it is given a socket that can', async () => {
    let authorization: unknown;
    const url = await webSockets((socket, request) => {
      authorization = request.headers.authorization;
      socket.send(JSON.stringify({ id: 'c1', ...body(1) }));
    });
    const { WebSocket } = await import('ws');
    const openSocket = (address: URL, headers: Readonly<Record<string, string>>) =>
      new WebSocket(address, { headers: { ...headers } });
    const watch = new Tidemark({ url, token: 't', openSocket }).watch({ transport: 'websocket' });
    expect((await watch.next()).value).toMatchObject({ count: 1 });
    await watch.return();
    expect(authorization).toBe('Bearer t');
  });

  it('asks again for a socket that could not be made, and for none of an address that cannot be', async () => {
    const feed = await transports.websocket((send) => send(1));
    let asked = 0;
    const openSocket = async (address: URL) => {
      if (++asked < 3) throw new TypeError('no token to be had');
      return new WebSocket(address);
    };
    const { value } = await new Tidemark({ url: feed.url, openSocket }).watch({ transport: 'websocket' }).next();
    expect([value, asked]).toEqual([{ id: 'c1', ...body(1) }, 3]);
    const broken = () => new WebSocket('nowhere:');
    const none = new Tidemark({ url: feed.url, openSocket: broken }).watch({ transport: 'websocket' });
    expect(await failureOf(none.next())).toMatchObject({ name: 'SyntaxError' });
  });
});
