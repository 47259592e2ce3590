import { describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { Tidemark, type WatchMessage } from '../src/index.ts';
import { begin, body, first, frame, transports, webSockets } from './played.ts';
import { eventually, failureOf, type Handler, listen, listening, problem, urlOf } from './stand-in.ts';

describe.each(['sse', 'websocket'] as const)('over %s', (transport) => {
  it('goes on behind the last message after every break', async () => {
    const feed = await transports[transport]((send, end, attempt) => {
      send(2 * attempt - 1);
      send(2 * attempt);
      end();
    });
    const { counts, messages } = await first(5, feed.url, { transport });
    expect(counts).toEqual([1, 2, 3, 4, 5]);
    expect(messages.map(({ id }) => id)).toEqual(['c1', 'c2', 'c3', 'c4', 'c5']);
    expect(feed.wanted).toEqual([null, 'c2', 'c4']);
  });

  it('begins where it is told, and not there again after a break', async () => {
    const feed = await transports[transport]((send, end, attempt) => {
      send(attempt);
      end();
    });
    await first(2, feed.url, { transport, since: 'earliest' });
    expect(feed.wanted).toEqual(['earliest', 'c1']);
  });

  it('moves its cursor with hello, heartbeats and types it does not know, and does not yield them', async () => {
    const feed = await transports[transport]((send, end, attempt) => {
      if (attempt === 4) send(7);
      else send(attempt, { type: ['hello', 'heartbeat', 'yet-unknown'][attempt - 1] });
      send(undefined, { type: 'heartbeat' });
      end();
    });
    expect((await first(1, feed.url, { transport })).counts).toEqual([7]);
    expect(feed.wanted).toEqual([null, 'c1', 'c2', 'c3']);
  });

  it('hands gaps on, with the cursor that was asked for beside its own', async () => {
    const gap = { type: 'gap', reason: 'slow', cursor: 'old', skipped: 3, hint: 'h', missing: [] };
    const feed = await transports[transport]((send) => send(1, gap));
    expect((await first(1, feed.url, { transport })).messages).toEqual([{ ...gap, id: 'c1' }]);
  });

  it('makes a connection on which nothing comes anew', async () => {
    const feed = await transports[transport]((send, _end, attempt) => {
      if (attempt > 1) send(attempt);
    });
    const { counts, breaks } = await first(1, feed.url, { transport, idleTimeoutMs: 50 });
    expect([counts, breaks]).toEqual([[2], ['unreachable']]);
  });

  it('goes on over the other transport with the same cursor', async () => {
    const feed = await transports[transport]((send) => send(1));
    const { messages } = await first(1, feed.url, { transport });
    const other = transport === 'sse' ? 'websocket' : 'sse';
    const there = await transports[other]((send) => send(2));
    await first(1, there.url, { transport: other, since: messages[0]!.id });
    expect(there.wanted).toEqual(['c1']);
  });

  it.each([
    ['no type', { count: 1 }],
    ['a place outside of its packet', { type: 'conflict', stream: 's', leafIndex: 3, packet: { start: 0, end: 3 } }],
    ['a gap without a reason', { type: 'gap' }],
  ])('does not go on over what cannot be: %s', async (_what, data) => {
    const feed = await transports[transport]((send) => send(1, data));
    expect(await failureOf(first(1, feed.url, { transport }))).toMatchObject({ code: 'bad-answer' });
    expect(feed.wanted).toHaveLength(1);
  });

  it('gives up when it has been without a connection for as long as it is told', async () => {
    const feed = await transports[transport]((_send, end) => end());
    const [url, options] = [feed.url.replace(/\d+$/, '1'), { transport, retryForMs: 300 }];
    expect(await failureOf(first(1, url, options))).toMatchObject({ code: 'unreachable' });
  });

  it('throws what the server refuses, in its words', async () => {
    const url = await listen((_request, response) => problem(response, 400, 'bad-request'));
    const failure = await failureOf(first(1, url, { transport, type: ['certified', 'gap'], filter: 'x >' }));
    expect(failure).toMatchObject({ code: 'refused', status: 400, hint: 'hint of bad-request' });
  });

  it('comes again where the server is full', async () => {
    let asked = 0;
    const handler: Handler = (_request, response) => {
      asked++;
      if (asked <= (transport === 'sse' ? 2 : 4)) problem(response, 503, 'too-many-watchers', { 'retry-after': '0' });
      else begin(response, frame(1));
    };
    // Where the upgrade is refused, the words come with a request of their own.
    const server = await listening(handler);
    server.on('upgrade', (_request, socket) => {
      asked++;
      if (asked <= 4) socket.end('HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\r\n');
      else
        new WebSocketServer({ noServer: true }).handleUpgrade(_request, socket as never, Buffer.alloc(0), (ws) =>
          ws.send(JSON.stringify({ id: 'c1', ...body(1) })),
        );
    });
    const { counts, breaks } = await first(1, urlOf(server), { transport });
    expect([counts, breaks]).toEqual([[1], ['unavailable', 'unavailable']]);
  });

  it('ends without an error when its signal aborts, and closes the connection', async () => {
    const stop = new AbortController();
    let closed = 0;
    const connected = (send: () => void) => send();
    const url =
      transport === 'sse'
        ? await listen((request, response) => {
            request.on('close', () => closed++);
            connected(() => begin(response, frame(1)));
          })
        : await webSockets((socket) => {
            socket.on('close', () => closed++);
            connected(() => socket.send(JSON.stringify({ id: 'c1', ...body(1) })));
          });
    const seen: WatchMessage[] = [];
    for await (const message of new Tidemark({ url }).watch({ transport, signal: stop.signal })) {
      seen.push(message);
      setTimeout(() => stop.abort());
    }
    expect(seen).toHaveLength(1);
    await eventually(() => expect(closed).toBe(1));
  });

  it('closes the connection when its reader leaves', async () => {
    let closed = 0;
    const url =
      transport === 'sse'
        ? await listen((request, response) => {
            request.on('close', () => closed++);
            begin(response, frame(1));
          })
        : await webSockets((socket) => {
            socket.on('close', () => closed++);
            socket.send(JSON.stringify({ id: 'c1', ...body(1) }));
          });
    await first(1, url, { transport });
    await eventually(() => expect(closed).toBe(1));
  });
});
