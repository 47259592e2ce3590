/** `GET /batch-events` as a Tidemark server answers it, with a journal in memory. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const JOURNAL_TOKEN = 'token-of-the-edge';

export class JournalServer {
  /** Answers 503 while it is away. */
  away = false;
  /** What was asked for: `after` and `waitMs`. */
  readonly asked: [after: number, waitMs: number][] = [];
  readonly #items: { channel: string; message: string }[] = [];
  readonly #server: Server;
  readonly #waiting = new Set<() => void>();
  #held: Promise<void> | undefined;

  constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  append(channel: string, message: string): void {
    this.#items.push({ channel, message });
    for (const wake of this.#waiting) wake();
  }

  /** Answers nothing until the function returned is called. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held = promise;
    return () => {
      this.#held = undefined;
      resolve();
    };
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
    const [after, limit, waitMs] = ['after', 'limit', 'waitMs'].map((name) => Number(searchParams.get(name) ?? 0));
    this.asked.push([after!, waitMs!]);
    const known = request.headers.authorization === `Bearer ${JOURNAL_TOKEN}`;
    const status = this.away ? 503 : pathname !== '/batch-events' ? 404 : known ? 200 : 401;
    if (status !== 200) {
      response.writeHead(status).end('{}');
      return;
    }
    await this.#held;
    if (this.#items.length <= after!) await this.#more(waitMs!, response);
    const items = this.#items.slice(after, after! + limit!).map((item, index) => {
      return { seq: after! + index + 1, ...item, receivedAt: '2026-01-01T00:00:00.000Z' };
    });
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ items, next: after! + items.length }));
  }

  /** Until there is something, the time is over, or nobody waits any more. */
  async #more(waitMs: number, response: ServerResponse): Promise<void> {
    if (waitMs === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, waitMs);
    this.#waiting.add(resolve);
    response.once('close', resolve);
    await promise;
    clearTimeout(timer);
    this.#waiting.delete(resolve);
  }
}
