/** Feeds that are played to a client, the same over either transport. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type WebSocket as ServerSocket, WebSocketServer } from 'ws';
import { type ClientError, Tidemark, type WatchMessage, type WatchOptions } from '../src/index.ts';
import { type Handler, listen, listening, problem, urlOf } from './stand-in.ts';

/** Message `n` of a feed, under the cursor `cn`. */
export function body(n: number): {
  type: 'received';
  sourceId: string;
  stream: string;
  count: number;
  eventIds: string[];
} {
  return { type: 'received', sourceId: 's', stream: 's', count: n, eventIds: [] };
}

export function frame(n: number | undefined, data: object = body(n ?? 0)): string {
  return `${n === undefined ? '' : `id: c${n}\n`}data: ${JSON.stringify(data)}\n\n`;
}

export function begin(response: ServerResponse, text = ''): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' }).write(`retry: 1\n\n${text}`);
}

/** The first messages of a watch, and what it was told of breaks. */
export async function first(count: number, url: string, options: WatchOptions = {}) {
  const messages: WatchMessage[] = [];
  const breaks: string[] = [];
  const onRetry = (error: unknown) => breaks.push((error as ClientError).code);
  for await (const message of new Tidemark({ url }).watch({ onRetry, ...options })) {
    messages.push(message);
    if (messages.length === count) break;
  }
  return {
    messages,
    counts: messages.map((message) => (message.type === 'received' ? message.count : undefined)),
    breaks,
  };
}

/** Where a connection wants to begin. */
export function wantedBy({ url }: IncomingMessage): string | null {
  return new URL(url ?? '', 'http://localhost').searchParams.get('since');
}

export interface Feed {
  url: string;
  wanted: (string | null)[];
}

export type Play = (
  send: (n: number | undefined, data?: object) => void,
  end: (code?: number, reason?: string) => void,
  attempt: number,
) => void;

/** A feed that plays the same over either transport. */
export const transports = {
  async sse(play: Play): Promise<Feed> {
    const wanted: (string | null)[] = [];
    const url = await listen((request, response) => {
      wanted.push(wantedBy(request));
      begin(response);
      play(
        (n, data) => response.write(frame(n, data)),
        () => response.end(),
        wanted.length,
      );
    });
    return { url, wanted };
  },
  async websocket(play: Play): Promise<Feed> {
    const wanted: (string | null)[] = [];
    const url = await webSockets((socket, request) => {
      wanted.push(wantedBy(request));
      const send = (n: number | undefined, data: object = body(n ?? 0)) =>
        socket.send(JSON.stringify({ ...(n === undefined ? {} : { id: `c${n}` }), ...data }));
      play(send, (code = 1001, reason = '') => socket.close(code, reason), wanted.length);
    });
    return { url, wanted };
  },
};

export async function webSockets(connected: (socket: ServerSocket, request: IncomingMessage) => void, http?: Handler) {
  const server = await listening(http ?? ((_request, response) => problem(response, 404, 'not-found')));
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', connected);
  return urlOf(server);
}
