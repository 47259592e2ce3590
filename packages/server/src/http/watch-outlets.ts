/** The connections of watchers: server-sent events and WebSocket. Both write packed messages straight to the socket. */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { WebSocket } from '@fastify/websocket';
import type { Closing, Outlet } from '../live/client.ts';
import { comment } from '../live/framing.ts';

/** How long a connection may take to end in order. Whoever is slow has much to take before it hears why. */
const GRACE_MS = { 'going-down': 2000, 'too-slow': 30_000 };
const NOTHING = Buffer.alloc(0);

/**
 * Of a write the socket counts all or nothing, and whatever waits becomes one write: of megabytes over a slow connection
 * it would say for a long time that nothing is taken. Its handle knows how far the write has come; `net` goes by the same
 * when a socket times out.
 */
interface Handle {
  /** Handed on to the system, or waiting for that. */
  readonly bytesWritten: number;
  readonly writeQueueSize: number;
}

abstract class SocketOutlet implements Outlet {
  protected readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  write(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  get pending(): number {
    return this.socket.writableLength;
  }

  get taken(): number {
    const { _handle: handle } = this.socket as unknown as { _handle?: Handle | null };
    if (handle == null) return this.socket.bytesWritten - this.socket.writableLength;
    return handle.bytesWritten - handle.writeQueueSize;
  }

  whenTaken(then: () => void): void {
    // A drain comes only where more than the high-water mark has waited.
    this.socket.write(NOTHING, (error) => {
      if (error == null) then();
    });
  }

  close(why: Closing): void {
    if (why === 'stalled') {
      this.socket.destroy();
      return;
    }
    this.end(why);
    const impatient = setTimeout(() => this.socket.destroy(), GRACE_MS[why]);
    this.socket.once('close', () => clearTimeout(impatient));
  }

  protected abstract end(why: Exclude<Closing, 'stalled'>): void;
}

const PARTING = {
  'going-down': 'the server is going down; come back with Last-Event-ID',
  'too-slow': 'too much waits for this connection; come back with Last-Event-ID',
};

/** Past the response, which would frame each write of each client anew. */
export class EventStreamOutlet extends SocketOutlet {
  readonly #response: ServerResponse;

  /** @param response its headers are sent */
  constructor(response: ServerResponse, socket: Socket) {
    super(socket);
    this.#response = response;
  }

  protected end(why: keyof typeof PARTING): void {
    this.#response.end(comment(PARTING[why]));
  }
}

/** RFC 6455, 7.4.1, and "try again later" of its registry. */
const CLOSE_CODES = { 'going-down': 1001, 'too-slow': 1013 };

/** Past the library, which reads what comes, and sees the connection opened and closed. */
export class WebSocketOutlet extends SocketOutlet {
  readonly #webSocket: WebSocket;
  /** The newest that is not answered. */
  #ping: Buffer | undefined;

  /** @param webSocket leaves it to this to answer pings */
  constructor(webSocket: WebSocket, socket: Socket) {
    super(socket);
    this.#webSocket = webSocket;
    webSocket.on('ping', (data: Buffer) => this.#answer(data));
  }

  override write(bytes: Buffer): void {
    // Nothing may follow a close frame, the answer to the client's either.
    if (this.#webSocket.readyState === this.#webSocket.OPEN) super.write(bytes);
  }

  /** RFC 6455, 5.5.3: of several pings the last may be answered alone. So answers do not pile up for who reads none. */
  #answer(ping: Buffer): void {
    const waits = this.#ping !== undefined;
    this.#ping = ping;
    if (waits) return;
    this.whenTaken(() => {
      if (this.#webSocket.readyState === this.#webSocket.OPEN) this.#webSocket.pong(this.#ping);
      this.#ping = undefined;
    });
  }

  protected end(why: keyof typeof PARTING): void {
    this.#webSocket.close(CLOSE_CODES[why], PARTING[why].replace('Last-Event-ID', 'the last id'));
  }
}
