/** What is written past the libraries is what the libraries of clients read. */
import { createServer } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as library from 'ws';
import { SseParser } from '../../../client/src/sse.ts';
import { CursorCodec } from '../../src/live/cursor.ts';
import { EVENT_STREAM_CHUNKED, EVENT_STREAM_PLAIN, type Framing, WEB_SOCKET } from '../../src/live/framing.ts';

const codec = new CursorCodec('0a1b2c3d', { read: () => [] });
/** JSON text may hold what other formats take for ends of lines, and bytes that are no ASCII. */
const awkward = fc.string({
  unit: fc.oneof(
    fc.constantFrom('\u2028', '\u2029', '\r', '\n', '\r\n', '"', '\\', '\0', '\ufeff', '😀', '\n\n', ': ', 'data: '),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 3 }),
  ),
  maxLength: 300,
});
const messages = fc.array(
  fc.record({ type: fc.constant('certified'), normalized: fc.dictionary(awkward, awkward, { maxKeys: 3 }) }),
  {
    minLength: 1,
    maxLength: 10,
  },
);
const cursor = fc.record({ journal: fc.nat(), ledger: fc.maxSafeNat() });

/** A server that answers with these bytes, whatever is asked. */
async function answer(bytes: Buffer, ask: (url: string) => Promise<void>): Promise<void> {
  const server = createServer((socket) => socket.once('data', () => socket.end(bytes)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  try {
    await ask(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`);
  } finally {
    server.close();
  }
}

describe('WebSocket frames', () => {
  test.each([0, 1, 125, 126, 127, 65_535, 65_536, 70_000])('of %i bytes are read by a library', (length) => {
    const text = 'x'.repeat(length);
    expect(received(WEB_SOCKET.pack([text, 'after', text]))).toEqual([text, 'after', text]);
  });

  test('are read wherever the bytes are cut, and have the cursor as a member', () => {
    fc.assert(
      fc.property(messages, cursor, fc.integer({ min: 1, max: 200 }), (list, cursor, piece) => {
        const id = codec.encode(cursor);
        const frames = list.map((message) => WEB_SOCKET.frame(id, JSON.stringify(message)));
        expect(received(WEB_SOCKET.pack(frames), piece)).toEqual(
          list.map((message) => JSON.stringify({ id, ...message })),
        );
      }),
    );
  });

  test('whose reader is to keep its cursor have none', () => {
    expect(JSON.parse(WEB_SOCKET.frame(undefined, '{"type":"hello"}'))).toEqual({ type: 'hello' });
  });

  /** @param piece bytes that come at once */
  function received(bytes: Buffer, piece = bytes.length): string[] {
    const texts: string[] = [];
    const { Receiver } = library as unknown as { Receiver: new (options: object) => NodeJS.WritableStream };
    const receiver = new Receiver({ isServer: false, allowSynchronousEvents: true });
    receiver.on('message', (data: Buffer) => texts.push(data.toString()));
    receiver.on('error', (error) => texts.push(`error: ${error.message}`));
    for (let at = 0; at < bytes.length; at += piece) receiver.write(bytes.subarray(at, at + piece));
    return texts;
  }
});

describe('server-sent events', () => {
  const framings: [string, Framing][] = [
    ['in chunks', EVENT_STREAM_CHUNKED],
    ['up to the end', EVENT_STREAM_PLAIN],
  ];
  test.each(framings)('%s come through HTTP and a parser as they are', async (_, framing) => {
    const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n';
    const isChunked = framing === EVENT_STREAM_CHUNKED;
    await fc.assert(
      fc.asyncProperty(fc.array(messages, { minLength: 1, maxLength: 4 }), cursor, async (rounds, cursor) => {
        const id = codec.encode(cursor);
        const packed = rounds.map((list, round) => [
          ...(round === 0 ? framing.retry(1234) : []),
          ...list.map((message) => framing.frame(id, JSON.stringify(message))),
        ]);
        const body = Buffer.concat(packed.map((frames) => framing.pack(frames)));
        const headers = Buffer.from(`${head}${isChunked ? 'transfer-encoding: chunked' : 'connection: close'}\r\n\r\n`);
        const bytes = Buffer.concat([headers, body, Buffer.from(isChunked ? '0\r\n\r\n' : '')]);
        await answer(bytes, async (url) => {
          const parser = new SseParser();
          const events = parser.push(new Uint8Array(await (await fetch(url)).arrayBuffer()));
          expect(events.map(({ event, id, data }) => [event, id, data])).toEqual(
            rounds.flat().map((message) => ['message', id, JSON.stringify(message)]),
          );
          expect(parser.retryMs).toBe(1234);
        });
      }),
      { numRuns: 30 },
    );
  });

  test('whose reader is to keep its cursor have none', () => {
    const frames = [EVENT_STREAM_PLAIN.frame('a', '{}'), EVENT_STREAM_PLAIN.frame(undefined, '{}')];
    const ids = new SseParser().push(EVENT_STREAM_PLAIN.pack(frames)).map(({ id }) => id);
    expect(ids).toEqual(['a', 'a']);
  });
});

test('cursors are one word, whatever they stand for', () => {
  fc.assert(
    fc.property(cursor, (cursor) => {
      expect(codec.encode(cursor)).toMatch(/^[0-9a-z-]+$/);
    }),
  );
});
