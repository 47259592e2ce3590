/** A receiver of webhooks: a real server on loopback that answers as it is told, and keeps what it got. */
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface Received {
  /** `webhook-id`. */
  id: string;
  headers: IncomingHttpHeaders;
  text: string;
  /** On the clock of `performance.now`. */
  at: number;
  answer: Answer;
}

// biome-ignore lint/suspicious/noExplicitAny: bodies are checked by the expectations, not by types.
export const bodyOf = ({ text }: Received): any => JSON.parse(text);

export interface Answer {
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  /** Instead: `reset` at once, `broken` half-way through the answer, `hang` for good. */
  fault?: 'reset' | 'broken' | 'hang';
  /** Instead: the head, and then the piece again and again, as long as it is taken; every so often, or at once. */
  raw?: { head: string; piece: string; everyMs?: number };
  /** Answers when this settles. */
  after?: Promise<unknown>;
}

export type Behaviour = (received: Omit<Received, 'answer'>, nth: number) => Answer;

export class Receiver {
  readonly received: Received[] = [];
  behave: Behaviour;
  /** Requests that have no answer yet, now and at the most. */
  open = 0;
  mostOpen = 0;
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(behave: Behaviour) {
    this.behave = behave;
    this.#server = createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        const text = Buffer.concat(pieces).toString('utf8');
        const got = {
          id: String(request.headers['webhook-id']),
          headers: request.headers,
          text,
          at: performance.now(),
        };
        const answer = this.behave(got, this.received.length);
        this.received.push({ ...got, answer });
        this.open++;
        this.mostOpen = Math.max(this.mostOpen, this.open);
        response.once('close', () => this.open--);
        void this.#answer(response, answer);
      });
    });
    this.#server.on('connection', (socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  static async open(behave: Behaviour = () => ({}), port = 0): Promise<Receiver> {
    const receiver = new Receiver(behave);
    await new Promise<void>((resolve) => receiver.#server.listen(port, '127.0.0.1', resolve));
    return receiver;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook?of=mine`;
  }

  /** Ids in the order in which they came. */
  get ids(): string[] {
    return this.received.map(({ id }) => id);
  }

  /** Those that were answered with 2xx. */
  get taken(): string[] {
    return this.received.flatMap(({ id, answer: { status = 204, fault } }) =>
      fault === undefined && status < 300 ? [id] : [],
    );
  }

  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  async #answer(
    response: ServerResponse,
    { status = 204, headers = {}, body, fault, raw, after }: Answer,
  ): Promise<void> {
    await after;
    if (raw !== undefined && response.socket !== null) return sendOn(response.socket, raw);
    if (fault === 'hang') return;
    if (fault === 'reset') {
      response.socket?.resetAndDestroy();
      return;
    }
    if (fault === 'broken') {
      response.writeHead(200, { 'content-length': 100 });
      response.write('half', () => response.socket?.resetAndDestroy());
      return;
    }
    response.writeHead(status, headers).end(body);
  }
}

function sendOn(socket: Socket, { head, piece, everyMs }: NonNullable<Answer['raw']>): void {
  // Whoever has heard enough may break off in the middle.
  socket.on('error', () => socket.destroy());
  const send = () => {
    if (socket.destroyed) return;
    const next = everyMs === undefined ? setImmediate : (step: () => void) => setTimeout(step, everyMs);
    socket.write(piece, () => next(send));
  };
  socket.write(head, send);
}
