/** `/watch` over WebSocket: the same messages, each with its cursor as `id`. */
import { ClientError } from './errors.ts';
import type { Http } from './http.ts';
import { type Frame, parseFrame } from './messages.ts';
import type { Delivery, Transport, TransportOptions, Wanted } from './transport.ts';

/** What of a WebSocket is used, so that one of another library will do. */
export interface Socket {
  readonly readyState: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  close(code?: number, reason?: string): void;
}

/**
 * Begins a connection. In browsers a WebSocket carries no headers, and a token has to go into the URL; elsewhere it goes
 * into a header. A promise has to come before the socket has opened.
 */
export type OpenSocket = (url: URL, headers: Readonly<Record<string, string>>) => Socket | Promise<Socket>;

/** Messages taken in ahead of the reader. A WebSocket cannot be paused: beyond this it is closed, and made again. */
const MAX_AHEAD = 16_384;
const MAX_AHEAD_CHARS = 16 * 1024 * 1024;

const OPEN = 1;
const REFUSED = 1008;

export function overWebSocket(openSocket: OpenSocket): Transport {
  return async function* (wanted, options, signal): AsyncGenerator<Delivery> {
    signal.throwIfAborted();
    const connection = new Connection(await made(openSocket(addressOf(wanted, options), options.http.authorization)));
    const abort = () => connection.end();
    signal.addEventListener('abort', abort, { once: true });
    try {
      signal.throwIfAborted();
      for (;;) {
        const delivery = await connection.next(options.idleTimeoutMs());
        signal.throwIfAborted();
        if (delivery === undefined) break;
        yield delivery;
      }
      await explain(connection, wanted, options, signal);
    } finally {
      signal.removeEventListener('abort', abort);
      connection.end();
    }
  };
}

/** What it takes to make one, as asking for a token, may fail in passing. */
async function made(socket: Socket | Promise<Socket>): Promise<Socket> {
  try {
    return await socket;
  } catch (cause) {
    if (cause instanceof ClientError) throw cause;
    throw new ClientError('unreachable', 'watch: no WebSocket was made', { cause });
  }
}

function addressOf(query: Wanted, { http }: TransportOptions): URL {
  const url = http.url('watch', query);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url;
}

/** Throws what ended the connection, unless the server did in good order. */
async function explain(
  { opened, closed }: Connection,
  query: Wanted,
  { http }: TransportOptions,
  signal: AbortSignal,
): Promise<void> {
  if (!opened) {
    await askWhy(query, http, signal);
    throw new ClientError('unreachable', 'watch: no WebSocket is opened, though server-sent events are answered');
  }
  const { code = 1006, reason = '' } = closed ?? {};
  if (code === REFUSED) throw new ClientError('refused', `watch: closed as refused: ${reason}`);
  if (code !== 1000 && code !== 1001) throw new ClientError('unreachable', `watch: closed with ${code} ${reason}`);
}

/** A refusal is not shown to whoever opens a WebSocket. The same request without the upgrade has the words. */
async function askWhy(query: Wanted, http: Http, signal: AbortSignal): Promise<void> {
  const asking = new AbortController();
  const end = () => asking.abort(signal.reason);
  signal.addEventListener('abort', end, { once: true });
  try {
    await http.attempt('watch', { headers: { accept: 'text/event-stream' }, query }, asking.signal);
  } finally {
    signal.removeEventListener('abort', end);
    asking.abort();
  }
}

class Connection {
  opened = false;
  closed: { code: number; reason: string } | undefined;
  readonly #socket: Socket;
  #ahead: string[] = [];
  #aheadChars = 0;
  #full = false;
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.onopen = () => {
      this.opened = true;
    };
    socket.onmessage = (event: { data: unknown }) => this.#take(event.data);
    socket.onclose = ({ code, reason }: { code: number; reason: string }) => {
      this.closed ??= { code, reason };
      this.#wake?.();
    };
    // It closes, too, and says no more here than there.
    socket.onerror = () => undefined;
    // What has happened by now is not told any more.
    if (socket.readyState === OPEN) this.opened = true;
    if (socket.readyState > OPEN) this.closed = { code: 1006, reason: '' };
  }

  end(): void {
    this.closed ??= { code: 1000, reason: 'ended here' };
    this.#socket.close();
    this.#wake?.();
  }

  /** What has come, all of it; undefined at the end. @throws ClientError `unreachable` after a time of silence */
  async next(idleTimeoutMs: number): Promise<Delivery | undefined> {
    const deadline = performance.now() + idleTimeoutMs;
    while (this.#ahead.length === 0 && this.closed === undefined) {
      if (!(await this.#woken(deadline - performance.now()))) {
        throw new ClientError('unreachable', `watch: nothing came for ${idleTimeoutMs} ms`);
      }
    }
    if (this.#ahead.length === 0) return undefined;
    const frames = this.#ahead.map((text): Frame => parseFrame(text));
    this.#ahead = [];
    this.#aheadChars = 0;
    return { frames, full: this.#full };
  }

  #take(data: unknown): void {
    if (this.#full || this.closed !== undefined) return;
    this.#ahead.push(typeof data === 'string' ? data : '');
    this.#aheadChars += typeof data === 'string' ? data.length : 0;
    // What has come is complete and is read; the rest comes over the next connection, which resumes behind it.
    this.#full = this.#ahead.length >= MAX_AHEAD || this.#aheadChars >= MAX_AHEAD_CHARS;
    if (this.#full) this.end();
    this.#wake?.();
  }

  #woken(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => {
          this.#wake = undefined;
          resolve(false);
        },
        Math.max(0, ms),
      );
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve(true);
      };
    });
  }
}
