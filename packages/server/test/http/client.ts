/** Requests as clients send them, down to the bytes where that is the point. */
import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';

/** A JSON value whose members tests reach for at will. */
// biome-ignore lint/suspicious/noExplicitAny: answers are checked by the expectations, not by types.
export type Json = any;

export interface Call {
  method?: string;
  headers?: OutgoingHttpHeaders;
  /** Sent piece by piece where it is iterable. */
  body?: string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** The text as JSON; undefined where it is none. */
  body: Json;
}

const agent = new Agent({ keepAlive: true, maxSockets: 32 });

/** The answer counts from when it is there, even if the server closes the connection while the body is on its way. */
export function call(url: string, path: string, { method = 'GET', headers = {}, body }: Call = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = request(new URL(path, url), { method, headers, agent });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      const pieces: Buffer[] = [];
      incoming.on('data', (piece: Buffer) => pieces.push(piece));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const text = Buffer.concat(pieces).toString('utf8');
        if (!outgoing.writableEnded) outgoing.destroy();
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text, body: parsed(text) });
      });
    });
    if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) outgoing.end(body);
    else Readable.from(body).on('error', reject).pipe(outgoing);
  });
}

export function get(url: string, path: string, headers: OutgoingHttpHeaders = {}): Promise<Reply> {
  return call(url, path, { headers });
}

/** `POST /ingest/events` with a JSON body. */
export function post(url: string, body: unknown, headers: OutgoingHttpHeaders = {}): Promise<Reply> {
  return ingest(url, JSON.stringify(body), { 'content-type': 'application/json', ...headers });
}

/** `POST /ingest/events` with a body as it stands. */
export function ingest(url: string, body: Call['body'], headers: OutgoingHttpHeaders, query = ''): Promise<Reply> {
  return call(url, `/ingest/events${query}`, { method: 'POST', headers, ...(body === undefined ? {} : { body }) });
}

/** Writes bytes to a bare connection, ends its side, and reads what comes back until the server closes. */
export function exchange(url: string, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    let text = '';
    socket.setEncoding('utf8').on('data', (piece) => {
      text += piece;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
    socket.end(bytes);
  });
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
